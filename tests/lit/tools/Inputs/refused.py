"""Writes a model with an input and two nodes that are refused: refused.py FILE."""

import sys

import onnx
import onnx.helper as oh

value = lambda name, dtype: oh.make_tensor_value_info(name, dtype, ["n"])
floats, strings = onnx.TensorProto.FLOAT, onnx.TensorProto.STRING
nodes = [oh.make_node("Add", ["x", "x"], ["a"], "add"), oh.make_node("Frobnicate", ["a"], ["b"], "frob", domain="my.ops"),
         oh.make_node("Relu", ["b"], ["y"], "relu"), oh.make_node("StringNormalizer", ["s"], ["z"], "norm")]
graph = oh.make_graph(nodes, "refused", [value("x", floats), value("s", strings)],
                      [value("y", floats), value("z", strings)])
opsets = [oh.make_opsetid("", 17), oh.make_opsetid("my.ops", 1)]
onnx.save(oh.make_model(graph, opset_imports=opsets, ir_version=8), sys.argv[1])
