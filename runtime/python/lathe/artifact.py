"""Compiled models: making, saving and opening them."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from . import _runtime
from .dtypes import numpy_dtype
from .samples import on_disk

_OPTIONS = {"cpu", "dims", "report", "dump_to", "tune", "tune_db", "tune_threads", "tune_seconds", "provider", "quantize",
            "calibrate", "calibrate_method", "keep", "precisions", "group_size", "int4_method", "int4_activations", "weight_bits",
            "quantize_all", "image_mean", "image_std", "image_size",
            "max_error", "error_metric", "budget", "pareto"}


@dataclass(frozen=True)
class TensorInfo:
    """An input or output: `shape` has an int per fixed axis and a name ("batch", "2*seq") per other one."""

    name: str
    dtype: object
    shape: tuple


def _infos(descriptions) -> list[TensorInfo]:
    return [TensorInfo(name, numpy_dtype(dtype), tuple(label if size < 0 else size for size, label in zip(sizes, labels)))
            for name, dtype, sizes, labels in descriptions]


class Artifact:
    """A .lathe file, open. Immutable; sessions and threads may share it. Native code: open files from trusted sources only.

    The first run reads all weights to check their digests; with `check_weights=False` it doesn't, and damage goes unnoticed.
    """

    def __init__(self, path: str | os.PathLike, _folder: tempfile.TemporaryDirectory | None = None, *, check_weights: bool = True):
        self._folder = _folder  # keeps a compiled artifact's file until it is saved or dropped
        self.path = Path(path)
        self._handle = _runtime.Artifact(str(path), check_weights)
        self.inputs = _infos(self._handle.inputs())
        self.outputs = _infos(self._handle.outputs())

    @classmethod
    def load(cls, path: str | os.PathLike, *, check_weights: bool = True) -> Artifact:
        return cls(path, check_weights=check_weights)

    def save(self, path: str | os.PathLike) -> None:
        """Writes the file to `path`, whole or not at all."""
        target = Path(path)
        with tempfile.NamedTemporaryFile(dir=target.parent, prefix=target.name, delete=False) as part:
            try:
                with open(self.path, "rb") as source:
                    shutil.copyfileobj(source, part, 2 << 20)  # whole huge pages: see ArtifactWriter.cpp
                os.chmod(part.name, 0o644)
                os.replace(part.name, target)
            except BaseException:
                os.unlink(part.name)
                raise

    def verify(self) -> None:
        """Checks the digests of all weights; raises lathe.Error for a damaged file."""
        self._handle.verify()


def _compiler() -> str:
    """The compiler is a program of its own, so that a hostile model can't take this process down."""
    bundled = Path(__file__).parent / "bin" / "lathe-compile"
    found = os.environ.get("LATHE_COMPILER") or (str(bundled) if bundled.exists() else shutil.which("lathe-compile"))
    if not found:
        raise _runtime.Error("the compiler lathe-compile was not found: set LATHE_COMPILER or add it to PATH")
    return found


def _dim(value) -> str:
    if isinstance(value, int):
        return str(value)
    low, high = value
    return f"{low}..{high}"


def _dims(dims: dict | None) -> list[str]:
    return [item for name, value in (dims or {}).items() for item in ("--dim", f"{name}={_dim(value)}")]


def _pictures(mean, std, size) -> list[str]:
    return [f"{flag}={between.join(map(str, np.atleast_1d(value).tolist()))}"
            for flag, between, value in (("--image-mean", ",", mean), ("--image-std", ",", std), ("--image-size", "x", size))
            if value is not None]


def _source(model, folder: str) -> str:
    """The path of a model; of one in memory, a file in the folder."""
    if isinstance(model, (str, os.PathLike)):
        return os.fspath(model)
    source = os.path.join(folder, "model.onnx")
    data = model if isinstance(model, (bytes, bytearray, memoryview)) else model.SerializeToString()
    Path(source).write_bytes(data)
    return source


def _arguments(options: dict) -> list[str]:
    unknown = options.keys() - _OPTIONS
    if unknown:
        raise TypeError(f"unknown options {sorted(unknown)}; known are {sorted(_OPTIONS)}")
    arguments = _dims(options.get("dims"))
    cpu = options.get("cpu")
    if cpu:
        arguments += ["--cpu", cpu if isinstance(cpu, str) else ",".join(cpu)]
    for name, flag in (("report", "--report"), ("dump_to", "--dump-to"), ("tune_db", "--tune-db"),
                       ("provider", "--provider"), ("pareto", "--pareto"), ("precisions", "--precisions")):
        if options.get(name):
            arguments += [flag, os.fspath(options[name])]
    for name, flag in (("tune", "--tune"), ("quantize_all", "--quantize-all")):
        if options.get(name):
            arguments.append(flag)
    for name, flag in (("quantize", "--quantize"), ("calibrate_method", "--calibrate-method"), ("keep", "--keep"),
                       ("int4_method", "--int4-method"), ("int4_activations", "--int4-activations")):
        if options.get(name):
            arguments += [flag, options[name]]
    arguments += _pictures(options.get("image_mean"), options.get("image_std"), options.get("image_size"))
    for name, flag in (("tune_threads", "--tune-threads"), ("tune_seconds", "--tune-seconds"),
                       ("group_size", "--group-size"), ("weight_bits", "--weight-bits"), ("max_error", "--max-error"), ("budget", "--budget")):
        if options.get(name) is not None:
            arguments += [flag, str(options[name])]
    metric = options.get("error_metric")
    if metric is not None:
        arguments += ["--error-metric", "ask" if callable(metric) else metric]
    return arguments


def compile(model, **options) -> Artifact:
    """Compiles an ONNX model: a path, its serialized bytes, or a ModelProto.

    Options, as on the command line: `cpu` ("native", "x86-64-v3", ..., or a list for a fat artifact), `dims` ({"batch": 1,
    "seq": (1, 512)}), `report` (path of a JSON report), `dump_to` (folder for the IR of each phase), `tune` (True: measure
    kernels on this machine), `tune_db` (path of a database of what was measured), `tune_threads` (threads to measure with),
    `tune_seconds` (how long), `provider` ("lathe"; "onednn" wherever it can be; "auto" where it was measured to be faster).

    For integers: `quantize` ("int8", "int8-dynamic" or "int4", which has `group_size` and `int4_method`: "rtn", "gptq", "awq",
    "adaround", and `int4_activations`: "int8" or "f32"), `calibrate` (samples of the inputs: a path, or any iterable of dicts
    from input names to arrays, which is read once and kept on disk while compiling, not in memory), `calibrate_method` ("mse",
    "percentile", "entropy", "min-max"), `keep` (regular expression of node names that stay as they are), `precisions` (path of
    a file with precisions of single nodes: docs/Quantization.md), `weight_bits` (of 8-bit integers: 7 or 8; default: 7 where
    all CPUs are faster with them), `quantize_all` (True: also nodes that are expected to be faster in f32), and for a folder of
    pictures `image_mean`, `image_std` (a number, or one per channel), `image_size` (a side, or (height, width)).

    `quantize="auto"` takes the precision of each node that is fastest while the outputs stay within `max_error` of f32's by
    `error_metric`: "relative", "cosine", "kl", or a function that gets an Artifact and gives its error, a number that is 0 or
    more. `budget`: for how long to try ("10min", seconds); `pareto`: path of a JSON list of what was tried.

    Raises lathe.Error with the compiler's messages when the model can't be compiled.
    """
    folder = tempfile.TemporaryDirectory(prefix="lathe-")
    output = os.path.join(folder.name, "model.lathe")
    _run_compiler("compile", model, output, options)
    return Artifact(output, folder)


_QUANTIZE_OPTIONS = {"quantize", "calibrate", "calibrate_method", "keep", "precisions", "group_size", "int4_method", "image_mean",
                     "image_std", "image_size", "weight_bits", "quantize_all", "max_error", "error_metric", "budget", "pareto"}


def quantize(model, output: str | os.PathLike, **options) -> None:
    """Writes an ONNX model with the nodes quantized that `compile` would quantize, with the same integers, to the path `output`.

    `model` as for `compile`, and the options of quantization, `quantize="auto"` with its search among them: without `quantize`
    it is "int8" if there are samples to `calibrate` with, else "int8-dynamic". Raises lathe.Error with the compiler's messages when that can't be done.
    """
    unknown = options.keys() - _QUANTIZE_OPTIONS
    if unknown:
        raise TypeError(f"unknown options {sorted(unknown)}; known are {sorted(_QUANTIZE_OPTIONS)}")
    _run_compiler("quantize", model, os.fspath(output), options)


def _run_compiler(command: str, model, output: str, options: dict) -> None:
    arguments, metric = _arguments(options), options.get("error_metric")
    if options.get("calibrate") is None:
        return _run_on_model(command, model, output, arguments, metric)
    with on_disk(options["calibrate"]) as samples:
        _run_on_model(command, model, output, [*arguments, "--calibrate", samples], metric)


def _run(command: list[str], metric) -> tuple[int, str]:
    """Exit code and messages. `metric` is called for each path that the compiler asks about."""
    if not callable(metric):
        done = subprocess.run(command, capture_output=True, text=True)
        return done.returncode, done.stderr
    with tempfile.TemporaryFile("w+") as errors:
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, text=True)
        try:
            for path in process.stdout:
                process.stdin.write(f"{float(metric(Artifact.load(path.rstrip())))!r}\n")
                process.stdin.flush()
        except BaseException:
            process.kill()
            raise
        finally:
            process.stdin.close()
            process.wait()
            process.stdout.close()
        errors.seek(0)
        return process.returncode, errors.read()


def _run_on_model(command: str, model, output: str, arguments: list[str], metric=None) -> None:
    with tempfile.TemporaryDirectory(prefix="lathe-model-") as folder:
        source = _source(model, folder)
        code, messages = _run([_compiler(), command, source, "-o", output, *arguments], metric)
    if code != 0:
        raise _runtime.Error(messages.strip() or f"the compiler ended with code {code}")
