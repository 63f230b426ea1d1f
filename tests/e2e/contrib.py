"""Graphs of ONNX Runtime's operators (com.microsoft) as its quantizers and its transformer optimizer write them, by theme, for
test_imported.py."""

import numpy as np

MS = "com.microsoft"


def causal_or_not(g, op, *inputs, **attributes):
    for unidirectional in (0, 1):
        g.result(g.node(op, *inputs, domain=MS, unidirectional=unidirectional, **attributes))


def masks(g, batch, rows, keys):
    """In each form, as names; the empty one is none."""
    lengths = np.array([keys, keys - 2] + [keys - 1] * (batch - 2))
    seen = (np.arange(keys) < lengths[:, None]).astype(np.int32)
    grid = np.repeat(seen[:, None], rows, 1)
    grid[:, 1, 1] = 0
    values = {"": None, "flat": seen, "grid": grid, "ends": lengths, "both": np.concatenate([lengths, np.arange(batch) % 2])}
    return [g.input(*np.shape(value), kind="i32", values=value) if name else "" for name, value in values.items()]


def attention(g):
    x, w, bias = g.input(2, 6, 24), g.floats(24, 96, scale=0.3), g.floats(96)
    for mask in masks(g, 2, 6, 6):
        causal_or_not(g, "Attention", x, w, bias, mask, num_heads=4)
    g.result(g.node("Attention", x, w, bias, "", "", g.floats(1, 4, 6, 6), domain=MS, num_heads=4, scale=0.1))
    g.result(g.node("Attention", x, g.floats(24, 80, scale=0.3), g.floats(80), domain=MS, num_heads=4, qkv_hidden_sizes=[32, 32, 16]))
    g.result(g.node("Attention", g.input(4, 6, 24), w, bias, g.input(8, kind="i32", values=[6, 5, 6, 4, 0, 2, 1, 0]), domain=MS, num_heads=4))
    past = g.input(2, 2, 4, 5, 8)
    for row in range(2):
        result, present = g.node("Attention", x, w, bias, "", past, domain=MS, num_heads=4, unidirectional=row, count=2)
        g.result(result)
        g.result(present)
    result, _ = g.node("Attention", x, w, bias, g.input(2, 11, kind="i32", values=np.arange(22).reshape(2, 11) % 5 > 0), past, domain=MS,
                       num_heads=4, unidirectional=1, mask_filter_value=-100.0, count=2)
    g.result(result)


def quantized_attention(g):
    x, bias, scale = g.input(2, 6, 24), g.floats(96), g.constant(np.float32(0.02))
    for kind, zero in (("u8", 128), ("u8", 100)):
        a, entry = g.q(x, 0.04, zero, kind), g.constant(np.float32(0.04))
        for mask in masks(g, 2, 6, 6):
            causal_or_not(g, "QAttention", a, g.tensor(g.random.integers(-60, 60, (24, 96)), "s8"), bias, entry,
                          scale, mask, g.tensor(zero, kind), g.tensor(0, "s8"), num_heads=4)
        columns = g.constant(g.random.uniform(0.01, 0.03, 96).astype(np.float32))
        g.result(g.node("QAttention", a, g.tensor(g.random.integers(-60, 60, (24, 96)), "s8"), bias, entry, columns, "", g.tensor(zero, kind),
                        g.tensor([0] * 96, "s8"), domain=MS, num_heads=4))
        result, present = g.node("QAttention", a, g.tensor(g.random.integers(60, 180, (24, 96)), "u8"), bias, entry, scale, "",
                                 g.tensor(zero, kind), g.tensor(120, "u8"), g.input(2, 2, 4, 5, 8), domain=MS, num_heads=4,
                                 unidirectional=1, count=2)
        g.result(result)
        g.result(present)


def multi_head_attention(g):
    q, k, v = g.input(2, 6, 32), g.input(2, 9, 32), g.input(2, 9, 32)
    for mask in masks(g, 2, 6, 9)[:-1]:
        g.result(g.node("MultiHeadAttention", q, k, v, "", mask, domain=MS, num_heads=4))
    g.result(g.node("MultiHeadAttention", q, k, v, g.floats(96), "", g.floats(2, 4, 6, 9), domain=MS, num_heads=4))
    g.result(g.node("MultiHeadAttention", q, k, g.input(2, 9, 16), g.floats(80), domain=MS, num_heads=4))
    g.result(g.node("MultiHeadAttention", q, g.input(2, 4, 9, 8), g.input(2, 4, 9, 8), domain=MS, num_heads=4))
    for value in g.node("MultiHeadAttention", q, g.input(2, 6, 32), g.input(2, 6, 32), "", "", "", g.input(2, 4, 5, 8), g.input(2, 4, 5, 8),
                        domain=MS, num_heads=4, unidirectional=1, count=3):
        g.result(value)


def embeddings(g):
    ids = g.input(2, 5, kind="i32", values=np.arange(10).reshape(2, 5) % 7)
    kinds = g.input(2, 5, kind="i32", values=np.arange(10).reshape(2, 5) % 2)
    mask = g.input(2, 5, kind="i32", values=[[1, 1, 1, 1, 0], [1, 1, 0, 0, 0]])
    tables = [g.floats(7, 16), g.floats(9, 16), g.floats(2, 16), g.floats(16), g.floats(16)]
    result, count = g.node("EmbedLayerNormalization", ids, kinds, *tables, mask, domain=MS, count=2)
    g.result(result)
    g.result(count, "i32")
    result, count, total = g.node("EmbedLayerNormalization", ids, kinds, *tables, domain=MS, epsilon=1e-5, count=3)
    g.result(result)
    g.result(count, "i32")
    g.result(total)
    places = g.input(2, 5, kind="i32", values=[[2, 3, 4, 5, 6], [8, 7, 6, 5, 4]])
    without = [tables[0], tables[1], "", *tables[3:]]
    g.result(g.node("EmbedLayerNormalization", ids, "", *without, "", places, domain=MS, count=2)[0])
    quantized = [g.integers("u8", *shape) for shape in ((7, 16), (9, 16), (2, 16), (16,), (16,))]
    scales = [g.constant(np.float32(0.02)) for _ in quantized]
    zeros = [g.tensor(zero, "u8") for zero in (128, 100, 7, 0, 130)]
    result, count = g.node("QEmbedLayerNormalization", ids, kinds, *quantized, mask, *scales, *zeros, domain=MS, count=2)
    g.result(result)
    g.result(count, "i32")


def blocks(g):
    """Weights and tables in blocks."""
    x = g.input(3, 80)
    for bits in (2, 4, 8):
        bytes_per_block = 32 * bits // 8
        w, s = g.integers("u8", 48, 3, bytes_per_block), g.constant((g.random.choice([-1, 1], 144) * 0.02).astype(np.float32))
        zeros = ["", g.integers("u8", 48 * -(-3 * bits // 8)), g.constant(g.random.uniform(0, 2 ** bits, (48, 3)).astype(np.float32))]
        for zero in zeros[:2] if bits == 8 else zeros:
            g.result(g.node("MatMulNBits", x, w, s, zero, domain=MS, K=80, N=48, bits=bits, block_size=32))
    w, s = g.integers("u8", 48, 5, 8), g.floats(48, 5, scale=0.02)
    g.result(g.node("MatMulNBits", g.input(2, 3, 80), w, s, "", "", g.floats(48), domain=MS, K=80, N=48, bits=4, block_size=16))
    ids = g.input(2, 4, kind="i64", values=np.arange(8).reshape(2, 4))
    for kind in ("s4", "u4"):
        table, s = g.integers(kind, 10, 48), g.floats(10, 3, scale=0.1)
        g.result(g.node("GatherBlockQuantized", table, ids, s, g.integers(kind, 10, 3), domain=MS, block_size=16, quantize_axis=1))
        g.result(g.node("GatherBlockQuantized", table, ids, s, domain=MS, block_size=16, quantize_axis=1))
    for bits in (4, 8):
        table, s = g.integers("u8", 10, 48 * bits // 8), g.floats(10, 3, scale=0.1)
        for zero in ("", g.integers("u8", 10, -(-3 * bits // 8))):
            g.result(g.node("GatherBlockQuantized", table, ids, s, zero, domain=MS, block_size=16, quantize_axis=1, bits=bits))


def fused(g):
    """An activation behind a product; the channels last."""
    x, w, bias = g.input(1, 4, 7, 7), g.floats(6, 4, 3, 3), g.floats(6)
    for name, parameters in (("Relu", []), ("Tanh", []), ("Sigmoid", []), ("LeakyRelu", [0.2]), ("Clip", [-1.0, 2.0]), ("HardSigmoid", [0.1, 0.4])):
        more = {"activation_params": parameters} if parameters else {}
        g.result(g.node("FusedConv", x, w, bias, domain=MS, activation=name, pads=[1, 1, 1, 1], **more))
    g.result(g.node("FusedConv", x, w, bias, g.floats(1, 6, 5, 5), domain=MS, activation="Relu"))
    a, b = g.input(5, 8), g.floats(8, 6)
    for name, parameters in (("Relu", {}), ("Tanh", {}), ("LeakyRelu", {"activation_alpha": 0.2})):
        g.result(g.node("FusedGemm", a, b, bias, domain=MS, activation=name, alpha=0.5, **parameters))
    g.result(g.node("FusedMatMul", a, g.floats(6, 8), domain=MS, transB=1, alpha=0.25))
    pooled = g.node("NhwcMaxPool", g.q(g.node("Transpose", x, perm=[0, 2, 3, 1])), domain=MS, kernel_shape=[3, 3], strides=[2, 2])
    g.result(pooled, "u8", step=1)


def quantized_elements(g):
    """QLinear<Operator>."""
    x, y, s, z, t = g.q(g.input(2, 3, 8, 8)), g.q(g.input(2, 3, 8, 8), 0.06, 90), g.constant(np.float32(0.05)), g.tensor(128, "u8"), g.constant(np.float32(0.06))
    zy, u, zu = g.tensor(90, "u8"), g.constant(np.float32(0.11)), g.tensor(120, "u8")
    for op in ("QLinearAdd", "QLinearMul"):
        g.result(g.node(op, x, s, z, y, t, zy, u, zu, domain=MS), "u8", step=1)
    for op, attributes in (("QLinearSigmoid", {}), ("QLinearLeakyRelu", {"alpha": 0.1}), ("QLinearGlobalAveragePool", {}),
                           ("QLinearSoftmax", {"axis": -1, "opset": 13}), ("QLinearSoftmax", {"axis": 1, "opset": 11}),
                           ("QLinearAveragePool", {"kernel_shape": [3, 3], "pads": [1, 1, 1, 1]})):
        g.result(g.node(op, x, s, z, g.constant(np.float32(0.01)), g.tensor(10, "u8"), domain=MS, **attributes), "u8", step=1)
    g.result(g.node("QLinearConcat", u, zu, x, s, z, y, t, zy, domain=MS, axis=1), "u8", step=1)
    chosen = g.input(2, 3, 8, 8, kind="bool", values=g.random.random((2, 3, 8, 8)) > 0.5)
    g.result(g.node("QLinearWhere", chosen, x, s, z, y, t, zy, u, zu, domain=MS), "u8", step=1)
    a, w, ws, wz = g.q(g.input(5, 24)), g.tensor(g.random.integers(-60, 60, (24, 16)), "s8"), g.constant(np.full(16, 0.01, np.float32)), g.tensor([0] * 16, "s8")
    bias = g.tensor(g.random.integers(-300, 300, 16), "i32")
    g.result(g.node("QGemm", a, s, z, w, ws, wz, bias, u, zu, domain=MS), "u8", step=1)
    g.result(g.node("QGemm", a, s, z, w, ws, wz, bias, domain=MS, alpha=0.5))
    g.result(g.node("MatMulIntegerToFloat", a, w, s, ws, z, wz, g.floats(16), domain=MS))
    g.result(g.node("DynamicQuantizeMatMul", g.input(5, 24), w, ws, wz, domain=MS))


def packed_attention(g):
    """The same numbers, packed and not: pairs of outputs that are equal. ONNX Runtime's CPU kernels take packed ones in no form."""
    q = g.input(2, 6, 32)
    parts = g.node("Split", g.input(2, 6, 4, 3, 8), domain="", count=3, axis=3, num_outputs=3)
    query, key, value = (g.node("Reshape", part, g.constant(np.array([2, 6, 32]))) for part in parts)
    g.result(g.node("MultiHeadAttention", g.node("Concat", *parts, axis=3), domain=MS, num_heads=4))
    g.result(g.node("MultiHeadAttention", query, key, value, domain=MS, num_heads=4))
    g.result(g.node("MultiHeadAttention", q, g.node("Concat", *parts[1:], axis=3), domain=MS, num_heads=4))
    g.result(g.node("MultiHeadAttention", q, key, value, domain=MS, num_heads=4))


THEMES = [attention, quantized_attention, multi_head_attention, embeddings, blocks, fused, quantized_elements]
