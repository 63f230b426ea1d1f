"""`lathe zoo`: its reports, and that it notices what got slower."""

import json
import os
import subprocess
import sys
import xml.etree.ElementTree

import numpy as np
import pytest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, ROOT)

from models import quality, trial  # noqa: E402
from models.command import binary  # noqa: E402

MODELS = "^(bert_tiny|tcn)$"
ROWS = ["bert_tiny", "bert_tiny int8", "tcn", "tcn int8"]


def zoo(*arguments):
    command = [binary(), "zoo", "--kind", "all", "--seconds", "0.05", "--threads", "1", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def reports(tmp_path_factory):
    folder = tmp_path_factory.mktemp("zoo")
    done = zoo("--filter", MODELS, "--json", folder / "zoo.json", "--junit", folder / "zoo.xml", "--markdown",
               folder / "zoo.md")
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


def test_json(reports):
    rows = json.loads((reports / "zoo.json").read_text())
    assert [trial.label(row) for row in rows] == ROWS
    for row in rows:
        assert not row["failures"]
    for row in (row for row in rows if row["precision"] == "int8"):
        assert 0 < row["size_ratio"] < 1.1 and 0 < row["f32_ratios"]["1"] <= trial.SLOWEST
        assert all(outputs for outputs in row["quality"].values())
    for row in (row for row in rows if row["precision"] == "f32"):
        assert not row["failures"]
        assert 0 < row["bench"]["1"]["min_ms"] <= row["bench"]["1"]["median_ms"]
        assert row["compile"]["seconds"] > 0
        assert 0 <= max(row["differences"].values()) < 1e-4


def test_junit(reports):
    suite = xml.etree.ElementTree.parse(reports / "zoo.xml").getroot()
    assert suite.attrib["tests"] == "4" and suite.attrib["failures"] == "0"
    assert [case.attrib["name"] for case in suite] == ROWS


def test_markdown(reports):
    lines = (reports / "zoo.md").read_text().splitlines()
    assert lines[0].startswith("| model |")
    assert [line.split(" | ")[0] for line in lines[2:6]] == ["| " + row for row in ROWS]


def test_weights_of_4_bits(tmp_path):
    done = zoo("--filter", "^bert_tiny$", "--precisions", "int4", "--json", tmp_path / "zoo.json")
    rows = json.loads((tmp_path / "zoo.json").read_text())
    assert [trial.label(row) for row in rows] == ["bert_tiny int4"], done.stdout + done.stderr
    assert rows[0]["size_ratio"] < 0.5 and 0.9 < quality.worst(rows[0]["quality"])["cosine"] < 0.9999


def test_slower_than_f32(monkeypatch):
    row = {"failures": []}
    times = {"real": 10.0, "slow": 10.4, "fast": 10.2}
    monkeypatch.setattr(trial.command, "bench", lambda path, *_: {"min_ms": times[path]})
    trial.in_turns(row, {"bench": {}}, "fast", "real", trial.Timing([1], 1))
    assert not row["failures"]
    trial.in_turns(row, {"bench": {}}, "slow", "real", trial.Timing([1], 1))
    assert row["failures"] == ["1 threads: expects at most 1.03 times f32's latency, got 1.040"]


def test_quality():
    want = np.array([3.0, 4.0], np.float32)
    assert quality.of_arrays(want, want) == {"cosine": 1.0, "sqnr_db": quality.MOST_DB}
    found = quality.of_arrays(np.array([4.0, 3.0], np.float32), want)
    assert abs(found["cosine"] - 0.96) < 1e-6 and abs(found["sqnr_db"] - 10 * np.log10(12.5)) < 1e-6
    assert quality.of_arrays(np.array([np.nan, 1], np.float32), want)["cosine"] == 0
    compared = quality.compare({"y": want, "label": np.array([1])}, {"y": want, "label": np.array([2])})
    assert list(compared) == ["y"]


def test_slower_than_the_baseline(reports, tmp_path):
    rows = json.loads((reports / "zoo.json").read_text())
    for row in rows:
        row["bench"]["1"]["min_ms"] /= 1000
    (tmp_path / "fast.json").write_text(json.dumps(rows))
    done = zoo("--filter", "^tcn$", "--baseline", tmp_path / "fast.json", "--junit", tmp_path / "zoo.xml")
    assert done.returncode == 1
    assert "times the baseline's latency" in done.stdout
    assert xml.etree.ElementTree.parse(tmp_path / "zoo.xml").getroot().attrib["failures"] == "2"


@pytest.mark.parametrize("before, is_failure", [(10.0, False), (9.0, False), (5.0, True)])
def test_tolerance(before, is_failure):
    row = {"bench": {"1": {"min_ms": 10.0}}, "failures": []}
    trial.compare(row, {"bench": {"1": {"min_ms": before}}}, 1.15)
    assert bool(row["failures"]) == is_failure
    assert row["ratios"]["1"] == 10.0 / before


@pytest.mark.parametrize("arguments, fragment", [
    (["--filter", "no such model"], "no such model"),
    (["--baseline", "/nowhere.json"], "/nowhere.json"),
    (["--frobnicate"], "frobnicate"),
])
def test_bad_arguments(arguments, fragment):
    done = zoo(*arguments)
    assert done.returncode != 0
    assert fragment in done.stderr
