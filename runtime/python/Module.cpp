// The extension module behind the Python package: opens artifacts and runs them on arrays. Names and arrays are checked and
// converted on the Python side (session.py); here are only the C API's calls, with the GIL released while they work.
#include "lathe/lathe.h"
#include <cstring>
#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/pair.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/tuple.h>
#include <nanobind/stl/vector.h>
#include <stdexcept>

namespace nb = nanobind;

namespace {

/// Failure of the C API, to be turned into lathe.Error with its code.
struct Failure : std::runtime_error {
  lathe_code_t code;
  Failure(lathe_code_t code, const char *message) : std::runtime_error(message), code(code) {}
};

void check(lathe_status_t *status) {
  if (!status)
    return;
  Failure failure(lathe_status_code(status), lathe_status_message(status));
  lathe_status_free(status);
  throw failure;
}

using Shape = std::vector<int64_t>;

/// Name, lathe_dtype_t, sizes (-1: known at run time), names of the sizes.
using Description = std::tuple<std::string, int, Shape, std::vector<std::string>>;

Description describe(const lathe_tensor_info_t &info) {
  std::vector<std::string> names(info.dim_names, info.dim_names + info.rank);
  return {info.name, info.dtype, Shape(info.shape, info.shape + info.rank), std::move(names)};
}

class Artifact {
public:
  Artifact(const std::string &path, bool checkWeights) {
    lathe_artifact_options_t options = LATHE_ARTIFACT_OPTIONS_INIT;
    options.flags = checkWeights ? 0 : LATHE_OPEN_TRUST_WEIGHTS;
    nb::gil_scoped_release release;
    check(lathe_artifact_open(path.c_str(), &options, &handle));
  }
  Artifact(const Artifact &) = delete;
  ~Artifact() { lathe_artifact_close(handle); }

  std::vector<Description> inputs() const { return describeAll(lathe_artifact_input_count, lathe_artifact_input_info); }
  std::vector<Description> outputs() const {
    return describeAll(lathe_artifact_output_count, lathe_artifact_output_info);
  }
  void verify() const {
    nb::gil_scoped_release release;
    check(lathe_artifact_verify(handle));
  }

  lathe_artifact_t *handle = nullptr;

private:
  template <class Count, class Info> std::vector<Description> describeAll(Count count, Info info) const {
    std::vector<Description> all;
    for (size_t i = 0; i < count(handle); ++i) {
      lathe_tensor_info_t entry = LATHE_TENSOR_INFO_INIT;
      check(info(handle, i, &entry));
      all.push_back(describe(entry));
    }
    return all;
  }
};

/// An array with its lathe_dtype_t (NumPy has no bf16 of its own).
using Array = std::pair<nb::ndarray<nb::c_contig, nb::device::cpu>, int>;
using ConstArray = std::pair<nb::ndarray<nb::ro, nb::c_contig, nb::device::cpu>, int>;

/// C tensors over arrays; `shapes` owns the sizes.
struct Tensors {
  std::vector<Shape> shapes;
  std::vector<lathe_tensor_t> tensors;

  template <class ArrayT> explicit Tensors(const std::vector<ArrayT> &arrays) {
    shapes.reserve(arrays.size());
    for (const auto &[array, dtype] : arrays) {
      Shape shape(array.ndim());
      for (size_t axis = 0; axis < shape.size(); ++axis)
        shape[axis] = int64_t(array.shape(axis));
      shapes.push_back(std::move(shape));
      tensors.push_back({const_cast<void *>(static_cast<const void *>(array.data())), array.nbytes(),
                         shapes.back().data(), uint32_t(array.ndim()), dtype, 0});
    }
  }
};

class Session {
public:
  Session(const Artifact &artifact, uint32_t threads, bool profile) {
    lathe_session_options_t options = LATHE_SESSION_OPTIONS_INIT;
    options.threads = threads;
    options.profile = profile;
    check(lathe_session_create(artifact.handle, &options, &handle));
    outputCount = lathe_artifact_output_count(artifact.handle);
  }
  Session(const Session &) = delete;
  ~Session() { lathe_session_destroy(handle); }

  /// Dtype and sizes of the outputs for these inputs; sizes that depend on computed values are -1.
  std::vector<std::pair<int, Shape>> prepare(const std::vector<ConstArray> &inputs) {
    Tensors in(inputs);
    std::vector<lathe_tensor_t> out(outputCount);
    {
      nb::gil_scoped_release release;
      check(lathe_session_prepare(handle, in.tensors.data(), in.tensors.size(), out.data(), out.size()));
    }
    return signatures(out);
  }

  /// Runs into `outputs`; one without memory (nbytes 0) stays in the session, see copyOutput.
  std::vector<std::pair<int, Shape>> run(const std::vector<ConstArray> &inputs,
                                         const std::vector<std::optional<Array>> &outputs) {
    Tensors in(inputs);
    last.assign(outputCount, lathe_tensor_t{});
    for (size_t i = 0; i < outputs.size() && i < last.size(); ++i)
      if (outputs[i] && outputs[i]->first.nbytes() != 0)
        last[i] = {outputs[i]->first.data(), outputs[i]->first.nbytes(), nullptr, 0, outputs[i]->second, 0};
    {
      nb::gil_scoped_release release;
      check(lathe_session_run(handle, in.tensors.data(), in.tensors.size(), last.data(), last.size()));
    }
    return signatures(last);
  }

  /// Copies output number `index` of the last run, whose sizes were not known before it.
  void copyOutput(size_t index, nb::ndarray<nb::c_contig, nb::device::cpu> array) const {
    if (index >= last.size() || array.nbytes() != last[index].size_bytes)
      throw nb::value_error("expects an array of the output's size");
    std::memcpy(array.data(), last[index].data, array.nbytes());
  }

  uint32_t threads() const { return lathe_session_threads(handle); }

  void setProfile(bool enabled) { check(lathe_session_set_profile(handle, enabled)); }
  void setTrace(size_t maxEvents) { check(lathe_session_set_trace(handle, maxEvents)); }

  /// One (kernel, nodes, runs, total ns, min ns, flops, bytes, bytes of weights, threads) per call.
  nb::list profile() const {
    nb::list calls;
    for (size_t i = 0; i < lathe_session_call_count(handle); ++i) {
      lathe_call_profile_t call = LATHE_CALL_PROFILE_INIT;
      check(lathe_session_profile(handle, i, &call));
      nb::list nodes;
      for (size_t n = 0; n < call.node_count; ++n)
        nodes.append(call.nodes[n]);
      calls.append(nb::make_tuple(call.kernel, nodes, call.runs, call.total_ns, call.min_ns, call.flops, call.bytes,
                                  call.weight_bytes, call.threads));
    }
    return calls;
  }

  /// One (begin ns, end ns, run, call, round, thread, tasks) per event.
  nb::list trace() const {
    nb::list events;
    for (size_t i = 0; i < lathe_session_trace_count(handle); ++i) {
      lathe_trace_event_t event = LATHE_TRACE_EVENT_INIT;
      check(lathe_session_trace(handle, i, &event));
      events.append(
          nb::make_tuple(event.begin_ns, event.end_ns, event.run, event.call, event.round, event.thread, event.tasks));
    }
    return events;
  }

private:
  static std::vector<std::pair<int, Shape>> signatures(const std::vector<lathe_tensor_t> &tensors) {
    std::vector<std::pair<int, Shape>> result;
    result.reserve(tensors.size());
    for (const lathe_tensor_t &tensor : tensors)
      result.emplace_back(tensor.dtype, Shape(tensor.shape, tensor.shape + tensor.rank));
    return result;
  }

  lathe_session_t *handle = nullptr;
  size_t outputCount = 0;
  std::vector<lathe_tensor_t> last;
};

} // namespace

NB_MODULE(_runtime, m) {
  m.attr("__version__") = lathe_version_string();
  static nb::object error = nb::steal(PyErr_NewException("lathe.Error", PyExc_RuntimeError, nullptr));
  m.attr("Error") = error;
  nb::register_exception_translator([](const std::exception_ptr &pointer, void *) {
    try {
      std::rethrow_exception(pointer);
    } catch (const Failure &failure) {
      nb::object raised = error(failure.what());
      raised.attr("code") = int(failure.code);
      PyErr_SetObject(error.ptr(), raised.ptr());
    }
  });

  nb::class_<Artifact>(m, "Artifact")
      .def(nb::init<const std::string &, bool>())
      .def("inputs", &Artifact::inputs)
      .def("outputs", &Artifact::outputs)
      .def("verify", &Artifact::verify);
  nb::class_<Session>(m, "Session")
      .def(nb::init<const Artifact &, uint32_t, bool>(), nb::keep_alive<1, 2>())
      .def("prepare", &Session::prepare)
      .def("run", &Session::run, nb::arg("inputs"), nb::arg("outputs"))
      .def("copy_output", &Session::copyOutput)
      .def("threads", &Session::threads)
      .def("set_profile", &Session::setProfile)
      .def("profile", &Session::profile)
      .def("set_trace", &Session::setTrace)
      .def("trace", &Session::trace);
}
