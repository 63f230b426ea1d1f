"""The lathe command, called from Python: compile, run and measure models of the zoo."""

import json
import os
import subprocess
import time

import numpy as np

from models import foreign, zoo

ROOT = os.path.dirname(zoo.FOLDER)


class Failed(Exception):
    """A command ended with an error; the text is what it printed."""


def binary():
    """$LATHE, or the build tree's."""
    return os.environ.get("LATHE") or os.path.join(ROOT, "build", "bin", "lathe")


def go_before_others():
    """Real-time priority for this process, so that other work on the machine takes no time from it. Needs the right to it."""
    os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(1))


def lathe(*arguments, check=True, realtime=False):
    """Runs the command. Gives the finished process; raises Failed on an error if `check`."""
    command = [binary(), *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False,
                          preexec_fn=go_before_others if realtime else None)
    if check and done.returncode != 0:
        raise Failed(f"exit code {done.returncode} of {' '.join(command)}:\n{done.stderr[-4000:]}")
    return done


def high_water_bytes(pid):
    """Largest resident memory of a running process. (What wait4 tells includes that of this process before exec.)"""
    try:
        with open(f"/proc/{pid}/status", encoding="utf-8") as file:
            return next((1024 * int(line.split()[1]) for line in file if line.startswith("VmHWM:")), 0)
    except OSError:
        return 0


def compile_model(path, artifact, *arguments):
    """Compiles; gives {"seconds", "peak_rss_bytes", "bytes"} of it."""
    log = artifact + ".log"
    command = [binary(), "compile", path, "-o", artifact, *arguments]
    start, peak = time.perf_counter(), 0
    with open(log, "w", encoding="utf-8") as file:
        process = subprocess.Popen(command, stdout=file, stderr=subprocess.STDOUT)
        while process.poll() is None:
            peak = max(peak, high_water_bytes(process.pid))
            time.sleep(0.01)
    seconds = time.perf_counter() - start
    if process.returncode != 0:
        with open(log, encoding="utf-8", errors="replace") as file:
            raise Failed(f"exit code {process.returncode} of {' '.join(command)}:\n{file.read()[-4000:]}")
    return {"seconds": seconds, "peak_rss_bytes": peak, "bytes": os.path.getsize(artifact)}


def fixed_sizes(path, model, dims):
    """--dim options that fix every named size of the inputs of a model of the zoo, in the names that its file has."""
    import onnx

    inputs = {value.name: value for value in onnx.load(path, load_external_data=False).graph.input}
    fixed = {}
    for spec in model["inputs"]:
        for dim, size in zip(inputs[spec["name"]].type.tensor_type.shape.dim, spec["shape"]):
            if dim.dim_param and dim.dim_param != "?":
                fixed[dim.dim_param] = zoo.evaluate(size, dims)
    return [word for name, size in fixed.items() for word in ("--dim", f"{name}={size}")]


def is_newer(path, others):
    """Is the file there and not older than any of the others?"""
    return os.path.exists(path) and all(os.path.getmtime(path) >= os.path.getmtime(other) for other in others)


def compiled(name, folder, models=None, dims=None):
    """The artifact of a model in `folder`; compiled if it is older than the model or the compiler. `dims` fixes its sizes."""
    from models.build import build

    path = build(name, models)
    os.makedirs(folder, exist_ok=True)
    sizes = [f"{symbol}{size}" for symbol, size in (dims or {}).items()]
    artifact = os.path.join(folder, "-".join([foreign.unique_label(name), *sizes]) + ".lathe")
    compiler = os.path.join(os.path.dirname(binary()), "lathe-compile")
    if not is_newer(artifact, [path, compiler]):
        compile_model(path, artifact, *(fixed_sizes(path, zoo.entry(name), dims) if dims else []))
    return artifact


def file_name(name):
    """As `lathe run` calls the file of an output."""
    return name.replace("/", "_") + ".npy"


def run(artifact, inputs, folder, threads=None):
    """Runs on {name: array}; gives {name: array} of the outputs. Files go to `folder`."""
    os.makedirs(folder, exist_ok=True)
    arguments = []
    for number, (name, array) in enumerate(inputs.items()):
        path = os.path.join(folder, f"in-{number}.npy")
        np.save(path, array)
        arguments += ["--input", f"{name}={path}"]
    if threads:
        arguments += ["--threads", threads]
    results = os.path.join(folder, "out")
    lathe("run", artifact, *arguments, "--output-dir", results)
    names = [output["name"] for output in inspect(artifact)["outputs"]]
    return {name: np.load(os.path.join(results, file_name(name))) for name in names}


def inspect(artifact):
    return json.loads(lathe("inspect", artifact, "--json", "-").stdout)


def bench(artifact, model, dims, threads, seconds, realtime=False):
    """What `lathe bench --json` says, on shapes as the zoo's entry gives them."""
    arguments = []
    for spec in model["inputs"]:
        shape = "x".join(str(zoo.evaluate(size, dims)) for size in spec["shape"])
        arguments += ["--shape", f"{spec['name']}={shape}"]
    done = lathe("bench", artifact, *arguments, "--threads", threads, "--seconds", seconds, "--json", "-",
                 realtime=realtime)
    return json.loads(done.stdout)
