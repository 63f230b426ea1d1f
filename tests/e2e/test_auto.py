"""--quantize auto: within its error, never slower by its own measure, and never half of a file."""

import json
import os
import signal
import subprocess
import time

import numpy as np
import onnx
import onnx.helper as oh
import pytest

from models import command, reference
from models.accuracy import digits
from models.build import build


OUTPUTS = {"compile": "m.lathe", "quantize": "m.onnx"}


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    path = tmp_path_factory.mktemp("samples") / "data.npz"
    np.savez(path, **digits.calibration_data())
    return str(path)


def search(folder, data, *options, check=True, verb="compile"):
    output = str(folder / OUTPUTS[verb])
    done = command.lathe(verb, build("digits"), "-o", output, "--quantize", "auto", "--calibrate", data, *options,
                         check=check)
    with open(output + ".pareto.json", encoding="utf-8") as file:
        return output, json.load(file), done


def error_between(want, got):
    want, got = next(iter(want.values())), next(iter(got.values()))
    return float(np.linalg.norm(got - want) / np.linalg.norm(want))


def relative_error(artifact, folder):
    """Of the outputs for the first 32 samples of calibration, against f32's."""
    full = str(folder / "f32.lathe")
    command.compile_model(build("digits"), full)
    return error_between(*(command.run(path, inputs(), str(folder)) for path in (full, artifact)))


def inputs():
    return {name: values[:32] for name, values in digits.calibration_data().items()}


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


def integer_weights(path):
    return sum(tensor.data_type == onnx.TensorProto.INT8 and len(tensor.dims) > 1 for tensor in onnx.load(path).graph.initializer)


def test_written_as_onnx(tmp_path, data):
    """The file is what the list says, by another engine too; a limit keeps some nodes that int8 quantizes in f32."""
    whole = str(tmp_path / "int8.onnx")
    command.lathe("quantize", build("digits"), "-o", whole, "--quantize", "int8", "--calibrate", data)
    everything = search(tmp_path, data, "--max-error", "1", verb="quantize")[1]["artifacts"]
    limit = 0.6 * max(entry["error"] for entry in everything)
    path, tried, done = search(tmp_path, data, "--max-error", str(limit), verb="quantize")
    assert done.stderr == ""
    onnx.checker.check_model(path, full_check=True)
    best = chosen(tried)
    assert 0 < best["error"] <= limit and best["bytes"] == os.path.getsize(path)
    assert 0 < integer_weights(path) == len(best["nodes"]["int8"]) < integer_weights(whole)
    exact, got = (reference.outputs(reference.session(model, threads=1, optimized=False), inputs()) for model in (build("digits"), path))
    assert error_between(exact, got) == pytest.approx(best["error"], rel=0.05)


def test_nothing_is_within_the_error_of_onnx(tmp_path, data):
    path, tried, done = search(tmp_path, data, "--max-error", "1e-7", verb="quantize")
    assert chosen(tried)["nodes"] == {} and integer_weights(path) == 0
    assert "stay in f32 with --max-error 1e-07: alone, '" in done.stderr


def test_nothing_is_within_the_error(tmp_path, data):
    artifact, tried, done = search(tmp_path, data, "--max-error", "1e-7")
    assert chosen(tried)["nodes"] == {}
    assert "stay in f32 with --max-error 1e-07: alone, '" in done.stderr
    assert relative_error(artifact, tmp_path) == 0


def uneven_model():
    """Two convolutions; the channels between them differ by factors of up to 100, which the second one's weights make up for.

    The first one gains most and, with weights and inputs of -1, 0 and 1, loses least, so any machine's times put it first.
    """
    rng, between = np.random.default_rng(0), np.geomspace(1, 100, 64)
    first = rng.integers(-1, 2, (64, 64, 3, 3)) * between[:, None, None, None]
    second = rng.standard_normal((8, 64, 1, 1)) / between[:, None, None]
    weights = [onnx.numpy_helper.from_array(value.astype(np.float32), name)
               for name, value in (("w", first), ("v", second), ("b", between))]
    nodes = [oh.make_node("Conv", ["x", "w", "b"], ["c"], "first", pads=[1, 1, 1, 1]), oh.make_node("Relu", ["c"], ["r"]),
             oh.make_node("Conv", ["r", "v"], ["y"], "second")]
    value = lambda name, channels: oh.make_tensor_value_info(name, onnx.TensorProto.FLOAT, [1, channels, 28, 28])
    return oh.make_model(oh.make_graph(nodes, "uneven", [value("x", 64)], [value("y", 8)], weights),
                         opset_imports=[oh.make_opsetid("", 17)], ir_version=8)


def test_channels_are_made_even_by_weights(tmp_path):
    """Both in integers: the first one's weights take the factors, nothing is multiplied. The first one alone: they don't."""
    model, output, data = str(tmp_path / "m.onnx"), str(tmp_path / "m.lathe"), str(tmp_path / "data.npz")
    onnx.save(uneven_model(), model)
    np.savez(data, x=np.random.default_rng(1).integers(-1, 2, (8, 64, 28, 28)).astype(np.float32))
    options = ["-o", output, "--quantize", "auto", "--calibrate", data, "--max-error"]
    command.lathe("compile", model, *options, "1")
    with open(output + ".pareto.json", encoding="utf-8") as file:
        tried = json.load(file)
    both = next(entry for entry in tried["artifacts"] if len(entry["nodes"].get("int8", [])) == 2)
    assert both["error"] < 0.02
    if both["is_chosen"]:
        assert "mul" not in command.lathe("inspect", output).stdout
    alone = {node["name"]: node["error_alone"]["int8"] for node in tried["nodes"]}
    command.lathe("compile", model, *options, str(alone["first"] * 1.02))
    with open(output + ".pareto.json", encoding="utf-8") as file:
        one = [entry for entry in json.load(file)["artifacts"] if entry["nodes"].get("int8") == ["first"]]
    assert one and one[0]["error"] == pytest.approx(alone["first"], rel=0.05)


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


@pytest.mark.parametrize("verb", OUTPUTS)
@pytest.mark.parametrize("seconds", [0.3, 1.5, 4])
def test_interruption(tmp_path, data, seconds, verb):
    output = tmp_path / OUTPUTS[verb]
    process = subprocess.Popen([command.binary(), verb, build("digits"), "-o", str(output), "--quantize", "auto",
                                "--calibrate", data, "--max-error", "0.005"])
    time.sleep(seconds)
    process.send_signal(signal.SIGTERM)
    process.wait(30)
    left = {path.name for path in tmp_path.iterdir()}
    assert left <= {output.name, output.name + ".pareto.json"}
    if output.exists() and verb == "compile":
        command.run(str(output), inputs(), str(tmp_path))
    elif output.exists():
        onnx.checker.check_model(str(output), full_check=True)
