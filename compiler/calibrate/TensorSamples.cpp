// Samples as ONNX's test data keep them: a folder each, with input_0.pb, input_1.pb, ...
#include "compiler/calibrate/Bytes.h"
#include "compiler/calibrate/Fit.h"
#include "compiler/calibrate/Sources.h"
#include "compiler/import/Tensors.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"

using namespace llvm;

namespace lathe::samples {
namespace {

std::string inputPath(StringRef folder, size_t number) {
  SmallString<256> path(folder);
  sys::path::append(path, "input_" + Twine(number) + ".pb");
  return path.str().str();
}

Error checkFiles(StringRef folder, ArrayRef<InputSpec> inputs) {
  for (auto [number, input] : enumerate(inputs))
    if (!sys::fs::exists(inputPath(folder, number)))
      return createStringError(folder + ": expects input_" + Twine(number) + ".pb for input '" + input.name +
                               "', got none");
  if (sys::fs::exists(inputPath(folder, inputs.size())))
    return createStringError(folder + ": expects " + Twine(inputs.size()) + " inputs, got input_" +
                             Twine(inputs.size()) + ".pb");
  return Error::success();
}

Expected<onnx::TensorProto> parseTensor(StringRef path) {
  auto file = openFile(path);
  if (!file)
    return file.takeError();
  if ((*file)->size() > uint64_t(INT_MAX))
    return createStringError("expects a tensor of less than 2 GiB, got " + Twine((*file)->size()) + " bytes");
  std::vector<char> bytes((*file)->size());
  if (Error error = (*file)->read(0, bytes))
    return error;
  onnx::TensorProto proto;
  if (!proto.ParseFromArray(bytes.data(), int(bytes.size())) || !proto.has_data_type())
    return createStringError("not an ONNX tensor");
  return proto;
}

Expected<reference::Tensor> loadTensor(StringRef path, const InputSpec &input) {
  auto proto = parseTensor(path);
  if (!proto)
    return proto.takeError();
  ArrayRef<int64_t> shape(proto->dims().data(), size_t(proto->dims_size()));
  if (Error error = checkShape(shape, input))
    return error;
  auto tensor = importer::readTensorProto(*proto, input.type.getContext());
  if (!tensor)
    return tensor.takeError();
  return fitValues(std::move(*tensor), input);
}

class TensorSamples : public SampleSource {
public:
  TensorSamples(std::vector<std::string> folders, ArrayRef<InputSpec> inputs)
      : folders(std::move(folders)), inputs(inputs) {}

  size_t count() const override { return folders.size(); }

  Expected<reference::Tensors> load(size_t index) override {
    reference::Tensors tensors;
    std::vector<SmallVector<int64_t>> shapes;
    for (auto [number, input] : enumerate(inputs)) {
      std::string path = inputPath(folders[index], number);
      auto tensor = loadTensor(path, input);
      if (!tensor)
        return at(path + ": input '" + input.name + "'", tensor.takeError());
      shapes.emplace_back(tensor->shape());
      tensors.push_back(std::move(*tensor));
    }
    if (Error error = checkSymbols(shapes, inputs))
      return at(folders[index], std::move(error));
    return tensors;
  }

private:
  std::vector<std::string> folders;
  std::vector<InputSpec> inputs;
};

} // namespace

Source openTensorFolders(std::vector<std::string> folders, ArrayRef<InputSpec> inputs) {
  for (const std::string &folder : folders)
    if (Error error = checkFiles(folder, inputs))
      return error;
  return std::make_unique<TensorSamples>(std::move(folders), inputs);
}

} // namespace lathe::samples
