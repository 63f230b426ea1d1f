"""Models whose convolutions and products oneDNN computes; without the library (LATHE_ONEDNN_LIBRARY, or where the system
finds it) there is nothing to test."""

import ctypes
import os

import pytest

from models import command, reference, zoo
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
