"""What the tests of bad input share."""

import os
import subprocess
import sys

import numpy as np
import onnx
import onnx.helper as oh
import pytest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path[:0] = [ROOT, os.path.dirname(os.path.abspath(__file__))]

from models.command import binary  # noqa: E402

MEMORY_LIMIT_KB = 6 << 20  # a hostile model must not take the machine's memory


def run_limited(arguments, seconds=120):
    """Runs lathe with little memory; a signal or a run without end fails the test."""
    command = ["bash", "-c", f'ulimit -c 0; ulimit -v {MEMORY_LIMIT_KB}; exec "$@"', "bash", binary(), *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, errors="replace", timeout=seconds, check=False)
    assert 0 <= done.returncode < 128, f"ended by signal {-done.returncode}: {done.stderr[-2000:]}"
    return done


@pytest.fixture
def lathe():
    return run_limited


def product_model():
    """y = a * weights + b, [N, 64]."""
    weights = onnx.numpy_helper.from_array(np.random.default_rng(0).standard_normal((64, 64), np.float32), "w")
    value = lambda name: oh.make_tensor_value_info(name, onnx.TensorProto.FLOAT, ["N", 64])
    nodes = [oh.make_node("MatMul", ["a", "w"], ["p"], "product"), oh.make_node("Add", ["p", "b"], ["y"], "sum")]
    graph = oh.make_graph(nodes, "product", [value("a"), value("b")], [value("y")], [weights])
    return oh.make_model(graph, opset_imports=[oh.make_opsetid("", 17)], ir_version=8)


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    path = tmp_path_factory.mktemp("model") / "product.onnx"
    onnx.save(product_model(), path)
    return path


def assert_refused(done, code, fragments):
    """One clear message with these words, and the exit code that docs/Errors.md gives."""
    text = done.stderr
    assert done.returncode == code, f"expects exit code {code}, got {done.returncode}: {text[-2000:]}"
    assert "error:" in text, f"expects a message, got {text!r}"
    for fragment in fragments:
        assert fragment in text, f"expects {fragment!r} in {text[-2000:]!r}"
    for word in ("Traceback", "Stack dump", "terminate called", "Assertion", "LLVM ERROR", "protobuf"):
        assert word not in text, f"shows {word!r}: {text[-2000:]!r}"
