"""Samples of inputs from Python: they go to files, one at a time, which the compiler reads."""

import contextlib
import os
import re
import tempfile
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


def _write_samples(samples, folder: str) -> None:
    """Writes samples, an iterable of dicts from input names to arrays, one file each."""
    number = -1
    for number, sample in enumerate(samples):
        if not isinstance(sample, Mapping):
            raise TypeError(f"expects samples to be dicts of arrays, got {type(sample).__name__} for sample {number}")
        _write_sample(os.path.join(folder, f"{number:06d}.npz"), sample, number)
    if number < 0:
        raise _runtime.Error("expects at least one sample to calibrate with, got none")


@contextlib.contextmanager
def on_disk(samples):
    """The path of samples, which are a path already or an iterable of dicts that is written to files for so long. Messages of errors
    raised inside have the numbers of samples instead of these files."""
    if isinstance(samples, (str, os.PathLike)):
        yield os.fspath(samples)
        return
    with tempfile.TemporaryDirectory(prefix="lathe-samples-") as folder:
        _write_samples(samples, folder)
        try:
            yield folder
        except _runtime.Error as error:
            raise _runtime.Error(_name_samples(str(error), folder)) from None


def _name_samples(message: str, folder: str) -> str:
    return re.sub(re.escape(folder) + r"/0*(\d+)\.npz(?:: sample 0\b)?", r"sample \1", message)
