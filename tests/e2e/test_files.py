"""A model with its weights in a second file computes what the same model in one file does."""

import pytest

from models import command, zoo
from models.build import build


def test_external_weights_give_the_same_artifact(artifacts, tmp_path):
    model = zoo.entry("bert_base_external")
    inputs = zoo.make_inputs(model, model["cases"][0])
    try:
        names = [command.compiled(name, artifacts) for name in ("bert_base", "bert_base_external")]
    except command.Failed as failure:
        pytest.fail(str(failure), pytrace=False)
    one, two = [command.run(name, inputs, str(tmp_path / str(i))) for i, name in enumerate(names)]
    assert all(one[name].tobytes() == two[name].tobytes() for name in one)


def test_models_are_built_deterministically(tmp_path):
    paths = [build("yolo", str(tmp_path / str(i))) for i in range(2)]
    contents = []
    for path in paths:
        with open(path, "rb") as file:
            contents.append(file.read())
    assert contents[0] == contents[1]
