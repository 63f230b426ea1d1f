"""Quantized models give the same bits on every instruction set, for any number of threads. What this machine lacks is emulated
(docs/Testing.md): plans, packing, tiles and epilogues are those of the target, its instructions are replaced."""

import numpy as np
import pytest

from models import command, quantized, zoo

CPUS = ["x86-64-v4/native", "alderlake/native", "cascadelake/native", "sapphirerapids/native"]
MODELS = [
    ("digits", {"per_channel": True}),
    ("digits", {"activations": "s8", "weights": "s8", "per_channel": True}),
    ("efficientnet", {"weights": "s8", "per_channel": True}),
    ("tcn", {"weights": "s8", "per_channel": True, "reduced": True}),
    ("unet", {"weights": "s8"}),
]


def label(case):
    name, options = case
    return "-".join([name, *(f"{key}_{value}" for key, value in options.items())])


def outputs(artifact, inputs, tmp_path, threads):
    return command.run(artifact, inputs, str(tmp_path / f"{threads}"), threads)


@pytest.mark.parametrize("case", MODELS, ids=label)
def test_same_bits(case, tmp_path):
    name, options = case
    path, model = quantized.quantize(name, "qdq", str(tmp_path), **options), zoo.entry(name)
    inputs, artifact = zoo.make_inputs(model, model["cases"][-1], seed=5), str(tmp_path / "model.lathe")
    command.compile_model(path, artifact, "--cpu", "x86-64-v3")
    want = outputs(artifact, inputs, tmp_path, 1)
    for cpu in ["x86-64-v3", *CPUS]:
        command.compile_model(path, artifact, "--cpu", cpu)
        for threads in (1, 2, 3, 4):
            got = outputs(artifact, inputs, tmp_path, threads)
            different = [key for key in want if got[key].tobytes() != want[key].tobytes()]
            assert not different, f"{cpu}, {threads} threads"


@pytest.mark.parametrize("name", ["bert_tiny", "gpt2_tiny"])
@pytest.mark.parametrize("form", ["int8-dynamic", "int4"])
def test_same_numbers(name, form, tmp_path):
    """Where f32 is summed between integers, in vectors of other lengths, a rounding may fall to the other side. 8 bits: by default
    weights are of 7 where that is faster, on some CPUs."""
    model, artifact = zoo.entry(name), str(tmp_path / "model.lathe")
    path, inputs = zoo.path(name), zoo.make_inputs(model, model["cases"][-1], seed=5)
    options = ["--quantize", form, "--quantize-all", *(["--weight-bits", "8"] if form == "int8-dynamic" else [])]
    command.compile_model(path, artifact, "--cpu", "x86-64-v3", *options)
    want = outputs(artifact, inputs, tmp_path, 1)
    for cpu in CPUS:
        command.compile_model(path, artifact, "--cpu", cpu, *options)
        got = outputs(artifact, inputs, tmp_path, 1)
        for key, expected in want.items():
            difference = np.abs(got[key].astype(np.float64) - expected).max(initial=0)
            limit = (0.02 if form == "int8-dynamic" else 1e-4) * max(np.abs(expected).max(initial=0), 1e-30)
            assert difference <= limit, f"{cpu}, {key}"
        same = outputs(artifact, inputs, tmp_path, 3)
        assert all(same[key].tobytes() == got[key].tobytes() for key in got), f"{cpu}, threads"
