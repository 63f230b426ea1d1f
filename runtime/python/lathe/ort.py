"""The part of onnxruntime's interface that typical scripts use, so that `import lathe as ort` runs them."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np

from .artifact import Artifact, compile
from .session import Session

_TYPE_NAMES = {"float32": "float", "float64": "double"}


class SessionOptions:
    """`intra_op_num_threads` counts; other settings of onnxruntime's class are accepted and have no effect."""

    def __init__(self):
        self.intra_op_num_threads = 0
        self.inter_op_num_threads = 0


class NodeArg:
    """name, shape, and type as onnxruntime writes it ("tensor(float)")."""

    def __init__(self, info):
        self.name = info.name
        self.shape = list(info.shape)
        kind = np.dtype(info.dtype).name
        self.type = f"tensor({_TYPE_NAMES.get(kind, kind)})"

    def __repr__(self):
        return f"NodeArg(name='{self.name}', type='{self.type}', shape={self.shape})"


def get_available_providers() -> list[str]:
    return ["CPUExecutionProvider"]


def get_device() -> str:
    return "CPU"


class InferenceSession:
    """Compiles an ONNX model (path or bytes) or opens a .lathe file, and runs it."""

    def __init__(self, path_or_bytes, sess_options: SessionOptions | None = None, providers=None, **kwargs):
        is_artifact = isinstance(path_or_bytes, (str, os.PathLike)) and Path(path_or_bytes).suffix == ".lathe"
        artifact = Artifact.load(path_or_bytes) if is_artifact else compile(path_or_bytes)
        threads = sess_options.intra_op_num_threads if sess_options else 0
        self._session = Session(artifact, threads=threads)

    def get_inputs(self) -> list[NodeArg]:
        return [NodeArg(info) for info in self._session.inputs]

    def get_outputs(self) -> list[NodeArg]:
        return [NodeArg(info) for info in self._session.outputs]

    def get_providers(self) -> list[str]:
        return get_available_providers()

    def run(self, output_names, input_feed, run_options=None) -> list[np.ndarray]:
        """Outputs in the order of `output_names` (None: all, in the model's order)."""
        results = self._session.run(input_feed)
        names = output_names or [info.name for info in self._session.outputs]
        unknown = [name for name in names if name not in results]
        if unknown:
            raise ValueError(f"expects outputs of {list(results)}, got {unknown}")
        return [results[name] for name in names]
