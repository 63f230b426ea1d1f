"""Models as others' tools quantize them: those of the zoo, through ONNX Runtime's quantizer.

ONNX Runtime's own products of u8 and s8 saturate on processors without VNNI, unless weights have 7 bits ("reduced"). Only then, or
with equal types, do its results say what a model means.
"""

import logging
import os

from models import zoo

SAMPLES = 3


def calibration_reader(model, dims):
    from onnxruntime.quantization import CalibrationDataReader

    class Reader(CalibrationDataReader):
        def __init__(self):
            self.samples = [zoo.make_inputs(model, dims, seed=seed) for seed in range(SAMPLES)]

        def get_next(self):
            return self.samples.pop() if self.samples else None

    return Reader()


def quantize(name, form, folder, activations="u8", weights="u8", per_channel=False, reduced=False,
             **extra):
    """The path of the model `name`, quantized: `form` is qdq, qop (QOperator) or dynamic; `extra` are options of its own."""
    from onnxruntime import quantization as q
    from onnxruntime.quantization.shape_inference import quant_pre_process

    logging.getLogger().setLevel(logging.ERROR)  # it recommends other settings for each model
    types = {"u8": q.QuantType.QUInt8, "s8": q.QuantType.QInt8, "u16": q.QuantType.QUInt16, "s16": q.QuantType.QInt16,
             "u4": q.QuantType.QUInt4, "s4": q.QuantType.QInt4}
    prepared, path = os.path.join(folder, "prepared.onnx"), os.path.join(folder, f"{name}-{form}.onnx")
    quant_pre_process(zoo.path(name), prepared, skip_symbolic_shape=True)
    common = {"per_channel": per_channel, "reduce_range": reduced, "weight_type": types[weights]}
    if form == "dynamic":
        q.quantize_dynamic(prepared, path, **common)
        return path
    model = zoo.entry(name)
    q.quantize_static(prepared, path, calibration_reader(model, model["cases"][-1]),
                      quant_format=q.QuantFormat.QDQ if form == "qdq" else q.QuantFormat.QOperator,
                      activation_type=types[activations], extra_options=extra, **common)
    return path


def steps(path):
    """{output: scale} of the model's outputs that are dequantized last."""
    import onnx

    graph = onnx.load(path).graph
    constants = {tensor.name: onnx.numpy_helper.to_array(tensor) for tensor in graph.initializer}
    outputs = {output.name for output in graph.output}
    return {node.output[0]: float(constants[node.input[1]].max()) for node in graph.node
            if node.op_type == "DequantizeLinear" and node.output[0] in outputs and node.input[1] in constants}
