"""Bad models and bad command lines are refused with a clear message; nothing is left behind."""

import os
import shutil
import subprocess

import pytest

import hostile
import hostile_data  # noqa: F401  adds its cases
from conftest import assert_refused


@pytest.mark.parametrize("build, fragments, code", [pytest.param(*entry[1:], id=entry[0]) for entry in hostile.CASES])
def test_bad_model(build, fragments, code, lathe, tmp_path):
    output = tmp_path / "out" / "model.lathe"
    output.parent.mkdir()
    done = lathe(["compile", build(str(tmp_path)), "-o", output])
    assert_refused(done, code, fragments)
    assert not os.listdir(output.parent), "leaves a file behind"


@pytest.fixture
def model(tmp_path):
    return hostile.write(str(tmp_path), hostile.good(), "good.onnx")


def test_the_good_model_compiles(model, lathe, tmp_path):
    done = lathe(["compile", model, "-o", tmp_path / "good.lathe"])
    assert done.returncode == 0, done.stderr


BAD_OPTIONS = [
    pytest.param([], ["model"], id="no_model"),
    pytest.param(["MODEL", "--frobnicate"], ["frobnicate"], id="unknown_option"),
    pytest.param(["MODEL", "--cpu", "i8080"], ["i8080"], id="unknown_cpu"),
    pytest.param(["MODEL", "--cpu", ""], ["error"], id="empty_cpu"),
    pytest.param(["MODEL", "--dim", "batch"], ["--dim", "'batch'"], id="dim_without_size"),
    pytest.param(["MODEL", "--dim", "batch=many"], ["--dim", "many"], id="dim_without_number"),
    pytest.param(["MODEL", "--dim", "batch=-3"], ["--dim", "-3"], id="dim_negative"),
    pytest.param(["MODEL", "--dim", "batch=9..2"], ["--dim", "9..2"], id="dim_bounds_swapped"),
    pytest.param(["MODEL", "--dim", "batch=99999999999999999999"], ["--dim"], id="dim_overflow"),
    pytest.param(["MODEL", "--stop-after", "lunch"], ["--stop-after", "lunch"], id="unknown_phase"),
]


@pytest.mark.parametrize("arguments, fragments", BAD_OPTIONS)
def test_bad_options(arguments, fragments, model, lathe, tmp_path):
    arguments = [model if word == "MODEL" else word for word in arguments]
    done = lathe(["compile", *arguments, "-o", tmp_path / "bad.lathe"])
    assert done.returncode == 2, done.stderr
    for fragment in fragments:
        assert fragment in done.stderr
    assert not (tmp_path / "bad.lathe").exists()


BAD_DATABASES = [
    pytest.param("", "1: expects 'lathe tuning database, version 1', got ''", id="empty"),
    pytest.param("lathe tuning database, version 9\n", "1: expects", id="version"),
    pytest.param("lathe tuning database, version 1\nznver4 | 1\n", "2: expects 6 fields", id="fields"),
    pytest.param("lathe tuning database, version 1\nc | 1 | f | p | 1 | soon\n", "2: expects a time", id="time"),
]


@pytest.mark.parametrize("text, problem", BAD_DATABASES)
@pytest.mark.parametrize("tune", [[], ["--tune"]])
def test_bad_tuning_database(text, problem, tune, model, lathe, tmp_path):
    database = tmp_path / "tuned.txt"
    database.write_text(text)
    done = lathe(["compile", model, *tune, "--tune-db", database, "-o", tmp_path / "bad.lathe"])
    assert_refused(done, 2, [f"{database}:{problem}"])
    assert database.read_text() == text
    assert_refused(lathe(["tune-db", "merge", database, "-o", tmp_path / "merged.txt"]), 2, [f"{database}:{problem}"])
    assert sorted(path.name for path in tmp_path.iterdir()) == ["good.onnx", "tuned.txt"]


def test_tuning_database_that_is_not_there(model, lathe, tmp_path):
    absent = tmp_path / "absent" / "tuned.txt"
    for arguments in (["compile", model, "--tune-db", absent], ["compile", model, "--tune", "--tune-db", absent]):
        assert_refused(lathe([*arguments, "-o", tmp_path / "bad.lathe"]), 3, [str(absent)])
    assert_refused(lathe(["compile", model, "--tune-threads", "0", "-o", tmp_path / "bad.lathe"]), 2, ["--tune-threads"])


def test_plan_of_another_version_is_left_to_the_model(model, lathe, tmp_path):
    database = tmp_path / "tuned.txt"
    done = lathe(["compile", model, "--dim", "batch=2", "--tune", "--tune-db", database, "-o", tmp_path / "good.lathe"])
    assert done.returncode == 0, done.stderr
    lines = database.read_text().splitlines()
    stale = [" | ".join([*line.split(" | ")[:3], "gemm tile=99,99,99", "1.00", "1.00"]) for line in lines[1:]]
    database.write_text("\n".join([lines[0], *stale, ""]))
    done = lathe(["compile", model, "--dim", "batch=2", "--tune-db", database, "-o", tmp_path / "again.lathe"])
    assert done.returncode == 0, done.stderr


def test_dim_that_the_model_lacks(model, lathe, tmp_path):
    assert_refused(lathe(["compile", model, "--dim", "bach=2", "-o", tmp_path / "bad.lathe"]), 2, ["'bach'"])
    done = lathe(["check", model, "--dim", "bach=2"])
    assert done.returncode == 2 and "'bach'" in done.stdout + done.stderr


def test_unknown_command(lathe):
    assert lathe(["frobnicate"]).returncode == 2


@pytest.mark.parametrize("output, fragments", [
    pytest.param("/nowhere/at/all/model.lathe", ["/nowhere/at/all"], id="folder_missing"),
    pytest.param("/dev/full", ["/dev/full"], id="device_full"),
    pytest.param("/proc/model.lathe", ["/proc"], id="folder_not_writable"),
])
def test_unwritable_output(output, fragments, model, lathe):
    assert_refused(lathe(["compile", model, "-o", output]), 3, fragments)


def test_output_is_a_folder(model, lathe, tmp_path):
    (tmp_path / "taken").mkdir()
    assert_refused(lathe(["compile", model, "-o", tmp_path / "taken"]), 3, ["taken"])


def test_full_disk(lathe, tmp_path):
    """A disk of 64 KiB in a mount namespace of its own; skipped where those aren't allowed."""
    if not shutil.which("unshare"):
        pytest.skip("unshare is missing")
    import numpy as np
    weights = [hostile.weight(np.ones((3, 100000), np.float32))]
    big = hostile.model([hostile.node("MatMul", ["x", "w"])], [hostile.value("x", shape=(2, 3))],
                        [hostile.value("y", shape=(2, 100000))], weights)
    model = hostile.write(str(tmp_path), big)
    disk = tmp_path / "disk"
    disk.mkdir()
    probe = f"mount -t tmpfs -o size=64k none '{disk}'"
    if subprocess.run(["unshare", "-rm", "sh", "-c", probe], capture_output=True, check=False).returncode != 0:
        pytest.skip("mount namespaces are not allowed")
    from models.command import binary
    script = f"{probe} && '{binary()}' compile '{model}' -o '{disk}/m.lathe'; code=$?; ls -A '{disk}'; exit $code"
    done = subprocess.run(["unshare", "-rm", "sh", "-c", script], capture_output=True, text=True, check=False)
    assert_refused(done, 3, ["No space left"])
    assert done.stdout == "", "leaves a file behind"


def test_failed_compilation_keeps_the_old_artifact(model, lathe, tmp_path):
    output = tmp_path / "model.lathe"
    output.write_text("precious")
    assert lathe(["compile", hostile.unknown_operator(str(tmp_path)), "-o", output]).returncode == 1
    assert output.read_text() == "precious"


def test_85_bytes_that_ask_for_gigabytes(lathe, tmp_path):
    """Refused, or compiled to something small whose run fails or needs more than there is: never a crash."""
    path = hostile.write(str(tmp_path), hostile.gigabytes(2**34))
    output = tmp_path / "model.lathe"
    done = lathe(["compile", path, "-o", output])
    if done.returncode == 0:
        assert output.stat().st_size < 1 << 20
        assert_refused(lathe(["run", output]), 3, ["can't allocate"])
    else:
        assert_refused(done, 1, ["bad"])
