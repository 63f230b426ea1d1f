"""A model of the user's: an ONNX file that isn't in the zoo, described as an entry of zoo.json is."""

import ast
import os
import zlib

ZOO_DTYPES = {1: "f32", 6: "i32", 7: "i64", 9: "bool"}  # by the numbers of onnx.TensorProto


def is_file(name):
    """Names of the zoo have no dots."""
    return name.endswith(".onnx")


def is_expression(text):
    """Can zoo.evaluate compute it?"""
    try:
        tree = ast.parse(text, mode="eval").body
    except SyntaxError:
        return False
    return all(isinstance(node, (ast.Name, ast.Constant, ast.BinOp, ast.operator, ast.expr_context)) for node in ast.walk(tree))


def symbols(entry_of_file):
    """Names in the shapes of the inputs, in order."""
    texts = [size for spec in entry_of_file["inputs"] for size in spec["shape"] if isinstance(size, str)]
    names = [node.id for text in texts for node in ast.walk(ast.parse(text, mode="eval")) if isinstance(node, ast.Name)]
    return list(dict.fromkeys(names))


def describe_input(value, path):
    tensor = value.type.tensor_type
    if tensor.elem_type not in ZOO_DTYPES:
        raise SystemExit(f"{path}: input '{value.name}': expects elements of f32, i32, i64 or bool")
    shape = [dim.dim_param if is_expression(dim.dim_param) else dim.dim_value or 1 for dim in tensor.shape.dim]
    values = {"normal": 1.0} if tensor.elem_type == 1 else {"integers": [0, 2]}
    if "mask" in value.name and tensor.elem_type != 1:
        values = {"mask": 0}
    return {"name": value.name, "dtype": ZOO_DTYPES[tensor.elem_type], "shape": shape, "values": values}


def entry(path):
    """The entry of a file: floating-point inputs are noise, integers are 0 or 1 (so that any table has such a row), masks full."""
    import onnx

    graph = onnx.load(path, load_external_data=False).graph
    weights = {tensor.name for tensor in graph.initializer}
    inputs = [describe_input(value, path) for value in graph.input if value.name not in weights]
    return {"name": path, "inputs": inputs}


def label(name):
    """What a table calls it, and the file of its artifact."""
    return os.path.splitext(os.path.basename(name))[0] if is_file(name) else name


def unique_label(name):
    """Files in different folders have different ones."""
    return f"{label(name)}-{zlib.crc32(name.encode()):08x}" if is_file(name) else name
