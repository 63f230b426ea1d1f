"""Artifacts of a task's model, and how they are run."""

import os

import numpy as np

from models import command


def run(artifact, inputs, folder):
    return command.run(artifact, inputs, folder)


def compiled(path, folder, data, label, *options):
    """Compiles the model: in f32, or with options of quantization, calibrated with `data` ({input: samples}) if they ask for it."""
    artifact = os.path.join(folder, label + ".lathe")
    if "int8" in options or "int4" in options and "rtn" not in options:
        samples = os.path.join(folder, "calibration.npz")
        np.savez(samples, **data)
        options = (*options, "--calibrate", samples)
    return artifact, command.compile_model(path, artifact, *options)
