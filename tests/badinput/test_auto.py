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


@pytest.mark.parametrize("options, message", [pytest.param(*entry[1:], id=entry[0]) for entry in REFUSED])
def test_bad_options(options, message, model, lathe, tmp_path):
    done = lathe(["compile", model, "-o", tmp_path / "m.lathe", "--quantize", "auto", *options])
    assert_refused(done, 2, [message])
    assert list(tmp_path.glob("m.lathe*")) == []


def test_unwritable_list(model, lathe, tmp_path):
    np.savez(tmp_path / "data.npz", **{name: np.random.default_rng(0).standard_normal((4, 64), np.float32) for name in "ab"})
    done = lathe(["compile", model, "-o", tmp_path / "m.lathe", "--quantize", "auto", "--calibrate", tmp_path / "data.npz",
                  "--pareto", tmp_path / "absent" / "list.json"])
    assert_refused(done, 3, ["can't write", "list.json"])
