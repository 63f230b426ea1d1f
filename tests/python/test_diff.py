"""Comparing from Python: what lathe.diff gives, and what is said of things that don't fit."""

import numpy as np
import pytest

import lathe
from test_quantize import product_model, samples


@pytest.fixture(scope="module")
def quantized():
    return lathe.compile(product_model(), quantize="int8", quantize_all=True, calibrate=samples())


def test_iterable_and_files(quantized, tmp_path):
    result = lathe.diff(product_model(), quantized, samples(), samples=5)
    assert result["samples"] == 5
    assert 25 < result["outputs"][0]["sqnr_db"] < 80
    assert result["f32_cost"]["file_bytes"] > 0
    arrays = {name: np.concatenate([sample[name] for sample in samples()]) for name in ("a", "x")}
    np.savez(tmp_path / "x.npz", **arrays)
    quantized.save(tmp_path / "m.lathe")
    same = lathe.diff(product_model().SerializeToString(), tmp_path / "m.lathe", tmp_path / "x.npz", samples=5, speed=False,
                      html=tmp_path / "d.html")
    assert same["outputs"] == result["outputs"]
    assert same["f32_cost"] is None
    assert "<svg" in (tmp_path / "d.html").read_text() or "svgSpace" in (tmp_path / "d.html").read_text()


def test_f32_is_the_same():
    result = lathe.diff(product_model(), lathe.compile(product_model()), samples(), speed=False)
    assert all(output["max_error"] < 1e-6 for output in result["outputs"])
    assert [layer["node"] for layer in result["layers"]] == ["sum"]


def test_report_of_a_compilation(tmp_path):
    import json
    lathe.compile(product_model(), quantize="int8", quantize_all=True, calibrate=samples(), report=tmp_path / "r.json")
    accuracy = json.loads((tmp_path / "r.json").read_text())["accuracy"]
    assert accuracy["samples"] == 8
    assert accuracy["layers"] and accuracy["outputs"][0]["sqnr_db"] > 25
    assert "of f32" in accuracy["summary"]
    lathe.compile(product_model(), report=tmp_path / "f32.json")
    assert "accuracy" not in json.loads((tmp_path / "f32.json").read_text())


def test_refused(quantized):
    with pytest.raises(lathe.Error, match="another model"):
        lathe.diff(product_model("other"), quantized, [{"other": s["a"], "x": s["x"]} for s in samples()])
    with pytest.raises(lathe.Error, match="'x'"):
        lathe.diff(product_model(), quantized, [{"a": s["a"], "x": s["x"][:, 1:]} for s in samples()])
    with pytest.raises(lathe.Error, match="--samples"):
        lathe.diff(product_model(), quantized, samples(), samples=0)
