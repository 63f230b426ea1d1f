"""Reads zoo.json: which models there are, and inputs for them."""

import ast
import functools
import json
import operator
import os
import re
import zlib

import numpy as np

from models import foreign

FOLDER = os.path.dirname(os.path.abspath(__file__))
NUMPY_DTYPES = {"f32": np.float32, "i64": np.int64, "i32": np.int32, "bool": np.bool_}


@functools.cache
def entries():
    with open(os.path.join(FOLDER, "zoo.json"), encoding="utf-8") as file:
        return json.load(file)["models"]


def entry(name):
    """Of a model of the zoo, or of an ONNX file (see foreign.py)."""
    if foreign.is_file(name):
        return foreign.entry(name)
    for candidate in entries():
        if candidate["name"] == name:
            return candidate
    raise SystemExit(f"zoo: no model is called '{name}'; models/build.py --list names them")


def select(pattern=None, kind=None):
    """Entries whose name matches (anywhere), in order."""
    return [e for e in entries()
            if (not pattern or re.search(pattern, e["name"])) and (not kind or e["kind"] == kind)]


def default_folder():
    cache = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    return os.path.join(cache, "lathe", "models")


def path(name, folder=None):
    return os.path.join(folder or default_folder(), name, name + ".onnx")


OPERATORS = {ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.FloorDiv: operator.floordiv}


def evaluate(size, dims):
    """A size: a number, a symbol, or a sum, product... of such ("past + seq")."""
    if isinstance(size, int):
        return size

    def walk(node):
        if isinstance(node, ast.Constant):
            return node.value
        if isinstance(node, ast.Name):
            return dims[node.id]
        return OPERATORS[type(node.op)](walk(node.left), walk(node.right))

    return walk(ast.parse(size, mode="eval").body)


def make_page(shape, random, dark, light):
    """A light image with rows of dark strokes, as text is from afar."""
    page = np.full(shape, light)
    for top in range(8, shape[-2] - 16, 28):
        for left in range(8, shape[-1] - 16, 9):
            if random.random() < 0.85:
                width, height = random.integers(2, 6), random.integers(8, 14)
                page[..., top:top + height, left:left + width] = dark
    return page


def make_input(spec, dims, random):
    """Data as zoo.json describes them under "values"."""
    shape = [evaluate(size, dims) for size in spec["shape"]]
    dtype = NUMPY_DTYPES[spec["dtype"]]
    values = spec.get("values", {"normal": 1.0})
    (kind, argument), = values.items()
    if kind == "normal":
        return (random.standard_normal(shape, dtype=np.float32) * np.float32(argument)).astype(dtype)
    if kind == "uniform":
        return random.uniform(*argument, shape).astype(dtype)
    if kind == "integers":
        return random.integers(*argument, shape).astype(dtype)
    if kind == "page":
        return make_page(shape, random, *argument).astype(dtype)
    if kind == "positions":  # counts on from a symbol
        return np.broadcast_to(np.arange(shape[-1]) + dims[argument], shape).astype(dtype)
    if kind == "mask":  # ones, then zeros; the first rows are full
        lengths = np.maximum(shape[-1] - np.arange(shape[0]) * argument, 1)
        return (np.arange(shape[-1])[None] < lengths[:, None]).astype(dtype)
    raise ValueError(f"unknown kind of values '{kind}'")


def make_inputs(model, dims, seed=0):
    """{name: array}: the same for the same model, sizes and seed."""
    text = json.dumps([model["name"], sorted(dims.items()), seed])
    random = np.random.default_rng(zlib.crc32(text.encode()))
    return {spec["name"]: make_input(spec, dims, random) for spec in model["inputs"]}
