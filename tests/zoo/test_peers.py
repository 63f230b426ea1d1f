"""tools/bench-peers: what it measures and how it judges."""

import json
import os
import subprocess
import sys

import numpy as np
import onnx
import pytest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, ROOT)

from models import foreign, quantized, zoo  # noqa: E402
from models.peers import compare, forms, limits, report  # noqa: E402
from models.peers.engines import ENGINES  # noqa: E402

MACHINE = {"fma_gflops": 100.0, "read": [{"bytes": 1000, "gbs": 50.0}, {"bytes": 10**6, "gbs": 10.0}]}


@pytest.fixture(scope="module")
def measured(tmp_path_factory):
    folder = tmp_path_factory.mktemp("peers")
    command = [sys.executable, os.path.join(ROOT, "tools", "bench-peers"), "--kind", "all", "--filter", "^(tcn|lstm)$",
               "--engines", "lathe", "lathe-dynamic", "onnxruntime", "--threads", "1", "--rounds", "2", "--seconds", "0.02",
               "--cold", "--artifacts", folder / "artifacts", "--json", folder / "t.json", "--markdown", folder / "t.md"]
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads((folder / "t.json").read_text()), (folder / "t.md").read_text()


def test_rows(measured):
    rows = measured[0]["rows"]
    assert [(row["model"], row["goal"]) for row in rows] == [("lstm", 0.8), ("tcn", compare.KEPT_ASIDE_GOAL)]
    for row in rows:
        assert not row["failures"] and row["agree"] and row["best_peer"] == "onnxruntime"
        assert row["ratios"]["onnxruntime"] == 1
        for part in ("engines", "cold"):
            for result in row[part].values():
                assert 0 < result["min_ms"] <= result["median_ms"] and result["load_ms"] > 0 and result["resident_bytes"] > 0


def test_limit_is_below_what_is_measured(measured):
    for row in measured[0]["rows"]:
        assert 0 < row["limit_ms"] < row["engines"]["lathe"]["min_ms"]


def test_markdown(measured):
    text = measured[1]
    assert "| lstm | batch 1, steps 100 | 1 |" in text and "| tcn |" in text
    assert "caches emptied" in text


@pytest.mark.parametrize("size, gbs", [(10, 50.0), (1000, 50.0), (10**6 - 1, 50.0), (10**6, 10.0), (10**9, 10.0)])
def test_bandwidth(size, gbs):
    assert limits.bandwidth(MACHINE, size) == gbs


def test_limit_is_the_longer_time():
    assert limits.limit_ms({"flops": 10**8, "bytes": 1000}, MACHINE) == pytest.approx(1.0)
    assert limits.limit_ms({"flops": 10**5, "bytes": 10**7}, MACHINE) == pytest.approx(1.0)


def test_gathered_tables_count_as_what_is_gathered():
    buffers = [{"kind": kind, "bytes": size} for kind, size in
               (("input", 8), ("weights", 10**6), ("weights", 500), ("arena", 64), ("output", 32))]
    calls = [{"kernel": "f32_map_gather__avx2", "args": [1, 0, 3]}, {"kernel": "f32_gemm__avx2", "args": [3, 2, 4]}]
    assert limits.compulsory_bytes({"buffers": buffers, "calls": calls}) == 8 + 500 + 32 + 64


def test_best_takes_the_smallest():
    turns = [{"min_ms": 2.0, "median_ms": 3.0, "digest": [1.0]}, {"min_ms": 1.0, "median_ms": 5.0, "digest": [1.0]}]
    assert compare.best(turns) == {"min_ms": 1.0, "median_ms": 5.0, "digest": [1.0], "spread": 2.0}


@pytest.mark.parametrize("digest, same", [([1.0, 2.0], True), ([1.0, 2.001], True), ([1.0, 2.1], False), ([1.0], False)])
def test_outputs_are_compared(digest, same):
    assert compare.agree({"lathe": {"digest": [1.0, 2.0]}, "openvino": {"digest": digest}}) == same


def test_file_of_the_user(tmp_path):
    def tensor(name, number, dims):
        return onnx.helper.make_tensor_value_info(name, number, dims)

    shape = onnx.helper.make_node("Mul", ["x", "x"], ["y"])
    graph = onnx.helper.make_graph([shape], "g", [tensor("x", 1, ["n", "n + m", 3])], [tensor("y", 1, None)])
    path = str(tmp_path / "square.onnx")
    onnx.save(onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 21)], ir_version=10), path)
    assert list(compare.cases_of_files([path], {"m": 4})) == [{"model": path, "dims": {"n": 1, "m": 4}, "goal": 0.95}]
    row = compare.Comparison(["lathe", "onnxruntime"], 1, 0.01, str(tmp_path)).row({"model": path, "dims": {"n": 2, "m": 4}, "goal": 1}, 1)
    assert not row["failures"] and row["agree"]
    assert zoo.make_inputs(foreign.entry(path), row["dims"])["x"].shape == (2, 6, 3)
    assert report.line(row).startswith("square         n 2, m 4 ")


def judged(ratios, goal=0.8):
    return {"goal": goal, "engines": dict.fromkeys(ratios), "ratios": ratios}


@pytest.mark.parametrize("row, verdict", [
    (judged({"lathe": 0.8, "onnxruntime": 1.0}), "at or below the goal"),
    (judged({"lathe": 0.81, "onnxruntime": 1.0}), "above the goal"),
    (judged({"lathe:int8": 0.5, "lathe:f32": 1.0}, 0.4), "above the goal"),
    (judged({"onnxruntime": 1.0}), "without a time of Lathe"),
    (judged({"lathe-dynamic": 0.5, "onnxruntime": 1.0}), "without a time of Lathe"),
    (judged({"lathe:f32": 1.0}), "without a time of Lathe"),
    ({"goal": 0.8, "engines": {"lathe": None}}, "nothing to compare with")])
def test_verdict(row, verdict):
    assert report.verdict(row) == verdict
    text, all_good = report.summary([row, judged({"lathe": 0.1})])
    assert text.startswith(f"{1 + all_good} of 2 at or below the goal") and all_good == (verdict == "at or below the goal")


def test_a_model_that_lathe_cannot_run_misses_its_goal(tmp_path):
    node = onnx.helper.make_node("RandomNormalLike", ["x"], ["y"])
    values = [onnx.helper.make_tensor_value_info(name, 1, [4]) for name in "xy"]
    model = onnx.helper.make_model(onnx.helper.make_graph([node], "g", values[:1], values[1:]), ir_version=10,
                                   opset_imports=[onnx.helper.make_opsetid("", 21)])
    onnx.save(model, tmp_path / "noise.onnx")
    command = [sys.executable, os.path.join(ROOT, "tools", "bench-peers"), "--model", tmp_path / "noise.onnx", "--engines", "lathe",
               "onnxruntime", "--threads", "1", "--rounds", "1", "--seconds", "0.01", "--artifacts", tmp_path, "--goals"]
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False)
    assert done.returncode == 1 and "0 of 1 at or below the goal, 1 without a time of Lathe" in done.stdout, done.stdout + done.stderr


@pytest.mark.parametrize("model, tables", [("digits", ["qdq", "qdq7", "qop"]), ("bert_tiny", ["dynamic", "nbits", "int8", "int4"])])
def test_tables_of_quantized_models(tmp_path, model, tables):
    command = [sys.executable, os.path.join(ROOT, "tools", "bench-peers"), "--quantized", *tables, "--filter", f"^{model}$",
               "--engines", "lathe", "onnxruntime", "--threads", "1", "--rounds", "1", "--seconds", "0.01", "--artifacts", tmp_path,
               "--json", tmp_path / "t.json", "--markdown", tmp_path / "t.md"]
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    rows = json.loads((tmp_path / "t.json").read_text())["rows"]
    assert [row["table"] for row in rows] == tables
    for row in rows:
        contenders = [name for name in forms.TABLES[row["table"]]["contenders"] if not name.startswith("openvino")]
        assert list(row["engines"]) == contenders and not row["failures"], row
        assert row["agree"] or row["table"] in ("qdq", "qop"), row  # ONNX Runtime's products of 8-bit weights saturate without VNNI
        assert report.verdict(row) in ("above the goal", "at or below the goal")
    assert all(report.title(name) in (tmp_path / "t.md").read_text() for row in rows for name in row["engines"])


def test_all_tables_are_tested():
    marks = test_tables_of_quantized_models.pytestmark
    assert sorted(table for mark in marks for _, tables in mark.args[1] for table in tables) == sorted(forms.TABLES)


def test_four_bits_are_the_nearest():
    matrix = np.random.default_rng(0).standard_normal((64, 5)).astype(np.float32)
    blocks, scales = quantized.blocks_of_four_bits(matrix, 32)
    numbers = np.stack([blocks & 15, blocks >> 4], axis=-1).reshape(5, 64).astype(np.float32) - 8
    steps = scales.reshape(5, 2).repeat(32, axis=1)
    assert (np.abs(numbers * steps - matrix.T) <= np.abs(steps) * np.where(numbers == 7, 1.001, 0.501)).all()


def test_goals_of_the_tables():
    assert {table: [case["model"] for case in forms.cases(table)] for table in ("qdq", "nbits")} == {
        "qdq": ["resnet50", "mobilenet_v2"], "nbits": ["gpt2_decode"]}
    assert [(case["model"], case["goal"]) for case in forms.cases("int8", "^(digits|bert_base)$")] == [("bert_base", 0.5), ("digits", 1.0)]


def test_scaling():
    rows = [{"model": "m", "dims": {}, "threads": threads, "engines": {"lathe": {"min_ms": ms}}} for threads, ms in ((1, 3.0), (2, 1.5))]
    assert report.scaling(rows, ["lathe"]).endswith("| m |  | 1 to 2 | 2.00 |")


def test_an_engine_that_takes_too_long_is_a_reason(monkeypatch):
    monkeypatch.setattr(ENGINES["onnxruntime"], "limit_s", 0.01, raising=False)
    comparison = compare.Comparison(["onnxruntime"], rounds=2, seconds=0.01, artifacts=None)
    turns, failures = comparison.take_turns({"model": "tcn", "dims": zoo.entry("tcn")["bench"], "goal": 1}, 1, False)
    assert turns == {} and failures == {"onnxruntime": "onnxruntime took more than 0.01 s on tcn"}


def test_slow_engines_are_measured_when_named():
    assert [name for name, engine in ENGINES.items() if not engine.by_default] == ["lathe-dynamic", "iree", "tvm"]
