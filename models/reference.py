"""ONNX Runtime as the reference: what it computes."""

import numpy as np


def session(path, threads=0, optimized=True):
    """Node by node as they stand in the file, if not `optimized`."""
    import onnxruntime  # not needed by those who only compile

    onnxruntime.set_default_logger_severity(3)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    if not optimized:
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
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
