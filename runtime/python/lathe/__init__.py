"""Lathe: compile ONNX models to native programs, and run them.

    import lathe, numpy as np
    artifact = lathe.compile("model.onnx", dims={"batch": 1})
    session = lathe.Session(artifact, threads=2)
    outputs = session.run({"ids": np.zeros((1, 128), np.int64)})

``lathe.InferenceSession`` has the part of onnxruntime's class that scripts usually need, ``lathe.backend`` is a backend for
ONNX's own test suite. Errors of models, files and shapes are ``lathe.Error``.
"""

from ._runtime import Error, __version__
from .artifact import Artifact, TensorInfo, compile, quantize
from .diff import diff
from .ort import InferenceSession, SessionOptions, get_available_providers, get_device
from .session import Session

__all__ = [
    "Artifact", "Error", "InferenceSession", "Session", "SessionOptions", "TensorInfo", "__version__", "compile", "diff",
    "get_available_providers", "get_device", "quantize",
]
