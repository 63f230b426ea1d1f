"""The same model gives the same file; the same inputs give the same bits, on any number of threads."""

import os

import pytest

from models import command, zoo

MODELS = [model for model in zoo.select(os.environ.get("LATHE_E2E_FILTER"))
          if model["weights_mb"] < 150 and not model.get("external")]
IDS = [model["name"] for model in MODELS]


@pytest.mark.parametrize("model", MODELS, ids=IDS)
def test_same_bytes_when_compiled_again(model, artifact_of, tmp_path):
    first = artifact_of(model["name"])
    second = str(tmp_path / "again.lathe")
    command.compile_model(zoo.path(model["name"]), second)
    with open(first, "rb") as a, open(second, "rb") as b:
        assert a.read() == b.read(), "two compilations give different files"


@pytest.mark.parametrize("model", MODELS, ids=IDS)
def test_same_bits_on_any_number_of_threads(model, artifact_of, tmp_path):
    artifact = artifact_of(model["name"])
    inputs = zoo.make_inputs(model, model["cases"][-1])
    results = [command.run(artifact, inputs, str(tmp_path / str(i)), threads)
               for i, threads in enumerate((1, 2, 3, 2))]
    for other in results[1:]:
        different = [name for name in other if other[name].tobytes() != results[0][name].tobytes()]
        assert not different
