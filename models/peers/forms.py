"""Models in other precisions than f32. A contender is written `engine` or `engine:form`; the form says which file it loads.

Lathe compiles the zoo's f32 model in the forms of OPTIONS, else what ONNX Runtime's quantizer wrote in that form. Engines that
read ONNX get the quantizer's file itself.
"""

import os

import numpy as np

from models import command, foreign, quantized, zoo

SAMPLES = 8  # that calibrate Lathe

OPTIONS = {"f32": [], "int8": ["--quantize", "int8"], "int8-dynamic": ["--quantize", "int8-dynamic"],
           "int4": ["--quantize", "int4", "--group-size", "32"]}

# Files of ONNX Runtime's quantizer. Weights of 8 bits as it makes them by default for u8 activations, and of 7 bits, which it
# recommends for CPUs without VNNI, where its products of u8 and s8 saturate otherwise.
QUANTIZERS = {
    "qdq": lambda name, path: quantized.quantize_to(name, path, "qdq", weights="s8", per_channel=True),
    "qdq7": lambda name, path: quantized.quantize_to(name, path, "qdq", weights="s8", per_channel=True, reduced=True),
    "qop": lambda name, path: quantized.quantize_to(name, path, "qop", weights="s8"),
    "dynamic": lambda name, path: quantized.quantize_to(name, path, "dynamic", weights="s8", per_channel=True),
    "nbits": lambda name, path: quantized.four_bits_to(name, path, accuracy_level=0),
    "nbits-int8": lambda name, path: quantized.four_bits_to(name, path, accuracy_level=4),
}

TITLES = {"qdq": "Q/DQ", "qdq7": "Q/DQ, 7 bits", "qop": "QOperator", "dynamic": "dynamic INT8", "nbits": "MatMulNBits",
          "nbits-int8": "MatMulNBits, INT8 activations", "f32": "f32", "int8": "INT8", "int8-dynamic": "dynamic INT8", "int4": "INT4"}

# What is compared, with the goals of Lathe's latency by that of the fastest other contender.
TABLES = {
    "qdq": {"contenders": ["lathe:qdq", "onnxruntime:qdq", "openvino:qdq"], "goals": {"resnet50": 1.0, "mobilenet_v2": 1.0}},
    "qdq7": {"contenders": ["lathe:qdq7", "onnxruntime:qdq7", "openvino:qdq7"], "goals": {"resnet50": 1.0, "mobilenet_v2": 1.0}},
    "qop": {"contenders": ["lathe:qop", "onnxruntime:qop"], "goals": {"resnet50": 1.0, "mobilenet_v2": 1.0}},
    "dynamic": {"contenders": ["lathe:int8", "onnxruntime:dynamic"], "goals": {"bert_base": 1 / 1.3, "minilm": 1 / 1.3}},
    "nbits": {"contenders": ["lathe:int4", "onnxruntime:nbits", "onnxruntime:nbits-int8"], "goals": {"gpt2_decode": 1.0}},
    "int8": {"contenders": ["lathe:int8", "lathe:f32"], "goals": {"resnet50": 1 / 2.5, "bert_base": 0.5}},
    "int4": {"contenders": ["lathe:int4", "lathe:f32"], "goals": {"gpt2_decode": 1 / 3}},
}


def engine_of(contender):
    return contender.partition(":")[0]


def form_of(contender):
    return contender.partition(":")[2]


def is_ours(contender):
    """Is it judged? Lathe's f32 is what its quantized ones are compared with."""
    return engine_of(contender).startswith("lathe") and form_of(contender) != "f32"


def cases(table, pattern=None):
    """What a table measures: the models that it has goals for, or those that a pattern asks for, at which f32 has to be reached."""
    goals = TABLES[table]["goals"]
    for model in zoo.select(pattern):
        if pattern or model["name"] in goals:
            yield {"model": model["name"], "dims": model["bench"], "goal": goals.get(model["name"], 1.0), "table": table}


def onnx_file(name, form, folder, models):
    """The quantizer's file; made if it is older than the model."""
    from models.build import build

    source, path = build(name, models), os.path.join(folder, f"{name}-{form}.onnx")
    if not command.is_newer(path, [source, quantized.__file__]):
        os.makedirs(folder, exist_ok=True)
        QUANTIZERS[form](name, path)
    return path


def samples_of(name, folder):
    """Calibration data for Lathe: inputs like those that are measured with."""
    model, samples = zoo.entry(name), os.path.join(folder, name + "-samples")
    os.makedirs(samples, exist_ok=True)
    for seed in range(1, SAMPLES + 1):
        path = os.path.join(samples, f"{seed}.npz")
        if not os.path.exists(path):
            np.savez(path, **zoo.make_inputs(model, model["bench"], seed))
    return samples


def artifact(case, form, folder, models):
    """Lathe's file with the sizes of a case."""
    from models.build import build

    name = case["model"]
    source = build(name, models) if form in OPTIONS else onnx_file(name, form, folder, models)
    path = os.path.join(folder, "-".join([foreign.unique_label(name), form, *(f"{k}{v}" for k, v in case["dims"].items())]) + ".lathe")
    compiler = os.path.join(os.path.dirname(command.binary()), "lathe-compile")
    if not command.is_newer(path, [source, compiler]):
        calibration = ["--calibrate", samples_of(name, folder)] if form == "int8" else []
        command.compile_model(source, path, *OPTIONS.get(form, []), *calibration,
                              *command.fixed_sizes(source, zoo.entry(name), case["dims"]))
    return path


def path(case, contender, runs_artifact, folder, models=None):
    """The file that a contender `engine:form` loads."""
    form = form_of(contender)
    return artifact(case, form, folder, models) if runs_artifact else onnx_file(case["model"], form, folder, models)
