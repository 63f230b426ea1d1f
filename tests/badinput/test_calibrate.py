"""Calibration data that are wrong are refused, data that tell little are not; nothing half is left behind."""

import io
import os
import signal
import subprocess
import time
import zipfile

import numpy as np
import pytest

from conftest import assert_refused
from models.command import binary


def good(count=4):
    rng = np.random.default_rng(count)
    return {name: rng.standard_normal((count, 64), np.float32) for name in ("a", "b")}


def npz(save=np.savez, **arrays):
    """The bytes of an .npz: the good arrays, but for these (None: without it)."""
    file = io.BytesIO()
    save(file, **{name: array for name, array in (good() | arrays).items() if array is not None})
    return file.getvalue()


def with_value(value):
    array = good()["a"]
    array[2, 5] = value
    return array


def with_method(method):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as archive:
        for name, array in good().items():
            with archive.open(name + ".npy", "w") as member:
                np.save(member, array)
    return file.getvalue()


def damaged():
    data = bytearray(npz())
    data[len(data) // 2] ^= 0x40
    return bytes(data)


REFUSED = [
    ("text", b"1, 2, 3", "Not a zip archive"),
    ("empty_file", b"", "cannot open"),
    ("truncated", npz()[:-30], "cannot open"),
    ("damaged", damaged(), "CRC error"),
    ("bzip2", with_method(zipfile.ZIP_BZIP2), "expects it stored or deflated, got compression method 12"),
    ("missing_array", npz(b=None), "expects arrays 'a', 'b', got 'a'"),
    ("unknown_array", npz(c=np.zeros(3)), "expects arrays 'a', 'b', got 'a', 'b', 'c'"),
    ("wrong_name", npz(b=None, B=good()["b"]), "expects arrays 'a', 'b', got 'a', 'B'"),
    ("other_count", npz(b=good(5)["b"]), "array 'b': expects 4 samples as in 'a', got 5"),
    ("shape", npz(a=np.zeros((4, 65), np.float32)), "array 'a': expects samples of shape [?, 64], got [1, 65]"),
    ("rank", npz(a=np.zeros((1, 1, 4, 64), np.float32)), "array 'a': expects an array of rank 2 or 3, got shape [1, 1, 4, 64]"),
    ("no_samples", npz(a=np.zeros((0, 64), np.float32)), "array 'a': expects an array that is not empty, got shape [0, 64]"),
    ("integers", npz(a=np.zeros((4, 64), np.int64)), "array 'a': expects elements of type f32, got i64"),
    ("complex", npz(a=np.zeros((4, 64), np.complex64)), "array 'a': dtype '<c8' is not supported"),
    ("objects", npz(a=np.array([None] * 4)), "array 'a': dtype '|O' is not supported (an array of Python objects)"),
    ("strings", npz(a=np.array(["x"] * 4)), "array 'a': dtype '<U1' is not supported"),
    ("nan", npz(a=with_value(np.nan)), "sample 2: input 'a': expects finite values of type f32, got NaN at [0, 5]"),
    ("infinity", npz(a=with_value(-np.inf)), "sample 2: input 'a': expects finite values of type f32, got -infinity at [0, 5]"),
    ("too_large", npz(a=with_value(0).astype(np.float64) + 1e300), "sample 0: input 'a': expects finite values of type f32"),
]


def quantize(model, data, output):
    return ["compile", model, "-o", output, "--quantize", "int8", "--calibrate", data]


@pytest.mark.parametrize("data, message", [pytest.param(*entry[1:], id=entry[0]) for entry in REFUSED])
def test_bad_data(data, message, model, lathe, tmp_path):
    path = tmp_path / "data.npz"
    path.write_bytes(data)
    assert_refused(lathe(quantize(model, path, tmp_path / "m.lathe")), 1, [str(path), message])
    assert os.listdir(tmp_path) == ["data.npz"]


def test_no_data(model, lathe, tmp_path):
    assert_refused(lathe(quantize(model, tmp_path / "absent", tmp_path / "m.lathe")), 3, ["absent", "No such file"])
    (tmp_path / "nothing").mkdir()
    assert_refused(lathe(quantize(model, tmp_path / "nothing", tmp_path / "m.lathe")), 1, ["nothing", "got none"])
    assert_refused(lathe(quantize(model, model, tmp_path / "m.lathe")), 1, ["expects an .npz or .npy file"])
    (tmp_path / "data.npz").write_bytes(npz())
    assert_refused(lathe(quantize(model, tmp_path / "data.npz", tmp_path / "absent" / "m.lathe")), 3, ["m.lathe"])
    assert sorted(os.listdir(tmp_path)) == ["data.npz", "nothing"]


@pytest.mark.parametrize("options", [["--image-size", "0"], ["--image-size", "8x8x8"], ["--image-size", "wide"],
                                     ["--image-mean", "light"], ["--keep", "("], ["--calibrate-method", "guess"]])
def test_bad_options(options, model, lathe, tmp_path):
    (tmp_path / "data.npz").write_bytes(npz())
    done = lathe([*quantize(model, tmp_path / "data.npz", tmp_path / "m.lathe"), *options])
    assert done.returncode == 2, done.stderr
    assert options[0] in done.stderr
    assert not (tmp_path / "m.lathe").exists()


@pytest.mark.parametrize("options", [["--calibrate", "data.npz"], ["--quantize", "int8"], ["--quantize", "int3"],
                                     ["--quantize", "int8-dynamic", "--calibrate", "data.npz"],
                                     ["--quantize", "int8-dynamic", "--image-mean", "0.5"],
                                     ["--quantize", "int4", "--int4-method", "gptq"],
                                     ["--quantize", "int4", "--int4-method", "rtn", "--calibrate", "data.npz"],
                                     ["--quantize", "int8-dynamic", "--int4-method", "rtn"],
                                     ["--quantize", "int4", "--int4-activations", "int4"],
                                     ["--quantize", "int8-dynamic", "--group-size", "64"]])
def test_options_that_do_not_go_together(options, model, lathe, tmp_path):
    assert_refused(lathe(["compile", model, "-o", tmp_path / "m.lathe", *options]), 2, ["expects --"])


@pytest.mark.parametrize("size", ["0", "1", "-32", "8", "24", "2048", "1000000000000", "many", "3e1"])
def test_group_sizes(size, model, lathe, tmp_path):
    done = lathe(["compile", model, "-o", tmp_path / "m.lathe", "--quantize", "int4", f"--group-size={size}"])
    assert done.returncode == 2 and "--group-size" in done.stderr, done.stderr
    assert not (tmp_path / "m.lathe").exists()


@pytest.mark.parametrize("arrays", [
    pytest.param({"a": np.zeros((4, 64), np.float32), "b": np.zeros((4, 64), np.float32)}, id="zeros"),
    pytest.param({"a": np.full((4, 64), -7, np.float32)}, id="constant"),
    pytest.param({"a": np.full((4, 64), 1e-42, np.float32)}, id="subnormal"),
    pytest.param({"a": np.full((4, 64), 1e35, np.float32)}, id="huge"),
    pytest.param(good(1), id="one_sample"),
])
@pytest.mark.parametrize("options", [["int8"], *(["int4", "--int4-method", method] for method in ("gptq", "awq", "adaround"))])
def test_data_that_tell_little(options, arrays, model, lathe, tmp_path):
    """A program comes out, and runs."""
    (tmp_path / "data.npz").write_bytes(npz(**arrays))
    done = lathe([*quantize(model, tmp_path / "data.npz", tmp_path / "m.lathe")[:-3], *options, "--calibrate",
                  tmp_path / "data.npz"])
    assert done.returncode == 0, done.stderr
    for name in ("a", "b"):
        np.save(tmp_path / f"{name}.npy", (good() | arrays)[name])
    done = lathe(["run", tmp_path / "m.lathe", "--input", f"a={tmp_path}/a.npy", "--input", f"b={tmp_path}/b.npy",
                  "--output-dir", tmp_path])
    assert done.returncode == 0, done.stderr
    assert np.isfinite(np.load(tmp_path / "y.npy")).all()


def test_interruption(model, lathe, tmp_path):
    """At any moment: the artifact is there as a whole, or not at all."""
    (tmp_path / "data.npz").write_bytes(npz(**good(2000)))
    output = tmp_path / "m.lathe"
    command = [binary(), *map(str, quantize(model, tmp_path / "data.npz", output))]
    start = time.monotonic()
    subprocess.run(command, check=True, capture_output=True)
    whole = time.monotonic() - start
    expected = output.read_bytes()
    for part in range(8):
        output.unlink(missing_ok=True)
        running = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(whole * part / 7)
        running.send_signal(signal.SIGKILL if part % 2 else signal.SIGINT)
        running.wait()
        assert not output.exists() or output.read_bytes() == expected
