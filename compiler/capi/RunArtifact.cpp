#include "compiler/capi/RunArtifact.h"
#include "backends/artifact/ProgramManifest.h"
#include "lathe/lathe.h"

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

class Program : public RunnableProgram {
public:
  ~Program() override {
    lathe_session_destroy(session);
    lathe_artifact_close(artifact);
  }

  llvm::Error open(const std::string &path) {
    if (llvm::Error error = asError(lathe_artifact_open(path.c_str(), nullptr, &artifact)))
      return error;
    outputs.resize(lathe_artifact_output_count(artifact));
    return asError(lathe_session_create(artifact, nullptr, &session));
  }

  llvm::Error run(llvm::ArrayRef<reference::Tensor> inputs, OutputFn output) override {
    std::vector<lathe_tensor_t> given;
    for (const reference::Tensor &input : inputs)
      given.push_back({const_cast<char *>(input.data<char>()), size_t(input.sizeBytes()), input.shape().data(),
                       uint32_t(input.rank()), int32_t(dtypeOf(input.elementType())), 0});
    for (lathe_tensor_t &tensor : outputs)
      tensor = {};
    if (llvm::Error error =
            asError(lathe_session_run(session, given.data(), given.size(), outputs.data(), outputs.size())))
      return error;
    for (size_t i = 0; i < outputs.size(); ++i)
      output(i, {outputs[i].shape, outputs[i].rank}, outputs[i].data);
    return llvm::Error::success();
  }

  llvm::Expected<std::vector<CallTime>> profile(llvm::ArrayRef<reference::Tensor> inputs, size_t runs) override {
    if (llvm::Error error = asError(lathe_session_set_profile(session, 1)))
      return std::move(error);
    for (size_t i = 0; i < runs; ++i)
      if (llvm::Error error = run(inputs, [](auto...) {}))
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

private:
  lathe_artifact_t *artifact = nullptr;
  lathe_session_t *session = nullptr;
  std::vector<lathe_tensor_t> outputs;
};

} // namespace

llvm::Expected<std::unique_ptr<RunnableProgram>> openRunnableArtifact(llvm::StringRef path) {
  auto program = std::make_unique<Program>();
  if (llvm::Error error = program->open(path.str()))
    return std::move(error);
  return program;
}

} // namespace lathe
