#include "compiler/export/StoreTensors.h"
#include "llvm/Support/MathExtras.h"

namespace lathe::exporter {

namespace {

constexpr uint64_t kLeastOuterBytes = 1024, kAlignment = 4096; // of a page, as ONNX recommends

bool isOuter(const onnx::TensorProto &tensor) { return tensor.data_location() == onnx::TensorProto::EXTERNAL; }

void addEntry(onnx::TensorProto &tensor, const char *key, const std::string &value) {
  auto *entry = tensor.add_external_data();
  entry->set_key(key);
  entry->set_value(value);
}

void makeOuter(onnx::TensorProto &tensor, llvm::StringRef location, uint64_t offset, uint64_t length) {
  tensor.clear_raw_data();
  tensor.clear_external_data();
  tensor.set_data_location(onnx::TensorProto::EXTERNAL);
  addEntry(tensor, "location", location.str());
  addEntry(tensor, "offset", std::to_string(offset));
  addEntry(tensor, "length", std::to_string(length));
}

void makeInner(onnx::TensorProto &tensor, llvm::ArrayRef<char> bytes) {
  tensor.clear_external_data();
  tensor.clear_data_location();
  tensor.set_raw_data(bytes.data(), bytes.size());
}

} // namespace

llvm::Expected<std::vector<OuterTensor>> storeTensors(importer::ModelFile &file, llvm::StringRef dataName,
                                                      uint64_t limitBytes) {
  auto &tensors = *file.mutableModel().mutable_graph()->mutable_initializer();
  std::vector<importer::TensorBytes> found;
  uint64_t total = file.model().ByteSizeLong();
  for (const onnx::TensorProto &tensor : tensors) {
    auto bytes = file.bytesOf(tensor);
    if (!bytes)
      return bytes.takeError();
    total += bytes->owner ? bytes->bytes.size() : 0;
    found.push_back(std::move(*bytes));
  }
  std::vector<OuterTensor> outer;
  uint64_t offset = 0;
  for (int i = 0; i < tensors.size(); ++i) {
    onnx::TensorProto &tensor = tensors[i];
    importer::TensorBytes &bytes = found[size_t(i)];
    uint64_t length = bytes.bytes.size();
    if (total <= limitBytes || length < kLeastOuterBytes) {
      if (bytes.owner || isOuter(tensor))
        makeInner(tensor, bytes.bytes);
      continue;
    }
    outer.push_back({offset, bytes, ""});
    if (!bytes.owner) {
      outer.back().own = std::move(*tensor.mutable_raw_data());
      outer.back().bytes.bytes = {};
    }
    makeOuter(tensor, dataName, offset, length);
    offset = llvm::alignTo(offset + length, kAlignment);
  }
  return outer;
}

} // namespace lathe::exporter
