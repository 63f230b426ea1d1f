"""Writes ONNX's conformance tests as files, for run-node-tests.

    generate.py FOLDER

FOLDER/SET/CASE/model.onnx with test_data_set_N/{input,output}_N.pb, and
FOLDER/manifest.json: [{"name", "set", "rtol", "atol", "datasets"}]. The sets:
node, simple, pytorch-converted and pytorch-operator from the onnx package,
light: known networks with made-up weights.
"""

import json
import os
import shutil
import sys
import warnings

import numpy as np
import onnx
from onnx import TensorProto, numpy_helper
from onnx.backend.test.case.node import collect_testcases
from onnx.backend.test.loader import load_model_tests

DATA = os.path.join(os.path.dirname(onnx.__file__), "backend", "test", "data")


def serialized(value, info):
    """The bytes of a .pb file with a test's value."""
    if isinstance(value, TensorProto):
        return value.SerializeToString()
    kind = info.type.WhichOneof("value")
    convert = {"map_type": numpy_helper.from_dict, "sequence_type": numpy_helper.from_list,
               "optional_type": numpy_helper.from_optional, "tensor_type": numpy_helper.from_array}[kind]
    if kind == "tensor_type":
        value = np.asarray(value)
    return convert(value, info.name).SerializeToString()


def write(path, data):
    with open(path, "wb") as file:
        file.write(data)


def write_case(folder, model, data_sets):
    os.makedirs(folder)
    write(os.path.join(folder, "model.onnx"), model.SerializeToString())
    for number, (inputs, outputs) in enumerate(data_sets):
        data = os.path.join(folder, f"test_data_set_{number}")
        os.mkdir(data)
        for kind, values, infos in (("input", inputs, model.graph.input), ("output", outputs, model.graph.output)):
            for i, (value, info) in enumerate(zip(values, infos)):
                write(os.path.join(data, f"{kind}_{i}.pb"), serialized(value, info))


def entry(case, kind, datasets):
    return {"name": case.name, "set": kind, "rtol": case.rtol, "atol": case.atol, "datasets": datasets}


def node_cases(folder):
    for case in collect_testcases():
        write_case(os.path.join(folder, "node", case.name), case.model, case.data_sets)
        yield entry(case, "node", len(case.data_sets))


def stored_cases(folder, kind):
    """Cases that the onnx package has as files (`simple` are made as the node cases are)."""
    for case in load_model_tests(kind=kind):
        target = os.path.join(folder, kind, case.name)
        if case.model_dir:
            shutil.copytree(case.model_dir, target)
            datasets = len([name for name in os.listdir(target) if name.startswith("test_data_set_")])
        else:
            write_case(target, case.model, case.data_sets)
            datasets = len(case.data_sets)
        yield entry(case, kind, datasets)


def light_cases(folder):
    """Networks of the zoo's first years; the input is what ONNX's runner makes up."""
    light = os.path.join(DATA, "light")
    for name in sorted(os.listdir(light)):
        if not name.endswith(".onnx"):
            continue
        model = onnx.load(os.path.join(light, name))
        stored = {tensor.name for tensor in model.graph.initializer}
        info, = [info for info in model.graph.input if info.name not in stored]
        shape = [dim.dim_value or 1 for dim in info.type.tensor_type.shape.dim]
        count = int(np.prod(shape))
        data = (np.arange(count).reshape(shape) / count).astype(np.float32)
        case = os.path.join(folder, "light", name[:-5])
        os.makedirs(os.path.join(case, "test_data_set_0"))
        shutil.copy(os.path.join(light, name), os.path.join(case, "model.onnx"))
        write(os.path.join(case, "test_data_set_0", "input_0.pb"),
              numpy_helper.from_array(data, info.name).SerializeToString())
        shutil.copy(os.path.join(light, name[:-5] + "_output_0.pb"),
                    os.path.join(case, "test_data_set_0", "output_0.pb"))
        yield {"name": name[:-5], "set": "light", "rtol": 1e-3, "atol": 1e-7, "datasets": 1}


def generate(folder):
    warnings.simplefilter("ignore")
    entries = list(node_cases(folder))
    for kind in ("simple", "pytorch-converted", "pytorch-operator"):
        entries += stored_cases(folder, kind)
    entries += light_cases(folder)
    with open(os.path.join(folder, "manifest.json"), "w", encoding="utf-8") as file:
        json.dump(entries, file, indent=0)
    return len(entries)


def main():
    folder = sys.argv[1]
    if os.path.exists(os.path.join(folder, "manifest.json")):
        return
    part = folder + ".part"
    shutil.rmtree(part, ignore_errors=True)
    shutil.rmtree(folder, ignore_errors=True)
    count = generate(part)
    os.rename(part, folder)
    print(f"{count} cases in {folder}")


if __name__ == "__main__":
    main()
