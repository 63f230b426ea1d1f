"""Writes ONNX graphs by hand, named and shaped as PyTorch's exporter does."""

import contextlib

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

DTYPES = {
    "f32": TensorProto.FLOAT, "f64": TensorProto.DOUBLE, "f16": TensorProto.FLOAT16,
    "i64": TensorProto.INT64, "i32": TensorProto.INT32, "bool": TensorProto.BOOL,
}


class Graph:
    """One graph under construction. Values are their names (str)."""

    def __init__(self, name, opset=14, seed=1):
        self.name, self.opset = name, opset
        self.random = np.random.default_rng(seed)
        self.inputs, self.outputs, self.nodes, self.weights, self.functions = [], [], [], [], []
        self.path, self.used = [], {}
        self.domains = {"": opset}

    # Names

    @contextlib.contextmanager
    def scope(self, *names):
        """Nodes made inside are called /outer/inner/Op."""
        self.path += names
        yield
        del self.path[len(self.path) - len(names):]

    def unique(self, name):
        count = self.used.get(name, 0)
        self.used[name] = count + 1
        return f"{name}_{count}" if count else name

    def parameter_name(self, leaf):
        return self.unique(".".join(self.path + [leaf]))

    # Values

    def input(self, name, dtype, shape):
        self.inputs.append(helper.make_tensor_value_info(name, DTYPES[dtype], shape))
        return name

    def output(self, value, name, dtype, shape):
        """Makes `value` a graph output called `name`."""
        for node in self.nodes:
            for values in (node.input, node.output):
                for i, old in enumerate(values):
                    if old == value:
                        values[i] = name
        self.outputs.append(helper.make_tensor_value_info(name, DTYPES[dtype], shape))

    def weight(self, array, leaf="weight"):
        """An initializer."""
        name = self.parameter_name(leaf)
        self.weights.append(numpy_helper.from_array(np.ascontiguousarray(array), name))
        return name

    def normal(self, shape, std, leaf="weight"):
        return self.weight(self.random.standard_normal(shape, dtype=np.float32) * np.float32(std), leaf)

    def uniform(self, shape, low, high, leaf="weight"):
        return self.weight(self.random.uniform(low, high, shape).astype(np.float32), leaf)

    def const(self, value, dtype=np.float32):
        """A Constant node, as exporters write scalars and shapes."""
        tensor = numpy_helper.from_array(np.array(value, dtype))
        return self.op("Constant", [], value=tensor)

    def ints(self, *values):
        return self.const(values, np.int64)

    # Nodes

    def op(self, kind, inputs, outputs=1, domain="", **attributes):
        """Adds a node; gives its output, or a list of them."""
        name = self.unique("/" + "/".join(self.path + [kind]))
        results = [f"{name}_output_{i}" for i in range(outputs)]
        self.nodes.append(helper.make_node(kind, inputs, results, name=name, domain=domain, **attributes))
        return results[0] if outputs == 1 else results

    def __getattr__(self, kind):
        """g.Add(a, b, attribute=1) is g.op("Add", [a, b], attribute=1)."""
        if not kind[:1].isupper():
            raise AttributeError(kind)
        return lambda *inputs, **attributes: self.op(kind, list(inputs), **attributes)

    def dim(self, value, axis):
        """A size of `value` as a scalar, the way tensor.shape[axis] is exported."""
        return self.Gather(self.Shape(value), self.const(axis, np.int64), axis=0)

    def unsqueeze(self, value, *axes):
        if self.opset >= 13:
            return self.Unsqueeze(value, self.ints(*axes))
        return self.Unsqueeze(value, axes=axes)

    def squeeze(self, value, *axes):
        if self.opset >= 13:
            return self.Squeeze(value, self.ints(*axes))
        return self.Squeeze(value, axes=axes)

    def reshape(self, value, sizes):
        """Reshape to sizes that are numbers or scalars computed in the graph."""
        if all(isinstance(size, int) for size in sizes):
            return self.Reshape(value, self.ints(*sizes))
        parts = [self.ints(size) if isinstance(size, int) else self.unsqueeze(size, 0) for size in sizes]
        return self.Reshape(value, self.Concat(*parts, axis=0))

    def slice(self, value, axis, start, stop, step=1):
        return self.Slice(value, self.ints(start), self.ints(stop), self.ints(axis), self.ints(step))

    def mean(self, value, axes, keepdims=1):
        if self.opset >= 18:
            return self.ReduceMean(value, self.ints(*axes), keepdims=keepdims)
        return self.ReduceMean(value, axes=axes, keepdims=keepdims)

    # The whole

    def model(self):
        graph = helper.make_graph(self.nodes, self.name, self.inputs, self.outputs, self.weights)
        opsets = [helper.make_opsetid(domain, version) for domain, version in self.domains.items()]
        model = helper.make_model(graph, opset_imports=opsets, functions=self.functions,
                                  producer_name="lathe-models")
        model.ir_version = 8 if self.opset < 19 else 10
        return model


def save(model, path, external=None):
    """Writes a model; with its weights in a file called `external` if given."""
    if external:
        onnx.save(model, path, save_as_external_data=True, all_tensors_to_one_file=True,
                  location=external, size_threshold=1024)
    else:
        onnx.save(model, path)
