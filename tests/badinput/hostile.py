"""Hostile models: each function writes a file and gives its path. @case says what the message has to contain."""

import os

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

F32, I64, STRING = TensorProto.FLOAT, TensorProto.INT64, TensorProto.STRING
CASES = []


def case(*fragments, code=1):
    def register(function):
        CASES.append((function.__name__, function, fragments, code))
        return function
    return register


def value(name, dtype=F32, shape=(2, 3)):
    return helper.make_tensor_value_info(name, dtype, shape)


def model(nodes, inputs=None, outputs=None, weights=(), opset=17, functions=(), domains=()):
    inputs = [value("x")] if inputs is None else inputs
    outputs = [value("y")] if outputs is None else outputs
    graph = helper.make_graph(nodes, "hostile", inputs, outputs, list(weights))
    opsets = [helper.make_opsetid("", opset)] + [helper.make_opsetid(domain, 1) for domain in domains]
    result = helper.make_model(graph, opset_imports=opsets, functions=list(functions))
    result.ir_version = 8
    return result


def node(kind, inputs=("x",), outputs=("y",), name="bad", **attributes):
    return helper.make_node(kind, list(inputs), list(outputs), name=name, **attributes)


def write(folder, content, name="model.onnx"):
    path = os.path.join(folder, name)
    data = content if isinstance(content, bytes) else content.SerializeToString()
    with open(path, "wb") as file:
        file.write(data)
    return path


def weight(array, name="w"):
    return numpy_helper.from_array(np.asarray(array), name)


def good():
    """A model that compiles: y = relu(x W) + b."""
    weights = [weight(np.linspace(-1, 1, 12).reshape(3, 4).astype(np.float32)), weight(np.ones(4, np.float32), "b")]
    nodes = [node("MatMul", ["x", "w"], ["p"], "product"), node("Relu", ["p"], ["r"], "relu"),
             node("Add", ["r", "b"], ["y"], "sum")]
    return model(nodes, [value("x", shape=("batch", 3))], [value("y", shape=("batch", 4))], weights)


# Files that are no models

@case("is empty")
def empty_file(folder):
    return write(folder, b"")


@case("cannot open", "nowhere.onnx", code=3)
def missing_file(folder):
    return os.path.join(folder, "nowhere.onnx")


@case("not a regular file", code=3)
def folder_as_file(folder):
    os.mkdir(os.path.join(folder, "model.onnx"))
    return os.path.join(folder, "model.onnx")


@case("not an ONNX model")
def text_file(folder):
    return write(folder, b"once upon a time there was a model\n" * 40)


@case("not an ONNX model")
def zeros_file(folder):
    return write(folder, bytes(4096))


@case("not an ONNX model")
def png_file(folder):
    return write(folder, b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + bytes(range(256)))


@case("not an ONNX model")
def half_a_file(folder):
    data = good().SerializeToString()
    return write(folder, data[:len(data) // 2])


@case("not an ONNX model")
def all_but_a_byte(folder):
    return write(folder, good().SerializeToString()[:-1])


@case("graph")
def only_a_version(folder):
    return write(folder, onnx.ModelProto(ir_version=8))


@case("error:")
def nested_very_deeply(folder):
    data = b""
    for _ in range(3000):  # a graph in a node's attribute in a graph in ...
        graph = b"\x0a" + varint(len(data)) + data if data else b""
        attribute = b"\x32" + varint(len(graph)) + graph
        data = b"\x2a" + varint(len(attribute)) + attribute
    graph = b"\x0a" + varint(len(data)) + data
    return write(folder, b"\x08\x08\x3a" + varint(len(graph)) + graph)


def varint(number):
    data = b""
    while number >= 128:
        data += bytes([number & 127 | 128])
        number >>= 7
    return data + bytes([number])


# Graphs that don't hold together

@case("'missing'", "bad")
def missing_tensor(folder):
    return write(folder, model([node("Add", ["x", "missing"])]))


@case("'b'", "first")
def cycle_of_nodes(folder):
    nodes = [node("Add", ["x", "b"], ["a"], "first"), node("Relu", ["a"], ["b"], "second"), node("Neg", ["b"], ["y"])]
    return write(folder, model(nodes))


@case("'y'")
def node_that_feeds_itself(folder):
    return write(folder, model([node("Add", ["x", "y"])]))


@case("'y'")
def output_that_nothing_computes(folder):
    return write(folder, model([node("Relu", outputs=["z"])]))


@case("'y'")
def same_output_twice(folder):
    return write(folder, model([node("Relu"), node("Neg", name="other")]))


@case("'x'")
def same_input_twice(folder):
    return write(folder, model([node("Add", ["x", "x"])], [value("x"), value("x")]))


@case("'w'", "twice")
def same_weight_twice(folder):
    weights = [weight(np.ones(3, np.float32)), weight(np.zeros(3, np.float32))]
    return write(folder, model([node("Add", ["x", "w"])], weights=weights))


@case("'x'", "type")
def input_without_type(folder):
    bad = onnx.ValueInfoProto(name="x")
    return write(folder, model([node("Relu")], [bad]))


@case("'x'")
def input_without_rank(folder):
    bad = onnx.ValueInfoProto(name="x")
    bad.type.tensor_type.elem_type = F32
    return write(folder, model([node("Relu")], [bad]))


@case("error:")
def too_few_inputs(folder):
    return write(folder, model([node("Add", ["x"])]))


@case("error:")
def too_many_outputs(folder):
    return write(folder, model([node("Relu", outputs=["y", "z"])]))


@case("error:")
def required_input_left_out(folder):
    return write(folder, model([node("Add", ["x", ""])]))


# Operators

@case("Frobnicate", "bad")
def unknown_operator(folder):
    return write(folder, model([node("Frobnicate")]))


@case("First", "Second", "one", "two")
def several_unknown_operators(folder):
    nodes = [node("First", outputs=["a"], name="one"), node("Second", ["a"], name="two")]
    return write(folder, model(nodes))


@case("com.example", "Magic")
def unknown_domain(folder):
    return write(folder, model([node("Magic", domain="com.example")], domains=["com.example"]))


@case("com.example")
def domain_that_is_not_imported(folder):
    return write(folder, model([node("Magic", domain="com.example")]))


@case("opset", "99")
def opset_of_the_future(folder):
    return write(folder, model([node("Relu")], opset=99))


@case("opset", "5")
def opset_of_the_past(folder):
    return write(folder, model([node("Relu")], opset=5))


@case("error:")
def no_opset(folder):
    bad = model([node("Relu")])
    del bad.opset_import[:]
    return write(folder, bad)


@case("error:")
def attribute_of_wrong_type(folder):
    return write(folder, model([node("Softmax", axis=1.5)]))


@case("error:")
def unknown_attribute(folder):
    return write(folder, model([node("Relu", frobnication=3)]))


@case("error:")
def missing_attribute(folder):
    return write(folder, model([node("Cast")]))


@case("bad", "axis")
def axis_out_of_range(folder):
    return write(folder, model([node("Softmax", axis=7)]))


@case("bad", "perm")
def permutation_with_repetition(folder):
    return write(folder, model([node("Transpose", perm=[0, 0])]))


@case("bad")
def cast_to_nothing(folder):
    return write(folder, model([node("Cast", to=77)]))


@case("bad")
def negative_group(folder):
    conv = node("Conv", ["x", "w"], group=-2, kernel_shape=[1, 1])
    return write(folder, model([conv], [value("x", shape=(1, 2, 4, 4))], [value("y", shape=(1, 2, 4, 4))],
                               [weight(np.ones((2, 2, 1, 1), np.float32))]))


@case("bad")
def zero_stride(folder):
    conv = node("Conv", ["x", "w"], strides=[0, 0], kernel_shape=[1, 1])
    return write(folder, model([conv], [value("x", shape=(1, 2, 4, 4))], [value("y", shape=(1, 2, 4, 4))],
                               [weight(np.ones((2, 2, 1, 1), np.float32))]))


@case("bad")
def window_larger_than_image(folder):
    pool = node("MaxPool", kernel_shape=[9, 9])
    return write(folder, model([pool], [value("x", shape=(1, 2, 4, 4))], [value("y", shape=(1, 2, 1, 1))]))


@case("bad")
def enormous_padding(folder):
    pool = node("AveragePool", kernel_shape=[3, 3], pads=[2**62, 2**62, 2**62, 2**62])
    return write(folder, model([pool], [value("x", shape=(1, 2, 4, 4))], [value("y", shape=(1, 2, 1, 1))]))


# Types and shapes

@case("bad")
def adds_text_to_numbers(folder):
    return write(folder, model([node("Add", ["x", "t"])], [value("x"), value("t", I64)]))


@case("bad")
def shapes_that_do_not_broadcast(folder):
    return write(folder, model([node("Add", ["x", "w"])], weights=[weight(np.ones((5, 7), np.float32))]))


@case("bad")
def inner_sizes_that_differ(folder):
    return write(folder, model([node("MatMul", ["x", "w"])], weights=[weight(np.ones((5, 7), np.float32))]))


@case("'y'", "int64")
def declared_output_of_other_type(folder):
    return write(folder, model([node("Relu")], outputs=[value("y", I64)]))


@case("'x'", "negative")
def negative_size(folder):
    return write(folder, model([node("Relu")], [value("x", shape=(-4, 3))]))


@case("error:")
def sizes_that_overflow(folder):
    return write(folder, model([node("Relu")], [value("x", shape=(2**40, 2**40))], [value("y", shape=(2**40, 2**40))]))


@case("bad")
def reshape_to_negative_sizes(folder):
    return write(folder, model([node("Reshape", ["x", "s"])], weights=[weight(np.array([-7, -1]), "s")]))


@case("bad")
def reshape_to_another_count(folder):
    return write(folder, model([node("Reshape", ["x", "s"])], weights=[weight(np.array([5, 5]), "s")]))


@case("bad")
def expand_to_petabytes(folder):
    return write(folder, model([node("Expand", ["x", "s"])], outputs=[value("y", shape=(None,) * 3)],
                               weights=[weight(np.array([2**50, 2, 3]), "s")]))


@case("string")
def text_tensors(folder):
    return write(folder, model([node("Identity")], [value("x", STRING)], [value("y", STRING)]))


@case("sequence")
def sequence_input(folder):
    inputs = [helper.make_tensor_sequence_value_info("x", F32, None)]
    return write(folder, model([node("ConcatFromSequence", axis=0)], inputs, [value("y", shape=(None, None))]))


def gigabytes(count):
    nodes = [node("Constant", [], ["s"], value=weight(np.array([count], np.int64), "s")),
             node("ConstantOfShape", ["s"], ["y"])]
    return model(nodes, [], [value("y", shape=(None,))])


@case("bad")
def asks_for_exabytes(folder):
    return write(folder, gigabytes(2**62))


@case("bad")
def asks_for_less_than_nothing(folder):
    return write(folder, gigabytes(-5))


@case("bad")
def range_without_end(folder):
    weights = [weight(np.array(0, np.int64), "a"), weight(np.array(2**62, np.int64), "b"),
               weight(np.array(0, np.int64), "c")]
    return write(folder, model([node("Range", ["a", "b", "c"])], [], [value("y", I64, (None,))], weights))


@case("bad")
def tile_without_end(folder):
    return write(folder, model([node("Tile", ["x", "r"])], outputs=[value("y", shape=(None, None))],
                               weights=[weight(np.array([2**40, 2**40]), "r")]))
