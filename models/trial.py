"""One model of the zoo: compiled, checked against the reference, measured."""

import importlib.util
import os
import tempfile

from models import command, reference, zoo
from models.build import build


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


def measure(row, model, artifact, threads, seconds):
    memory = command.inspect(artifact)["memory"]
    row["weights_bytes"] = memory["weights_bytes"]
    row["bench"] = {}
    for count in threads:
        row["bench"][str(count)] = command.bench(artifact, model, model["bench"], count, seconds)


def steps(row, model, threads, seconds, models, folder):
    artifact = os.path.join(folder, "model.lathe")
    row["compile"] = command.compile_model(build(model["name"], models), artifact)
    if importlib.util.find_spec("onnxruntime"):
        row["differences"] = check(model, artifact, folder, models)
        worst = max(row["differences"].values())
        if worst > model["limit"]:
            row["failures"].append(f"expects a relative difference of at most {model['limit']:g}, got {worst:.3g}")
    measure(row, model, artifact, threads, seconds)


def run(model, threads, seconds, models=None):
    """A row of the report; what went wrong is in row["failures"]."""
    row = {"model": model["name"], "dims": model["bench"], "failures": []}
    with tempfile.TemporaryDirectory(prefix="lathe-zoo-") as folder:
        try:
            steps(row, model, threads, seconds, models, folder)
        except command.Failed as failure:
            row["failures"].append(str(failure))
    return row


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
