"""Handwritten digits by a small residual network: right answers of the quantized model against those of f32."""

import numpy as np

from models.builders.digits import samples
from models.command import run

MODEL = "digits"
CALIBRATION = 128  # pictures, of those it was trained with


def calibration_data():
    return {"image": samples("train")[0][:CALIBRATION]}


def accuracy(artifact, folder):
    images, labels = samples("test")
    return float((run(artifact, {"image": images}, folder)["logits"].argmax(1) == labels).mean())


def measure(full, quantized, folder):
    return {"f32_accuracy": accuracy(full, folder), "accuracy": accuracy(quantized, folder)}
