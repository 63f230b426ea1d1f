"""Graphs of a few nodes with Q/DQ wherever quantizers and people put them, by theme, for test_imported.py.

A theme builds one graph of many independent outputs, so that it is compiled once.
"""

import numpy as np
import onnx
import onnx.helper as oh
from onnx import TensorProto, numpy_helper

TYPES = {"u8": TensorProto.UINT8, "s8": TensorProto.INT8, "u16": TensorProto.UINT16, "s16": TensorProto.INT16, "i32": TensorProto.INT32,
         "u4": TensorProto.UINT4, "s4": TensorProto.INT4, "f32": TensorProto.FLOAT, "i64": TensorProto.INT64, "bool": TensorProto.BOOL}
RANGES = {"u8": (0, 255), "s8": (-128, 127), "u16": (0, 65535), "s16": (-32768, 32767), "u4": (0, 15), "s4": (-8, 7),
          "i32": (-10000, 10000)}


class Graph:
    """A graph under construction, with data for its inputs."""

    def __init__(self, seed=0):
        self.random = np.random.default_rng(seed)
        self.nodes, self.inputs, self.outputs, self.constants, self.data = [], [], [], [], {}
        self.steps = {}  # of outputs: by how much they may differ

    def name(self):
        return f"v{len(self.nodes) + len(self.constants) + len(self.inputs)}"

    def node(self, op, *inputs, domain="", count=1, **attributes):
        names = [f"{self.name()}_{i}" for i in range(count)]
        self.nodes.append(oh.make_node(op, list(inputs), names, name=names[0] + "." + op, domain=domain, **attributes))
        return names[0] if count == 1 else names

    def tensor(self, values, kind):
        self.constants.append(oh.make_tensor(self.name(), TYPES[kind], np.shape(values), np.ravel(values)))
        return self.constants[-1].name

    def constant(self, values):
        self.constants.append(numpy_helper.from_array(np.asarray(values), self.name()))
        return self.constants[-1].name

    def floats(self, *shape, scale=1.0):
        return self.constant((self.random.standard_normal(shape) * scale).astype(np.float32))

    def integers(self, kind, *shape):
        low, high = RANGES[kind]
        return self.tensor(self.random.integers(low, high, shape, endpoint=True), kind)

    def input(self, *shape, kind="f32", values=None):
        name = self.name()
        self.inputs.append(oh.make_tensor_value_info(name, TYPES[kind], shape))
        if values is None and kind == "f32":
            values = self.random.standard_normal(shape) * 2
        elif values is None:
            values = self.random.integers(*RANGES[kind], shape, endpoint=True)
        self.data[name] = np.asarray(values).astype(oh.tensor_dtype_to_np_dtype(TYPES[kind]))
        return name

    def result(self, value, kind="f32", step=0.0):
        """An output; `step` is the scale it was quantized with, if it was."""
        self.outputs.append(oh.make_tensor_value_info(value, TYPES[kind], None))
        self.steps[value] = step
        return value

    def q(self, x, scale=0.05, zero=128, kind="u8", **attributes):
        return self.node("QuantizeLinear", x, self.constant(np.float32(scale)), self.tensor(zero, kind), **attributes)

    def dq(self, x, scale=0.05, zero=128, kind="u8", **attributes):
        return self.node("DequantizeLinear", x, self.constant(np.float32(scale)), self.tensor(zero, kind), **attributes)

    def qdq(self, x, scale=0.05, zero=128, kind="u8"):
        return self.dq(self.q(x, scale, zero, kind), scale, zero, kind)

    def weights(self, kind, *shape, axis=None, block=0, scale=0.02):
        """Dequantized constant integers: one scale, one per entry of `axis`, or one per `block` of it."""
        if axis is None:
            scales = np.float32(scale)
        else:
            sizes = [shape[axis]] if not block else [-(-size // block) if i == axis else size for i, size in enumerate(shape)]
            scales = (scale * self.random.uniform(0.5, 1.5, sizes)).astype(np.float32)
        attributes = {} if axis is None else {"axis": axis}
        if block:
            attributes["block_size"] = block
        return self.node("DequantizeLinear", self.integers(kind, *shape), self.constant(scales), **attributes)

    def model(self, opset=21):
        graph = oh.make_graph(self.nodes, "placements", self.inputs, self.outputs, self.constants)
        return oh.make_model(graph, ir_version=10, opset_imports=[oh.make_opsetid("", opset), oh.make_opsetid("com.microsoft", 1)])

    def done(self, value, scale=0.05, zero=128, kind="u8"):
        """Quantized and dequantized once more, as an output."""
        return self.result(self.qdq(value, scale, zero, kind), step=scale)


def chains(g):
    """Q and DQ alone, or with data that moves between them."""
    x = g.input(3, 8)
    g.result(g.dq(g.q(x), 0.1, 120), step=0.1)  # other scale behind
    g.done(g.qdq(x, 0.03, 100))  # twice, not the same
    g.done(g.qdq(x))  # twice the same
    g.result(g.q(x, 0.1, 3, "s8"), "s8", step=1)
    g.result(g.q(g.dq(g.q(x)), 0.05, 0, "s8"), "s8", step=1)  # u8 to s8
    for kind, zero in (("u16", 30000), ("s16", -5), ("u4", 8), ("s4", -1), ("s8", 0)):
        g.result(g.qdq(x, 0.5 if kind.endswith("4") else 0.05, zero, kind))
    shared = g.qdq(x)
    g.done(g.node("Relu", shared))
    g.done(g.node("Add", shared, shared), 0.1)
    g.result(shared)
    g.done(g.node("Reshape", g.qdq(x), g.constant(np.array([4, 6]))))
    g.done(g.node("Transpose", g.qdq(x), perm=[1, 0]), 0.07, 90)
    g.done(g.node("Concat", g.qdq(x), g.qdq(x, 0.02, 100), axis=1))
    g.result(g.node("Transpose", g.q(x), perm=[1, 0]), "u8", step=1)
    for part in g.node("Split", g.qdq(x), count=2, axis=1, num_outputs=2):
        g.done(part, 0.04)
    scalar = g.input()
    g.done(g.node("Mul", g.qdq(scalar), g.qdq(x)), 0.1)
    g.result(g.qdq(scalar))
    one = g.node("Reshape", g.q(g.input(1, values=[3.0])), g.constant(np.array([1, 1])))
    g.result(g.node("Sqrt", g.dq(one)), step=0.05)
    empty = g.input(0, 8)
    g.done(g.node("Relu", g.qdq(empty)))
    g.done(g.node("Concat", g.qdq(empty), g.qdq(x), axis=0))
    rows = g.input(3, 8, kind="u8")
    g.result(g.dq(rows))
    g.done(g.node("Relu", g.dq(rows)))
    per_column = g.constant(np.linspace(0.02, 0.1, 8, dtype=np.float32))
    g.result(g.node("DequantizeLinear", g.node("QuantizeLinear", x, per_column, g.tensor([128] * 8, "u8"), axis=1), per_column,
                    g.tensor([128] * 8, "u8"), axis=1))
    # One scale, with an axis that says nothing.
    g.result(g.node("DequantizeLinear", g.integers("i32", 5), g.constant(np.float32(0.01)), axis=1))
    g.result(g.node("DequantizeLinear", g.integers("s8", 5), g.constant(np.array([0.01], np.float32)), g.tensor([3], "s8"), axis=3))
    # As integers, computed with as such.
    g.result(g.node("Cast", g.q(x), to=TensorProto.INT32), "i32", step=1)
    g.result(g.node("Max", g.q(x), g.q(x, 0.1)), "u8", step=1)


def ties(g):
    """Results that lie in the middle of two steps: all of them are rounded as ONNX says."""
    x = g.input(4, 64, values=np.random.default_rng(1).integers(-40, 40, (4, 64)) * 0.05)
    erf = g.qdq(g.node("Erf", g.qdq(x)), 2 / 255, 128)
    shifted = g.qdq(g.node("Add", erf, g.dq(g.tensor(255, "u8"), 1 / 255, 0)), 2 / 255, 0)
    g.result(shifted, step=1e-6)
    g.result(g.qdq(g.node("Mul", g.qdq(x), shifted), 0.05, 100), step=1e-6)
    g.result(g.qdq(g.node("Mul", g.qdq(x), g.constant(np.float32(0.5)))), step=1e-6)
    g.result(g.qdq(g.node("Add", g.qdq(x), g.qdq(x, 0.1)), 0.1), step=1e-6)
    g.result(g.qdq(g.node("Sub", g.qdq(x), g.constant(np.float32(0.025)))), step=1e-6)


def around_elements(g):
    """Q/DQ around what looks at one element."""
    x = g.input(2, 3, 32, 32)  # enough for tables
    low, high = g.constant(np.float32(0)), g.constant(np.float32(6))
    g.done(g.node("Clip", g.qdq(x), low, high), 0.02, 0)
    for op, attributes in (("Relu", {}), ("HardSwish", {}), ("Sigmoid", {}), ("Tanh", {}), ("Erf", {}), ("Gelu", {}), ("Abs", {}),
                           ("LeakyRelu", {"alpha": 0.1}), ("Elu", {}), ("Softplus", {}), ("HardSigmoid", {}), ("Exp", {}), ("Neg", {})):
        g.done(g.node(op, g.qdq(x), **attributes), 0.03, 100)
    silu = g.qdq(x)
    g.done(g.node("Mul", silu, g.qdq(g.node("Sigmoid", silu), 1 / 255, 0)), 0.02, 10)
    g.done(g.node("Tanh", g.qdq(x, 0.02, -3, "s8")), 0.008, 0, "s8")
    g.result(g.node("Cast", g.q(g.node("Erf", g.qdq(x, 0.02, 0, "s8")), 0.01), to=TensorProto.INT32), "i32", step=1)
    g.done(g.node("Sqrt", g.qdq(g.node("Abs", x), 0.02, 0)), 0.02, 0)
    g.done(g.node("PRelu", g.qdq(x), g.weights("s8", 3, 1, 1)))
    for op in ("Add", "Sub", "Mul", "Min", "Max"):
        g.done(g.node(op, g.qdq(x), g.qdq(x, 0.03, 100)), 0.1)
        g.done(g.node(op, g.qdq(x), g.weights("u8", 3, 1, 1)), 0.1)
    g.done(g.node("Div", g.qdq(x), g.constant(np.float32(3))))
    g.done(g.node("Pow", g.qdq(x), g.constant(np.float32(2))), 0.2, 0)
    g.done(g.node("Where", g.node("Greater", g.qdq(x), low), g.qdq(x), g.qdq(x, 0.1)))
    g.done(g.node("Cast", g.node("Cast", g.qdq(x), to=TensorProto.FLOAT16), to=TensorProto.FLOAT))


def around_rows(g):
    """Q/DQ around what looks at several elements, or moves them."""
    x = g.input(2, 3, 8, 8)
    g.done(g.node("Softmax", g.qdq(x), axis=-1), 1 / 255, 0)
    g.done(g.node("Softmax", g.qdq(x), axis=1), 1 / 255, 0)
    g.done(g.node("LayerNormalization", g.qdq(x), g.weights("u8", 8), g.weights("i32", 8, scale=1e-4)), 0.04)
    g.done(g.node("InstanceNormalization", g.qdq(x), g.weights("u8", 3), g.floats(3)), 0.04)
    g.done(g.node("ReduceMean", g.qdq(x), g.constant(np.array([2, 3]))), 0.02)
    g.done(g.node("ReduceMax", g.qdq(x), g.constant(np.array([1]))))
    g.done(g.node("GlobalAveragePool", g.qdq(x)), 0.02)
    g.done(g.node("MaxPool", g.qdq(x), kernel_shape=[3, 3], pads=[1, 1, 1, 1], strides=[2, 2]))
    g.result(g.node("MaxPool", g.q(x), kernel_shape=[2, 2]), "u8", step=1)
    g.done(g.node("AveragePool", g.qdq(x), kernel_shape=[3, 3], pads=[1, 1, 1, 1], count_include_pad=1))
    sizes = g.constant(np.array([2, 3, 16, 16]))
    g.done(g.node("Resize", g.qdq(x), "", "", sizes, mode="nearest"))
    g.done(g.node("Resize", g.qdq(x), "", "", sizes, mode="linear", coordinate_transformation_mode="half_pixel"))
    pads = g.constant(np.array([0, 0, 1, 2, 0, 0, 2, 1]))
    g.done(g.node("Pad", g.qdq(x), pads, g.constant(np.float32(0.7))))
    g.done(g.node("Pad", g.qdq(x), pads, mode="reflect"))
    g.result(g.node("Pad", g.q(x), pads, g.tensor(128, "u8")), "u8", step=1)
    g.done(g.node("Gather", g.qdq(x), g.constant(np.array([0, 5, -1])), axis=3))
    g.done(g.node("Slice", g.qdq(x), g.constant(np.array([1])), g.constant(np.array([7])), g.constant(np.array([2]))))
    g.done(g.node("Tile", g.qdq(x), g.constant(np.array([1, 2, 1, 1]))))
    g.done(g.node("Expand", g.qdq(x), g.constant(np.array([2, 2, 3, 8, 8]))))
    g.done(g.node("DepthToSpace", g.node("Concat", g.qdq(x), g.qdq(g.floats(2, 1, 8, 8)), axis=1), blocksize=2))
    g.result(g.node("ArgMax", g.qdq(x), axis=1), "i64")
    values, places = g.node("TopK", g.qdq(x), g.constant(np.array([3])), count=2, axis=3)
    g.done(values)
    g.result(g.node("Shape", places), "i64")
    table = g.integers("s8", 20, 8)
    ids = g.input(2, 5, kind="i64", values=np.random.default_rng(2).integers(0, 20, (2, 5)))
    g.result(g.node("Gather", g.dq(table, 0.02, 0, "s8"), ids))
    g.result(g.dq(g.node("Gather", table, ids), 0.02, 0, "s8"))
    # A table that is a product's matrix, too.
    rows = g.qdq(g.node("Gather", g.dq(table, 0.02, 3, "s8"), ids))
    g.done(g.node("MatMul", rows, g.node("Transpose", g.dq(table, 0.02, 3, "s8"), perm=[1, 0])), 0.2)


def products(g):
    """Matrix products."""
    x = g.input(2, 7, 64)
    a = g.qdq(x, 0.04, 110)
    for kind, axis in (("s8", None), ("s8", 1), ("u8", None), ("u8", 1), ("s4", 1), ("u4", None), ("s16", None), ("u16", 1)):
        g.done(g.node("MatMul", a, g.weights(kind, 64, 48, axis=axis, scale=0.02 if kind.endswith("8") else 1e-4 if "16" in kind else 0.2)), 1.0)
    for kind, zero in (("s8", 0), ("s8", -7), ("u16", 30000), ("s16", 0)):
        scale = 0.04 if kind == "s8" else 0.0004
        g.result(g.node("MatMul", g.qdq(x, scale, zero, kind), g.weights("s8", 64, 48, axis=1)))
    w = g.weights("s8", 64, 48, axis=1)
    product = g.node("MatMul", a, w)
    g.result(product)  # shared by a reader in integers and by the outside
    g.done(g.node("Relu", g.node("Add", product, g.weights("i32", 48, scale=1e-3))), 0.5, 0)
    g.done(g.node("Add", g.qdq(g.node("MatMul", a, w), 0.5), g.dq(g.integers("u8", 48), 0.1)), 0.6)
    g.done(g.node("MatMul", x, w), 1.0)  # weights alone
    g.done(g.node("MatMul", a, g.floats(64, 48)), 1.0)  # activations alone
    g.done(g.node("MatMul", a, g.qdq(g.floats(64, 48), 0.03, 0, "s8")), 1.0)  # weights that are quantized in the graph
    g.done(g.node("MatMul", a, g.node("Transpose", g.weights("s8", 48, 64, axis=0), perm=[1, 0])), 1.0)
    g.done(g.node("MatMul", a, g.weights("s8", 2, 64, 48)), 1.0)  # a matrix for each of the batch
    g.done(g.node("MatMul", a, g.weights("s8", 2, 64, 48, axis=2)), 1.0)
    g.done(g.node("MatMul", a, g.weights("s8", 64)), 1.0)
    g.done(g.node("MatMul", g.weights("s8", 5, 7), a), 0.5)  # weights on the left
    g.done(g.node("MatMul", a, g.node("Transpose", g.qdq(x, 0.05, 100), perm=[0, 2, 1])), 2.0)
    flat = g.node("Reshape", a, g.constant(np.array([14, 64])))
    g.done(g.node("Gemm", flat, w, g.weights("i32", 48, scale=1e-3)), 1.0)
    g.done(g.node("Gemm", flat, g.weights("s8", 48, 64, axis=0), g.floats(48), transB=1, alpha=0.5, beta=2.0), 1.0)
    g.done(g.node("Gemm", g.node("Transpose", flat, perm=[1, 0]), w, transA=1), 1.0)
    for kind, shape, axis, block in (("s4", (64, 48), 0, 16), ("u4", (64, 48), 0, 32), ("s8", (64, 48), 0, 64), ("s4", (64, 48), 1, 16),
                                     ("s4", (50, 48), 0, 32)):
        g.result(g.node("MatMul", x if shape[0] == 64 else g.input(3, 50), g.weights(kind, *shape, axis=axis, block=block)))
    dead = g.constant(np.array([0.02, 0.0, 0.01, 0.03] * 12, np.float32))  # a scale of 0: a channel of zeros
    g.done(g.node("MatMul", a, g.node("DequantizeLinear", g.integers("s8", 64, 48), dead, axis=1)), 1.0)
    negative = g.constant((0.1 * g.random.choice([-1, 1], (4, 48))).astype(np.float32))  # as ONNX Runtime's symmetric blocks have
    g.result(g.node("MatMul", x, g.node("DequantizeLinear", g.integers("s4", 64, 48), negative, axis=0, block_size=16)))


def convolutions(g):
    x = g.input(1, 16, 9, 9)
    a = g.qdq(x, 0.04, 110)
    for kind, axis, bias in (("s8", 0, "i32"), ("s8", None, None), ("u8", None, "f32"), ("u8", 0, None), ("s4", 0, "i32"), ("s16", 0, None)):
        w = g.weights(kind, 24, 16, 3, 3, axis=axis, scale=1e-4 if kind == "s16" else 0.02)
        more = [g.weights("i32", 24, scale=1e-3)] if bias == "i32" else [g.floats(24)] if bias else []
        g.done(g.node("Conv", a, w, *more, pads=[1, 1, 1, 1]), 1.0)
    w = g.weights("s8", 24, 16, 1, 1, axis=0)
    g.done(g.node("Relu", g.node("Conv", a, w)), 0.5, 0)
    g.done(g.node("Clip", g.node("Conv", a, w), g.constant(np.float32(0)), g.constant(np.float32(6))), 6 / 255, 0)
    g.done(g.node("Add", g.qdq(g.node("Conv", a, w), 0.5), g.qdq(g.node("Conv", a, w, strides=[1, 1]), 0.4)), 1.0)
    g.done(g.node("Mul", g.node("Conv", a, w), g.node("Sigmoid", g.node("Conv", a, w))), 0.5)  # SiLU without Q/DQ inside
    inner = g.qdq(g.node("Conv", a, w), 0.2, 120)
    g.done(g.node("Mul", inner, g.qdq(g.node("Sigmoid", inner), 1 / 255, 0)), 0.2)  # with
    g.done(g.node("Conv", a, g.weights("s8", 16, 1, 3, 3, axis=0), g.weights("i32", 16, scale=1e-3), group=16, pads=[1, 1, 1, 1]), 0.3)
    g.done(g.node("Conv", a, g.weights("u8", 16, 1, 5, 5), group=16, pads=[2, 2, 2, 2], strides=[2, 2]), 1.0)
    g.done(g.node("Conv", a, g.weights("s8", 24, 4, 3, 3, axis=0), group=4, pads=[0, 1, 2, 1], dilations=[2, 1]), 0.5)
    g.done(g.node("Conv", a, g.weights("s8", 24, 16, 3, 3, axis=0), auto_pad="SAME_UPPER", strides=[2, 2]), 1.0)
    g.done(g.node("Conv", x, g.weights("s8", 24, 16, 3, 3, axis=0)), 1.0)  # weights alone
    g.done(g.node("Conv", a, g.qdq(g.floats(24, 16, 3, 3), 0.03, 0, "s8")), 1.0)
    g.done(g.node("Conv", a, g.node("Reshape", g.weights("s8", 24, 144, axis=0), g.constant(np.array([24, 16, 3, 3])))), 1.0)
    computed = g.qdq(g.node("Mul", g.input(8, 16, 3, 3), g.constant(np.float32(0.1))), 0.01, 0, "s8")
    g.done(g.node("Conv", a, computed), 0.2)  # a filter that is known at run time only
    g.done(g.node("ConvTranspose", a, g.weights("s8", 16, 8, 2, 2, axis=1), g.weights("i32", 8, scale=1e-3), strides=[2, 2]), 0.5)
    g.done(g.node("Conv", g.qdq(g.input(2, 8, 20)), g.weights("s8", 12, 8, 5, axis=0), pads=[2, 2]), 0.5)
    g.done(g.node("Conv", g.qdq(g.input(1, 4, 5, 6, 7)), g.weights("s8", 6, 4, 3, 3, 3, axis=0), pads=[1] * 6), 0.5)
    normal = g.node("BatchNormalization", g.node("Conv", a, w), *(g.constant(np.full(24, v, np.float32)) for v in (0.5, 0.1, 0.2, 4)))
    g.done(normal, 0.2)


def recurrent(g):
    """Layers whose weights are quantized, per tensor and per gate."""
    x = g.qdq(g.input(6, 2, 16))
    for op, gates in (("LSTM", 4), ("GRU", 3), ("RNN", 1)):
        for axis in (None, 1):
            w, r = g.weights("s8", 1, gates * 12, 16, axis=axis, scale=0.005), g.weights("s8", 1, gates * 12, 12, axis=axis, scale=0.005)
            states, last = g.node(op, x, w, r, g.weights("i32", 1, gates * 24, scale=1e-4), count=2, hidden_size=12)
            g.done(states, 0.01)
            g.result(last)


def attention(g):
    """Attention with every value quantized, and with products alone quantized."""
    x = g.qdq(g.input(2, 10, 32))
    sizes, heads = g.constant(np.array([2, 10, 4, 8])), []
    for order in ([0, 2, 1, 3], [0, 2, 3, 1], [0, 2, 1, 3]):
        part = g.qdq(g.node("MatMul", x, g.weights("s8", 32, 32, axis=1)), 0.3)
        heads.append(g.qdq(g.node("Transpose", g.qdq(g.node("Reshape", part, sizes), 0.3), perm=order), 0.3))
    mask = g.input(2, 1, 1, 10, values=np.where(np.arange(20).reshape(2, 1, 1, 10) % 7 == 6, -10000.0, 0.0))
    for all_values in (True, False):
        mark = g.qdq if all_values else (lambda value, *_: value)
        scores = mark(g.node("MatMul", heads[0], heads[1]), 2.0)
        scores = mark(g.node("Mul", scores, g.constant(np.float32(0.01))), 0.02)
        weights = mark(g.node("Softmax", g.node("Add", scores, mask)), 1 / 255, 0)
        mixed = mark(g.node("MatMul", weights, heads[2]), 0.2)
        merged = g.node("Reshape", g.node("Transpose", mixed, perm=[0, 2, 1, 3]), g.constant(np.array([2, 10, 32])))
        g.done(g.node("MatMul", g.qdq(merged, 0.2), g.weights("s8", 32, 32, axis=1)), 2.0)


THEMES = [chains, ties, around_elements, around_rows, products, convolutions, recurrent, attention]
