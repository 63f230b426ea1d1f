"""Quantized models on tasks with real data: what they lose against f32."""

import pytest

from models import command
from models.accuracy import digits
from models.build import build
from models.quantized_accuracy import measure, row

LIMITS = {  # task: figure, the least that is accepted
    "digits": lambda figures: figures["accuracy"] >= figures["f32_accuracy"] - 0.003,
    "files": lambda figures: figures["agreement"] >= 0.99,
    "sentences": lambda figures: figures["cosine"] >= 0.995 and figures["rank_correlation"] >= 0.99}


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
