"""The Python package as a user imports it."""

import json
import threading

import numpy as np
import onnx
import onnx.helper as oh
import pytest

import lathe


def affine_model(element=onnx.TensorProto.FLOAT):
    """y = x * w + 1 over [batch, 3]."""
    x = oh.make_tensor_value_info("x", element, ["batch", 3])
    y = oh.make_tensor_value_info("y", element, ["batch", 3])
    dtype = oh.tensor_dtype_to_np_dtype(element)
    weights = [onnx.numpy_helper.from_array(np.array([1, 2, 3], dtype), "w"),
               onnx.numpy_helper.from_array(np.array(1, dtype), "one")]
    nodes = [oh.make_node("Mul", ["x", "w"], ["p"], "scale"), oh.make_node("Add", ["p", "one"], ["y"], "shift")]
    graph = oh.make_graph(nodes, "affine", [x], [y], weights)
    return oh.make_model(graph, opset_imports=[oh.make_opsetid("", 17)], ir_version=8)


@pytest.fixture(scope="module")
def artifact():
    return lathe.compile(affine_model())


def expected(x):
    return x * np.array([1, 2, 3], x.dtype) + x.dtype.type(1)


def test_describes_inputs_and_outputs(artifact):
    assert [(i.name, i.dtype, i.shape) for i in artifact.inputs] == [("x", np.float32, ("batch", 3))]
    assert [o.name for o in artifact.outputs] == ["y"]


@pytest.mark.parametrize("batch", [1, 4, 7])
def test_runs_at_several_shapes(artifact, batch):
    x = np.random.default_rng(batch).standard_normal((batch, 3), np.float32)
    np.testing.assert_allclose(lathe.Session(artifact).run({"x": x})["y"], expected(x), rtol=1e-6)


def test_results_outlive_the_next_run(artifact):
    session = lathe.Session(artifact)
    first = session.run({"x": np.zeros((1, 3), np.float32)})["y"]
    session.run({"x": np.ones((1, 3), np.float32)})
    np.testing.assert_array_equal(first, np.ones((1, 3), np.float32))


def test_memory_of_large_results_is_used_again_only_when_free(artifact):
    session = lathe.Session(artifact)
    inputs = [np.full((100_000, 3), value, np.float32) for value in (0, 1, 2, 3)]
    first = session.run({"x": inputs[0]})["y"]
    address = first.ctypes.data
    assert address % 64 == 0
    part = first[5:7]
    del first
    kept = np.from_dlpack(session.run({"x": inputs[1]})["y"])
    last = session.run({"x": inputs[2]})["y"]
    np.testing.assert_array_equal(part, expected(inputs[0])[5:7])
    np.testing.assert_array_equal(kept, expected(inputs[1]))
    assert address not in (kept.ctypes.data, last.ctypes.data)
    del part
    assert session.run({"x": inputs[3]})["y"].ctypes.data == address


def test_takes_strided_and_foreign_arrays(artifact):
    class Foreign:
        def __init__(self, array):
            self.array = array

        def __dlpack__(self, **kwargs):
            return self.array.__dlpack__(**kwargs)

        def __dlpack_device__(self):
            return self.array.__dlpack_device__()

    base = np.arange(24, dtype=np.float32).reshape(4, 6)
    session = lathe.Session(artifact)
    np.testing.assert_allclose(session.run({"x": base[:, ::2]})["y"], expected(base[:, ::2]))
    np.testing.assert_allclose(session.run({"x": Foreign(base[:, :3].copy())})["y"], expected(base[:, :3]))


def test_saves_and_loads(artifact, tmp_path):
    artifact.save(tmp_path / "copy.lathe")
    x = np.ones((2, 3), np.float32)
    again = lathe.Session(lathe.Artifact.load(tmp_path / "copy.lathe"), threads=2)
    np.testing.assert_array_equal(again.run({"x": x})["y"], expected(x))
    assert sorted(p.name for p in tmp_path.iterdir()) == ["copy.lathe"]


def test_threads_run_sessions_of_one_artifact(artifact):
    results = {}

    def work(seed):
        x = np.full((3, 3), seed, np.float32)
        session = lathe.Session(artifact, threads=1)
        results[seed] = all(np.array_equal(session.run({"x": x})["y"], expected(x)) for _ in range(200))

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == {0: True, 1: True, 2: True, 3: True}


@pytest.mark.parametrize("feeds, message", [
    ({}, "missing"),
    ({"x": np.zeros((1, 3), np.float32), "z": np.zeros(1, np.float32)}, "unknown"),
    ({"x": np.zeros((1, 3), np.float64)}, "x"),
    ({"x": np.zeros((1, 4), np.float32)}, "x"),
    ({"x": np.zeros(3, np.float32)}, "x"),
    ({"x": np.array(["a"])}, "dtype"),
])
def test_refuses_wrong_inputs(artifact, feeds, message):
    with pytest.raises(lathe.Error, match=message):
        lathe.Session(artifact).run(feeds)


def test_refuses_wrong_models_and_options(tmp_path):
    with pytest.raises(lathe.Error):
        lathe.compile(b"no model")
    with pytest.raises(lathe.Error):
        lathe.compile(str(tmp_path / "absent.onnx"))
    with pytest.raises(TypeError, match="unknown options"):
        lathe.compile(affine_model(), speed="high")
    with pytest.raises(lathe.Error):
        lathe.Artifact.load(__file__)


def test_fixes_dims(tmp_path):
    fixed = lathe.compile(affine_model(), dims={"batch": 2})
    assert fixed.inputs[0].shape == (2, 3)
    with pytest.raises(lathe.Error):
        lathe.Session(fixed).run({"x": np.zeros((3, 3), np.float32)})


def test_tunes(tmp_path):
    database = tmp_path / "tuned.txt"
    x = np.ones((2, 3), np.float32)
    plain = lathe.Session(lathe.compile(affine_model(), dims={"batch": 2})).run({"x": x})
    tuned = lathe.compile(affine_model(), dims={"batch": 2}, tune=True, tune_db=database, tune_threads=2)
    for name, value in lathe.Session(tuned).run({"x": x}).items():
        np.testing.assert_allclose(value, plain[name], rtol=1e-5)
    assert database.read_text().startswith("lathe tuning database, version 1\n")
    with pytest.raises(lathe.Error, match="2: expects 6 fields"):
        database.write_text("lathe tuning database, version 1\nnonsense\n")
        lathe.compile(affine_model(), tune_db=database)


def test_provider():
    with pytest.raises(lathe.Error, match="expects --provider to be one of lathe, onednn, auto, got 'mkl'"):
        lathe.compile(affine_model(), provider="mkl")
    x = {"x": np.ones((2, 3), np.float32)}
    plain = lathe.Session(lathe.compile(affine_model())).run(x)
    chosen = lathe.Session(lathe.compile(affine_model(), provider="auto")).run(x)  # nothing is known of oneDNN: own kernels
    for name, value in plain.items():
        np.testing.assert_array_equal(chosen[name], value)


def test_tells_which_sizes_a_node_refuses():
    """The first 4 of n elements are added to all n."""
    x, y = (oh.make_tensor_value_info(name, onnx.TensorProto.FLOAT, [size]) for name, size in (("x", "n"), ("y", None)))
    bounds = [onnx.numpy_helper.from_array(np.array([value]), name) for name, value in (("start", 0), ("end", 4))]
    nodes = [oh.make_node("Slice", ["x", "start", "end"], ["s"], "head"), oh.make_node("Add", ["s", "x"], ["y"], "sum")]
    graph = oh.make_graph(nodes, "sizes", [x], [y], bounds)
    session = lathe.Session(lathe.compile(oh.make_model(graph, opset_imports=[oh.make_opsetid("", 17)], ir_version=8)))
    np.testing.assert_array_equal(session.run({"x": np.ones(3, np.float32)})["y"], np.full(3, 2, np.float32))
    with pytest.raises(lathe.Error, match=r"node 'sum': expects min\(4, n\) to be n, got n = 6"):
        session.run({"x": np.ones(6, np.float32)})


def test_damaged_weights_are_found_unless_trusted(artifact, tmp_path):
    path = tmp_path / "damaged.lathe"
    artifact.save(path)
    data = bytearray(path.read_bytes())
    weights_offset = int.from_bytes(data[32:40], "little")  # of the header, artifact.h
    data[weights_offset] ^= 1
    path.write_bytes(data)
    feeds = {"x": np.zeros((1, 3), np.float32)}
    with pytest.raises(lathe.Error, match="the digest of the weights does not match"):
        lathe.Session(lathe.Artifact.load(path)).run(feeds)
    lathe.Session(lathe.Artifact.load(path, check_weights=False)).run(feeds)


def test_profiles(artifact):
    session = lathe.Session(artifact, profile=True)
    session.run({"x": np.zeros((1, 3), np.float32)})
    calls = session.profile()
    assert {node for call in calls for node in call["nodes"]} == {"scale", "shift"}
    assert all(call["runs"] == 1 for call in calls)
    session.set_profile(False)
    session.run({"x": np.zeros((1, 3), np.float32)})
    assert all(call["runs"] == 0 for call in session.profile())


def test_profile_beside_limits(artifact, tmp_path):
    limits = {"threads": 1, "isa": "avx2", "fma_gflops": 50, "read": [{"bytes": 1, "gbs": 20}, {"bytes": 1 << 16, "gbs": 10}]}
    (tmp_path / "limits.json").write_text(json.dumps(limits))
    session = lathe.Session(artifact, threads=1, profile=True)
    session.run({"x": np.zeros((100_000, 3), np.float32)})
    for given in (limits, tmp_path / "limits.json"):
        calls = session.profile(given)
        assert sum(call["share"] for call in calls) == pytest.approx(1)
        for call in calls:
            assert call["bound"] == "memory"
            assert call["gbs"] == pytest.approx(call["bytes"] / (call["ms"] * 1e6))
            assert call["limit_percent"] == pytest.approx(100 * call["gbs"] / 10, rel=1e-3)


def test_traces(artifact):
    session = lathe.Session(artifact, threads=2)
    trace = json.loads(json.dumps(session.trace({"x": np.zeros((100_000, 3), np.float32)}, runs=3)))
    events = [event for event in trace["traceEvents"] if event["ph"] == "X"]
    assert {event["args"]["run"] for event in events} == {0, 1, 2}
    assert min(event["ts"] for event in events) == 0
    assert all(event["dur"] >= 0 and event["args"]["nodes"] for event in events)


def test_onnxruntime_scripts_run(tmp_path):
    import lathe as ort
    onnx.save(affine_model(), tmp_path / "m.onnx")
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    session = ort.InferenceSession(str(tmp_path / "m.onnx"), options, providers=["CPUExecutionProvider"])
    (info,) = session.get_inputs()
    assert (info.name, info.type, info.shape) == ("x", "tensor(float)", ["batch", 3])
    x = np.ones((2, 3), np.float32)
    (y,) = session.run(None, {info.name: x})
    np.testing.assert_array_equal(y, expected(x))
    (y,) = session.run(["y"], {info.name: x})
    np.testing.assert_array_equal(y, expected(x))


def test_onnx_backend():
    import lathe.backend
    x = np.ones((2, 3), np.float32)
    (y,) = lathe.backend.run_model(affine_model(), [x])
    np.testing.assert_array_equal(y, expected(x))
    assert lathe.backend.supports_device("CPU") and not lathe.backend.supports_device("CUDA")
