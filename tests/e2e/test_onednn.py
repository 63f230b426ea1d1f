"""Models whose convolutions and products oneDNN computes; without the library (LATHE_ONEDNN_LIBRARY, or where the system
finds it) there is nothing to test."""

import ctypes
import os

import numpy as np
import pytest

from models import command, reference, zoo
from models.accuracy import digits
from models.build import build


def has_library():
    try:
        ctypes.CDLL(os.environ.get("LATHE_ONEDNN_LIBRARY", "libdnnl.so.3"))
    except OSError:
        return False
    return True


@pytest.mark.skipif(not has_library(), reason="no oneDNN: set LATHE_ONEDNN_LIBRARY")
@pytest.mark.parametrize("name", ["mobilenet_v2", "resnet50", "bert_tiny"])
def test_same_as_onnxruntime(name, references, tmp_path):
    model, path, artifact = zoo.entry(name), build(name), str(tmp_path / "model.lathe")
    sizes = command.fixed_sizes(path, model, model["bench"])
    command.compile_model(path, artifact, "--provider", "onednn", *sizes)
    kernels = command.lathe("inspect", artifact).stdout
    assert "onednn_conv" in kernels or "onednn_matmul" in kernels
    inputs = zoo.make_inputs(model, model["bench"])
    want = reference.outputs(references(name), inputs)
    for threads in (1, 2):
        got = command.run(artifact, inputs, str(tmp_path / str(threads)), threads)
        wrong = {key: reference.describe(got[key], want[key]) for key in want
                 if reference.difference(got[key], want[key]) > model["limit"]}
        assert not wrong


def quantized(name, folder):
    """The model with weights of 7 bits, whose sums oneDNN computes exactly on any processor, as ONNX; inputs; --dim options."""
    model, path, written, data = zoo.entry(name), build(name), str(folder / "q.onnx"), str(folder / "data.npz")
    sizes = command.fixed_sizes(path, model, model["bench"])
    inputs = digits.calibration_data() if name == "digits" else zoo.make_inputs(model, model["bench"])
    np.savez(data, **inputs)
    command.lathe("quantize", path, "-o", written, "--quantize", "int8", "--weight-bits", "7", "--calibrate-method", "min-max",
                  "--quantize-all", "--calibrate", data)
    return written, zoo.make_inputs(model, model["bench"], seed=3), sizes


@pytest.mark.skipif(not has_library(), reason="no oneDNN: set LATHE_ONEDNN_LIBRARY")
@pytest.mark.parametrize("name, least", [("digits", 6), ("mobilenet_v2", 25), ("bert_tiny", 3)])
def test_integers_have_the_same_bits(name, least, tmp_path):
    path, inputs, sizes = quantized(name, tmp_path)
    own, theirs = str(tmp_path / "own.lathe"), str(tmp_path / "onednn.lathe")
    command.compile_model(path, own, *sizes)
    command.compile_model(path, theirs, "--provider", "onednn", *sizes)
    kernels = command.lathe("inspect", theirs).stdout
    assert sum("onednn_" in line and ("_dequantize" in line) for line in kernels.splitlines()) >= least
    want = command.run(own, inputs, str(tmp_path / "own"))
    for threads in (1, 2):
        got = command.run(theirs, inputs, str(tmp_path / str(threads)), threads)
        for key in want:
            np.testing.assert_array_equal(got[key], want[key])


@pytest.mark.skipif(not has_library(), reason="no oneDNN: set LATHE_ONEDNN_LIBRARY")
def test_tuning_measures_integers(tmp_path):
    """Some of the lines are oneDNN's; where they win the results are the same."""
    path, inputs, sizes = quantized("digits", tmp_path)
    own, theirs, database = str(tmp_path / "own.lathe"), str(tmp_path / "onednn.lathe"), tmp_path / "tuned.txt"
    command.compile_model(path, own, *sizes)
    options = ["--provider", "auto", "--tune-db", str(database), *sizes]
    command.compile_model(path, theirs, "--tune", "--tune-seconds", "8", *options)
    lines = database.read_text().splitlines()
    database.write_text("\n".join(lines[:1] + [_as_winner(line) for line in lines[1:] if " | onednn_" in line]) + "\n")
    command.compile_model(path, theirs, *options)
    assert command.lathe("inspect", theirs).stdout.count("ui8_onednn_conv") >= 1
    want, got = (command.run(file, inputs, str(tmp_path / "out")) for file in (own, theirs))
    for key in want:
        np.testing.assert_array_equal(got[key], want[key])


@pytest.mark.skipif(not has_library(), reason="no oneDNN: set LATHE_ONEDNN_LIBRARY")
def test_tuning_measures_it_too(references, tmp_path):
    """oneDNN's plans have lines of their own; the database alone gives the same artifact, and the results are right."""
    model, path, artifact = zoo.entry("mobilenet_v2"), build("mobilenet_v2"), str(tmp_path / "model.lathe")
    sizes, database = command.fixed_sizes(path, model, model["bench"]), tmp_path / "tuned.txt"
    options = ["--provider", "auto", "--tune-db", str(database), *sizes]
    command.compile_model(path, artifact, "--tune", "--tune-seconds", "8", *options)
    lines = database.read_text().splitlines()
    assert any(" | onednn_" in line for line in lines) and any(" | onednn_" not in line for line in lines[1:])
    again = str(tmp_path / "again.lathe")
    command.compile_model(path, again, *options)
    with open(artifact, "rb") as one, open(again, "rb") as other:
        assert one.read() == other.read()
    # As if oneDNN had won everywhere.
    database.write_text("\n".join(lines[:1] + [_as_winner(line) for line in lines[1:] if " | onednn_" in line]) + "\n")
    command.compile_model(path, again, *options)
    assert "onednn_conv" in command.lathe("inspect", again).stdout
    inputs = zoo.make_inputs(model, model["bench"])
    want = reference.outputs(references("mobilenet_v2"), inputs)
    for file in (artifact, again):
        got = command.run(file, inputs, str(tmp_path / "out"), 2)
        wrong = {key: reference.describe(got[key], want[key]) for key in want
                 if reference.difference(got[key], want[key]) > model["limit"]}
        assert not wrong


def _as_winner(line):
    return " | ".join(line.split(" | ")[:-2] + ["1.00", "2.00"])
