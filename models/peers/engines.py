"""How each engine loads a model and runs it.

An engine is a class: `Engine(case, threads)` loads, `run()` gives the outputs as {name: array}. What a class imports is imported
by `prepare`, which isn't timed.
"""

import importlib
import os
import sys

from models import command, zoo


class Engine:
    runs_artifact = False  # the .lathe file instead of the ONNX model
    single_turn = False  # loading takes so long that all rounds are one turn
    models = None  # names of those that it can run; None: all


class Lathe(Engine):
    """Through the Python package, as the others, so that all pay for NumPy's arrays alike."""

    runs_artifact = True

    @staticmethod
    def prepare():
        sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(command.binary())), "python"))
        importlib.import_module("lathe")

    def __init__(self, case, threads):
        import lathe

        self.inputs = case.inputs
        self.session = lathe.Session(lathe.Artifact(case.path), threads=threads)

    def run(self):
        return self.session.run(self.inputs)


class OnnxRuntime(Engine):
    @staticmethod
    def prepare():
        importlib.import_module("onnxruntime")

    def __init__(self, case, threads):
        from models import reference

        self.inputs = case.inputs
        self.session = reference.session(case.path, threads)
        self.names = [output.name for output in self.session.get_outputs()]

    def run(self):
        return dict(zip(self.names, self.session.run(self.names, self.inputs)))


class OpenVino(Engine):
    """Static shapes, f32 arithmetic, one stream, all threads for one inference."""

    @staticmethod
    def prepare():
        importlib.import_module("openvino")

    def __init__(self, case, threads):
        import openvino

        core = openvino.Core()
        model = core.read_model(case.path)
        names = [port.get_any_name() for port in model.inputs]
        model.reshape({name: case.inputs[name].shape for name in names})
        settings = {"PERFORMANCE_HINT": "LATENCY", "INFERENCE_NUM_THREADS": threads, "NUM_STREAMS": 1,
                    "INFERENCE_PRECISION_HINT": "f32", "ENABLE_CPU_PINNING": False}
        compiled = core.compile_model(model, "CPU", settings)
        self.names = [port.get_any_name() for port in compiled.outputs]
        self.request = compiled.create_infer_request()
        self.inputs = {name: case.inputs[name] for name in names}

    def run(self):
        results = self.request.infer(self.inputs, share_inputs=True, share_outputs=True)
        return dict(zip(self.names, results.values()))


def flat(result):
    """The tensors in nested tuples."""
    return [tensor for part in result for tensor in flat(part)] if isinstance(result, (tuple, list)) else [result]


class Inductor(Engine):
    """torch.compile with freezing, of the same network written in torch: see torchnets.py."""

    single_turn = True
    models = ("resnet50", "mobilenet_v2", "bert_base", "minilm", "gpt2_prefill", "lstm")

    @staticmethod
    def prepare():
        importlib.import_module("torch")

    def __init__(self, case, threads):
        import torch
        from torch._inductor import config

        from models.peers import torchnets

        config.freezing = True
        torch.set_num_threads(threads)
        network, self.inputs = torchnets.build(case)
        self.network = torch.compile(network.eval())

    def run(self):
        import torch

        with torch.inference_mode():
            result = self.network(*self.inputs)
        return {str(number): tensor.numpy() for number, tensor in enumerate(flat(result))}


ENGINES = {"lathe": Lathe, "lathe-dynamic": Lathe, "onnxruntime": OnnxRuntime, "openvino": OpenVino, "inductor": Inductor}


def is_ours(name):
    return name.startswith("lathe")


class Case:
    """A model (`model`: its entry, as in zoo.json) at one size, with inputs ({name: array}) and the file that the engine loads."""

    def __init__(self, model, dims, path):
        self.model = model
        self.dims = dims
        self.path = path
        self.inputs = zoo.make_inputs(self.model, dims)
