"""Running artifacts."""

from __future__ import annotations

import os
from collections.abc import Mapping

import numpy as np

from . import _runtime
from .artifact import Artifact
from .dtypes import dtype_code, numpy_dtype, raw


def _as_array(name: str, value) -> np.ndarray:
    """NumPy arrays as they are; anything with DLPack without a copy; the rest as NumPy converts it."""
    if not isinstance(value, np.ndarray):
        value = np.from_dlpack(value) if hasattr(value, "__dlpack__") else np.asarray(value)
    if not value.dtype.isnative:
        value = value.astype(value.dtype.newbyteorder("="))
    if dtype_code(value.dtype) is None:
        raise _runtime.Error(f"input '{name}' has dtype {value.dtype}, which no model takes")
    return value if value.flags.c_contiguous else np.ascontiguousarray(value)


class Session:
    """The memory and threads to run an artifact. One thread at a time may call a session; several sessions run at once.

    `threads`: of a run, the caller's included; 0: one per CPU.
    """

    def __init__(self, model: Artifact | str | os.PathLike, threads: int = 0, profile: bool = False):
        self.artifact = model if isinstance(model, Artifact) else Artifact(model)
        self._handle = _runtime.Session(self.artifact._handle, threads, profile)

    @property
    def inputs(self):
        return self.artifact.inputs

    @property
    def outputs(self):
        return self.artifact.outputs

    @property
    def threads(self) -> int:
        return self._handle.threads()

    def _ordered(self, feeds: Mapping) -> list:
        names = [info.name for info in self.inputs]
        missing = [name for name in names if name not in feeds]
        unknown = [name for name in feeds if name not in names]
        if missing or unknown:
            raise _runtime.Error(f"expects inputs {names}; missing {missing}, unknown {unknown}")
        return [_as_array(name, feeds[name]) for name in names]

    def run(self, feeds: Mapping) -> dict[str, np.ndarray]:
        """Runs the model on {name: array}; inputs are read in place, outputs are new arrays. The GIL is free meanwhile."""
        arrays = self._ordered(feeds)
        inputs = [(raw(array, code), code) for array, code in ((a, dtype_code(a.dtype)) for a in arrays)]
        results = []
        for code, shape in self._handle.prepare(inputs):
            late = any(size < 0 for size in shape)
            results.append(None if late else np.empty(shape, numpy_dtype(code)))
        outputs = [None if a is None else (raw(a, dtype_code(a.dtype)), dtype_code(a.dtype)) for a in results]
        for index, (code, shape) in enumerate(self._handle.run(inputs, outputs)):
            if results[index] is None:
                results[index] = np.empty(shape, numpy_dtype(code))
                self._handle.copy_output(index, raw(results[index], code))
        return {info.name: array for info, array in zip(self.outputs, results)}

    def profile(self) -> list[dict]:
        """Per call, since the session was made with profile=True: kernel, ONNX nodes, runs, total and least time."""
        keys = ("kernel", "nodes", "runs", "total_ns", "min_ns", "flops", "bytes")
        return [dict(zip(keys, call)) for call in self._handle.profile()]
