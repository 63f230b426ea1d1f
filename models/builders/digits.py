"""A small residual network that tells handwritten digits apart, with the weights of digits/train.py, and its data."""

import gzip
import os

import numpy as np

from ..graph import Graph

FOLDER = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "digits")
FILE = os.path.join(FOLDER, "weights.npz")
WIDTH, CLASSES = 16, 10
BLOCKS = [(16, 16, 1), (16, 32, 2), (32, 32, 1)]  # channels read and written, stride
TRAINED_WITH = 1200  # of the 1,797 pictures


def samples(part):
    """Pictures [N, 1, 8, 8] in 0..1 and labels of "train" or "test"."""
    with gzip.open(os.path.join(FOLDER, "digits.csv.gz"), "rt") as file:
        rows = np.loadtxt(file, delimiter=",", dtype=np.float32)
    rows = rows[:TRAINED_WITH] if part == "train" else rows[TRAINED_WITH:]
    return rows[:, :-1].reshape(-1, 1, 8, 8) / 16, rows[:, -1].astype(np.int64)


def digits():
    stored = {name: array.astype(np.float32) for name, array in np.load(FILE).items()}
    g = Graph("digits", opset=13)

    def conv(x, name, stride):
        weight = stored[name + ".weight"]
        bias = [g.weight(stored[name + ".bias"], "bias")] if name + ".bias" in stored else []
        kernel = weight.shape[2]
        return g.Conv(x, g.weight(weight), *bias, kernel_shape=[kernel] * 2, pads=[kernel // 2] * 4, strides=[stride] * 2)

    def norm(x, name):
        parts = [g.weight(stored[f"{name}.{part}"], part) for part in ("weight", "bias", "running_mean", "running_var")]
        return g.BatchNormalization(x, *parts, epsilon=1e-5)

    x = g.input("image", "f32", ["batch", 1, 8, 8])
    with g.scope("stem"):
        x = g.Relu(norm(conv(x, "stem", 1), "norm"))
    for number, (channels_in, channels, stride) in enumerate(BLOCKS):
        name = f"blocks.{number}."
        with g.scope("blocks", str(number)):
            y = g.Relu(norm(conv(x, name + "conv1", stride), name + "norm1"))
            y = norm(conv(y, name + "conv2", 1), name + "norm2")
            x = g.Relu(g.Add(y, conv(x, name + "shortcut", stride) if channels_in != channels else x))
    with g.scope("classifier"):
        x = g.Flatten(g.GlobalAveragePool(x), axis=1)
        parts = [g.weight(stored["classifier." + part], part) for part in ("weight", "bias")]
        x = g.Gemm(x, *parts, alpha=1.0, beta=1.0, transB=1)
    g.output(x, "logits", "f32", ["batch", CLASSES])
    return g.model()
