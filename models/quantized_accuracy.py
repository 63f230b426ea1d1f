#!/usr/bin/env python3
"""What quantization costs in accuracy, on tasks with real data.

    models/quantized_accuracy.py [--task NAME]... [--json FILE] [-- OPTIONS]

Prints a row per task. OPTIONS are those of `lathe compile`, int8 with calibration by default:

    models/quantized_accuracy.py --task sentences -- --quantize int8 --calibrate-method percentile
"""

import argparse
import importlib
import json
import os
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, ROOT)

import numpy as np  # noqa: E402

from models import command  # noqa: E402
from models.build import build  # noqa: E402

TASKS = ["digits", "files", "sentences"]
DEFAULT = ["--quantize", "int8"]


def compiled(path, folder, data, label, *options):
    """Compiles the model: in f32, or with options of quantization, calibrated with `data` ({input: samples}) if they ask for it."""
    artifact = os.path.join(folder, label + ".lathe")
    if "int8" in options or "int4" in options and "rtn" not in options:
        samples = os.path.join(folder, "calibration.npz")
        np.savez(samples, **data)
        options = (*options, "--calibrate", samples)
    return artifact, command.compile_model(path, artifact, *options)


def measure(task, options=tuple(DEFAULT), model=None):
    """Figures of the task's model compiled with `options` beside f32's. `model`: another ONNX file with its inputs and outputs."""
    module = importlib.import_module("models.accuracy." + task)
    path = model or build(module.MODEL)
    with tempfile.TemporaryDirectory() as folder:
        data = module.calibration_data()
        full, before = compiled(path, folder, data, "f32")
        quantized, after = compiled(path, folder, data, "quantized", *options)
        figures = module.measure(full, quantized, folder)
    return {"task": task, "model": module.MODEL, **figures, "size": after["bytes"] / before["bytes"],
            "seconds": after["seconds"]}


def row(figures):
    shown = (f"{name} {value:.4f}" if isinstance(value, float) else str(value)
             for name, value in figures.items() if name != "task")
    return f"{figures['task']:<10} " + ", ".join(shown)


def main():
    own, given = sys.argv[1:], DEFAULT
    if "--" in own:
        own, given = own[:own.index("--")], own[own.index("--") + 1:]
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--task", action="append", choices=TASKS, help="this one only; may be given again")
    parser.add_argument("--json", metavar="FILE", help="write the figures, too")
    options = parser.parse_args(own)
    rows = []
    for task in options.task or TASKS:
        rows.append(measure(task, given))
        print(row(rows[-1]), flush=True)
    if options.json:
        part = options.json + ".part"
        with open(part, "w", encoding="utf-8") as file:
            json.dump(rows, file, indent=1)
        os.replace(part, options.json)


if __name__ == "__main__":
    main()
