"""Small language models of other kinds than BERT and GPT-2."""

import numpy as np
from onnx import helper

from ..graph import Graph
from .layers import LOWEST, silu

HIDDEN, HEADS, GROUPS, WIDTH, VOCABULARY = 64, 4, 2, 16, 400


def rms_norm(g, x):
    power = g.mean(g.Pow(x, g.const(2.0)), [-1])
    inverse = g.Div(g.const(1.0), g.Sqrt(g.Add(power, g.const(1e-6))))
    return g.Mul(g.uniform((HIDDEN,), 0.5, 1.5), g.Mul(x, inverse))


def project(g, x, name, inputs, outputs):
    with g.scope(name):
        return g.MatMul(x, g.normal((inputs, outputs), inputs ** -0.5))


def rotate_half(g, x):
    half = g.ints(WIDTH // 2)
    first = g.Slice(x, g.ints(0), half, g.ints(3), g.ints(1))
    second = g.Slice(x, half, g.ints(np.iinfo(np.int64).max), g.ints(3), g.ints(1))
    return g.Concat(g.Neg(second), first, axis=-1)


def rotary(g, x, cos, sin):
    return g.Add(g.Mul(x, cos), g.Mul(rotate_half(g, x), sin))


def angles(g, positions):
    """cos and sin as [batch, 1, seq, width], computed in the graph from the positions."""
    frequencies = (10000.0 ** (-np.arange(0, WIDTH, 2) / WIDTH)).astype(np.float32)
    frequencies = g.weight(frequencies[None, :, None], "inv_freq")
    positions = g.Cast(g.unsqueeze(positions, 1), to=1)
    table = g.Transpose(g.MatMul(frequencies, positions), perm=[0, 2, 1])
    table = g.unsqueeze(g.Concat(table, table, axis=-1), 1)
    return g.Cos(table), g.Sin(table)


def heads_of(g, x, count):
    x = g.Reshape(x, g.ints(0, 0, count, WIDTH))
    return g.Transpose(x, perm=[0, 2, 1, 3])


def repeat_groups(g, x):
    """Grouped queries: each key head serves HEADS / GROUPS query heads."""
    batch, seq, repeat = g.dim(x, 0), g.dim(x, 2), HEADS // GROUPS
    sizes = [g.unsqueeze(batch, 0), g.ints(GROUPS), g.ints(repeat), g.unsqueeze(seq, 0), g.ints(WIDTH)]
    x = g.Expand(g.unsqueeze(x, 2), g.Concat(*sizes, axis=0))
    return g.reshape(x, [batch, HEADS, seq, WIDTH])


def llama_attention(g, x, mask, table, past, present):
    query = rotary(g, heads_of(g, project(g, x, "q_proj", HIDDEN, HIDDEN), HEADS), *table)
    key = rotary(g, heads_of(g, project(g, x, "k_proj", HIDDEN, GROUPS * WIDTH), GROUPS), *table)
    value = heads_of(g, project(g, x, "v_proj", HIDDEN, GROUPS * WIDTH), GROUPS)
    key, value = g.Concat(past[0], key, axis=2), g.Concat(past[1], value, axis=2)
    present += [key, value]
    scores = g.MatMul(query, g.Transpose(repeat_groups(g, key), perm=[0, 1, 3, 2]))
    scores = g.Add(g.Mul(scores, g.const(WIDTH ** -0.5)), mask)
    y = g.MatMul(g.Softmax(scores, axis=-1), repeat_groups(g, value))
    y = g.Reshape(g.Transpose(y, perm=[0, 2, 1, 3]), g.ints(0, 0, HIDDEN))
    return project(g, y, "o_proj", HIDDEN, HIDDEN)


def llama_mask(g, ids, past):
    """Causal mask built in the graph: position of key > position of query."""
    seq, before = g.dim(ids, 1), g.dim(past, 2)
    one, zero = g.const(1, np.int64), g.const(0, np.int64)
    keys = g.Range(zero, g.Add(before, seq), one)
    queries = g.unsqueeze(g.Range(before, g.Add(before, seq), one), 1)
    return g.Where(g.Greater(keys, queries), g.const(LOWEST), g.const(0.0))


def llama():
    """RMSNorm, rotary positions, grouped queries, SiLU gates, a cache; two layers."""
    g = Graph("llama", opset=14)
    ids, positions = [g.input(name, "i64", ["batch", "seq"]) for name in ("input_ids", "position_ids")]
    pasts = [[g.input(f"past.{i}.{kind}", "f32", ["batch", GROUPS, "past", WIDTH]) for kind in ("key", "value")]
             for i in range(2)]
    table, mask, present = angles(g, positions), llama_mask(g, ids, pasts[0][0]), []
    x = g.Gather(g.normal((VOCABULARY, HIDDEN), 0.7, "embed_tokens"), ids)
    for i in range(2):
        with g.scope("layers", str(i)):
            x = g.Add(x, llama_attention(g, rms_norm(g, x), mask, table, pasts[i], present))
            y = rms_norm(g, x)
            gate = silu(g, project(g, y, "gate_proj", HIDDEN, 176))
            y = g.Mul(gate, project(g, y, "up_proj", HIDDEN, 176))
            x = g.Add(x, project(g, y, "down_proj", 176, HIDDEN))
    g.output(project(g, rms_norm(g, x), "lm_head", HIDDEN, VOCABULARY), "logits", "f32", ["batch", "seq", VOCABULARY])
    for i, value in enumerate(present):
        name = f"present.{i // 2}.{'value' if i % 2 else 'key'}"
        g.output(value, name, "f32", ["batch", GROUPS, "past + seq", WIDTH])
    return g.model()


def gelu_function():
    """A model-local function, as torch's dynamo exporter emits for library calls."""
    node = helper.make_node
    nodes = [node("Constant", [], ["half"], value_float=0.5), node("Constant", [], ["one"], value_float=1.0),
             node("Constant", [], ["root"], value_float=float(np.sqrt(0.5))),
             node("Mul", ["x", "root"], ["scaled"]), node("Erf", ["scaled"], ["erf"]),
             node("Add", ["erf", "one"], ["shifted"]), node("Mul", ["x", "shifted"], ["product"]),
             node("Mul", ["product", "half"], ["y"])]
    return helper.make_function("pkg.torch", "aten_gelu", ["x"], ["y"], nodes, [helper.make_opsetid("", 20)])


def linear_function():
    """Calls another function: y = gelu(x W^T + b)."""
    node = helper.make_node
    nodes = [node("Transpose", ["w"], ["wt"], perm=[1, 0]), node("MatMul", ["x", "wt"], ["product"]),
             node("Add", ["product", "b"], ["sum"]), node("aten_gelu", ["sum"], ["y"], domain="pkg.torch")]
    opsets = [helper.make_opsetid("", 20), helper.make_opsetid("pkg.torch", 1)]
    return helper.make_function("pkg.torch", "linear_gelu", ["x", "w", "b"], ["y"], nodes, opsets)


def dynamo():
    """Opset 20 as torch's newer exporter writes: LayerNormalization, Gelu, functions, Split with num_outputs."""
    g = Graph("dynamo", opset=20)
    g.domains["pkg.torch"] = 1
    g.functions = [gelu_function(), linear_function()]
    x = g.input("x", "f32", ["batch", "seq", HIDDEN])
    for i in range(2):
        with g.scope(f"layer.{i}"):
            y = g.LayerNormalization(x, g.uniform((HIDDEN,), 0.5, 1.5), g.normal((HIDDEN,), 0.1, "bias"), epsilon=1e-5)
            query, key, value = g.op("Split", [project(g, y, "qkv", HIDDEN, 3 * HIDDEN)], 3, axis=-1, num_outputs=3)
            query, key, value = [heads_of(g, part, HEADS) for part in (query, key, value)]
            scale = g.const(WIDTH ** -0.25)
            scores = g.MatMul(g.Mul(query, scale), g.Mul(g.Transpose(key, perm=[0, 1, 3, 2]), scale))
            y = g.Transpose(g.MatMul(g.Softmax(scores, axis=-1), value), perm=[0, 2, 1, 3])
            x = g.Add(x, g.Reshape(y, g.ints(0, 0, -1)))
            y = g.op("linear_gelu", [x, g.normal((128, HIDDEN), 0.125), g.normal((128,), 0.1, "bias")], domain="pkg.torch")
            x = g.Add(x, project(g, g.Gelu(y, approximate="tanh"), "down", 128, HIDDEN))
    g.output(x, "y", "f32", ["batch", "seq", HIDDEN])
    return g.model()
