"""`lathe diff` finds what is lost, where, and why: on models that are made to lose in one known way."""

import json
import os
import re

import numpy as np
import onnx
import onnx.helper as oh
import pytest

from models import command, zoo
from models.builders.digits import samples

WIDTH = 16

INT8 = ["--quantize", "int8", "--quantize-all", "--weight-bits", "8"]  # whatever is faster


def quantized_inputs(highest, weight):
    """Nodes and constants that make the second convolution one of integers; r0 reaches up to `highest`."""
    constant = onnx.numpy_helper.from_array
    scales = np.abs(weight).max((1, 2, 3)) / 127
    integers = np.rint(weight / scales[:, None, None, None]).astype(np.int8)
    constants = [constant(np.float32(highest / 255), "s"), constant(np.uint8(0), "z"), constant(integers, "i1"),
                 constant(scales.astype(np.float32), "s1"), constant(np.zeros(len(scales), np.int8), "z1")]
    nodes = [oh.make_node("QuantizeLinear", ["r0", "s", "z"], ["q0"], "quantize"),
             oh.make_node("DequantizeLinear", ["q0", "s", "z"], ["d0"], "dequantize"),
             oh.make_node("DequantizeLinear", ["i1", "s1", "z1"], ["w1"], "weights", axis=0)]
    return nodes, constants


def save_model(path, weights, biases, highest=None):
    """Three convolutions with ReLUs between, then a mean: x [N, 3, 8, 8] -> y [N, 16]; with `highest`, the second one of integers."""
    value = lambda name, shape: oh.make_tensor_value_info(name, onnx.TensorProto.FLOAT, shape)
    nodes, constants, last = [], [], "x"
    for i, (weight, bias) in enumerate(zip(weights, biases)):
        constants += [onnx.numpy_helper.from_array(weight, f"w{i}"), onnx.numpy_helper.from_array(bias, f"b{i}")]
        nodes += [oh.make_node("Conv", [last, f"w{i}", f"b{i}"], [f"c{i}"], f"conv{i}", pads=[1, 1, 1, 1]),
                  oh.make_node("Relu", [f"c{i}"], [f"r{i}"], f"relu{i}")]
        last = f"r{i}"
        if highest is not None and i == 0:
            added = quantized_inputs(highest, weights[1])
            nodes, constants, last = nodes + added[0], constants + added[1], "d0"
    constants = list({constant.name: constant for constant in reversed(constants) if highest is None or constant.name != "w1"}.values())
    nodes.append(oh.make_node("ReduceMean", [last], ["y"], "mean", axes=[2, 3], keepdims=0))
    graph = oh.make_graph(nodes, "three", [value("x", ["N", 3, 8, 8])], [value("y", ["N", WIDTH])], constants)
    onnx.save(oh.make_model(graph, opset_imports=[oh.make_opsetid("", 17)], ir_version=8), path)


def parameters():
    rng = np.random.default_rng(1)
    depths = [3, WIDTH, WIDTH]
    weights = [(rng.standard_normal((WIDTH, depth, 3, 3)) / np.sqrt(4.5 * depth)).astype(np.float32) for depth in depths]
    return weights, [rng.standard_normal(WIDTH).astype(np.float32) / 4 for _ in depths]


def inputs(scale=1.0, count=8):
    return {"x": (np.random.default_rng(2).standard_normal((count, 3, 8, 8)) * scale).astype(np.float32)}


@pytest.fixture
def work(tmp_path):
    """Paths in a folder of the test's own; writes models and data."""
    class Work:
        def path(self, name):
            return str(tmp_path / name)

        def model(self, name, weights, biases):
            save_model(self.path(name), weights, biases)
            return self.path(name)

        def data(self, name, arrays):
            np.savez(self.path(name), **arrays)
            return self.path(name)

        def compile(self, model, *options):
            command.lathe("compile", model, "-o", self.path("m.lathe"), *options)
            return self.path("m.lathe")

        def diff(self, model, artifact, data, *options):
            command.lathe("diff", model, artifact, "--data", data, "--json", self.path("d.json"), "--no-speed", *options)
            with open(self.path("d.json"), encoding="utf-8") as file:
                return json.load(file)

    return Work()


def by_node(result):
    return {layer["node"]: layer for layer in result["layers"]}


def decibels(errors):
    return np.inf if errors["sqnr_db"] is None else errors["sqnr_db"]


@pytest.mark.parametrize("name", ["digits", "gpt2_tiny", "efficientnet", "unet", "llama"])
def test_f32_loses_nothing(name, work):
    model = zoo.entry(name)
    made = zoo.make_inputs(model, model["cases"][0], seed=5)
    one_sample = {key: array[:1] if array.ndim and array.shape[0] > 1 else array for key, array in made.items()}
    artifact = work.compile(zoo.path(name))
    result = work.diff(zoo.path(name), artifact, work.data("x.npz", one_sample), "--samples", "1")
    assert all(decibels(output) > 90 for output in result["outputs"])
    wrong = {layer["node"]: decibels(layer["accumulated"]) for layer in result["layers"]
             if decibels(layer["accumulated"]) < 90}
    assert not wrong
    assert result["known_calls"] >= 0.7 * result["calls"], (result["known_calls"], result["calls"])


def test_digits(work):
    train, test = (samples(part)[0][:64] for part in ("train", "test"))
    model, data = zoo.path("digits"), work.data("test.npz", {"image": test})
    quantize = [*INT8, "--calibrate", work.data("train.npz", {"image": train})]
    result = work.diff(model, work.compile(model, *quantize), data)
    assert result["samples"] == 16
    assert result["known_calls"] == result["calls"]
    layers = result["layers"]
    assert all(30 < decibels(layer["local"]) for layer in layers)
    assert any(decibels(layer["accumulated"]) < decibels(layer["local"]) - 3 for layer in layers)
    assert 0.5 < sum(layer["harm"] or 0 for layer in layers) < 1.001
    # The remedy that promises most helps: by a third of that, or more.
    worst = layers[result["by_harm"][0]]
    remedy = next(r for r in worst["remedies"] if r["option"].startswith("--keep"))
    pattern = re.fullmatch(r"--keep '(.*)'", remedy["option"])[1]
    better = work.diff(model, work.compile(model, *quantize, "--keep", pattern), data)
    gain = decibels(better["outputs"][0]) - decibels(result["outputs"][0])
    assert gain > remedy["gain_db"] / 3 > 0.1


def test_only_the_changed_layer_has_a_local_error(work):
    """An artifact of the same model but for one bias: what follows it errs, too, but not by itself."""
    weights, biases = parameters()
    model = work.model("m.onnx", weights, biases)
    changed = [biases[0], biases[1] + np.float32(0.5), biases[2]]
    artifact = work.compile(work.model("changed.onnx", weights, changed))
    layers = by_node(work.diff(model, artifact, work.data("x.npz", inputs())))
    assert decibels(layers["relu0"]["accumulated"]) > 100
    assert decibels(layers["relu1"]["local"]) < 20
    assert layers["relu1"]["cause"] == "bias shift"
    assert decibels(layers["relu2"]["accumulated"]) < 30
    assert decibels(layers["relu2"]["local"]) > 100
    assert layers["relu1"]["harm"] == pytest.approx(1)


def test_clipped_range(work):
    weights, biases = parameters()
    model = work.model("m.onnx", weights, biases)
    quantize = [*INT8, "--calibrate-method", "min-max", "--calibrate"]
    artifact = work.compile(model, *quantize, work.data("narrow.npz", inputs(scale=0.2)))
    result = work.diff(model, artifact, work.data("wide.npz", inputs(scale=2)))
    layer = by_node(result)["relu0"]
    assert layer["cause"] == "clipped range"
    assert layer["integers"]["clipped_share"] > 0.05
    assert result["layers"][result["by_harm"][0]]["cause"] == "clipped range"
    fine = work.diff(model, work.compile(model, *quantize, work.path("wide.npz")), work.path("wide.npz"))
    assert by_node(fine)["relu0"]["cause"] != "clipped range"
    assert decibels(fine["outputs"][0]) > decibels(result["outputs"][0]) + 10


def test_outlier_channel(work):
    """A model that was quantized elsewhere, against what it was made from."""
    weights, biases = parameters()
    data = work.data("x.npz", inputs())

    def cause(factor):
        weights[0][5] *= factor
        model, made = work.model("m.onnx", weights, biases), work.path("qdq.onnx")
        save_model(made, weights, biases, highest=factor * 4)
        result = by_node(work.diff(model, work.compile(made), data))["relu0"]
        weights[0][5] /= factor
        assert result["type"] == "u8"
        return result

    assert cause(60)["cause"] == "outlier channel"
    assert "channel 5 " in cause(60)["why"]
    assert cause(1)["cause"] != "outlier channel"


def test_quantizer_left_out_the_relu(work):
    """What saturates at zero is no error, though the node of that name gives negative numbers."""
    weights, biases = parameters()
    model, made = work.model("m.onnx", weights, biases), work.path("qdq.onnx")
    save_model(made, weights, biases, highest=5)
    changed = onnx.load(made)
    relu = next(node for node in changed.graph.node if node.name == "relu0")
    changed.graph.node.remove(relu)
    next(node for node in changed.graph.node if node.name == "quantize").input[0] = relu.input[0]
    onnx.save(changed, made)
    artifact = work.compile(made)
    for against in (model, made):
        layer = by_node(work.diff(against, artifact, work.data("x.npz", inputs())))["conv0"]
        assert layer["type"] == "u8"
        assert decibels(layer["local"]) > 30, against
        assert layer["cause"] != "clipped range"


def test_unused_range(work):
    weights, biases = parameters()
    model = work.model("m.onnx", weights, biases)
    quantize = [*INT8, "--calibrate-method", "min-max", "--calibrate"]
    artifact = work.compile(model, *quantize, work.data("wide.npz", inputs(scale=20)))
    layer = by_node(work.diff(model, artifact, work.data("narrow.npz", inputs())))["relu0"]
    assert layer["cause"] == "zero point"


def test_page_needs_nothing_beside_itself(work):
    weights, biases = parameters()
    model = work.model("</script>.onnx".replace("/", "_"), weights, biases)
    data = work.data("x.npz", inputs())
    artifact = work.compile(model, *INT8, "--calibrate", data)
    work.diff(model, artifact, data, "--html", work.path("d.html"))
    with open(work.path("d.html"), encoding="utf-8") as file:
        page = file.read()
    assert not re.findall(r"(?:src|href)\s*=", page)
    assert set(re.findall(r"https?://[^'\"\s]+", page)) == {"http://www.w3.org/2000/svg"}
    assert page.count("</script>") == 1
    embedded = re.search(r"const data = (.*?);\n\n// ----", page, re.S)[1]
    with open(work.path("d.json"), encoding="utf-8") as file:
        assert json.loads(embedded) == json.load(file)


def test_compilation_tells_what_it_lost(work):
    weights, biases = parameters()
    model = work.model("m.onnx", weights, biases)
    quantize = ["compile", model, "-o", work.path("m.lathe"), *INT8, "--calibrate",
                work.data("x.npz", inputs())]
    line = command.lathe(*quantize).stdout
    assert re.fullmatch(r"int8: SQNR \d\d\.\d dB, cosine (0\.99\d\d|1\.0000) on 8 samples\n", line), line
    longer = command.lathe(*quantize, "--report", work.path("r.json")).stdout
    assert longer.startswith(line.strip()) and "latency" in longer
    with open(work.path("r.json"), encoding="utf-8") as file:
        accuracy = json.load(file)["accuracy"]
    assert accuracy["layers"] and accuracy["by_harm"]


def test_sizes_and_times(work):
    weights, biases = parameters()
    model = work.model("m.onnx", weights, biases)
    data = work.data("x.npz", inputs())
    artifact = work.compile(model, "--dim", "N=1", *INT8, "--calibrate", data)
    command.lathe("diff", model, artifact, "--data", data, "--json", work.path("d.json"))
    with open(work.path("d.json"), encoding="utf-8") as file:
        result = json.load(file)
    assert result["cost"]["file_bytes"] == os.path.getsize(artifact)
    for cost in (result["cost"], result["f32_cost"]):
        assert cost["memory_bytes"] > cost["file_bytes"] / 10
        assert cost["seconds"] > 0
    assert "of f32" in result["summary"]
