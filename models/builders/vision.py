"""Small vision models with what other exporters and newer architectures bring."""

import numpy as np

from ..graph import Graph
from .layers import batch_norm, conv, conv_weight, gelu_erf, layer_norm, linear, silu


def roll(g, x, axis, shift):
    """torch.roll by -shift, as exported: two slices, swapped."""
    tail = g.slice(x, axis, shift, np.iinfo(np.int64).max)
    return g.Concat(tail, g.slice(x, axis, 0, shift), axis=axis)


def windows(g, x, size, window, channels):
    """[batch, size, size, channels] -> [batch * windows, window^2, channels]."""
    count = size // window
    x = g.Reshape(x, g.ints(-1, count, window, count, window, channels))
    return g.Reshape(g.Transpose(x, perm=[0, 1, 3, 2, 4, 5]), g.ints(-1, window * window, channels))


def unwindows(g, x, size, window, channels):
    count = size // window
    x = g.Reshape(x, g.ints(-1, count, count, window, window, channels))
    return g.Reshape(g.Transpose(x, perm=[0, 1, 3, 2, 4, 5]), g.ints(-1, size, size, channels))


def shift_mask(size, window, shift):
    """-100 between pixels of one window that were not neighbours before the roll."""
    region = np.zeros(size)
    region[size - window:size - shift], region[size - shift:] = 1, 2
    regions = (3 * region[:, None] + region).reshape(size // window, window, size // window, window)
    regions = regions.transpose(0, 2, 1, 3).reshape(-1, window * window)
    return np.where(regions[:, None] != regions[:, :, None], np.float32(-100), np.float32(0))


def window_attention(g, x, channels, heads, tokens, mask):
    width = channels // heads
    y = g.Reshape(linear(g, x, channels, 3 * channels), g.ints(-1, tokens, 3, heads, width))
    y = g.Transpose(y, perm=[2, 0, 3, 1, 4])
    query, key, value = [g.Gather(y, g.const(i, np.int64), axis=0) for i in range(3)]
    scores = g.MatMul(g.Mul(query, g.const(width ** -0.5)), g.Transpose(key, perm=[0, 1, 3, 2]))
    scores = g.Add(scores, g.normal((1, heads, tokens, tokens), 0.3, "relative_position_bias"))
    if mask is not None:
        scores = g.Reshape(scores, g.ints(-1, mask.shape[0], heads, tokens, tokens))
        scores = g.Add(scores, g.weight(mask[None, :, None], "attn_mask"))
        scores = g.Reshape(scores, g.ints(-1, heads, tokens, tokens))
    y = g.Transpose(g.MatMul(g.Softmax(scores, axis=-1), value), perm=[0, 2, 1, 3])
    with g.scope("proj"):
        return linear(g, g.Reshape(y, g.ints(-1, tokens, channels)), channels, channels)


def swin_block(g, x, size, channels, heads, window, shift):
    with g.scope("norm1"):
        y = g.Reshape(layer_norm(g, x, channels), g.ints(-1, size, size, channels))
    mask = None
    if shift:
        y, mask = roll(g, roll(g, y, 1, shift), 2, shift), shift_mask(size, window, shift)
    with g.scope("attn"):
        y = window_attention(g, windows(g, y, size, window, channels), channels, heads, window * window, mask)
    y = unwindows(g, y, size, window, channels)
    if shift:
        y = roll(g, roll(g, y, 1, size - shift), 2, size - shift)
    x = g.Add(x, g.Reshape(y, g.ints(-1, size * size, channels)))
    with g.scope("mlp"):
        y = gelu_erf(g, linear(g, layer_norm(g, x, channels), channels, 4 * channels))
        return g.Add(x, linear(g, y, 4 * channels, channels))


def merge_patches(g, x, size, channels):
    """Every second row and column, four ways, side by side."""
    x, end = g.Reshape(x, g.ints(-1, size, size, channels)), np.iinfo(np.int64).max
    parts = [g.slice(g.slice(x, 1, row, end, 2), 2, column, end, 2) for column in (0, 1) for row in (0, 1)]
    x = g.Reshape(g.Concat(*parts, axis=-1), g.ints(-1, size * size // 4, 4 * channels))
    return g.MatMul(layer_norm(g, x, 4 * channels), g.normal((4 * channels, 2 * channels), 0.5 * channels ** -0.5))


def swin():
    """Window attention with shifts; two stages on 64x64."""
    g = Graph("swin", opset=13)
    x = g.input("image", "f32", ["batch", 3, 64, 64])
    x = g.Conv(x, conv_weight(g, 3, 32, 4), g.normal((32,), 0.1, "bias"), kernel_shape=[4, 4], strides=[4, 4])
    x = g.Transpose(g.Reshape(x, g.ints(0, 32, -1)), perm=[0, 2, 1])
    size, channels = 16, 32
    for stage in range(2):
        for block in range(2):
            with g.scope("layers", str(stage), str(block)):
                x = swin_block(g, x, size, channels, 2 * (stage + 1), 4, 2 * block)
        if stage == 0:
            with g.scope("downsample"):
                x = merge_patches(g, x, size, channels)
            size, channels = size // 2, 2 * channels
    x = g.mean(layer_norm(g, x, channels), [1], keepdims=0)
    x = g.Gemm(x, g.normal((100, channels), channels ** -0.5), g.normal((100,), 0.1, "bias"), transB=1)
    g.output(x, "logits", "f32", ["batch", 100])
    return g.model()


def nhwc_conv(g, x, channels_in, channels_out, kernel, stride=1, groups=1):
    """tf2onnx: a convolution between transposes, its bias added afterwards, batch normalization as Mul and Add."""
    x = g.Transpose(x, perm=[0, 3, 1, 2])
    weight = conv_weight(g, channels_in, channels_out, kernel, groups)
    x = g.Conv(x, weight, auto_pad="SAME_UPPER", group=groups, kernel_shape=[kernel] * 2, strides=[stride] * 2)
    x = g.Transpose(x, perm=[0, 2, 3, 1])
    x = g.Add(g.Mul(x, g.uniform((channels_out,), 0.7, 1.3, "scale")), g.normal((channels_out,), 0.1, "offset"))
    return g.Identity(x)


def tf_style():
    """NHWC input, transposes around each convolution, Identity chains, a Reshape by Shape and Cast."""
    g = Graph("tf_style", opset=12)
    x = g.Identity(g.input("serving_default_input:0", "f32", ["unk__0", 65, 65, 3]))
    x = g.Sub(g.Div(x, g.const(127.5)), g.const(1.0))
    channels = 3
    for i, (width, stride) in enumerate([(16, 2), (24, 2), (32, 2)]):
        with g.scope("model", f"conv{i}", "Conv2D"):
            x = clip6(g, nhwc_conv(g, x, channels, width, 3, stride))
            y = clip6(g, nhwc_conv(g, x, width, width, 3, 1, groups=width))
            x, channels = g.Add(x, nhwc_conv(g, y, width, width, 1)), width
    x = g.Transpose(x, perm=[0, 3, 1, 2])
    x = g.MaxPool(x, auto_pad="SAME_UPPER", kernel_shape=[2, 2], strides=[2, 2])
    x = g.Transpose(x, perm=[0, 2, 3, 1])
    shape = g.Cast(g.Shape(x), to=6)
    batch = g.Cast(g.Slice(shape, g.ints(0), g.ints(1), g.ints(0)), to=7)
    x = g.Reshape(x, g.Concat(batch, g.ints(-1), axis=0))
    x = g.Add(g.MatMul(x, g.normal((25 * 32, 50), 0.035)), g.normal((50,), 0.1, "bias"))
    g.output(g.Identity(g.Softmax(x, axis=1)), "Identity:0", "f32", ["unk__0", 50])
    return g.model()


def clip6(g, x):
    return g.Min(g.Relu(x), g.const(6.0))


def hard_swish_parts(g, x):
    """x * clip(x + 3, 0, 6) / 6."""
    return g.Div(g.Mul(x, g.Clip(g.Add(x, g.const(3.0)), g.const(0.0), g.const(6.0))), g.const(6.0))


def scale(g, x, factor, offset):
    """Paddle's scale operator."""
    return g.Add(g.Mul(x, g.const([factor])), g.const([offset]))


def paddle_style():
    """A small detector: biases by reshaped Add, decomposed HardSwish, nearest Resize, ConvTranspose."""
    g = Graph("paddle_style", opset=11)
    image = g.input("x", "f32", ["batch", 3, "height", "width"])
    x, channels, levels = scale(g, image, 0.5, -0.1), 3, []
    for i, width in enumerate([12, 24, 32]):
        with g.scope(f"conv2d_{i}"):
            x = batch_norm(g, conv(g, x, channels, width, 3, 2, bias=False), width)
            x, channels = hard_swish_parts(g, x), width
            gate = conv(g, g.GlobalAveragePool(x), width, width, 1, bias=False)
            gate = g.Add(gate, g.Reshape(g.normal((width,), 0.1, "bias"), g.ints(1, -1, 1, 1)))
            x = g.Mul(x, g.HardSigmoid(gate, alpha=0.2, beta=0.5))
            levels.append(x)
    top = conv(g, levels[2], 32, 16, 1, bias=False)
    for level, width in ((levels[1], 24), (levels[0], 12)):
        side = conv(g, level, width, 16, 1, bias=False)
        shape = g.Shape(side)
        sizes = g.Concat(g.slice(g.Shape(top), 0, 0, 2), g.slice(shape, 0, 2, 4), axis=0)
        up = g.op("Resize", [top, g.const([], np.float32), g.const([], np.float32), sizes], mode="nearest",
                  coordinate_transformation_mode="asymmetric", nearest_mode="floor")
        top = g.Add(side, up)
    y = g.Relu(batch_norm(g, conv(g, top, 16, 8, 3, bias=False), 8))
    y = g.ConvTranspose(y, g.normal((8, 1, 2, 2), 0.5), g.normal((1,), 0.1, "bias"), kernel_shape=[2, 2], strides=[2, 2])
    g.output(g.Sigmoid(y), "maps", "f32", ["batch", 1, "out_height", "out_width"])
    return g.model()


def unet():
    """Skips joined by Concat, bilinear Resize, InstanceNormalization, reflecting Pad."""
    g = Graph("unet", opset=13)
    x, channels, skips = g.input("image", "f32", ["batch", 3, "height", "width"]), 3, []

    def block(x, channels_in, channels_out, name):
        with g.scope(name):
            x = g.Pad(x, g.ints(0, 0, 1, 1, 0, 0, 1, 1), mode="reflect")
            x = conv(g, x, channels_in, channels_out, 3, padding=0)
            x = g.InstanceNormalization(x, g.uniform((channels_out,), 0.5, 1.5), g.normal((channels_out,), 0.1, "bias"))
            return g.PRelu(x, g.uniform((channels_out, 1, 1), 0.1, 0.3, "slope"))

    for i, width in enumerate([8, 16, 24]):
        x, channels = block(x, channels, width, f"down.{i}"), width
        if i < 2:
            skips.append((x, width))
            x = g.AveragePool(x, kernel_shape=[2, 2], strides=[2, 2])
    for i, (skip, width) in enumerate(reversed(skips)):
        scales = g.const([1, 1, 2, 2])
        x = g.op("Resize", [x, "", scales], mode="linear", coordinate_transformation_mode="half_pixel")
        x, channels = block(g.Concat(skip, x, axis=1), channels + width, width, f"up.{i}"), width
    x = conv(g, x, channels, 2, 1)
    g.output(g.Softmax(x, axis=1), "segments", "f32", ["batch", 2, "height", "width"])
    g.output(g.ArgMax(x, axis=1, keepdims=0), "labels", "i64", ["batch", "height", "width"])
    return g.model()


def sppf(g, x, channels):
    """Three max-pools in a row, all joined."""
    x = silu(g, conv(g, x, channels, channels // 2, 1))
    parts = [x]
    for _ in range(3):
        parts.append(g.MaxPool(parts[-1], kernel_shape=[5, 5], pads=[2, 2, 2, 2], strides=[1, 1]))
    return silu(g, conv(g, g.Concat(*parts, axis=1), 2 * channels, channels, 1))


def yolo():
    """A detector of the YOLOv8 kind: SiLU, split blocks, SPPF, boxes decoded in the graph."""
    g = Graph("yolo", opset=17)
    x, channels = g.input("images", "f32", ["batch", 3, 64, 96]), 3
    for i, width in enumerate([16, 32, 48]):
        with g.scope("model", str(i)):
            x, channels = silu(g, conv(g, x, channels, width, 3, 2)), width
            a, b = g.op("Split", [x, g.ints(width // 2, width // 2)], 2, axis=1)
            y = silu(g, conv(g, b, width // 2, width // 2, 3))
            x = silu(g, conv(g, g.Concat(a, b, g.Add(b, y), axis=1), width * 3 // 2, width, 1))
    x = sppf(g, x, channels)
    up = g.op("Resize", [x, "", g.const([1, 1, 2, 2])], mode="nearest", coordinate_transformation_mode="asymmetric",
              nearest_mode="floor")
    anchors, levels = [], []
    for level, (y, rows, columns, stride) in enumerate([(x, 8, 12, 8), (up, 16, 24, 4)]):
        with g.scope("head", str(level)):
            y = conv(g, y, channels, 4 * 8 + 5, 3)
            levels.append(g.Reshape(y, g.ints(0, 4 * 8 + 5, -1)))
        grid = np.stack(np.meshgrid(np.arange(columns) + 0.5, np.arange(rows) + 0.5)).reshape(2, -1)
        anchors.append(np.concatenate([grid, np.full((1, rows * columns), stride)]))
    anchors = np.concatenate(anchors, 1).astype(np.float32)
    boxes, classes = g.op("Split", [g.Concat(*levels, axis=2), g.ints(32, 5)], 2, axis=1)
    boxes = g.Transpose(g.Reshape(boxes, g.ints(0, 4, 8, -1)), perm=[0, 2, 1, 3])
    bins = g.weight(np.arange(8, dtype=np.float32).reshape(1, 8, 1, 1), "bins")
    boxes = g.Reshape(g.Conv(g.Softmax(boxes, axis=1), bins), g.ints(0, 4, -1))
    low, high = g.slice(boxes, 1, 0, 2), g.slice(boxes, 1, 2, 4)
    points = g.weight(anchors[None, :2], "anchors")
    low, high = g.Sub(points, low), g.Add(points, high)
    centers = g.Div(g.Add(low, high), g.const(2.0))
    boxes = g.Mul(g.Concat(centers, g.Sub(high, low), axis=1), g.weight(anchors[None, 2:], "strides"))
    g.output(g.Concat(boxes, g.Sigmoid(classes), axis=1), "output0", "f32", ["batch", 9, 480])
    return g.model()
