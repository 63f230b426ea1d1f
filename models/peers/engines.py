"""How each engine loads a model and runs it.

An engine is a class: `Engine(case, threads)` loads, `run()` gives the outputs as {name: array}. What a class imports is imported
by `prepare`, which isn't timed.
"""

import importlib
import os
import subprocess
import sys
import tempfile

from models import command, zoo


class Engine:
    runs_artifact = False  # the .lathe file instead of the ONNX model
    single_turn = False  # loading takes so long that all rounds are one turn
    limit_s = None  # a turn that takes longer, by its compiler for the most part, is given up
    by_default = True  # measured where it is installed; else only when it is named
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


class LatheDynamic(Lathe):
    """Of the artifact whose sizes are open."""

    by_default = False


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


def with_sizes(case):
    """The ONNX model of a case with the sizes of its inputs in the place of symbols."""
    import onnx

    model = onnx.load(case.path)
    for value in model.graph.input:
        if value.name in case.inputs:
            for dim, size in zip(value.type.tensor_type.shape.dim, case.inputs[value.name].shape):
                dim.dim_value = size
    del model.graph.value_info[:]  # may speak of the symbols
    return model


def tensors_of(result):
    """What a function of a virtual machine gives: one tensor or a sequence of them."""
    return list(result) if isinstance(result, (tuple, list)) or hasattr(result, "__len__") and not hasattr(result, "shape") else [result]


class Iree(Engine):
    """Compiled for this CPU; not tuned."""

    single_turn = True
    by_default = False
    limit_s = 900

    @staticmethod
    def prepare():
        importlib.import_module("iree.compiler")
        importlib.import_module("iree.runtime")

    def __init__(self, case, threads):
        from iree import runtime

        runtime.flags.parse_flags(f"--task_topology_group_count={threads}")
        config = runtime.Config("local-task" if threads > 1 else "local-sync")
        context = runtime.SystemContext(config=config)
        module = runtime.VmModule.copy_buffer(context.instance, self.compile(case))
        context.add_vm_module(module)
        name, = (name for name in module.function_names if not name.startswith("__") and not name.endswith("$async"))
        self.function = context.modules[module.name][name]
        self.inputs = [case.inputs[value] for value in self.names]

    def compile(self, case):
        """Bytes of the module; keeps the names of inputs and outputs."""
        import onnx
        from iree import compiler

        model = with_sizes(case)
        self.names = [value.name for value in model.graph.input if value.name in case.inputs]
        self.output_names = [value.name for value in model.graph.output]
        with tempfile.TemporaryDirectory() as folder:
            fixed, imported = (os.path.join(folder, name) for name in ("model.onnx", "model.mlir"))
            onnx.save(model, fixed)
            subprocess.run([sys.executable, "-m", "iree.compiler.tools.import_onnx", fixed, "-o", imported], check=True)
            return compiler.compile_file(imported, input_type="onnx", target_backends=["llvm-cpu"],
                                         extra_args=["--iree-llvmcpu-target-cpu=host"])

    def run(self):
        return dict(zip(self.output_names, (array.to_host() for array in tensors_of(self.function(*self.inputs)))))


class Tvm(Engine):
    """The default pipeline for CPUs; not tuned."""

    single_turn = True
    by_default = False
    limit_s = 900

    @staticmethod
    def prepare():
        importlib.import_module("tvm")

    def __init__(self, case, threads):
        os.environ["TVM_NUM_THREADS"] = str(threads)  # read when the first thread is needed
        import tvm
        from tvm import relax
        from tvm.relax.frontend.onnx import from_onnx

        model = with_sizes(case)
        names = [value.name for value in model.graph.input if value.name in case.inputs]
        module = from_onnx(model, shape_dict={name: list(case.inputs[name].shape) for name in names},
                           dtype_dict={name: case.inputs[name].dtype.name for name in names}, keep_params_in_input=False)
        target = tvm.target.Target({"kind": "llvm", "mtriple": "x86_64-linux-gnu", "mcpu": x86_level(), "num-cores": threads})
        machine = relax.VirtualMachine(tvm.compile(module, target=target), tvm.cpu())
        self.function = machine["main"]
        self.inputs = [tvm.runtime.tensor(case.inputs[name]) for name in names]
        self.output_names = [value.name for value in model.graph.output]

    def run(self):
        return dict(zip(self.output_names, (array.numpy() for array in tensors_of(self.function(*self.inputs)))))


def x86_level():
    """Name for LLVM of what this CPU can do. The CPU's own name won't do: virtual machines hide features."""
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        flags = next(line for line in file if line.startswith("flags")).split()
    return "x86-64-v4" if {"avx512f", "avx512bw", "avx512dq", "avx512vl", "avx512cd"} <= set(flags) else "x86-64-v3"


ENGINES = {"lathe": Lathe, "lathe-dynamic": LatheDynamic, "onnxruntime": OnnxRuntime, "openvino": OpenVino, "inductor": Inductor,
           "iree": Iree, "tvm": Tvm}


class Case:
    """A model (`model`: its entry, as in zoo.json) at one size, with inputs ({name: array}) and the file that the engine loads."""

    def __init__(self, model, dims, path):
        self.model = model
        self.dims = dims
        self.path = path
        self.inputs = zoo.make_inputs(self.model, dims)
