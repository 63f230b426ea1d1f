"""The small networks whose instructions are counted: one kernel each, of sizes with tails."""

import numpy as np

from models.graph import Graph


def network(build):
    """A function of a graph and its input gives the output; `shape` is the input's."""
    def model(shape):
        g = Graph(build.__name__)
        y = build(g, g.input("x", "f32", list(shape)))
        g.output(y, "y", "f32", None)
        return g.model()

    return model


@network
def gemm(g, x):
    return g.Add(g.MatMul(x, g.normal((250, 200), 0.1)), g.normal((200,), 0.1))


@network
def gemv(g, x):
    return g.MatMul(x, g.normal((500, 300), 0.1))


@network
def conv(g, x):
    return g.Relu(g.Conv(x, g.normal((40, 24, 3, 3), 0.1), g.normal((40,), 0.1), kernel_shape=[3, 3], pads=[1, 1, 1, 1]))


@network
def pointwise(g, x):
    return g.Clip(g.Conv(x, g.normal((56, 24, 1, 1), 0.1), g.normal((56,), 0.1), kernel_shape=[1, 1]), g.const(0.0), g.const(6.0))


@network
def depthwise(g, x):
    return g.Conv(x, g.normal((40, 1, 3, 3), 0.3), g.normal((40,), 0.1), kernel_shape=[3, 3], pads=[1, 1, 1, 1], strides=[1, 1],
                  group=40)


@network
def attention(g, x):
    """Queries, keys and values are three parts of the input [batch, 3 x heads, steps, size]."""
    q, k, v = g.op("Split", [x, g.ints(4, 4, 4)], 3, axis=1)
    scores = g.Mul(g.MatMul(q, g.Transpose(k, perm=[0, 1, 3, 2])), g.const(0.125))
    return g.MatMul(g.Softmax(scores, axis=-1), v)


@network
def layer_norm(g, x):
    centered = g.Sub(x, g.mean(x, [-1]))
    variance = g.mean(g.Pow(centered, g.const(2.0)), [-1])
    y = g.Div(centered, g.Sqrt(g.Add(variance, g.const(1e-5))))
    return g.Add(g.Mul(y, g.normal((300,), 1.0)), g.normal((300,), 0.1))


@network
def softmax(g, x):
    return g.Softmax(x, axis=-1)


@network
def gelu(g, x):
    inner = g.Erf(g.Div(x, g.const(np.sqrt(2))))
    return g.Mul(g.Mul(x, g.Add(inner, g.const(1.0))), g.const(0.5))


@network
def lstm(g, x):
    weights = [g.uniform((1, 4 * 72, size), -0.1, 0.1) for size in (40, 72)]
    y, _, _ = g.op("LSTM", [x, *weights, g.uniform((1, 8 * 72), -0.1, 0.1)], 3, hidden_size=72)
    return y


def quantized(g, x):
    """The numbers of x in unsigned bytes."""
    step, zero = g.const(0.006), g.const(110, np.uint8)
    return g.DequantizeLinear(g.QuantizeLinear(x, step, zero), step, zero)


def byte_weights(g, shape, axis, most=127):
    """Weights of 8 bits, or of fewer: up to `most`."""
    integers = g.random.integers(-most, most + 1, shape).astype(np.int8)
    scales = g.weight(np.linspace(0.002, 0.004, shape[axis], dtype=np.float32), "scale")
    return g.op("DequantizeLinear", [g.weight(integers), scales], axis=axis)


@network
def gemm_int8(g, x):
    return quantized(g, g.MatMul(quantized(g, x), byte_weights(g, (250, 200), 1)))


@network
def gemm_chains(g, x):
    """Weights so small that products are summed in i16."""
    return quantized(g, g.MatMul(quantized(g, x), byte_weights(g, (250, 200), 1, most=31)))


@network
def conv_int8(g, x):
    product = g.Conv(quantized(g, x), byte_weights(g, (40, 24, 3, 3), 0), kernel_shape=[3, 3], pads=[1, 1, 1, 1])
    return quantized(g, g.Relu(product))


@network
def depthwise_int8(g, x):
    return quantized(g, g.Conv(quantized(g, x), byte_weights(g, (40, 1, 3, 3), 0), kernel_shape=[3, 3], pads=[1, 1, 1, 1], group=40))


@network
def gemv_int4(g, x):
    g.domains["com.microsoft"] = 1
    blocks = g.weight(g.random.integers(0, 256, (300, 16, 16)).astype(np.uint8))
    scales = g.weight(np.linspace(0.01, 0.02, 300 * 16, dtype=np.float32), "scale")
    return g.op("MatMulNBits", [x, blocks, scales], domain="com.microsoft", K=512, N=300, bits=4, block_size=32)


NETWORKS = {
    "gemm": (gemm, (61, 250)), "gemv": (gemv, (1, 500)), "conv": (conv, (1, 24, 29, 29)),
    "pointwise": (pointwise, (1, 24, 27, 27)), "depthwise": (depthwise, (1, 40, 29, 29)),
    "attention": (attention, (1, 12, 65, 64)), "layer_norm": (layer_norm, (50, 300)), "softmax": (softmax, (50, 301)),
    "gelu": (gelu, (50, 300)), "lstm": (lstm, (12, 1, 40)),
    "gemm_int8": (gemm_int8, (61, 250)), "gemm_chains": (gemm_chains, (61, 250)), "gemv_chains": (gemm_chains, ("rows", 250)),
    "conv_int8": (conv_int8, (1, 24, 29, 29)),
    "depthwise_int8": (depthwise_int8, (1, 40, 29, 29)), "gemv_int4": (gemv_int4, (1, 512)),
}
