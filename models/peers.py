"""Measures Lathe and ONNX Runtime on the same model: alternating rounds, each in a process of its own."""

import json
import subprocess
import sys

from models import command, zoo


def bench_reference(name, dims, threads, seconds, folder=None):
    arguments = [sys.executable, "-m", "models.reference", name, "--dims", json.dumps(dims), "--threads", str(threads),
                 "--seconds", str(seconds)]
    if folder:
        arguments += ["--dir", folder]
    done = subprocess.run(arguments, capture_output=True, text=True, cwd=command.ROOT, check=False)
    if done.returncode != 0:
        raise command.Failed(f"the reference failed on {name}:\n{done.stderr[-2000:]}")
    return json.loads(done.stdout)


def best(rounds):
    """The round with the smallest minimum, with the median over all rounds' medians."""
    result = dict(min(rounds, key=lambda one: one["min_ms"]))
    medians = sorted(one["median_ms"] for one in rounds)
    result["median_ms"] = medians[len(medians) // 2]
    return result


def compare(model, artifact, threads, seconds=2.0, rounds=3, folder=None):
    """{"lathe": ..., "onnxruntime": ..., "ratio": Lathe's minimum by ONNX Runtime's}."""
    ours, theirs = [], []
    for _ in range(rounds):
        ours.append(command.bench(artifact, model, model["bench"], threads, seconds))
        theirs.append(bench_reference(model["name"], model["bench"], threads, seconds, folder))
    ours, theirs = best(ours), best(theirs)
    return {"lathe": ours, "onnxruntime": theirs, "ratio": ours["min_ms"] / theirs["min_ms"]}


def shape_text(dims):
    return ", ".join(f"{name} {size}" for name, size in dims.items())


def models_of(pattern, kind):
    return zoo.select(pattern, None if kind == "all" else kind)
