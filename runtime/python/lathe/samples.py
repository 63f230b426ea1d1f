"""Calibration data from Python: samples go to files, one at a time, which the compiler reads."""

import os
import re
import zipfile
from collections.abc import Mapping

import numpy as np

from . import _runtime


def _write_sample(path: str, sample: Mapping, number: int) -> None:
    """Like numpy.savez, which takes no input of the name `file`."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        for name, value in sample.items():
            try:
                with archive.open(f"{name}.npy", "w", force_zip64=True) as file:
                    np.lib.format.write_array(file, np.asanyarray(value), allow_pickle=False)
            except ValueError as error:
                raise _runtime.Error(f"sample {number}: input '{name}': {error}") from None


def write_samples(samples, folder: str) -> None:
    """Writes samples, an iterable of dicts from input names to arrays, one file each."""
    number = -1
    for number, sample in enumerate(samples):
        if not isinstance(sample, Mapping):
            raise TypeError(f"expects samples to be dicts of arrays, got {type(sample).__name__} for sample {number}")
        _write_sample(os.path.join(folder, f"{number:06d}.npz"), sample, number)
    if number < 0:
        raise _runtime.Error("expects at least one sample to calibrate with, got none")


def name_samples(message: str, folder: str) -> str:
    """A message of the compiler with the numbers of samples instead of the files that write_samples made of them."""
    return re.sub(re.escape(folder) + r"/0*(\d+)\.npz(?:: sample 0\b)?", r"sample \1", message)
