"""How far a quantized model's outputs are from f32's."""

import numpy as np

LEAST_COSINE = 0.9  # where zoo.json says nothing else: its networks have random weights, which lose more than trained ones
MOST_DB = 200.0     # of equal outputs


def of_arrays(got, want):
    """{"cosine", "sqnr_db"} of two arrays; 0 and 0 where shapes differ or numbers are not finite."""
    if got.shape != want.shape:
        return {"cosine": 0.0, "sqnr_db": 0.0}
    a, b = got.astype(np.float64).ravel(), want.astype(np.float64).ravel()
    if np.array_equal(a, b, equal_nan=True):
        return {"cosine": 1.0, "sqnr_db": MOST_DB}
    if not (np.isfinite(a).all() and np.isfinite(b).all()):
        return {"cosine": 0.0, "sqnr_db": 0.0}
    norms, noise, signal = np.linalg.norm(a) * np.linalg.norm(b), np.sum((a - b) ** 2), np.sum(b ** 2)
    cosine = float(a @ b / norms) if norms > 0 else 0.0
    sqnr = float(10 * np.log10(signal / noise)) if signal > 0 else 0.0
    return {"cosine": cosine, "sqnr_db": min(sqnr, MOST_DB)}


def compare(got, want):
    """{output: of_arrays} of the outputs of floating-point numbers; of all where there are none."""
    names = [name for name in want if want[name].dtype.kind == "f"] or list(want)
    return {name: of_arrays(got[name], want[name]) for name in names}


def worst(cases):
    """The least of each measure over {case: compare}."""
    found = [measures for outputs in cases.values() for measures in outputs.values()]
    return {key: min(measures[key] for measures in found) for key in ("cosine", "sqnr_db")}
