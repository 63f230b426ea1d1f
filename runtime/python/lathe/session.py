"""Running artifacts."""

from __future__ import annotations

import math
import os
import sys
from collections.abc import Mapping

import numpy as np

from . import _runtime
from .artifact import Artifact
from .dtypes import dtype_code, numpy_dtype, raw
from .profile import chrome_trace, describe_calls


def _as_array(name: str, value) -> np.ndarray:
    """NumPy arrays as they are; anything with DLPack without a copy; the rest as NumPy converts it."""
    if not isinstance(value, np.ndarray):
        value = np.from_dlpack(value) if hasattr(value, "__dlpack__") else np.asarray(value)
    if not value.dtype.isnative:
        value = value.astype(value.dtype.newbyteorder("="))
    if dtype_code(value.dtype) is None:
        raise _runtime.Error(f"input '{name}' has dtype {value.dtype}, which no model takes")
    return value if value.flags.c_contiguous else np.ascontiguousarray(value)


class _Buffers:
    """Memory of large outputs, used again when nobody holds an array in it any more.

    Memory fresh from the operating system costs a page fault per 4 KiB, more than computing what goes there. An array, its
    views and whoever took it by DLPack hold a reference to the buffer, so the count of references tells whether it is free.
    Arrays begin at cache lines: kernels write whole ones without reading them first.
    """

    ALIGNMENT = 64
    LEAST_BYTES = 1 << 17
    UNUSED_RUNS = 2  # after so many runs without use a free buffer is given back

    def __init__(self):
        self._kept: dict[int, list[list]] = {}  # bytes -> [[last run that found it in use, buffer]]
        self._run = 0

    def next_run(self):
        self._run += 1
        for size, entries in list(self._kept.items()):
            for entry in entries:
                if not self._is_free(entry):
                    entry[0] = self._run
            entries[:] = [entry for entry in entries if self._run - entry[0] <= self.UNUSED_RUNS]
            if not entries:
                del self._kept[size]

    def array(self, shape, dtype: np.dtype) -> np.ndarray:
        size = math.prod(shape) * dtype.itemsize
        if size < self.LEAST_BYTES:
            return np.empty(shape, dtype)
        entries = self._kept.setdefault(size, [])
        entry = next((e for e in entries if self._is_free(e)), None)
        if entry is None:
            entry = [0, np.empty(size + self.ALIGNMENT - 1, np.uint8)]
            entries.append(entry)
        entry[0] = self._run
        first = -entry[1].ctypes.data % self.ALIGNMENT
        return entry[1][first:first + size].view(dtype).reshape(shape)

    @staticmethod
    def _is_free(entry: list) -> bool:
        return sys.getrefcount(entry[1]) == 2  # the entry's and the call's


class Session:
    """The memory and threads to run an artifact. One thread at a time may call a session; several sessions run at once.

    `threads`: of a run, the caller's included; 0: one per CPU.
    """

    def __init__(self, model: Artifact | str | os.PathLike, threads: int = 0, profile: bool = False):
        self.artifact = model if isinstance(model, Artifact) else Artifact(model)
        self._handle = _runtime.Session(self.artifact._handle, threads, profile)
        self._buffers = _Buffers()

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
        """Runs the model on {name: array}; inputs are read in place, outputs are arrays of their own. The GIL is free
        meanwhile."""
        arrays = self._ordered(feeds)
        inputs = [(raw(array, code), code) for array, code in ((a, dtype_code(a.dtype)) for a in arrays)]
        results = []
        self._buffers.next_run()
        for code, shape in self._handle.prepare(inputs):
            late = any(size < 0 for size in shape)
            results.append(None if late else self._buffers.array(shape, np.dtype(numpy_dtype(code))))
        outputs = [None if a is None else (raw(a, dtype_code(a.dtype)), dtype_code(a.dtype)) for a in results]
        for index, (code, shape) in enumerate(self._handle.run(inputs, outputs)):
            if results[index] is None:
                results[index] = np.empty(shape, numpy_dtype(code))
                self._handle.copy_output(index, raw(results[index], code))
        return {info.name: array for info, array in zip(self.outputs, results)}

    def set_profile(self, enabled: bool = True):
        """Measures calls from now on, from zero, or no longer."""
        self._handle.set_profile(enabled)

    def profile(self, limits: dict | str | os.PathLike | None = None) -> list[dict]:
        """Per call, since the profile was switched on: kernel, ONNX nodes, runs, total_ns, min_ns, ms (mean), share of the time,
        threads, flops, bytes and weight_bytes of a run, gflops, gbs.

        With `limits`, what the program machine-limits measured (a dict, or the path of its JSON), also limit_percent of what the
        machine allows, and whether that is bound by "compute" or "memory".
        """
        return describe_calls(self._handle.profile(), limits)

    def trace(self, feeds: Mapping, runs: int = 5, max_events: int = 1 << 20) -> dict:
        """Runs the model so often; what its threads did is the contents of a JSON file for chrome://tracing or Perfetto."""
        self._handle.set_trace(max_events)
        try:
            for _ in range(runs):
                self.run(feeds)
            return chrome_trace(self._handle.trace(), self._handle.profile())
        finally:
            self._handle.set_trace(0)
