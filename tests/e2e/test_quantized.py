"""Models that ONNX Runtime's quantizer wrote compute what ONNX Runtime computes from them, node by node: without its optimizations,
since its fused kernels differ from its own nodes by up to 19 steps of a result."""

import os

import numpy as np
import pytest

from models import command, quantized, reference, zoo

CASES = [
    ("efficientnet", "qop", {}),
    ("efficientnet", "qdq", {"weights": "s8", "per_channel": True, "reduced": True}),
    ("bert_tiny", "qop", {}),
    ("bert_tiny", "qop", {"activations": "s8", "weights": "s8"}),
    ("bert_tiny", "dynamic", {"per_channel": True}),
    ("tcn", "qop", {"activations": "s8", "weights": "s8", "per_channel": True}),
    ("paddle_style", "qop", {}),
    ("unet", "qdq", {"weights": "s8", "reduced": True}),
    ("gpt2_tiny", "dynamic", {"weights": "s8", "reduced": True}),
    ("digits", "qdq", {"activations": "u16", "per_channel": True}),
    ("digits", "qdq", {"activations": "s16", "weights": "s16", "UseQDQContribOps": True}),
    ("digits", "qdq", {"weights": "s4", "per_channel": True}),
    ("digits", "qdq", {"weights": "s8", "AddQDQPairToWeight": True, "DedicatedQDQPair": True}),
]


def label(case):
    name, form, options = case
    return "-".join([name, form, *(f"{key}_{value}" for key, value in options.items())])


def errors(got, want, scales):
    """In steps of a result's scale where it is quantized, else relative to the largest number."""
    result = {}
    for name, expected in want.items():
        difference = np.abs(got[name].astype(np.float64) - expected).max(initial=0)
        result[name] = difference / (scales.get(name) or max(np.abs(expected).max(initial=0), 1e-30))
    return result


@pytest.mark.parametrize("case", CASES, ids=label)
def test_same_as_onnxruntime(case, tmp_path):
    name, form, options = case
    path = quantized.quantize(name, form, str(tmp_path), **options)
    artifact = os.path.join(str(tmp_path), "model.lathe")
    command.compile_model(path, artifact)
    model, scales = zoo.entry(name), quantized.steps(path)
    running = reference.session(path, threads=1, optimized=False)
    inputs = zoo.make_inputs(model, model["cases"][-1], seed=7)
    got, want = command.run(artifact, inputs, str(tmp_path)), reference.outputs(running, inputs)
    assert set(got) == set(want)
    # A number between two integers may fall to either side; what comes of that is one step, or a small part of a range.
    wrong = {output: error for output, error in errors(got, want, scales).items()
             if error > (1.01 if output in scales else 1e-3)}
    assert not wrong
