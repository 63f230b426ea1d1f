"""Quantization from Python: where samples come from, and what is said of wrong ones."""

import numpy as np
import onnx
import onnx.helper as oh
import pytest

import lathe

COUNT, IN, OUT = 32, 16, 8


def product_model(name="a"):
    """a [N, 16] times weights plus x [N, 8]."""
    rng = np.random.default_rng(1)
    weights = onnx.numpy_helper.from_array(rng.standard_normal((IN, OUT), np.float32), "w")
    inputs = [oh.make_tensor_value_info(name, onnx.TensorProto.FLOAT, ["N", IN]),
              oh.make_tensor_value_info("x", onnx.TensorProto.FLOAT, ["N", OUT])]
    nodes = [oh.make_node("MatMul", [name, "w"], ["p"], "product"), oh.make_node("Add", ["p", "x"], ["y"], "sum")]
    graph = oh.make_graph(nodes, "product", inputs, [oh.make_tensor_value_info("y", onnx.TensorProto.FLOAT, ["N", OUT])],
                          [weights])
    return oh.make_model(graph, opset_imports=[oh.make_opsetid("", 17)], ir_version=8)


def samples():
    rng = np.random.default_rng(2)
    for _ in range(COUNT):
        yield {"a": rng.standard_normal((1, IN), np.float32), "x": rng.standard_normal((1, OUT), np.float32)}


def run(artifact):
    session = lathe.Session(artifact)
    return np.concatenate([session.run(sample)["y"] for sample in samples()])


@pytest.fixture(scope="module")
def exact():
    return run(lathe.compile(product_model()))


def is_close(got, exact):
    """Near, but not the same: 8 bits leave some error."""
    error = np.linalg.norm(got - exact) / np.linalg.norm(exact)
    return 0 < error < 0.02


def test_any_iterable_of_dicts(exact):
    assert is_close(run(lathe.compile(product_model(), quantize="int8", quantize_all=True, calibrate=samples())), exact)
    assert is_close(run(lathe.compile(product_model(), quantize="int8", quantize_all=True, calibrate=list(samples()),
                                      calibrate_method="min-max")), exact)


def test_the_same_from_files(tmp_path):
    """What numpy writes is read, compressed or not, and gives the same program as the dicts."""
    def bytes_of(calibrate):
        lathe.compile(product_model(), quantize="int8", quantize_all=True, calibrate=calibrate).save(tmp_path / "m.lathe")
        return (tmp_path / "m.lathe").read_bytes()

    expected = bytes_of(samples())
    arrays = {name: np.concatenate([sample[name] for sample in samples()]) for name in ("a", "x")}
    (tmp_path / "folder").mkdir()
    for name, array in arrays.items():
        np.save(tmp_path / "folder" / name, array.astype(np.float64))
    assert bytes_of(tmp_path / "folder") == expected
    for save in (np.savez, np.savez_compressed):
        save(tmp_path / "data.npz", a=np.asfortranarray(arrays["a"]), x=arrays["x"].astype(">f4"))
        assert bytes_of(tmp_path / "data.npz") == expected


def test_an_input_called_as_an_argument_of_savez():
    renamed = ({"file": sample["a"], "x": sample["x"]} for sample in samples())
    lathe.compile(product_model("file"), quantize="int8", quantize_all=True, calibrate=renamed)


def test_dynamic_and_kept_nodes(exact):
    assert is_close(run(lathe.compile(product_model(), quantize="int8-dynamic", quantize_all=True)), exact)
    kept = lathe.compile(product_model(), quantize="int8", quantize_all=True, calibrate=samples(), keep="product|sum")
    np.testing.assert_array_equal(run(kept), exact)


def large_product_model(depth, columns=48):
    """x [N, depth], whose channels are alike, times weights."""
    weights = onnx.numpy_helper.from_array(np.random.default_rng(5).standard_normal((depth, columns), np.float32), "w")
    graph = oh.make_graph([oh.make_node("MatMul", ["x", "w"], ["y"], "product")], "product",
                          [oh.make_tensor_value_info("x", onnx.TensorProto.FLOAT, ["N", depth])],
                          [oh.make_tensor_value_info("y", onnx.TensorProto.FLOAT, ["N", columns])], [weights])
    return oh.make_model(graph, opset_imports=[oh.make_opsetid("", 17)], ir_version=8)


@pytest.mark.parametrize("depth", [64, 75])
@pytest.mark.parametrize("group_size", [16, 32, 128])
def test_weights_of_4_bits(depth, group_size):
    rng = np.random.default_rng(6)
    x = rng.standard_normal((256, 8)) @ rng.standard_normal((8, depth)) + 0.1 * rng.standard_normal((256, depth))
    x = x.astype(np.float32)
    def run_on(**options):
        return lathe.Session(lathe.compile(large_product_model(depth), quantize_all=True, **options)).run({"x": x})["y"]
    exact, errors = run_on(), {}
    for method in ("rtn", "gptq", "awq", "adaround"):
        calibrate = {} if method == "rtn" else {"calibrate": [{"x": row[None]} for row in x]}
        got = run_on(quantize="int4", group_size=group_size, int4_method=method, **calibrate)
        errors[method] = np.linalg.norm(got - exact) / np.linalg.norm(exact)
    assert 0.02 < errors["rtn"] < 0.2
    assert errors["gptq"] < 0.7 * errors["rtn"]
    assert errors["adaround"] < 0.9 * errors["rtn"]
    assert errors["awq"] < 1.1 * errors["rtn"]
    with pytest.raises(lathe.Error, match="power of two"):
        run_on(quantize="int4", group_size=group_size + 1)


@pytest.mark.parametrize("rows", [1, 3, 6])
def test_activations_of_4_bit_weights(rows):
    """Rounded to 8 bits, which is little beside what weights of 4 bits lose, whether the number of rows is known or not."""
    x = np.random.default_rng(7).standard_normal((rows, 128)).astype(np.float32)
    def run_on(**options):
        return lathe.Session(lathe.compile(large_product_model(128), quantize_all=True, **options)).run({"x": x})["y"]
    exact = run_on(quantize="int4", int4_activations="f32")
    rounded = run_on(quantize="int4", dims={"N": rows})
    assert 1e-4 < np.linalg.norm(rounded - exact) / np.linalg.norm(exact) < 0.02
    assert np.allclose(run_on(quantize="int4"), rounded, rtol=1e-5, atol=1e-5)
    assert np.allclose(run_on(quantize="int4", int4_activations="f32", dims={"N": rows}), exact, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("is_shared", [False, True])
def test_awq_behind_a_layer_norm(is_shared, tmp_path):
    """Which takes the factors, unless others read it, too."""
    rng = np.random.default_rng(8)
    initializers = [onnx.numpy_helper.from_array(array.astype(np.float32), name) for name, array in (
        ("scale", np.where(np.arange(64) % 16 == 3, 30, 1)), ("bias", rng.standard_normal(64)),
        ("w", rng.standard_normal((64, 48))))]
    value = lambda name, size: oh.make_tensor_value_info(name, onnx.TensorProto.FLOAT, ["N", size])
    nodes = [oh.make_node("LayerNormalization", ["x", "scale", "bias"], ["n"], "norm"),
             oh.make_node("MatMul", ["n", "w"], ["y"], "product")]
    graph = oh.make_graph(nodes, "norm", [value("x", 64)], [value("y", 48)] + [value("n", 64)] * is_shared, initializers)
    model = oh.make_model(graph, opset_imports=[oh.make_opsetid("", 17)], ir_version=8)
    x = rng.standard_normal((256, 64), np.float32)
    def run_on(**options):
        artifact = lathe.compile(model, **options)
        artifact.save(tmp_path / "m.lathe")
        return lathe.Session(artifact).run({"x": x})["y"]
    def error(got):
        return np.linalg.norm(got - exact) / np.linalg.norm(exact)
    options = {"quantize": "int4", "quantize_all": True}
    exact, awq = run_on(), {**options, "int4_method": "awq", "calibrate": [{"x": x[:128]}, {"x": x[128:]}]}
    assert 0 < error(run_on(**awq)) < 0.6 * error(run_on(**options))
    first = (run_on(**awq), (tmp_path / "m.lathe").read_bytes())[1]
    assert (run_on(**awq), (tmp_path / "m.lathe").read_bytes())[1] == first


def test_size_of_4_bits(tmp_path):
    """At most 0.18 of the matrix in f32, at groups of 32 (with a scale in f32: 0.156, with zero points 0.164)."""
    sizes = []
    for options in ({}, {"quantize": "int4"}):
        lathe.compile(large_product_model(8192, 256), **options).save(tmp_path / "m.lathe")
        sizes.append((tmp_path / "m.lathe").stat().st_size)
    assert sizes[1] <= 0.18 * sizes[0]


def test_bits_of_weights(exact):
    def error(**options):
        got = run(lathe.compile(product_model(), quantize="int8-dynamic", quantize_all=True, cpu="x86-64-v3", **options))
        return np.linalg.norm(got - exact) / np.linalg.norm(exact)

    assert 0 < error(weight_bits=8) < error(weight_bits=7) < 0.04
    with pytest.raises(lathe.Error, match="weight-bits"):
        error(weight_bits=6)


def test_nodes_that_would_be_slower_stay(exact):
    np.testing.assert_array_equal(run(lathe.compile(product_model(), quantize="int8-dynamic")), exact)


def test_precisions_of_nodes(exact, tmp_path):
    rules = tmp_path / "rules.json"
    rules.write_text('[{"nodes": "prod", "precision": "f32"}, {"nodes": ".", "precision": "int8"}]')
    np.testing.assert_array_equal(run(lathe.compile(product_model(), quantize="int8-dynamic", quantize_all=True, precisions=rules)), exact)
    rules.write_text('[{"nodes": "prod", "precision": "int8"}]')
    assert is_close(run(lathe.compile(product_model(), precisions=rules, calibrate=samples())), exact)
    with pytest.raises(lathe.Error, match="no-such-node"):
        rules.write_text('[{"nodes": "no-such-node", "precision": "f32"}]')
        lathe.compile(product_model(), precisions=rules)


def test_writes_onnx(exact, tmp_path):
    """What is written is quantized as what would be compiled is, to the last bit."""
    for options in ({"calibrate": list(samples())}, {"quantize": "int8-dynamic"}, {}):
        lathe.quantize(product_model(), tmp_path / "q.onnx", **options)
        onnx.checker.check_model(str(tmp_path / "q.onnx"), full_check=True)
        mode = options.get("quantize") or ("int8" if options else "int8-dynamic")
        expected = run(lathe.compile(product_model(), **(options | {"quantize": mode, "quantize_all": True, "weight_bits": 8})))
        got = run(lathe.compile(tmp_path / "q.onnx"))
        assert is_close(got, exact)
        np.testing.assert_allclose(got, expected, rtol=0, atol=1e-5)
    with pytest.raises(TypeError, match="unknown options .'cpu'."):
        lathe.quantize(product_model(), tmp_path / "q.onnx", cpu="native")
    with pytest.raises(lathe.Error, match="expects --calibrate"):
        lathe.quantize(product_model(), tmp_path / "q.onnx", quantize="int8")


@pytest.mark.parametrize("calibrate, message", [
    ([], "expects at least one sample"),
    ([{"a": np.zeros((1, IN), np.float32)}], "sample 0: expects arrays 'a', 'x', got 'a'"),
    ([*samples(), {"a": np.zeros((1, IN + 1), np.float32), "x": np.zeros((1, OUT), np.float32)}],
     r"sample 32: array 'a': expects samples of shape \[\?, 16\], got \[1, 17\]"),
    ([{"a": np.full((1, IN), np.nan, np.float32), "x": np.zeros((1, OUT), np.float32)}],
     "sample 0: input 'a': expects finite values of type f32, got NaN"),
    ([{"a": np.array([None] * IN), "x": np.zeros((1, OUT), np.float32)}], "sample 0: input 'a'"),
    ("no/such/folder", "cannot open 'no/such/folder'"),
])
def test_refuses_wrong_samples(calibrate, message):
    with pytest.raises(lathe.Error, match=message):
        lathe.compile(product_model(), quantize="int8", quantize_all=True, calibrate=calibrate)


def test_refuses_wrong_options():
    with pytest.raises(TypeError, match="expects samples to be dicts of arrays, got ndarray for sample 0"):
        lathe.compile(product_model(), quantize="int8", quantize_all=True, calibrate=np.zeros((2, 3)))
    with pytest.raises(lathe.Error, match="got 'int3'"):
        lathe.compile(product_model(), quantize="int3")


def picture_model():
    x = oh.make_tensor_value_info("x", onnx.TensorProto.FLOAT, ["N", 3, 8, 8])
    y = oh.make_tensor_value_info("y", onnx.TensorProto.FLOAT, ["N", 4, 6, 6])
    weights = onnx.numpy_helper.from_array(np.random.default_rng(3).standard_normal((4, 3, 3, 3), np.float32), "w")
    graph = oh.make_graph([oh.make_node("Conv", ["x", "w"], ["y"], "conv")], "pictures", [x], [y], [weights])
    return oh.make_model(graph, opset_imports=[oh.make_opsetid("", 17)], ir_version=8)


def write_bmp(path, pixels):
    """24 bits per pixel, rows from the bottom, blue first."""
    height, width, _ = pixels.shape
    rows = b"".join(row[:, ::-1].tobytes().ljust((width * 3 + 3) // 4 * 4, b"\0") for row in pixels[::-1])
    header = b"BM" + np.array([54 + len(rows), 0, 54, 40, width, height], "<u4").tobytes()
    path.write_bytes(header + np.array([1, 24], "<u2").tobytes() + np.array([0, len(rows), 0, 0, 0, 0], "<u4").tobytes() +
                     rows)


def test_pictures(tmp_path):
    rng = np.random.default_rng(4)
    pictures = rng.integers(0, 256, (6, 8, 8, 3), np.uint8)
    for i, pixels in enumerate(pictures):
        write_bmp(tmp_path / f"{i}.bmp", pixels)
    mean, std = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]
    arrays = ((pictures / 255 - mean) / std).transpose(0, 3, 1, 2).astype(np.float32)
    results = []
    for options in ({"calibrate": tmp_path, "image_mean": mean, "image_std": std, "image_size": 8},
                    {"calibrate": ({"x": array[None]} for array in arrays)}):
        session = lathe.Session(lathe.compile(picture_model(), quantize="int8", quantize_all=True, **options))
        results.append(session.run({"x": arrays})["y"])
    np.testing.assert_array_equal(results[0], results[1])
    with pytest.raises(lathe.Error, match="expects an image height of 8 as the input's, got 9"):
        lathe.compile(picture_model(), quantize="int8", quantize_all=True, calibrate=tmp_path, image_size=(9, 8))


ROWS, WIDE = 64, 512


def wide_model():
    """A product that is faster in integers."""
    weights = onnx.numpy_helper.from_array(np.random.default_rng(1).standard_normal((WIDE, WIDE), np.float32), "w")
    value = lambda name: oh.make_tensor_value_info(name, onnx.TensorProto.FLOAT, [ROWS, WIDE])
    graph = oh.make_graph([oh.make_node("MatMul", ["a", "w"], ["y"], "product")], "wide", [value("a")], [value("y")], [weights])
    return oh.make_model(graph, opset_imports=[oh.make_opsetid("", 17)], ir_version=8)


def wide_samples():
    return [{"a": np.random.default_rng(i).standard_normal((ROWS, WIDE), np.float32)} for i in range(2)]


def test_auto_with_a_metric_of_ones_own(tmp_path):
    """The function is asked about artifacts, and decides: nothing that it calls bad is taken."""
    asked, sample = [], wide_samples()[0]
    exact = lathe.Session(lathe.compile(wide_model())).run(sample)["y"]

    def error(artifact):
        got = lathe.Session(artifact).run(sample)["y"]
        asked.append(np.linalg.norm(got - exact) / np.linalg.norm(exact))
        return 5.0

    artifact = lathe.compile(wide_model(), quantize="auto", calibrate=wide_samples(), error_metric=error, max_error=1,
                             pareto=tmp_path / "tried.json")
    assert asked and all(0 < value < 0.1 for value in asked)
    np.testing.assert_array_equal(lathe.Session(artifact).run(sample)["y"], exact)
    assert '"asked for"' in (tmp_path / "tried.json").read_text()
    asked.clear()
    lathe.quantize(wide_model(), tmp_path / "q.onnx", quantize="auto", calibrate=wide_samples(), error_metric=error, max_error=1,
                   budget="1min", pareto=tmp_path / "tried.json")
    assert asked and all(0 < value < 0.1 for value in asked)
    np.testing.assert_array_equal(lathe.Session(lathe.compile(tmp_path / "q.onnx")).run(sample)["y"], exact)


def test_errors_of_a_metric_reach_the_caller():
    def error(artifact):
        raise KeyError("no metric")

    with pytest.raises(KeyError, match="no metric"):
        lathe.compile(wide_model(), quantize="auto", calibrate=wide_samples(), error_metric=error, max_error=1)
