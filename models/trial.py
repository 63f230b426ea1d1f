"""One model of the zoo: compiled in f32 and quantized, checked against the reference, measured."""

import importlib.util
import os
import tempfile
from typing import NamedTuple

import numpy as np

from models import command, quality, reference, zoo
from models.build import build

SAMPLES = 8      # that calibrate
ROUNDS = 4       # of f32 and a quantized artifact in turns
SLOWEST = 1.03   # of f32's latency: a quantized artifact may not take longer
PRECISIONS = {"int8": ["--quantize", "int8"], "int8-dynamic": ["--quantize", "int8-dynamic"],
              "int4": ["--quantize", "int4"]}  # nearest numbers, f32 convolutions


class Timing(NamedTuple):
    threads: list[int]      # numbers of them
    seconds: float          # per model and number of threads
    realtime: bool = False  # before all else on the machine

    def bench(self, artifact, model, count, seconds):
        return command.bench(artifact, model, model["bench"], count, seconds, self.realtime)


def label(row):
    """A row's model, with the precision if it isn't f32."""
    return row["model"] if row["precision"] == "f32" else f"{row['model']} {row['precision']}"


def check(model, artifact, folder, models):
    """{case: largest relative difference}; raises Failed if a run fails."""
    running = reference.session(zoo.path(model["name"], models), threads=2)
    worst = {}
    for dims in model["cases"]:
        inputs = zoo.make_inputs(model, dims)
        got = command.run(artifact, inputs, folder)
        want = reference.outputs(running, inputs)
        worst[str(dims)] = max(reference.difference(got[name], want[name]) for name in want)
    return worst


def measure(row, model, artifact, timing):
    memory = command.inspect(artifact)["memory"]
    row["weights_bytes"] = memory["weights_bytes"]
    row["bench"] = {}
    for count in timing.threads:
        row["bench"][str(count)] = timing.bench(artifact, model, count, timing.seconds)


def real_steps(row, model, artifact, timing, models):
    row["compile"] = command.compile_model(build(model["name"], models), artifact)
    if importlib.util.find_spec("onnxruntime"):
        row["differences"] = check(model, artifact, os.path.dirname(artifact), models)
        worst = max(row["differences"].values())
        if worst > model["limit"]:
            row["failures"].append(f"expects a relative difference of at most {model['limit']:g}, got {worst:.3g}")
    measure(row, model, artifact, timing)


def write_samples(model, folder):
    """Inputs like those that are measured with, as calibration data."""
    os.makedirs(folder, exist_ok=True)
    for seed in range(1, SAMPLES + 1):
        np.savez(os.path.join(folder, f"{seed}.npz"), **zoo.make_inputs(model, model["bench"], seed))
    return folder


def in_turns(row, model, artifact, real, timing):
    """Latencies of both artifacts, the smallest of rounds in turns, and their ratio. Twice the rounds where it is too high."""
    row["bench"], row["f32_ratios"] = {}, {}
    for count in timing.threads:
        best = {}
        for number in range(2 * ROUNDS):
            for path in (real, artifact):
                found = timing.bench(path, model, count, timing.seconds / ROUNDS)
                if path not in best or found["min_ms"] < best[path]["min_ms"]:
                    best[path] = found
            ratio = best[artifact]["min_ms"] / best[real]["min_ms"]
            if number + 1 >= ROUNDS and ratio <= SLOWEST:
                break
        row["bench"][str(count)], row["f32_ratios"][str(count)] = best[artifact], ratio
        if ratio > SLOWEST:
            row["failures"].append(f"{count} threads: expects at most {SLOWEST:g} times f32's latency, got {ratio:.3f}")


def quantized_steps(row, model, real, timing, models):
    folder = os.path.dirname(real)
    artifact = os.path.join(folder, row["precision"] + ".lathe")
    options = PRECISIONS[row["precision"]]
    if row["precision"] == "int8":
        options = [*options, "--calibrate", write_samples(model, os.path.join(folder, "samples"))]
    row["compile"] = command.compile_model(build(model["name"], models), artifact, *options)
    row["size_ratio"] = row["compile"]["bytes"] / os.path.getsize(real)
    row["quality"] = {}
    for dims in model["cases"]:
        inputs = zoo.make_inputs(model, dims)
        row["quality"][str(dims)] = quality.compare(command.run(artifact, inputs, folder),
                                                    command.run(real, inputs, folder))
    worst, limit = quality.worst(row["quality"]), model.get("cosine", {}).get(row["precision"], quality.LEAST_COSINE)
    if worst["cosine"] < limit:
        row["failures"].append(f"expects a cosine to f32 of at least {limit:g}, got {worst['cosine']:.4f}")
    in_turns(row, model, artifact, real, timing)


def attempt(row, steps):
    try:
        steps()
    except command.Failed as failure:
        row["failures"].append(str(failure))
    return row


def run(model, precisions, timing, models=None):
    """Rows of the report, one per precision; what went wrong is in row["failures"]."""
    def row(precision):
        return {"model": model["name"], "precision": precision, "dims": model["bench"], "failures": []}

    with tempfile.TemporaryDirectory(prefix="lathe-zoo-") as folder:
        real, artifact = row("f32"), os.path.join(folder, "f32.lathe")
        attempt(real, lambda: real_steps(real, model, artifact, timing, models))
        if "f32" in precisions or real["failures"]:
            yield real
        if "bench" not in real:
            return
        for precision in precisions:
            if precision != "f32":
                found = row(precision)
                yield attempt(found, lambda: quantized_steps(found, model, artifact, timing, models))


def compare(row, baseline, tolerance):
    """Adds the ratios of latencies to those of a row of an earlier run, and a failure for each that is too high."""
    if not baseline:
        return
    row["ratios"] = {}
    for threads, bench in row.get("bench", {}).items():
        before = baseline.get("bench", {}).get(threads)
        if not before:
            continue
        ratio = bench["min_ms"] / before["min_ms"]
        row["ratios"][threads] = ratio
        if ratio > tolerance:
            row["failures"].append(f"{threads} threads: expects at most {tolerance:g} times the baseline's latency, "
                                   f"got {ratio:.2f} ({before['min_ms']:.3f} ms before, {bench['min_ms']:.3f} ms now)")
