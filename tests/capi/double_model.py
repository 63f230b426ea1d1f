"""Writes an ONNX model, y = x + x over [n]: double_model.py FILE."""

import sys

import onnx
import onnx.helper as oh


def save(path):
    value = lambda name: oh.make_tensor_value_info(name, onnx.TensorProto.FLOAT, ["n"])
    graph = oh.make_graph([oh.make_node("Add", ["x", "x"], ["y"], "double")], "double", [value("x")], [value("y")])
    onnx.save(oh.make_model(graph, opset_imports=[oh.make_opsetid("", 17)], ir_version=8), path)


if __name__ == "__main__":
    save(sys.argv[1])
