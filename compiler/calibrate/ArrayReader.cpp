#include "compiler/calibrate/ArrayReader.h"
#include "mlir/IR/Builders.h"

using namespace mlir;
using llvm::createStringError;
using llvm::Error;
using llvm::Expected;
using llvm::is_contained;
using llvm::MutableArrayRef;

namespace lathe::samples {
namespace {

/// An array in Fortran order has its samples interleaved: it is held as a whole, which is right for small ones only.
constexpr size_t kMaxFortranBytes = size_t(1) << 30;

Type elementTypeOf(const npy::Header &header, MLIRContext *context) {
  Builder builder(context);
  unsigned bits = header.elementBytes * 8;
  switch (header.kind) {
  case 'f':
    return bits == 16 ? builder.getF16Type() : bits == 32 ? Type(builder.getF32Type()) : builder.getF64Type();
  case 'V':
    return builder.getBF16Type();
  case 'b':
    return builder.getI1Type();
  default:
    return IntegerType::get(context, bits, header.kind == 'u' ? IntegerType::Unsigned : IntegerType::Signless);
  }
}

Expected<npy::Header> readHeader(Bytes &bytes) {
  std::vector<char> start(std::min<uint64_t>(bytes.size(), npy::kMaxHeaderBytes));
  if (Error error = bytes.read(0, start))
    return error;
  auto found = npy::readHeader({start.data(), start.size()});
  if (auto *message = std::get_if<std::string>(&found))
    return createStringError(*message);
  auto &header = std::get<npy::Header>(found);
  uint64_t expected = header.dataBytes, got = bytes.size() - header.dataOffset;
  if (got < expected)
    return createStringError("truncated: expects " + Twine(expected) + " bytes of data, got " + Twine(got));
  return std::move(header);
}

} // namespace

Expected<ArrayReader> ArrayReader::open(std::unique_ptr<Bytes> bytes, const InputSpec &input) {
  auto header = readHeader(*bytes);
  if (!header)
    return header.takeError();
  ArrayReader reader;
  reader.bytes = std::move(bytes);
  reader.header = std::move(*header);
  reader.elementType = elementTypeOf(reader.header, input.type.getContext());
  if (Error error = checkType(reader.elementType, input))
    return error;
  if (Error error = reader.cut(input))
    return error;
  if (reader.header.isFortranOrder && reader.header.dataBytes > kMaxFortranBytes)
    return createStringError("expects an array of at most 1 GiB in Fortran order, got " +
                             Twine(reader.header.dataBytes) + " bytes; save it with numpy.ascontiguousarray");
  return reader;
}

/// Finds the number and the shape of the samples.
Error ArrayReader::cut(const InputSpec &input) {
  ArrayRef<int64_t> all = header.shape;
  int64_t rank = input.type.getRank();
  if (int64_t(all.size()) != rank && int64_t(all.size()) != rank + 1)
    return createStringError("expects an array of rank " + Twine(rank) + " or " + Twine(rank + 1) + ", got shape " +
                             shapeText(all));
  if (is_contained(all, 0))
    return createStringError("expects an array that is not empty, got shape " + shapeText(all));
  shape.assign(all.begin(), all.end());
  if (int64_t(all.size()) > rank) {
    sampleCount = all[0];
    shape.erase(shape.begin());
    return checkShape(shape, input);
  }
  sampleCount = 1;
  if (rank == 0)
    return Error::success();
  int64_t rows = input.type.isDynamicDim(0) ? 1 : input.type.getDimSize(0);
  if (rows < 1 || all[0] % rows != 0)
    return createStringError("expects a multiple of " + Twine(rows) + " rows, got shape " + shapeText(all));
  sampleCount = all[0] / rows;
  shape[0] = rows;
  return checkShape(shape, input);
}

Error ArrayReader::readRaw(uint64_t offset, MutableArrayRef<char> out) {
  if (!header.isFortranOrder)
    return bytes->read(header.dataOffset + offset, out);
  if (rowMajor.empty()) {
    std::vector<char> all(header.dataBytes);
    if (Error error = bytes->read(header.dataOffset, all))
      return error;
    rowMajor.resize(all.size());
    npy::toRowMajor(all.data(), rowMajor.data(), header.shape, header.elementBytes);
  }
  std::copy_n(rowMajor.begin() + int64_t(offset), out.size(), out.begin());
  return Error::success();
}

Expected<reference::Tensor> ArrayReader::load(int64_t index, const InputSpec &input) {
  reference::Tensor raw = reference::Tensor::allocate(RankedTensorType::get(shape, elementType));
  size_t size = size_t(raw.sizeBytes());
  if (Error error = readRaw(uint64_t(index) * size, {raw.mutableData<char>(), size}))
    return error;
  if (header.isBigEndian)
    npy::swapBytes(raw.mutableData<char>(), size, header.elementBytes);
  return fitValues(std::move(raw), input);
}

} // namespace lathe::samples
