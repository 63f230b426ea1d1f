"""Trained models that ride in PyPI wheels."""

import importlib.util
import os

import onnx


def package_file(package, *path):
    """A file of an installed package, without importing it (nor what it needs)."""
    spec = importlib.util.find_spec(package)
    if spec is None:
        raise SystemExit(f"models: the Python package '{package}' is not installed; see tools/install-deps")
    return os.path.join(os.path.dirname(spec.origin), *path)


def from_wheel(package, *path):
    return onnx.load(package_file(package, *path))


def magika():
    return from_wheel("magika", "models", "standard_v3_3", "model.onnx")


def ppocr_det():
    return from_wheel("rapidocr_onnxruntime", "models", "ch_PP-OCRv4_det_infer.onnx")


def ppocr_rec():
    return from_wheel("rapidocr_onnxruntime", "models", "ch_PP-OCRv4_rec_infer.onnx")


def ppocr_cls():
    return from_wheel("rapidocr_onnxruntime", "models", "ch_ppocr_mobile_v2.0_cls_infer.onnx")
