//===- lathe.hpp - run a compiled model: the C++ API ------------*- C++ -*-===//
//
// Part of Lathe, under the Apache License v2.0. See LICENSE.
//
// A header-only C++17 face of lathe.h: owners instead of handles, exceptions
// instead of statuses.
//
//   lathe::Artifact artifact("m.lathe");
//   lathe::Session session(artifact);
//   std::vector<int64_t> shape = {1, 3};
//   std::vector<lathe_tensor_t> outputs =
//       session.run({lathe::tensor(pixels.data(), shape)});
//   const float *scores = lathe::dataOf<float>(outputs[0]);
//
//===----------------------------------------------------------------------===//
#ifndef LATHE_LATHE_HPP
#define LATHE_LATHE_HPP

#include <lathe/lathe.h>

#include <memory>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <vector>

namespace lathe {

/// What a failed call throws.
class Error : public std::runtime_error {
public:
  Error(lathe_code_t code, const std::string &message) : std::runtime_error(message), errorCode(code) {}
  lathe_code_t code() const { return errorCode; }

private:
  lathe_code_t errorCode;
};

/// Throws Error unless the status is null; frees it.
inline void check(lathe_status_t *status) {
  if (!status)
    return;
  Error error(lathe_status_code(status), lathe_status_message(status));
  lathe_status_free(status);
  throw error;
}

/// dtype of a C++ type; f16 and bf16 have none.
template <typename T> constexpr lathe_dtype_t dtypeOf() {
  if constexpr (std::is_same_v<T, float>)
    return LATHE_F32;
  else if constexpr (std::is_same_v<T, double>)
    return LATHE_F64;
  else if constexpr (std::is_same_v<T, bool>)
    return LATHE_BOOL;
  else {
    static_assert(std::is_integral_v<T> && sizeof(T) <= 8, "expects float, double, bool or an integer");
    constexpr int log2 = sizeof(T) == 1 ? 0 : sizeof(T) == 2 ? 1 : sizeof(T) == 4 ? 2 : 3;
    return static_cast<lathe_dtype_t>((std::is_signed_v<T> ? LATHE_I8 : LATHE_U8) + log2);
  }
}

/// A view of dense row-major data; borrows both arguments.
template <typename T> lathe_tensor_t tensor(T *data, const std::vector<int64_t> &shape) {
  size_t bytes = sizeof(T);
  for (int64_t size : shape)
    bytes *= static_cast<size_t>(size);
  using Plain = std::remove_const_t<T>;
  return {const_cast<Plain *>(data), bytes, shape.data(), static_cast<uint32_t>(shape.size()), dtypeOf<Plain>(), 0};
}

/// The elements of a tensor; throws Error when they aren't of that type.
template <typename T> T *dataOf(const lathe_tensor_t &tensor) {
  if (tensor.dtype != dtypeOf<std::remove_const_t<T>>())
    throw Error(LATHE_INVALID_ARGUMENT, std::string("expects elements of another type than ") +
                                            lathe_dtype_name(static_cast<lathe_dtype_t>(tensor.dtype)));
  return static_cast<T *>(tensor.data);
}

/// An input or output as the model declares it; -1 stands for dynamic sizes.
struct TensorInfo {
  std::string name;
  lathe_dtype_t dtype;
  std::vector<int64_t> shape;
  std::vector<std::string> dimNames;
};

/// A compiled model. Immutable; threads and sessions may share it.
class Artifact {
public:
  /// `flags` are LATHE_OPEN_*.
  explicit Artifact(const std::string &path, uint64_t flags = 0) {
    lathe_artifact_options_t options = LATHE_ARTIFACT_OPTIONS_INIT;
    options.flags = flags;
    lathe_artifact_t *opened = nullptr;
    check(lathe_artifact_open(path.c_str(), &options, &opened));
    handle.reset(opened);
  }

  std::vector<TensorInfo> inputs() const { return infos(lathe_artifact_input_count(get()), lathe_artifact_input_info); }
  std::vector<TensorInfo> outputs() const {
    return infos(lathe_artifact_output_count(get()), lathe_artifact_output_info);
  }
  size_t findInput(const std::string &name) const {
    size_t index = 0;
    check(lathe_artifact_find_input(get(), name.c_str(), &index));
    return index;
  }
  size_t findOutput(const std::string &name) const {
    size_t index = 0;
    check(lathe_artifact_find_output(get(), name.c_str(), &index));
    return index;
  }

  /// What a run with such inputs takes.
  lathe_memory_needs_t memory(const std::vector<lathe_tensor_t> &inputs) const {
    lathe_memory_needs_t needs = LATHE_MEMORY_NEEDS_INIT;
    check(lathe_artifact_memory(get(), inputs.data(), inputs.size(), &needs));
    return needs;
  }

  lathe_artifact_t *get() const { return handle.get(); }

private:
  using InfoFunction = lathe_status_t *(*)(const lathe_artifact_t *, size_t, lathe_tensor_info_t *);

  std::vector<TensorInfo> infos(size_t count, InfoFunction function) const {
    std::vector<TensorInfo> result;
    for (size_t i = 0; i < count; ++i) {
      lathe_tensor_info_t info = LATHE_TENSOR_INFO_INIT;
      check(function(get(), i, &info));
      result.push_back({info.name,
                        static_cast<lathe_dtype_t>(info.dtype),
                        {info.shape, info.shape + info.rank},
                        {info.dim_names, info.dim_names + info.rank}});
    }
    return result;
  }

  struct Close {
    void operator()(lathe_artifact_t *artifact) const { lathe_artifact_close(artifact); }
  };
  std::unique_ptr<lathe_artifact_t, Close> handle;
};

/// Memory and threads to run an artifact; used by one thread at a time.
class Session {
public:
  explicit Session(const Artifact &artifact, const lathe_session_options_t &options = LATHE_SESSION_OPTIONS_INIT)
      : outputCount(lathe_artifact_output_count(artifact.get())) {
    lathe_session_t *created = nullptr;
    check(lathe_session_create(artifact.get(), &options, &created));
    handle.reset(created);
  }

  /// Runs the model; the outputs are memory of the session until its next run.
  std::vector<lathe_tensor_t> run(const std::vector<lathe_tensor_t> &inputs) {
    std::vector<lathe_tensor_t> outputs(outputCount);
    runInto(inputs, outputs);
    return outputs;
  }

  /// Likewise, writing to the memory of those outputs whose `data` is not null.
  void runInto(const std::vector<lathe_tensor_t> &inputs, std::vector<lathe_tensor_t> &outputs) {
    check(lathe_session_run(get(), inputs.data(), inputs.size(), outputs.data(), outputs.size()));
  }

  lathe_session_t *get() const { return handle.get(); }

private:
  struct Destroy {
    void operator()(lathe_session_t *session) const { lathe_session_destroy(session); }
  };
  std::unique_ptr<lathe_session_t, Destroy> handle;
  size_t outputCount;
};

} // namespace lathe

#endif // LATHE_LATHE_HPP
