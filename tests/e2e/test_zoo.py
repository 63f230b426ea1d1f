"""Every model of the zoo computes what ONNX Runtime computes, at several sizes."""

import os

import pytest

from models import command, reference, zoo

MODELS = zoo.select(os.environ.get("LATHE_E2E_FILTER"))


def label(dims):
    return "-".join(f"{name}{size}" for name, size in dims.items())


CASES = [pytest.param(model, dims, id=f"{model['name']}-{label(dims)}") for model in MODELS for dims in model["cases"]]


@pytest.mark.parametrize("model, dims", CASES)
def test_same_as_onnxruntime(model, dims, artifact_of, references, tmp_path):
    artifact = artifact_of(model["name"])
    inputs = zoo.make_inputs(model, dims)
    got = command.run(artifact, inputs, str(tmp_path))
    want = reference.outputs(references(model["name"]), inputs)
    assert set(got) == set(want)
    wrong = {name: reference.describe(got[name], want[name]) for name in want
             if reference.difference(got[name], want[name]) > model["limit"]}
    assert not wrong
