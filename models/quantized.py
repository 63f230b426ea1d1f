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


def quantize(name, form, folder, **options):
    """The path of the model `name` in a folder, see quantize_to."""
    path = os.path.join(folder, f"{name}-{form}.onnx")
    quantize_to(name, path, form, **options)
    return path


def quantize_to(name, path, form, activations="u8", weights="u8", per_channel=False, reduced=False, **extra):
    """Writes the model `name`, quantized: `form` is qdq, qop (QOperator) or dynamic; `extra` are options of its own."""
    from onnxruntime import quantization as q
    from onnxruntime.quantization.shape_inference import quant_pre_process

    logging.getLogger().setLevel(logging.ERROR)  # it recommends other settings for each model
    types = {"u8": q.QuantType.QUInt8, "s8": q.QuantType.QInt8, "u16": q.QuantType.QUInt16, "s16": q.QuantType.QInt16,
             "u4": q.QuantType.QUInt4, "s4": q.QuantType.QInt4}
    prepared = path + ".prepared"
    quant_pre_process(zoo.path(name), prepared, skip_symbolic_shape=True)
    common = {"per_channel": per_channel, "reduce_range": reduced, "weight_type": types[weights]}
    if form == "dynamic":
        q.quantize_dynamic(prepared, path, **common)
        os.remove(prepared)
        return
    model = zoo.entry(name)
    q.quantize_static(prepared, path, calibration_reader(model, model["cases"][-1]),
                      quant_format=q.QuantFormat.QDQ if form == "qdq" else q.QuantFormat.QOperator,
                      activation_type=types[activations], extra_options=extra, **common)
    os.remove(prepared)


def blocks_of_four_bits(matrix, block):
    """(B, scales) of MatMulNBits for a matrix [depth, columns]: the nearest of 16 steps, the one of largest magnitude is -8 of them."""
    import numpy as np

    columns = matrix.T.reshape(matrix.shape[1], -1, block)
    largest = np.take_along_axis(columns, np.argmax(np.abs(columns), axis=2)[..., None], axis=2)
    scales = largest / np.float32(-8)
    steps = np.divide(columns, scales, out=np.zeros_like(columns), where=scales != 0)
    numbers = (np.clip(np.rint(steps), -8, 7) + 8).astype(np.uint8)
    return numbers[..., 0::2] | numbers[..., 1::2] << 4, scales.reshape(-1)


def four_bits_to(name, path, accuracy_level, block=32):
    """Writes the model `name` with ONNX Runtime's MatMulNBits for each product with a constant matrix whose depth is a multiple of
    the block. (Its quantizer leaves out Gemm.) Accuracy level 4 lets ONNX Runtime round activations to 8 bits."""
    import onnx

    model = onnx.load(zoo.path(name))
    graph, nodes = model.graph, []
    matrices = {tensor.name: tensor for tensor in graph.initializer if len(tensor.dims) == 2}
    used = {}
    for node in graph.node:
        is_plain = node.op_type in ("MatMul", "Gemm") and all(attribute.f == 1 for attribute in node.attribute)  # alpha, beta
        weights = matrices.get(node.input[1]) if is_plain else None
        if weights is None or weights.dims[0] % block:
            nodes.append(node)
            continue
        depth, columns = weights.dims
        if weights.name not in used:
            parts = blocks_of_four_bits(onnx.numpy_helper.to_array(weights), block)
            used[weights.name] = [f"{weights.name}_{part}" for part in ("blocks", "scales")]
            graph.initializer.extend(map(onnx.numpy_helper.from_array, parts, used[weights.name]))
        nodes.append(onnx.helper.make_node(
            "MatMulNBits", [node.input[0], *used[weights.name], "", "", *node.input[2:]], node.output, node.name,
            domain="com.microsoft", K=depth, N=columns, bits=4, block_size=block, accuracy_level=accuracy_level))
    del graph.node[:]
    graph.node.extend(nodes)
    read = {value for node in nodes for value in node.input}
    kept = [tensor for tensor in graph.initializer if tensor.name in read]
    del graph.initializer[:]
    graph.initializer.extend(kept)
    model.opset_import.append(onnx.helper.make_opsetid("com.microsoft", 1))
    onnx.save(model, path)


def steps(path):
    """{output: scale} of the model's outputs that are dequantized last."""
    import onnx

    graph = onnx.load(path).graph
    constants = {tensor.name: onnx.numpy_helper.to_array(tensor) for tensor in graph.initializer}
    outputs = {output.name for output in graph.output}
    return {node.output[0]: float(constants[node.input[1]].max()) for node in graph.node
            if node.op_type == "DequantizeLinear" and node.output[0] in outputs and node.input[1] in constants}
