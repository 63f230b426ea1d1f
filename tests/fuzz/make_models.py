"""Writes small ONNX models to start fuzzing from: make_models.py FOLDER.

They are ONNX's own node tests of operators whose import looks at attributes,
at contents of tensors, or into graphs inside of the node.
"""

import collections
import os
import sys

from onnx.backend.test.case.node import collect_testcases

OPERATORS = (
    "Attention", "BatchNormalization", "Clip", "Concat", "ConstantOfShape", "Conv", "ConvTranspose",
    "DequantizeLinear", "Einsum", "Expand", "Gather", "Gemm", "If", "LSTM", "LayerNormalization", "Loop",
    "MaxPool", "OneHot", "Pad", "QuantizeLinear", "Range", "ReduceSum", "Reshape", "Resize", "Scan",
    "ScatterElements", "Slice", "Softmax", "Split", "Squeeze", "Tile", "TopK", "Transpose",
)
LARGEST_BYTES = 4000
PER_OPERATOR = 4


def small_models():
    """Name and bytes of a few cases for each of the operators."""
    taken = collections.Counter()
    for case in collect_testcases():
        operator = case.model.graph.node[0].op_type
        data = case.model.SerializeToString()
        if operator in OPERATORS and taken[operator] < PER_OPERATOR and len(data) <= LARGEST_BYTES:
            taken[operator] += 1
            yield case.name, data


def main(folder):
    os.makedirs(folder, exist_ok=True)
    for name, data in small_models():
        with open(os.path.join(folder, name + ".onnx"), "wb") as file:
            file.write(data)


if __name__ == "__main__":
    main(sys.argv[1])
