"""`lathe quantize` refuses what it can't do, and leaves nothing half behind."""

import os
import signal
import subprocess
import time

import numpy as np
import onnx
import onnx.helper as oh
import pytest

from conftest import assert_refused, product_model
from models.command import binary


@pytest.fixture
def data(tmp_path):
    rng = np.random.default_rng(0)
    np.savez(tmp_path / "data.npz", a=rng.standard_normal((4, 64), np.float32), b=rng.standard_normal((4, 64), np.float32))
    return tmp_path / "data.npz"


@pytest.mark.parametrize("options, words", [
    (["--quantize", "int8"], ["expects --calibrate"]),
    (["--quantize", "int3"], ["got 'int3'"]),
    (["--keep", "("], ["expects --keep to be a regular expression"]),
    (["--cpu", "native"], ["--cpu"]),
    (["--calibrate-method", "guess"], ["got 'guess'"]),
])
def test_options(lathe, model, tmp_path, options, words):
    done = lathe(["quantize", model, "-o", tmp_path / "q.onnx", *options])
    assert done.returncode == 2 and all(word in done.stderr for word in words), done.stderr
    assert os.listdir(tmp_path) == []


def test_paths(lathe, model, tmp_path, data):
    for output in (tmp_path / "none" / "q.onnx", tmp_path, "/proc/q.onnx"):
        assert_refused(lathe(["quantize", model, "-o", output, "--calibrate", data]), 3, ["can't write"])
    assert_refused(lathe(["quantize", tmp_path / "none.onnx", "-o", tmp_path / "q.onnx"]), 3, ["none.onnx"])
    assert_refused(lathe(["quantize", model, "-o", tmp_path / "q.onnx", "--calibrate", tmp_path / "none.npz"]), 3,
                   ["none.npz"])
    assert os.listdir(tmp_path) == ["data.npz"]


def test_models(lathe, tmp_path):
    broken = tmp_path / "broken.onnx"
    broken.write_bytes(b"\x00garbage")
    assert_refused(lathe(["quantize", broken, "-o", tmp_path / "q.onnx"]), 1, ["not an ONNX model"])
    unknown = product_model()
    unknown.graph.node[1].op_type = "Nonsense"
    onnx.save(unknown, broken)
    assert_refused(lathe(["quantize", broken, "-o", tmp_path / "q.onnx"]), 1, ["node 'sum'", "not supported"])
    assert sorted(os.listdir(tmp_path)) == ["broken.onnx"]


def test_opset_that_cannot_be_raised(lathe, tmp_path, data):
    """Scales per channel need opset 13; ONNX's converter doesn't know functions."""
    model = product_model()
    del model.opset_import[:]
    model.opset_import.extend([oh.make_opsetid("", 9), oh.make_opsetid("own", 1)])
    model.functions.append(oh.make_function("own", "Less", ["x"], ["z"], [oh.make_node("Neg", ["x"], ["z"])],
                                            [oh.make_opsetid("", 9)]))
    model.graph.node.append(oh.make_node("Less", ["y"], ["z"], domain="own"))
    model.graph.output.append(oh.make_tensor_value_info("z", onnx.TensorProto.FLOAT, ["N", 64]))
    onnx.save(model, tmp_path / "old.onnx")
    done = lathe(["quantize", tmp_path / "old.onnx", "-o", tmp_path / "q.onnx", "--calibrate", data])
    assert_refused(done, 1, ["old.onnx", "from version 9 of ONNX's operators to 13", "functions of its own"])
    assert not os.path.exists(tmp_path / "q.onnx")


def test_interrupted(model, tmp_path, data):
    """What was there stays, or what is new is whole."""
    output = tmp_path / "q.onnx"
    output.write_bytes(b"before")
    for delay in (0.01, 0.03, 0.06, 0.1, 0.2):
        process = subprocess.Popen([binary(), "quantize", model, "-o", output, "--calibrate", data],
                                   stderr=subprocess.DEVNULL)
        time.sleep(delay)
        process.send_signal(signal.SIGKILL)
        process.wait()
        if output.read_bytes() != b"before":
            onnx.checker.check_model(str(output), full_check=True)
