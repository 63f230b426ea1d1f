"""Bad inputs and bad artifacts are refused with a clear message when a model is run."""

import struct

import numpy as np
import pytest

import hostile
from conftest import assert_refused, run_limited


@pytest.fixture(scope="module")
def artifact(tmp_path_factory):
    folder = tmp_path_factory.mktemp("good")
    model = hostile.write(str(folder), hostile.good(), "good.onnx")
    done = run_limited(["compile", model, "-o", folder / "good.lathe"])
    if done.returncode != 0:
        pytest.fail(done.stderr, pytrace=False)
    return folder / "good.lathe"


@pytest.fixture(scope="module")
def gather(tmp_path_factory):
    """y = w[i], with indices of the user's."""
    folder = tmp_path_factory.mktemp("gather")
    model = hostile.model([hostile.node("Gather", ["w", "i"], name="lookup")],
                          [hostile.value("i", hostile.I64, ("n",))], [hostile.value("y", shape=("n", 3))],
                          [hostile.weight(np.ones((4, 3), np.float32))])
    done = run_limited(["compile", hostile.write(str(folder), model), "-o", folder / "gather.lathe"])
    if done.returncode != 0:
        pytest.fail(done.stderr, pytrace=False)
    return folder / "gather.lathe"


def save(folder, array, name="x.npy"):
    path = folder / name
    np.save(path, array)
    return path


def test_good_input_runs(artifact, lathe, tmp_path):
    x = np.arange(6, dtype=np.float32).reshape(2, 3)
    done = lathe(["run", artifact, "--input", f"x={save(tmp_path, x)}", "--output-dir", tmp_path / "out"])
    assert done.returncode == 0, done.stderr
    w = np.linspace(-1, 1, 12).reshape(3, 4).astype(np.float32)
    np.testing.assert_allclose(np.load(tmp_path / "out" / "y.npy"), np.maximum(x @ w, 0) + 1, rtol=1e-5)


@pytest.mark.parametrize("array, fragments", [
    pytest.param(np.ones((2, 3), np.float64), ["'x'", "dtype", "f32", "f64"], id="dtype"),
    pytest.param(np.ones((2, 3), np.int64), ["'x'", "dtype", "f32", "i64"], id="integers"),
    pytest.param(np.ones((3,), np.float32), ["'x'", "rank", "2", "1"], id="rank"),
    pytest.param(np.ones((1, 2, 3), np.float32), ["'x'", "rank", "2", "3"], id="higher_rank"),
    pytest.param(np.float32(1), ["'x'", "rank"], id="scalar"),
    pytest.param(np.ones((2, 4), np.float32), ["'x'", "3", "4"], id="size"),
    pytest.param(np.ones((2, 0), np.float32), ["'x'", "3", "0"], id="no_elements"),
])
def test_bad_input(array, fragments, artifact, lathe, tmp_path):
    assert_refused(lathe(["run", artifact, "--input", f"x={save(tmp_path, array)}"]), 1, fragments)


@pytest.mark.parametrize("arguments, fragments", [
    pytest.param(["--input", "z=FILE"], ["'z'", "'x'"], id="unknown_name"),
    pytest.param(["--input", "FILE"], ["--input"], id="no_name"),
    pytest.param([], ["'x'"], id="nothing"),
    pytest.param(["--input", "x=FILE", "--input", "x=FILE"], ["'x'", "twice"], id="twice"),
    pytest.param(["--input", "x=FILE", "--expect", "q=FILE"], ["'q'"], id="unknown_output"),
    pytest.param(["--random", "1", "--dim", "batch=0x"], ["--dim"], id="bad_dim"),
    pytest.param(["--random", "1", "--shape", "x=2xtwo"], ["--shape"], id="bad_shape"),
])
def test_bad_arguments(arguments, fragments, artifact, lathe, tmp_path):
    path = str(save(tmp_path, np.ones((2, 3), np.float32)))
    done = lathe(["run", artifact, *[word.replace("FILE", path) for word in arguments]])
    assert_refused(done, 2, fragments)


@pytest.mark.parametrize("content, fragments", [
    pytest.param(b"", ["x.npy"], id="empty"),
    pytest.param(b"\x93NUMPY", ["x.npy"], id="header_cut"),
    pytest.param(b"hello" * 100, ["x.npy"], id="text"),
])
def test_bad_npy(content, fragments, artifact, lathe, tmp_path):
    path = tmp_path / "x.npy"
    path.write_bytes(content)
    done = lathe(["run", artifact, "--input", f"x={path}"])
    assert done.returncode in (1, 3)
    assert_refused(done, done.returncode, fragments)


@pytest.mark.parametrize("index", [4, -5, 2**62, -2**63], ids=["one_too_far", "below", "enormous", "lowest"])
def test_index_out_of_range(index, gather, lathe, tmp_path):
    path = save(tmp_path, np.array([0, index, 1]))
    assert_refused(lathe(["run", gather, "--input", f"i={path}"]), 1, ["index out of range", "lookup"])


def test_unwritable_results(artifact, lathe, tmp_path):
    (tmp_path / "file").write_text("")
    done = lathe(["run", artifact, "--random", "1", "--output-dir", tmp_path / "file"])
    assert_refused(done, 3, ["file"])


@pytest.mark.parametrize("cut", [0, 1, 63, 64, 100, 0.5, 0.99], ids=str)
def test_truncated_artifact(cut, artifact, lathe, tmp_path):
    data = artifact.read_bytes()
    (tmp_path / "cut.lathe").write_bytes(data[:int(cut * len(data)) if isinstance(cut, float) else cut])
    assert_refused(lathe(["run", tmp_path / "cut.lathe", "--random", "1"]), 3, ["cut.lathe"])


def test_artifact_of_a_newer_version(artifact, lathe, tmp_path):
    data = bytearray(artifact.read_bytes())
    version, = struct.unpack_from("<I", data, 8)
    struct.pack_into("<I", data, 8, version + 0x10000)
    (tmp_path / "new.lathe").write_bytes(data)
    assert_refused(lathe(["run", tmp_path / "new.lathe", "--random", "1"]), 3, ["new.lathe", "artifact format"])


def test_artifact_for_another_cpu(lathe, tmp_path):
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        if "amx_tile" in file.read():
            pytest.skip("this CPU has everything")
    model = hostile.write(str(tmp_path), hostile.good(), "good.onnx")
    output = tmp_path / "amx.lathe"
    done = lathe(["compile", model, "--cpu", "sapphirerapids", "-o", output])
    assert done.returncode == 0, done.stderr
    assert_refused(lathe(["run", output, "--random", "1"]), 3, ["needs", "avx512"])


@pytest.mark.parametrize("path", ["/", "/dev/null", "/nowhere.lathe"], ids=["folder", "device", "missing"])
def test_no_artifact(path, lathe):
    assert_refused(lathe(["run", path, "--random", "1"]), 3, [path])


def test_onnx_given_as_artifact(lathe, tmp_path):
    model = hostile.write(str(tmp_path), hostile.good(), "good.onnx")
    assert_refused(lathe(["run", model, "--random", "1"]), 3, ["good.onnx", "not a .lathe file"])


@pytest.mark.parametrize("command", ["bench", "inspect"])
def test_other_commands_on_damaged_artifacts(command, artifact, lathe, tmp_path):
    (tmp_path / "cut.lathe").write_bytes(artifact.read_bytes()[:1000])
    assert_refused(lathe([command, tmp_path / "cut.lathe"]), 3, ["cut.lathe"])
