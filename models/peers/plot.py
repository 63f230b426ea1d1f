"""Pictures of what tools/bench-peers measured, as SVG.

    python -m models.peers.plot TABLE.json FOLDER

latency.svg: each engine's smallest latency by that of the fastest peer. limit.svg: how much of the machine's limit each reaches.
"""

import json
import os
import sys

import matplotlib

matplotlib.use("svg")

from matplotlib import pyplot  # noqa: E402

from models.peers.report import shape_text, title  # noqa: E402

COLORS = {"lathe": "#d1495b", "lathe-dynamic": "#e8a0a9", "onnxruntime": "#30638e", "openvino": "#66a182", "inductor": "#edae49",
          "iree": "#7d5ba6", "tvm": "#8d99ae"}


def label(row):
    return f"{row['model']} ({shape_text(row['dims'])})"


def bars(rows, engines, value, text, path):
    """Groups of horizontal bars, one group per row; `value` gives a number or None."""
    figure, axes = pyplot.subplots(figsize=(9, 0.9 + 0.16 * len(rows) * (len(engines) + 1)))
    height = 1 / (len(engines) + 1)
    for place, engine in enumerate(engines):
        known = [(index, value(row, engine)) for index, row in enumerate(rows) if engine in row["engines"]]
        axes.barh([index + place * height for index, _ in known], [number for _, number in known], height,
                  color=COLORS[engine], label=title(engine))
    axes.set_yticks([index + height * (len(engines) - 1) / 2 for index in range(len(rows))], [label(row) for row in rows])
    axes.invert_yaxis()
    axes.axvline(1, color="black", linewidth=0.8)
    axes.set_xlabel(text)
    axes.legend(loc="lower right", fontsize="small")
    figure.tight_layout()
    figure.savefig(path, metadata={"Date": None})
    pyplot.close(figure)


def draw(result, folder):
    os.makedirs(folder, exist_ok=True)
    matplotlib.rcParams.update({"svg.hashsalt": "lathe", "svg.fonttype": "none"})  # the same numbers give the same file
    for threads in sorted({row["threads"] for row in result["rows"]}):
        rows = [row for row in result["rows"] if row["threads"] == threads and "ratios" in row and "limit_ms" in row]
        bars(rows, result["engines"], lambda row, engine: row["ratios"][engine],
             f"latency by that of the fastest peer, {threads} threads (less is better)",
             os.path.join(folder, f"latency-{threads}.svg"))
        bars(rows, result["engines"], lambda row, engine: row["limit_ms"] / row["engines"][engine]["min_ms"],
             f"share of the machine's limit, {threads} threads (1: nothing faster in f32 without fewer operations)",
             os.path.join(folder, f"limit-{threads}.svg"))


if __name__ == "__main__":
    with open(sys.argv[1], encoding="utf-8") as table:
        draw(json.load(table), sys.argv[2])
