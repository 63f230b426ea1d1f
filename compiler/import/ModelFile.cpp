#include "compiler/import/ModelFile.h"
#include "compiler/import/CheckModel.h"
#include "compiler/import/SortNodes.h"
#include "compiler/import/StripWeights.h"
#include "onnx/defs/parser.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MathExtras.h"
#include "llvm/Support/Path.h"
#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>

using namespace llvm;
namespace pb = google::protobuf;

namespace lathe::importer {

Error ModelFile::fail(const Twine &message) const { return createStringError(fileName + ": " + message); }

Expected<std::unique_ptr<ModelFile>> ModelFile::open(StringRef path) {
  auto file = MappedFile::open(path);
  if (!file)
    return file.takeError();
  std::unique_ptr<ModelFile> model(new ModelFile);
  model->fileName = path.str();
  model->folder = sys::path::parent_path(path).str();
  if (model->folder.empty())
    model->folder = ".";
  model->hasFolder = true;
  if (Error error = model->parse(*file))
    return error;
  return model;
}

Expected<std::unique_ptr<ModelFile>> ModelFile::fromBytes(ArrayRef<char> bytes, StringRef name) {
  std::unique_ptr<ModelFile> model(new ModelFile);
  model->fileName = name.str();
  if (Error error = model->parse(MappedFile::copyOf(bytes)))
    return error;
  return model;
}

Expected<std::unique_ptr<ModelFile>> ModelFile::fromText(StringRef text, StringRef name) {
  std::unique_ptr<ModelFile> model(new ModelFile);
  model->fileName = name.str();
  std::string source = text.str();
  try {
    onnx::OnnxParser parser(source.c_str());
    auto status = parser.Parse(model->proto);
    if (!status.IsOK())
      return model->fail(status.ErrorMessage());
  } catch (const std::exception &error) {
    return model->fail(error.what());
  }
  if (Error error = model->adopt())
    return error;
  return model;
}

Error ModelFile::parse(std::shared_ptr<const MappedFile> file) {
  mapped = std::move(file);
  if (mapped->bytes().empty())
    return fail("not an ONNX model: the file is empty");
  auto stripped = stripWeights(mapped->bytes());
  if (!stripped)
    return fail(toString(stripped.takeError()));
  if (stripped->bytes.size() > size_t(INT_MAX))
    return fail("the graph without its weights is larger than 2 GiB");
  pb::io::ArrayInputStream array(stripped->bytes.data(), int(stripped->bytes.size()));
  pb::io::CodedInputStream stream(&array);
  stream.SetTotalBytesLimit(INT_MAX);
  if (!proto.ParseFromCodedStream(&stream) || !stream.ConsumedEntireMessage())
    return fail("not an ONNX model: damaged, or nested too deeply");
  if (size_t(proto.graph().initializer_size()) != stripped->weights.size())
    return fail("not an ONNX model: damaged list of initializers");
  for (auto [i, weights] : enumerate(stripped->weights))
    if (!weights.empty())
      this->stripped[&proto.graph().initializer(int(i))] = weights;
  return adopt();
}

Error ModelFile::adopt() {
  for (const onnx::TensorProto &tensor : proto.graph().initializer())
    if (!initializers.try_emplace(tensor.name(), &tensor).second)
      return fail("initializer '" + tensor.name() + "' is given twice");
  return check();
}

Error ModelFile::check() {
  if (proto.has_graph())
    sortNodes(*proto.mutable_graph());
  if (Error error = checkModel(proto))
    return fail(toString(std::move(error)));
  return Error::success();
}

const onnx::TensorProto *ModelFile::initializer(StringRef name) const { return initializers.lookup(name); }

Expected<int64_t> countElements(ArrayRef<int64_t> dims) {
  int64_t count = 1;
  bool overflow = false;
  for (int64_t dim : dims) {
    if (dim < 0)
      return createStringError("expects dims not to be negative, got %lld", (long long)dim);
    overflow |= dim != 0 && MulOverflow(count, dim, count);
  }
  if (is_contained(dims, 0))
    return 0;
  if (overflow || count > (int64_t(1) << 48))
    return createStringError("expects fewer than 2^48 elements");
  return count;
}

int64_t elementBytes(int32_t type) {
  using T = onnx::TensorProto;
  switch (type) {
  case T::UINT8:
  case T::INT8:
  case T::BOOL:
    return 1;
  case T::UINT16:
  case T::INT16:
  case T::FLOAT16:
  case T::BFLOAT16:
    return 2;
  case T::FLOAT:
  case T::INT32:
  case T::UINT32:
    return 4;
  case T::DOUBLE:
  case T::INT64:
  case T::UINT64:
    return 8;
  default:
    return 0;
  }
}

unsigned narrowBits(int32_t type) {
  using T = onnx::TensorProto;
  switch (type) {
  case T::INT2:
  case T::UINT2:
    return 2;
  case T::INT4:
  case T::UINT4:
  case T::FLOAT4E2M1:
    return 4;
  case T::FLOAT8E4M3FN:
  case T::FLOAT8E4M3FNUZ:
  case T::FLOAT8E5M2:
  case T::FLOAT8E5M2FNUZ:
    return 8;
  default:
    return 0;
  }
}

uint64_t storedBytes(int32_t type, int64_t count) {
  if (unsigned bits = narrowBits(type))
    return (uint64_t(count) * bits + 7) / 8;
  return uint64_t(count) * uint64_t(elementBytes(type));
}

std::string typeName(int32_t type) {
  if (!onnx::TensorProto::DataType_IsValid(type))
    return "type " + std::to_string(type);
  return StringRef(onnx::TensorProto::DataType_Name(onnx::TensorProto::DataType(type))).lower();
}

Expected<TensorBytes> ModelFile::bytesOf(const onnx::TensorProto &tensor) {
  ArrayRef<int64_t> dims(tensor.dims().data(), size_t(tensor.dims_size()));
  auto count = countElements(dims);
  if (!count)
    return createStringError("tensor '" + tensor.name() + "' " + toString(count.takeError()));
  uint64_t size = storedBytes(tensor.data_type(), *count);
  if (tensor.data_location() == onnx::TensorProto::EXTERNAL)
    return externalBytes(tensor, size);
  TensorBytes found;
  auto it = stripped.find(&tensor);
  if (it != stripped.end())
    found = {it->second, mapped};
  else
    found.bytes = ArrayRef(tensor.raw_data().data(), tensor.raw_data().size());
  if (!tensor.has_raw_data() && it == stripped.end())
    return TensorBytes();
  if (found.bytes.size() != size)
    return createStringError("tensor '" + tensor.name() + "' expects " + Twine(size) + " bytes of data, got " +
                             Twine(found.bytes.size()));
  return found;
}

//===- external data -===//

namespace {
/// The entries of external_data that matter.
struct ExternalRange {
  std::string location;
  uint64_t offset = 0;
  std::optional<uint64_t> length;
};

Expected<ExternalRange> parseExternal(const onnx::TensorProto &tensor) {
  ExternalRange range;
  for (const auto &entry : tensor.external_data()) {
    uint64_t number = 0;
    if (entry.key() == "location")
      range.location = entry.value();
    if (entry.key() != "offset" && entry.key() != "length")
      continue;
    if (StringRef(entry.value()).getAsInteger(10, number))
      return createStringError("tensor '" + tensor.name() + "' expects external data's " + entry.key() +
                               " to be a number, got '" + entry.value() + "'");
    if (entry.key() == "offset")
      range.offset = number;
    else
      range.length = number;
  }
  if (range.location.empty())
    return createStringError("tensor '" + tensor.name() + "' expects external data to have a location");
  return range;
}
} // namespace

Expected<TensorBytes> ModelFile::externalBytes(const onnx::TensorProto &tensor, uint64_t sizeBytes) {
  auto range = parseExternal(tensor);
  if (!range)
    return range.takeError();
  auto file = externalFile(range->location);
  if (!file)
    return createStringError("tensor '" + tensor.name() + "': " + toString(file.takeError()));
  uint64_t available = (*file)->bytes().size();
  if (range->length && *range->length != sizeBytes)
    return createStringError("tensor '" + tensor.name() + "' expects " + Twine(sizeBytes) +
                             " bytes of external data, got " + Twine(*range->length));
  if (range->offset > available || sizeBytes > available - range->offset)
    return createStringError("tensor '" + tensor.name() + "' expects '" + range->location + "' to hold " +
                             Twine(sizeBytes) + " bytes from byte " + Twine(range->offset) + ", got a file of " +
                             Twine(available) + " bytes");
  return TensorBytes{(*file)->bytes().slice(range->offset, sizeBytes), *file};
}

Expected<std::shared_ptr<const MappedFile>> ModelFile::externalFile(StringRef location) {
  auto &known = externals[location];
  if (known)
    return known;
  if (!hasFolder)
    return createStringError("external data '" + location + "' needs a model read from a file");
  bool climbs = std::find(sys::path::begin(location), sys::path::end(location), "..") != sys::path::end(location);
  if (sys::path::is_absolute(location) || climbs || location.contains('\0'))
    return createStringError("expects external data inside the model's folder, got '" + location + "'");
  SmallString<256> path(folder), real, realFolder;
  sys::path::append(path, location);
  // Links are followed first, so that none leads out of the folder.
  if (sys::fs::real_path(folder, realFolder) || sys::fs::real_path(path, real))
    return createStringError("external data '" + location + "' is missing");
  StringRef inside = real;
  if (!inside.consume_front(realFolder) || !(inside.starts_with("/") || realFolder == "/"))
    return createStringError("expects external data inside the model's folder, got '" + location + "'");
  auto file = MappedFile::open(real);
  if (!file)
    return file.takeError();
  return known = *file;
}

} // namespace lathe::importer
