#include "compiler/capi/RunArtifact.h"
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

/// The type's number in the C API; 0 if it has none.
int32_t dtypeOf(Type type) {
  if (isa<FloatType>(type))
    return type.isF32() ? LATHE_F32 : type.isF64() ? LATHE_F64 : type.isF16() ? LATHE_F16 : LATHE_BF16;
  bool isUnsigned = type.isUnsignedInteger();
  switch (type.getIntOrFloatBitWidth()) {
  case 1:
    return LATHE_BOOL;
  case 8:
    return isUnsigned ? LATHE_U8 : LATHE_I8;
  case 16:
    return isUnsigned ? LATHE_U16 : LATHE_I16;
  case 32:
    return isUnsigned ? LATHE_U32 : LATHE_I32;
  default:
    return isUnsigned ? LATHE_U64 : LATHE_I64;
  }
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
                       uint32_t(input.rank()), dtypeOf(input.elementType()), 0});
    for (lathe_tensor_t &tensor : outputs)
      tensor = {};
    if (llvm::Error error =
            asError(lathe_session_run(session, given.data(), given.size(), outputs.data(), outputs.size())))
      return error;
    for (size_t i = 0; i < outputs.size(); ++i)
      output(i, {outputs[i].shape, outputs[i].rank}, outputs[i].data);
    return llvm::Error::success();
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
