"""An onnx.backend.base.Backend, so that ONNX's own test suite runs on Lathe. Needs the onnx package."""

from __future__ import annotations

import numpy as np
from onnx.backend.base import Backend, BackendRep

from .artifact import compile
from .session import Session


class LatheRep(BackendRep):
    def __init__(self, session: Session):
        self._session = session

    def run(self, inputs, **kwargs):
        """`inputs`: one array per input of the model in its order, or {name: array}."""
        if not isinstance(inputs, dict):
            arrays = inputs if isinstance(inputs, (list, tuple)) else [inputs]
            inputs = {info.name: np.asarray(array) for info, array in zip(self._session.inputs, arrays)}
        return tuple(self._session.run(inputs).values())


class LatheBackend(Backend):
    @classmethod
    def prepare(cls, model, device="CPU", **kwargs):
        super().prepare(model, device, **kwargs)
        return LatheRep(Session(compile(model)))

    @classmethod
    def supports_device(cls, device: str) -> bool:
        return device.split(":")[0] == "CPU"


prepare = LatheBackend.prepare
run_model = LatheBackend.run_model
run_node = LatheBackend.run_node
supports_device = LatheBackend.supports_device
