#include "compiler/capi/RunArtifact.h"
#include "backends/artifact/ProgramManifest.h"
#include "lathe/lathe.h"
#include "manifest_generated.h"
#include <chrono>

using namespace mlir;

namespace lathe {

namespace {

llvm::Error asError(lathe_status_t *status) {
  if (!status)
    return llvm::Error::success();
  std::string message = lathe_status_message(status);
  lathe_status_free(status);
  return llvm::createStringError(message);
}

bool isOk(lathe_status_t *status) {
  bool isNull = !status;
  lathe_status_free(status);
  return isNull;
}

llvm::StringRef typeName(int32_t dtype) { return lathe_dtype_name(lathe_dtype_t(dtype)); }

std::vector<lathe_tensor_t> tensorsOf(llvm::ArrayRef<reference::Tensor> inputs) {
  std::vector<lathe_tensor_t> tensors;
  for (const reference::Tensor &input : inputs)
    tensors.push_back({const_cast<char *>(input.data<char>()), size_t(input.sizeBytes()), input.shape().data(),
                       uint32_t(input.rank()), int32_t(dtypeOf(input.elementType())), 0});
  return tensors;
}

class Program : public diff::ObservedProgram {
public:
  ~Program() override {
    lathe_session_destroy(session);
    lathe_artifact_close(artifact);
  }

  llvm::Error open(const std::string &path) {
    if (llvm::Error error = asError(lathe_artifact_open(path.c_str(), nullptr, &artifact)))
      return error;
    outputs.resize(lathe_artifact_output_count(artifact));
    lathe_tensor_info_t info = LATHE_TENSOR_INFO_INIT;
    for (size_t i = 0; i < lathe_artifact_input_count(artifact); ++i)
      if (isOk(lathe_artifact_input_info(artifact, i, &info)))
        inputs.push_back(info.name);
    for (size_t i = 0; i < outputs.size(); ++i)
      if (isOk(lathe_artifact_output_info(artifact, i, &info)))
        results.push_back(info.name);
    return asError(lathe_session_create(artifact, nullptr, &session));
  }

  llvm::ArrayRef<std::string> inputNames() const override { return inputs; }
  llvm::ArrayRef<std::string> outputNames() const override { return results; }

  std::string flags() const override {
    const void *data = nullptr;
    if (isOk(lathe_artifact_manifest(artifact, &data, nullptr, nullptr)))
      if (const flatbuffers::String *flags = artifact::GetManifest(data)->flags())
        return flags->str();
    return "";
  }

  llvm::Error run(llvm::ArrayRef<reference::Tensor> tensors, OutputFn output) override {
    std::vector<lathe_tensor_t> given = tensorsOf(tensors);
    for (lathe_tensor_t &tensor : outputs)
      tensor = {};
    if (llvm::Error error =
            asError(lathe_session_run(session, given.data(), given.size(), outputs.data(), outputs.size())))
      return error;
    for (size_t i = 0; i < outputs.size(); ++i)
      output(i, {{outputs[i].shape, outputs[i].rank}, typeName(outputs[i].dtype), outputs[i].data});
    return llvm::Error::success();
  }

  llvm::Error observe(llvm::ArrayRef<reference::Tensor> tensors, ObserveFn observe, OutputFn output) override {
    if (llvm::Error error = asError(lathe_session_set_observer(session, observeCall, &observe)))
      return error;
    llvm::Error error = run(tensors, output);
    return llvm::joinErrors(std::move(error), asError(lathe_session_set_observer(session, nullptr, nullptr)));
  }

  llvm::Expected<std::vector<CallTime>> profile(llvm::ArrayRef<reference::Tensor> tensors, double seconds) override {
    constexpr int fewestRuns = 5;
    using Clock = std::chrono::steady_clock;
    if (llvm::Error error = asError(lathe_session_set_profile(session, 1)))
      return std::move(error);
    auto end = Clock::now() + std::chrono::duration<double>(seconds);
    for (int i = 0; i < fewestRuns || Clock::now() < end; ++i)
      if (llvm::Error error = run(tensors, [](auto...) {}))
        return std::move(error);
    std::vector<CallTime> times;
    for (size_t call = 0; call < lathe_session_call_count(session); ++call) {
      lathe_call_profile_t profile = LATHE_CALL_PROFILE_INIT;
      if (llvm::Error error = asError(lathe_session_profile(session, call, &profile)))
        return std::move(error);
      times.push_back({{profile.nodes, profile.nodes + profile.node_count}, double(profile.min_ns)});
    }
    if (llvm::Error error = asError(lathe_session_set_profile(session, 0)))
      return std::move(error);
    return times;
  }

  llvm::Expected<uint64_t> memoryBytes(llvm::ArrayRef<reference::Tensor> tensors) override {
    std::vector<lathe_tensor_t> given = tensorsOf(tensors);
    lathe_memory_needs_t needs = LATHE_MEMORY_NEEDS_INIT;
    if (llvm::Error error = asError(lathe_artifact_memory(artifact, given.data(), given.size(), &needs)))
      return std::move(error);
    return needs.arena_bytes + needs.scratch_bytes * lathe_session_threads(session) + needs.output_bytes +
           needs.weights_bytes;
  }

private:
  static void observeCall(void *context, size_t call, const lathe_call_value_t *values, size_t count) {
    llvm::SmallVector<diff::ObservedValue> args;
    for (const lathe_call_value_t &value : llvm::ArrayRef(values, count))
      args.push_back({value.node ? value.node : "",
                      value.node ? typeName(value.dtype) : "",
                      value.scale,
                      value.zero_point,
                      {value.order, value.rank},
                      value.data,
                      value.size_bytes,
                      {value.factors, value.factor_count},
                      value.axis});
    (*static_cast<ObserveFn *>(context))(call, args);
  }

  lathe_artifact_t *artifact = nullptr;
  lathe_session_t *session = nullptr;
  std::vector<std::string> inputs, results;
  std::vector<lathe_tensor_t> outputs;
};

} // namespace

llvm::Expected<std::unique_ptr<diff::ObservedProgram>> openObservedArtifact(llvm::StringRef path) {
  auto program = std::make_unique<Program>();
  if (llvm::Error error = program->open(path.str()))
    return std::move(error);
  return program;
}

llvm::Expected<std::unique_ptr<RunnableProgram>> openRunnableArtifact(llvm::StringRef path) {
  return openObservedArtifact(path);
}

} // namespace lathe
