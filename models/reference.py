"""ONNX Runtime as the reference: what it computes, and how fast.

Run as a program it measures one model in a process of its own:
    python -m models.reference NAME --dims JSON --threads N --seconds S [--dir DIR]
"""

import argparse
import json
import resource
import time

import numpy as np

from models import zoo


def session(path, threads=0):
    import onnxruntime  # not needed by those who only compile

    onnxruntime.set_default_logger_severity(3)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])


def outputs(running, inputs):
    names = [output.name for output in running.get_outputs()]
    return dict(zip(names, running.run(names, inputs)))


def difference(got, want):
    """Largest difference relative to the largest magnitude wanted; infinite where they can't be compared."""
    if got.dtype != want.dtype or got.shape != want.shape:
        return float("inf")
    if want.size == 0:
        return 0.0
    if want.dtype.kind != "f":
        return 0.0 if np.array_equal(got, want) else float("inf")
    error = np.abs(got.astype(np.float64) - want)
    error[(got == want) | (np.isnan(got) & np.isnan(want))] = 0
    largest = np.max(np.abs(want[np.isfinite(want)]), initial=0)
    worst = np.max(error)
    return float("inf") if np.isnan(worst) else float(worst / largest if largest > 0 else worst)


def describe(got, want):
    """Why two outputs differ, in words."""
    if got.dtype != want.dtype or got.shape != want.shape:
        return f"expects {want.dtype} {list(want.shape)}, got {got.dtype} {list(got.shape)}"
    return f"relative difference {difference(got, want):.3g}"


def measure(run, seconds):
    """Times in ms of as many runs as there is time for, three at least; sorted."""
    times, end = [], time.perf_counter() + seconds
    while len(times) < 3 or time.perf_counter() < end:
        start = time.perf_counter()
        run()
        times.append(1e3 * (time.perf_counter() - start))
    return sorted(times)


def bench(name, dims, threads, seconds, folder=None):
    start = time.perf_counter()
    running = session(zoo.path(name, folder), threads)
    loaded = time.perf_counter()
    inputs = zoo.make_inputs(zoo.entry(name), dims)
    ready = time.perf_counter()
    running.run(None, inputs)
    first = time.perf_counter()
    times = measure(lambda: running.run(None, inputs), seconds)
    return {"load_ms": 1e3 * (loaded - start), "first_ms": 1e3 * (first - ready), "min_ms": times[0],
            "median_ms": times[len(times) // 2], "runs": len(times),
            "peak_rss_bytes": 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("name")
    parser.add_argument("--dims", type=json.loads, required=True)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=2)
    parser.add_argument("--dir")
    options = parser.parse_args()
    print(json.dumps(bench(options.name, options.dims, options.threads, options.seconds, options.dir)))


if __name__ == "__main__":
    main()
