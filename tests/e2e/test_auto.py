"""--quantize auto: within its error, never slower by its own measure, and never half of a file."""

import json
import os
import signal
import subprocess
import time

import numpy as np
import pytest

from models import command
from models.accuracy import digits
from models.build import build


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    path = tmp_path_factory.mktemp("samples") / "data.npz"
    np.savez(path, **digits.calibration_data())
    return str(path)


def search(folder, data, *options, check=True):
    artifact = str(folder / "m.lathe")
    done = command.lathe("compile", build("digits"), "-o", artifact, "--quantize", "auto", "--calibrate", data, *options,
                         check=check)
    with open(artifact + ".pareto.json", encoding="utf-8") as file:
        return artifact, json.load(file), done


def relative_error(artifact, folder):
    """Of the outputs for the first 32 samples of calibration, against f32's."""
    full = str(folder / "f32.lathe")
    command.compile_model(build("digits"), full)
    inputs = {name: values[:32] for name, values in digits.calibration_data().items()}
    want, got = (next(iter(command.run(path, inputs, str(folder)).values())) for path in (full, artifact))
    return float(np.linalg.norm(got - want) / np.linalg.norm(want))


def chosen(tried):
    return next(entry for entry in tried["artifacts"] if entry["is_chosen"])


def test_error_is_kept(tmp_path, data):
    """A limit between what all nodes lose together and none: some are in integers, and the artifact is what the list says."""
    everything = chosen(search(tmp_path, data, "--max-error", "1")[1])
    limit = 0.6 * everything["error"]
    artifact, tried, _ = search(tmp_path, data, "--max-error", str(limit))
    best = chosen(tried)
    assert best["error"] <= limit
    assert best["bytes"] == os.path.getsize(artifact)
    assert relative_error(artifact, tmp_path) == pytest.approx(best["error"], rel=0.02, abs=1e-6)
    within = [entry for entry in tried["artifacts"] if entry["error"] <= limit]
    assert best["time_ratio"] <= 1.02 * min(entry["time_ratio"] for entry in within)
    assert len(tried["artifacts"]) >= 3
    assert tried["artifacts"][0]["nodes"] == {} and tried["artifacts"][0]["error"] == 0


def test_nothing_is_within_the_error(tmp_path, data):
    artifact, tried, done = search(tmp_path, data, "--max-error", "1e-7")
    assert chosen(tried)["nodes"] == {}
    assert "stay in f32 with --max-error 1e-07: alone, '" in done.stderr
    assert relative_error(artifact, tmp_path) == 0


@pytest.mark.parametrize("metric", ["cosine", "kl"])
def test_other_metrics(tmp_path, data, metric):
    tried = search(tmp_path, data, "--error-metric", metric, "--max-error", "0.05")[1]
    assert tried["metric"] == metric
    assert 0 < chosen(tried)["error"] <= 0.05


def test_a_little_time(tmp_path, data):
    """f32 and the list are there in any case."""
    _, tried, _ = search(tmp_path, data, "--budget", "0.001", "--max-error", "0.003")
    assert tried["artifacts"][0]["nodes"] == {} and len(tried["artifacts"]) <= 3
    assert tried["end"] == "no time was left for another artifact"


@pytest.mark.parametrize("seconds", [0.3, 1.5, 4])
def test_interruption(tmp_path, data, seconds):
    artifact = tmp_path / "m.lathe"
    process = subprocess.Popen([command.binary(), "compile", build("digits"), "-o", str(artifact), "--quantize", "auto",
                                "--calibrate", data, "--max-error", "0.005"])
    time.sleep(seconds)
    process.send_signal(signal.SIGTERM)
    process.wait(30)
    left = {path.name for path in tmp_path.iterdir()}
    assert left <= {"m.lathe", "m.lathe.pareto.json"}
    if artifact.exists():
        command.run(str(artifact), {name: values[:1] for name, values in digits.calibration_data().items()}, str(tmp_path))
