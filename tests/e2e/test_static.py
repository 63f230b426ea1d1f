"""Models with all sizes fixed at compile time: right, and lean."""

import os

import pytest

from models import command, reference, zoo
from models.build import build

MODELS = zoo.select(os.environ.get("LATHE_E2E_FILTER"), "zoo")
ARENA_LIMIT = 1.05  # of the largest sum of live bytes
COMPILE_MEMORY_LIMIT = 2.5  # of the model's bytes, where LLVM's own 110 MB are a small part


@pytest.fixture(scope="module")
def compiled(tmp_path_factory):
    """Gives (artifact, what compiling took) of a model with fixed sizes; the file goes after its tests."""
    folder, kept = tmp_path_factory.mktemp("static"), {}

    def get(model):
        if model["name"] not in kept:
            for old, _ in kept.values():
                os.remove(old)
            kept.clear()
            path = build(model["name"])
            artifact = str(folder / f"{model['name']}.lathe")
            cost = command.compile_model(path, artifact, *command.fixed_sizes(path, model, model["bench"]))
            kept[model["name"]] = artifact, cost
        return kept[model["name"]]

    return get


@pytest.mark.parametrize("model", MODELS, ids=[model["name"] for model in MODELS])
class TestStatic:
    def test_same_as_onnxruntime(self, model, compiled, references, tmp_path):
        artifact, _ = compiled(model)
        inputs = zoo.make_inputs(model, model["bench"])
        got = command.run(artifact, inputs, str(tmp_path))
        want = reference.outputs(references(model["name"]), inputs)
        wrong = {name: reference.describe(got[name], want[name]) for name in want
                 if reference.difference(got[name], want[name]) > model["limit"]}
        assert not wrong

    def test_arena_is_near_its_lower_bound(self, model, compiled):
        memory = command.inspect(compiled(model)[0])["memory"]
        assert memory["lower_bound_bytes"] <= memory["arena_bytes"] <= ARENA_LIMIT * memory["lower_bound_bytes"]
        assert memory["arena_bytes"] <= memory["no_reuse_bytes"]

    def test_compiling_takes_little_memory(self, model, compiled):
        size = os.path.getsize(zoo.path(model["name"]))
        if size < 100e6:
            pytest.skip("too small to tell")
        assert compiled(model)[1]["peak_rss_bytes"] <= COMPILE_MEMORY_LIMIT * size
