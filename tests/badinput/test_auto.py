"""Options of --quantize auto that are wrong are refused, and nothing is written."""

import numpy as np
import pytest

from conftest import assert_refused

REFUSED = [
    ("no_samples", [], "expects --calibrate with --quantize auto"),
    ("metric", ["--calibrate", "data.npz", "--error-metric", "mae"], "expects --error-metric to be relative, cosine or kl, got 'mae'"),
    ("negative_error", ["--calibrate", "data.npz", "--max-error", "-1"], "expects --max-error to be 0 or more"),
    ("error_is_no_number", ["--calibrate", "data.npz", "--max-error", "nan"], "expects --max-error to be 0 or more"),
    ("stop", ["--calibrate", "data.npz", "--stop-after", "fuse"], "expects --stop-after without --quantize auto"),
]


@pytest.mark.parametrize("verb, options, message", [
    pytest.param(verb, *entry[1:], id=f"{entry[0]}-{verb}") for verb in ("compile", "quantize") for entry in REFUSED
    if verb == "compile" or entry[0] != "stop"])
def test_bad_options(verb, options, message, model, lathe, tmp_path):
    done = lathe([verb, model, "-o", tmp_path / "m.out", "--quantize", "auto", *options])
    assert_refused(done, 2, [message])
    assert list(tmp_path.glob("m.out*")) == []


@pytest.mark.parametrize("verb", ["compile", "quantize"])
def test_unwritable_list(model, lathe, tmp_path, verb):
    np.savez(tmp_path / "data.npz", **{name: np.random.default_rng(0).standard_normal((4, 64), np.float32) for name in "ab"})
    done = lathe([verb, model, "-o", tmp_path / "m.out", "--quantize", "auto", "--calibrate", tmp_path / "data.npz",
                  "--pareto", tmp_path / "absent" / "list.json"])
    assert_refused(done, 3, ["can't write", "list.json"])
    assert list(tmp_path.glob("m.out*")) == []


def test_unwritable_model(model, lathe, tmp_path):
    np.savez(tmp_path / "data.npz", **{name: np.random.default_rng(0).standard_normal((4, 64), np.float32) for name in "ab"})
    done = lathe(["quantize", model, "-o", tmp_path / "absent" / "m.onnx", "--quantize", "auto", "--calibrate",
                  tmp_path / "data.npz", "--pareto", tmp_path / "list.json"])
    assert_refused(done, 3, ["can't write", "m.onnx"])
    assert list(tmp_path.glob("*")) == [tmp_path / "data.npz"]
