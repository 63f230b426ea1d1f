"""Recurrent networks as PyTorch's TorchScript exporter writes them."""

import numpy as np

from ..graph import Graph
from .layers import linear


def recurrent(g, kind, x, inputs, hidden, directions=1, **attributes):
    """One layer over x [steps, batch, inputs]; gives [steps, batch, directions * hidden] and the last states."""
    gates = {"LSTM": 4, "GRU": 3, "RNN": 1}[kind]
    bound = hidden ** -0.5
    weights = [g.uniform((directions, gates * hidden, size), -bound, bound, leaf)
               for leaf, size in (("W", inputs), ("R", hidden))]
    bias = g.uniform((directions, 2 * gates * hidden), -bound, bound, "B")
    state_shape = g.Concat(g.ints(directions), g.unsqueeze(g.dim(x, 1), 0), g.ints(hidden), axis=0)
    zeros = g.Expand(g.const(0.0), state_shape)
    states = [zeros, zeros] if kind == "LSTM" else [zeros]
    if directions == 2:
        attributes["direction"] = "bidirectional"
    results = g.op(kind, [x, *weights, bias, "", *states], 1 + len(states), hidden_size=hidden, **attributes)
    y = results[0]
    if directions == 1:
        return g.squeeze(y, 1), results[1:]
    y = g.Transpose(y, perm=[0, 2, 1, 3])
    return g.Reshape(y, g.ints(0, 0, -1)), results[1:]


def lstm():
    """Two layers of 256; bench with 100 steps."""
    g = Graph("lstm", opset=14)
    x = g.Transpose(g.input("x", "f32", ["batch", "steps", 256]), perm=[1, 0, 2])
    states = []
    for layer in range(2):
        with g.scope(f"lstm.{layer}"):
            x, last = recurrent(g, "LSTM", x, 256, 256)
            states.append(last)
    y = g.Transpose(x, perm=[1, 0, 2])
    hidden, cell = [g.Concat(*pair, axis=0) for pair in zip(*states)]
    g.output(y, "y", "f32", ["batch", "steps", 256])
    g.output(hidden, "h_n", "f32", [2, "batch", 256])
    g.output(cell, "c_n", "f32", [2, "batch", 256])
    return g.model()


def gru_tagger():
    """Embedding, a GRU in both directions, a label per token."""
    g = Graph("gru_tagger", opset=11)
    ids = g.input("ids", "i64", ["batch", "seq"])
    x = g.Gather(g.normal((500, 32), 0.5, "embedding"), ids)
    with g.scope("gru"):
        x, _ = recurrent(g, "GRU", g.Transpose(x, perm=[1, 0, 2]), 32, 48, 2, linear_before_reset=1)
    x = g.Transpose(x, perm=[1, 0, 2])
    with g.scope("head"):
        x = linear(g, x, 96, 10)
    labels = g.ArgMax(x, axis=-1, keepdims=0)
    g.output(x, "scores", "f32", ["batch", "seq", 10])
    g.output(labels, "labels", "i64", ["batch", "seq"])
    return g.model()


def tcn():
    """Dilated causal 1-D convolutions with gates, as in WaveNet."""
    g = Graph("tcn", opset=13)
    x = g.input("audio", "f32", ["batch", 1, "samples"])
    x = g.Conv(x, g.normal((24, 1, 1), 1.0), g.normal((24,), 0.1, "bias"), kernel_shape=[1])
    skips = None
    for i in range(4):
        with g.scope(f"block.{i}"):
            padding = g.const([0, 0, 2 ** (i + 1), 0, 0, 0], np.int64)
            y = g.Pad(x, padding, g.const(0.0), mode="constant")
            y = g.Conv(y, g.normal((48, 24, 3), 0.15), g.normal((48,), 0.1, "bias"), dilations=[2 ** i],
                       kernel_shape=[3])
            a, b = g.op("Split", [y], 2, axis=1)
            y = g.Mul(g.Tanh(a), g.Sigmoid(b))
            y = g.Conv(y, g.normal((24, 24, 1), 0.2), g.normal((24,), 0.1, "bias"), kernel_shape=[1])
            x, skips = g.Add(x, y), y if skips is None else g.Add(skips, y)
    y = g.LeakyRelu(skips, alpha=0.1)
    y = g.Conv(y, g.normal((4, 24, 1), 0.2), g.normal((4,), 0.1, "bias"), kernel_shape=[1])
    g.output(g.LogSoftmax(y, axis=1), "log_probabilities", "f32", ["batch", 4, "samples"])
    return g.model()
