"""Convolutional networks: ResNet-50, MobileNetV2, and small ones of other kinds."""

from ..graph import Graph
from .layers import batch_norm, clip, conv, silu


def classifier(g, x, channels, classes=1000):
    with g.scope("classifier"):
        x = g.Flatten(g.GlobalAveragePool(x), axis=1)
        weight, bias = g.normal((classes, channels), channels ** -0.5), g.normal((classes,), 0.1, "bias")
        x = g.Gemm(x, weight, bias, alpha=1.0, beta=1.0, transB=1)
    g.output(x, "logits", "f32", ["batch", classes])


def bottleneck(g, x, channels_in, width, stride):
    """ResNet v1.5: the 3x3 convolution has the stride."""
    channels_out = 4 * width
    with g.scope("conv1"):
        y = g.Relu(batch_norm(g, conv(g, x, channels_in, width, 1, bias=False), width))
    with g.scope("conv2"):
        y = g.Relu(batch_norm(g, conv(g, y, width, width, 3, stride, bias=False), width))
    with g.scope("conv3"):
        y = batch_norm(g, conv(g, y, width, channels_out, 1, bias=False), channels_out, (0.2, 0.5))
    if channels_in != channels_out:
        with g.scope("downsample"):
            x = batch_norm(g, conv(g, x, channels_in, channels_out, 1, stride, bias=False, gain=1.0), channels_out)
    return g.Relu(g.Add(y, x))


def resnet50():
    g = Graph("resnet50", opset=13)
    x = g.input("image", "f32", ["batch", 3, 224, 224])
    with g.scope("stem"):
        x = g.Relu(batch_norm(g, conv(g, x, 3, 64, 7, 2, bias=False), 64))
        x = g.MaxPool(x, kernel_shape=[3, 3], pads=[1, 1, 1, 1], strides=[2, 2])
    channels = 64
    for stage, (blocks, width) in enumerate([(3, 64), (4, 128), (6, 256), (3, 512)]):
        for block in range(blocks):
            with g.scope(f"layer{stage + 1}", str(block)):
                x = bottleneck(g, x, channels, width, 2 if stage and not block else 1)
            channels = 4 * width
    classifier(g, x, channels)
    return g.model()


def inverted_residual(g, x, channels_in, channels_out, stride, expansion):
    """MobileNetV2's block, batch normalization already in the weights."""
    hidden, y = channels_in * expansion, x
    if expansion > 1:
        with g.scope("expand"):
            y = clip(g, conv(g, y, channels_in, hidden, 1), 0.0, 6.0)
    with g.scope("depthwise"):
        y = clip(g, conv(g, y, hidden, hidden, 3, stride, groups=hidden), 0.0, 6.0)
    with g.scope("project"):
        y = conv(g, y, hidden, channels_out, 1, gain=1.0)
    return g.Add(x, y) if stride == 1 and channels_in == channels_out else y


def mobilenet_v2():
    g = Graph("mobilenet_v2", opset=13)
    x = g.input("image", "f32", ["batch", 3, 224, 224])
    with g.scope("features", "0"):
        x = clip(g, conv(g, x, 3, 32, 3, 2), 0.0, 6.0)
    channels, number = 32, 1
    for expansion, channels_out, repeats, stride in [(1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2),
                                                     (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1)]:
        for i in range(repeats):
            with g.scope("features", str(number)):
                x = inverted_residual(g, x, channels, channels_out, stride if i == 0 else 1, expansion)
            channels, number = channels_out, number + 1
    with g.scope("features", str(number)):
        x = clip(g, conv(g, x, channels, 1280, 1), 0.0, 6.0)
    classifier(g, x, 1280)
    return g.model()


def vgg():
    """Plain convolutions, Flatten and wide Gemms, as in VGG-11, at 64x64."""
    g = Graph("vgg", opset=11)
    x = g.input("image", "f32", ["batch", 3, 64, 64])
    channels = 3
    for i, width in enumerate([32, "pool", 64, "pool", 128, 128, "pool", 256, 256, "pool"]):
        with g.scope("features", str(i)):
            if width == "pool":
                x = g.MaxPool(x, kernel_shape=[2, 2], pads=[0, 0, 0, 0], strides=[2, 2])
            else:
                x, channels = g.Relu(conv(g, x, channels, width, 3)), width
    x = g.Flatten(x, axis=1)
    for i, (inputs, outputs) in enumerate([(256 * 16, 512), (512, 512), (512, 100)]):
        with g.scope("classifier", str(i)):
            x = g.Gemm(x, g.normal((outputs, inputs), (2 / inputs) ** 0.5), g.normal((outputs,), 0.1, "bias"),
                       alpha=1.0, beta=1.0, transB=1)
            if outputs != 100:
                x = g.Relu(x)
    g.output(x, "logits", "f32", ["batch", 100])
    return g.model()


def hard_swish(g, x):
    return g.HardSwish(x)


def squeeze_excite(g, x, channels, reduced):
    with g.scope("se"):
        y = g.mean(x, [2, 3])
        with g.scope("reduce"):
            y = g.Relu(conv(g, y, channels, reduced, 1))
        with g.scope("expand"):
            y = g.HardSigmoid(conv(g, y, reduced, channels, 1), alpha=1 / 6)
        return g.Mul(x, y)


def mbconv(g, x, channels_in, channels_out, kernel, stride, activation):
    hidden = channels_in * 4
    with g.scope("expand"):
        y = activation(g, batch_norm(g, conv(g, x, channels_in, hidden, 1, bias=False), hidden))
    with g.scope("depthwise"):
        y = activation(g, batch_norm(g, conv(g, y, hidden, hidden, kernel, stride, hidden, bias=False), hidden))
    y = squeeze_excite(g, y, hidden, hidden // 4)
    with g.scope("project"):
        y = batch_norm(g, conv(g, y, hidden, channels_out, 1, bias=False), channels_out)
    return g.Add(x, y) if stride == 1 and channels_in == channels_out else y


def efficientnet():
    """Squeeze-and-excitation, HardSwish and SiLU, 5x5 depthwise; any image size."""
    g = Graph("efficientnet", opset=14)
    x = g.input("image", "f32", ["batch", 3, "height", "width"])
    with g.scope("stem"):
        x = g.HardSwish(batch_norm(g, conv(g, x, 3, 16, 3, 2, bias=False), 16))
    channels = 16
    for i, (channels_out, kernel, stride) in enumerate([(24, 3, 2), (24, 5, 1), (40, 5, 2), (40, 3, 1), (80, 3, 2)]):
        with g.scope("blocks", str(i)):
            x = mbconv(g, x, channels, channels_out, kernel, stride, silu if i % 2 else hard_swish)
        channels = channels_out
    classifier(g, x, channels, 100)
    return g.model()
