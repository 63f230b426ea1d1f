"""Models quantized elsewhere compute what ONNX's reference says (operators of ONNX), or ONNX Runtime node by node (its own)."""

import os

import numpy as np
import onnx
import pytest
from onnx.reference import ReferenceEvaluator

import contrib
import placements
from models import command, reference


def run(model, data, folder):
    path, artifact = os.path.join(folder, "m.onnx"), os.path.join(folder, "m.lathe")
    onnx.save(model, path)
    command.compile_model(path, artifact)
    return command.run(artifact, data, folder)


def excess(got, want, step):
    """By how much the largest difference is more than allowed: a step, or a thousandth of the largest number."""
    if got.dtype != want.dtype or got.shape != want.shape:
        return float("inf")
    difference = np.abs(got.astype(np.float64) - want.astype(np.float64)).max(initial=0)
    allowed = 1.01 * step if step else (1e-3 * np.abs(want.astype(np.float64)).max(initial=0) if want.dtype.kind == "f" else 0)
    return max(difference - allowed, 0)


def wrong_outputs(graph, got, want):
    producers = {name: node.name for node in graph.nodes for name in node.output}
    differences = {producers[name]: excess(got[name], value, graph.steps[name]) for name, value in want.items()}
    return {name: difference for name, difference in differences.items() if difference > 0}


def built(theme):
    graph = placements.Graph()
    theme(graph)
    return graph, graph.model()


@pytest.mark.parametrize("theme", placements.THEMES, ids=lambda theme: theme.__name__)
def test_placements(theme, tmp_path):
    graph, model = built(theme)
    names = [output.name for output in model.graph.output]
    want = {name: np.asarray(value) for name, value in zip(names, ReferenceEvaluator(model).run(names, graph.data))}
    assert not wrong_outputs(graph, run(model, graph.data, str(tmp_path)), want)


@pytest.mark.parametrize("theme", contrib.THEMES, ids=lambda theme: theme.__name__)
def test_contrib(theme, tmp_path):
    graph, model = built(theme)
    got = run(model, graph.data, str(tmp_path))
    want = reference.outputs(reference.session(str(tmp_path / "m.onnx"), threads=1, optimized=False), graph.data)
    assert not wrong_outputs(graph, got, want)


def test_packed(tmp_path):
    graph, model = built(contrib.packed_attention)
    results = list(run(model, graph.data, str(tmp_path)).values())
    for packed, plain in zip(results[::2], results[1::2]):
        assert np.abs(packed - plain).max() <= 1e-5 * np.abs(plain).max()
