"""What `lathe diff` can't compare is refused with the reason; nothing half is left behind."""

import os

import numpy as np
import onnx
import onnx.helper as oh
import pytest

from conftest import assert_refused, product_model


def arrays(count=3):
    rng = np.random.default_rng(0)
    return {name: rng.standard_normal((count, 64)).astype(np.float32) for name in ("a", "b")}


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    from conftest import run_limited
    folder = tmp_path_factory.mktemp("diff")
    onnx.save(product_model(), folder / "m.onnx")
    np.savez(folder / "x.npz", **arrays())
    done = run_limited(["compile", folder / "m.onnx", "-o", folder / "m.lathe"])
    assert done.returncode == 0, done.stderr
    return folder


def diff(lathe, place, model="m.onnx", artifact="m.lathe", data="x.npz", options=()):
    return lathe(["diff", place / model, place / artifact, "--data", place / data, "--no-speed", *options])


def test_good(lathe, place):
    assert diff(lathe, place).returncode == 0


@pytest.mark.parametrize("name, content", [("text", b"hello"), ("empty", b""), ("model", None)])
def test_no_artifact(lathe, place, name, content):
    path = place / f"{name}.lathe"
    path.write_bytes((place / "m.onnx").read_bytes() if content is None else content)
    assert_refused(diff(lathe, place, artifact=path.name), 3, [path.name])


def test_truncated_artifact(lathe, place):
    (place / "half.lathe").write_bytes((place / "m.lathe").read_bytes()[:5000])
    assert_refused(diff(lathe, place, artifact="half.lathe"), 3, ["half.lathe"])


@pytest.mark.parametrize("missing", ["model", "artifact", "data"])
def test_missing_file(lathe, place, missing):
    assert_refused(diff(lathe, place, **{missing: "none.npz"}), 3, ["none.npz", "no such file"])


def test_no_model(lathe, place):
    (place / "bad.onnx").write_bytes(b"no model")
    assert_refused(diff(lathe, place, model="bad.onnx"), 1, ["bad.onnx"])


def test_other_inputs(lathe, place):
    model = product_model()
    model.graph.input[0].name = model.graph.node[0].input[0] = "other"
    onnx.save(model, place / "inputs.onnx")
    np.savez(place / "other.npz", other=arrays()["a"], b=arrays()["b"])
    done = diff(lathe, place, model="inputs.onnx", data="other.npz")
    assert_refused(done, 1, ["another model", "inputs a, b", "other, b"])


def test_other_nodes(lathe, place):
    model = product_model()
    for node in model.graph.node:
        node.name = "another_" + node.name
    onnx.save(model, place / "nodes.onnx")
    assert_refused(diff(lathe, place, model="nodes.onnx"), 1, ["another model", "layers"])


def test_other_sizes(lathe, place):
    wide = lambda name: oh.make_tensor_value_info(name, onnx.TensorProto.FLOAT, ["N", 32])
    weights = onnx.numpy_helper.from_array(np.ones((32, 32), np.float32), "w")
    model = product_model()
    nodes = list(model.graph.node)
    graph = oh.make_graph(nodes, "small", [wide("a"), wide("b")], [wide("y")], [weights])
    onnx.save(oh.make_model(graph, opset_imports=[oh.make_opsetid("", 17)], ir_version=8), place / "small.onnx")
    np.savez(place / "small.npz", **{name: array[:, :32] for name, array in arrays().items()})
    assert_refused(diff(lathe, place, model="small.onnx", data="small.npz"), 1, ["expects 64, got 32"])


@pytest.mark.parametrize("change, words", [
    ({"a": None}, ["'a'"]), ({"a": np.zeros((3, 65), np.float32)}, ["'a'"]),
    ({"a": np.full((3, 64), np.nan, np.float32)}, ["'a'", "nan"]), ({"a": np.zeros((0, 64), np.float32)}, []),
    ({"a": np.zeros((3, 64), "U1")}, ["'a'"])])
def test_data(lathe, place, change, words):
    changed = {name: array for name, array in (arrays() | change).items() if array is not None}
    np.savez(place / "bad.npz", **changed)
    done = diff(lathe, place, data="bad.npz")
    assert_refused(done, 1, [])
    for word in words:
        assert word.lower() in done.stderr.lower()


def test_options(lathe, place):
    assert_refused(diff(lathe, place, options=["--samples", "0"]), 2, ["--samples"])
    assert_refused(diff(lathe, place, options=["--dim", "N"]), 2, ["--dim"])
    assert_refused(diff(lathe, place, options=["--dim", "Q=1"]), 2, ["Q"])


@pytest.mark.parametrize("option", ["--json", "--html"])
def test_unwritable(lathe, place, option):
    done = diff(lathe, place, options=[option, place / "none" / "out"])
    assert_refused(done, 3, ["can't write"])
    # A run that fails leaves no file, not even an old one in another state.
    old = place / ("old" + option)
    old.write_text("old")
    assert diff(lathe, place, data="none.npz", options=[option, old]).returncode == 3
    assert old.read_text() == "old"
    assert not [name for name in os.listdir(place) if name.startswith(old.name) and name != old.name]
