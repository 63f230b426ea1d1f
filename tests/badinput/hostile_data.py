"""Hostile weights, external data and functions; see hostile.py."""

import os

import numpy as np
from onnx import TensorProto, helper

from hostile import F32, case, model, node, weight, write

# Weights

def with_weight(tensor):
    return model([node("Add", ["x", "w"])], weights=[tensor])


@case("'w'", "bytes")
def weight_with_too_little_data(folder):
    return write(folder, with_weight(TensorProto(name="w", data_type=F32, dims=[2, 3], raw_data=bytes(8))))


@case("'w'", "bytes")
def weight_with_too_much_data(folder):
    return write(folder, with_weight(TensorProto(name="w", data_type=F32, dims=[2, 3], raw_data=bytes(8000))))


@case("'w'")
def weight_with_too_few_values(folder):
    return write(folder, with_weight(TensorProto(name="w", data_type=F32, dims=[2, 3], float_data=[1, 2])))


@case("'w'")
def weight_with_negative_size(folder):
    return write(folder, with_weight(TensorProto(name="w", data_type=F32, dims=[-2, -3], raw_data=bytes(24))))


@case("'w'")
def weight_with_overflowing_sizes(folder):
    return write(folder, with_weight(TensorProto(name="w", data_type=F32, dims=[2**33, 2**33], raw_data=b"")))


@case("'w'")
def weight_of_unknown_type(folder):
    return write(folder, with_weight(TensorProto(name="w", data_type=99, dims=[3], raw_data=bytes(12))))


# Data in other files

def external(folder, location, create=None, offset=None, length=None):
    tensor = TensorProto(name="w", data_type=F32, dims=[3], data_location=TensorProto.EXTERNAL)
    for key, text in (("location", location), ("offset", offset), ("length", length)):
        if text is not None:
            tensor.external_data.add(key=key, value=str(text))
    if create:
        write(folder, np.ones(3, np.float32).tobytes(), create)
    return write(folder, with_weight(tensor))


@case("'w'", "missing")
def external_data_missing(folder):
    return external(folder, "weights.bin")


@case("'w'", "inside the model's folder")
def external_data_above(folder):
    os.mkdir(os.path.join(folder, "inner"))
    write(folder, bytes(12), "weights.bin")
    return external(os.path.join(folder, "inner"), "../weights.bin")


@case("'w'", "inside the model's folder")
def external_data_absolute(folder):
    return external(folder, "/etc/passwd")


@case("'w'", "inside the model's folder")
def external_data_by_link(folder):
    os.symlink("/etc/passwd", os.path.join(folder, "weights.bin"))
    return external(folder, "weights.bin")


@case("'w'", "12 bytes")
def external_data_too_short(folder):
    return external(folder, "weights.bin", "weights.bin", offset=8)


@case("'w'", "offset")
def external_data_at_no_number(folder):
    return external(folder, "weights.bin", "weights.bin", offset="far")


@case("'w'")
def external_data_beyond_the_end(folder):
    return external(folder, "weights.bin", "weights.bin", offset=2**63 - 1)


@case("'w'", "location")
def external_data_nowhere(folder):
    return external(folder, None)


@case("'w'")
def external_data_is_a_folder(folder):
    os.mkdir(os.path.join(folder, "weights.bin"))
    return external(folder, "weights.bin")


# Functions

def function(name, calls, domain="local"):
    nodes = [helper.make_node(callee, ["a"], ["b"], domain=callee_domain) for callee, callee_domain in calls]
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid(domain, 1)]
    return helper.make_function(domain, name, ["a"], ["b"], nodes, opsets)


@case("error:")
def function_that_calls_itself(folder):
    functions = [function("Loop", [("Loop", "local")])]
    return write(folder, model([node("Loop", domain="local")], functions=functions, domains=["local"]))


@case("error:")
def functions_that_call_each_other(folder):
    functions = [function("Ping", [("Pong", "local")]), function("Pong", [("Ping", "local")])]
    return write(folder, model([node("Ping", domain="local")], functions=functions, domains=["local"]))


@case("error:")
def functions_that_grow_without_end(folder):
    """Each calls the next twice: 2^60 nodes."""
    functions = []
    for i in range(60):
        callee = (f"F{i + 1}", "local") if i < 59 else ("Relu", "")
        nodes = [helper.make_node(callee[0], ["a"], ["m"], domain=callee[1]),
                 helper.make_node(callee[0], ["m"], ["b"], domain=callee[1])]
        opsets = [helper.make_opsetid("", 17), helper.make_opsetid("local", 1)]
        functions.append(helper.make_function("local", f"F{i}", ["a"], ["b"], nodes, opsets))
    return write(folder, model([node("F0", domain="local")], functions=functions, domains=["local"]))


@case("error:")
def function_with_missing_value(folder):
    bad = helper.make_function("local", "F", ["a"], ["b"], [helper.make_node("Add", ["a", "nothing"], ["b"])],
                               [helper.make_opsetid("", 17)])
    return write(folder, model([node("F", domain="local")], functions=[bad], domains=["local"]))
