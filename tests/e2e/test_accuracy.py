"""Quantized models on tasks with real data: what they lose against f32."""

import pytest

from models import command
from models.accuracy import digits
from models.build import build
from models.quantized_accuracy import measure, row

LIMITS = {  # task: figure, the least that is accepted
    "digits": lambda figures: figures["accuracy"] >= figures["f32_accuracy"] - 0.003,
    "files": lambda figures: figures["agreement"] >= 0.99,
    "sentences": lambda figures: figures["cosine"] >= 0.99 and figures["rank_correlation"] >= 0.99}


def test_int4_digits():
    """Convolutions become 8-bit integers, which need samples."""
    figures = measure("digits", ["--quantize", "int4"])
    print(row(figures))
    assert figures["accuracy"] >= figures["f32_accuracy"] - 0.01
    assert figures["size"] <= 0.9


def test_int4_sentences():
    cosine = {}
    for method in ("rtn", "gptq", "awq"):
        figures = measure("sentences", ["--quantize", "int4", "--int4-method", method])
        print(row(figures))
        cosine[method] = figures["cosine"]
        assert figures["size"] <= 0.22  # more than half of the weights are a table, of 8 bits
    assert cosine["gptq"] >= 0.985
    assert cosine["awq"] >= 0.975
    assert min(cosine["gptq"], cosine["awq"]) > cosine["rtn"] > 0.9


@pytest.mark.parametrize("task", LIMITS)
def test_int8(task):
    figures = measure(task)
    print(row(figures))
    assert LIMITS[task](figures)
    assert figures["size"] <= 0.9  # something was quantized


def test_f32_is_accurate(tmp_path):
    """Otherwise the tasks would tell nothing."""
    artifact = str(tmp_path / "digits.lathe")
    command.compile_model(build("digits"), artifact)
    assert digits.accuracy(artifact, str(tmp_path)) >= 0.97
