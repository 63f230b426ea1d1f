"""Random damage: a message or the right answer, never a crash.

Each seed is a test of its own process; LATHE_FLIPS says how many per kind of file.
"""

import os

import numpy as np
import pytest

import hostile
from conftest import run_limited
from damage import damage

COUNT = int(os.environ.get("LATHE_FLIPS", "500"))


def network():
    """A few kinds of nodes, small, so that flips hit structure rather than weights."""
    rng = np.random.default_rng(7)
    weights = [hostile.weight(rng.standard_normal((4, 3, 3, 3)).astype(np.float32), "k"),
               hostile.weight(rng.standard_normal((4, 5)).astype(np.float32), "w"),
               hostile.weight(np.array([0, -1]), "s")]
    nodes = [hostile.node("Conv", ["x", "k"], ["c"], "conv", kernel_shape=[3, 3], pads=[1, 1, 1, 1]),
             hostile.node("Relu", ["c"], ["r"], "relu"), hostile.node("GlobalAveragePool", ["r"], ["g"], "pool"),
             hostile.node("Reshape", ["g", "s"], ["f"], "flat"), hostile.node("MatMul", ["f", "w"], ["m"], "matmul"),
             hostile.node("Softmax", ["m"], ["y"], "softmax", axis=-1)]
    return hostile.model(nodes, [hostile.value("x", shape=("n", 3, 6, 6))], [hostile.value("y", shape=("n", 5))],
                         weights).SerializeToString()


def assert_calm(done):
    assert done.returncode in (0, 1, 2, 3), done.stderr[-2000:]
    assert (done.returncode == 0) == ("error:" not in done.stderr), done.stderr[-2000:]


@pytest.mark.parametrize("seed", range(COUNT))
def test_damaged_model(seed, tmp_path):
    path = hostile.write(str(tmp_path), damage(network(), seed))
    output = tmp_path / "model.lathe"
    done = run_limited(["compile", path, "-o", output])
    assert_calm(done)
    assert output.exists() == (done.returncode == 0)
    if done.returncode == 0:
        assert_calm(run_limited(["run", output, "--random", "1", "--threads", "1"]))


@pytest.fixture(scope="module")
def artifact(tmp_path_factory):
    folder = tmp_path_factory.mktemp("flips")
    path = hostile.write(str(folder), network())
    done = run_limited(["compile", path, "-o", folder / "model.lathe"])
    if done.returncode != 0:
        pytest.fail(done.stderr, pytrace=False)
    run_limited(["run", folder / "model.lathe", "--random", "1", "--output-dir", folder / "out"])
    return (folder / "model.lathe").read_bytes(), np.load(folder / "out" / "y.npy")


@pytest.mark.parametrize("seed", range(COUNT))
def test_damaged_artifact(seed, artifact, tmp_path):
    data, expected = artifact
    path = tmp_path / "model.lathe"
    path.write_bytes(damage(data, 1000 + seed))
    done = run_limited(["run", path, "--random", "1", "--output-dir", tmp_path / "out"])
    assert_calm(done)
    if done.returncode == 0:
        assert np.array_equal(np.load(tmp_path / "out" / "y.npy"), expected)
