#include "compiler/import/Tensors.h"
#include "compiler/import/NarrowTypes.h"
#include "dialects/support/MappedMemory.h"
#include "mlir/IR/AsmState.h"
#include "mlir/IR/DialectResourceBlobManager.h"

using namespace mlir;

namespace lathe::importer {

namespace {
using T = onnx::TensorProto;

struct TypePair {
  int32_t onnx;
  unsigned width;
  enum { isSigned, isUnsigned, isFloat } kind;
};
// Those that bytes stand for come after the bytes themselves: see NarrowTypes.h.
constexpr TypePair kTypes[] = {{T::BOOL, 1, TypePair::isSigned},
                               {T::INT8, 8, TypePair::isSigned},
                               {T::INT16, 16, TypePair::isSigned},
                               {T::INT32, 32, TypePair::isSigned},
                               {T::INT64, 64, TypePair::isSigned},
                               {T::UINT8, 8, TypePair::isUnsigned},
                               {T::UINT16, 16, TypePair::isUnsigned},
                               {T::UINT32, 32, TypePair::isUnsigned},
                               {T::UINT64, 64, TypePair::isUnsigned},
                               {T::INT4, 8, TypePair::isSigned},
                               {T::INT2, 8, TypePair::isSigned},
                               {T::UINT4, 8, TypePair::isUnsigned},
                               {T::UINT2, 8, TypePair::isUnsigned},
                               {T::FLOAT8E4M3FN, 8, TypePair::isUnsigned},
                               {T::FLOAT8E4M3FNUZ, 8, TypePair::isUnsigned},
                               {T::FLOAT8E5M2, 8, TypePair::isUnsigned},
                               {T::FLOAT8E5M2FNUZ, 8, TypePair::isUnsigned},
                               {T::FLOAT4E2M1, 8, TypePair::isUnsigned},
                               {T::FLOAT, 32, TypePair::isFloat},
                               {T::DOUBLE, 64, TypePair::isFloat},
                               {T::FLOAT16, 16, TypePair::isFloat}};
} // namespace

Type convertElementType(int32_t onnxType, MLIRContext *context) {
  if (onnxType == T::BFLOAT16)
    return BFloat16Type::get(context);
  for (const TypePair &pair : kTypes) {
    if (pair.onnx != onnxType)
      continue;
    if (pair.kind != TypePair::isFloat)
      return IntegerType::get(context, pair.width,
                              pair.kind == TypePair::isUnsigned ? IntegerType::Unsigned : IntegerType::Signless);
    return pair.width == 32   ? Type(Float32Type::get(context))
           : pair.width == 64 ? Type(Float64Type::get(context))
                              : Type(Float16Type::get(context));
  }
  return {};
}

int32_t onnxElementType(Type type) {
  if (type.isBF16())
    return T::BFLOAT16;
  for (const TypePair &pair : kTypes)
    if (convertElementType(pair.onnx, type.getContext()) == type)
      return pair.onnx;
  return T::UNDEFINED;
}

onnx::TypeProto toOnnxType(RankedTensorType type) {
  onnx::TypeProto result;
  result.mutable_tensor_type()->set_elem_type(onnxElementType(type.getElementType()));
  auto *shape = result.mutable_tensor_type()->mutable_shape();
  for (int64_t size : type.getShape()) {
    auto *dim = shape->add_dim();
    if (!ShapedType::isDynamic(size))
      dim->set_dim_value(size);
  }
  return result;
}

namespace {

constexpr size_t kMappedBytes = 1024; // smaller tensors become inline attributes

template <typename To, typename Field> bool copyField(const Field &from, reference::Tensor &to) {
  if (from.size() != to.size())
    return false;
  for (int64_t i = 0; i < to.size(); ++i)
    to.mutableData<To>()[i] = static_cast<To>(from.Get(int(i)));
  return true;
}

/// Elements in one of the typed fields; false if their number is not the tensor's.
bool copyTyped(const onnx::TensorProto &from, reference::Tensor &to) {
  switch (from.data_type()) {
  case T::FLOAT:
    return copyField<float>(from.float_data(), to);
  case T::DOUBLE:
    return copyField<double>(from.double_data(), to);
  case T::INT64:
    return copyField<int64_t>(from.int64_data(), to);
  case T::UINT64:
    return copyField<uint64_t>(from.uint64_data(), to);
  case T::UINT32:
    return copyField<uint32_t>(from.uint64_data(), to);
  case T::INT32:
    return copyField<int32_t>(from.int32_data(), to);
  case T::BOOL:
  case T::INT8:
  case T::UINT8:
  case T::FLOAT8E4M3FN:
  case T::FLOAT8E4M3FNUZ:
  case T::FLOAT8E5M2:
  case T::FLOAT8E5M2FNUZ:
    return copyField<uint8_t>(from.int32_data(), to);
  default: // 16 bits: integers as they are, floats by their bits
    return copyField<uint16_t>(from.int32_data(), to);
  }
}

/// Bools other than 0 and 1 would be undefined behaviour later.
void normalizeBools(reference::Tensor &tensor) {
  if (tensor.elementType().isInteger(1))
    for (int64_t i = 0; i < tensor.size(); ++i)
      tensor.mutableData<uint8_t>()[i] = tensor.mutableData<uint8_t>()[i] != 0;
}

ElementsAttr mappedAttr(RankedTensorType type, TensorBytes found, StringRef name) {
  if (found.owner && found.owner->isMapping())
    keepMapped(type.getContext(), found.owner, found.owner->bytes());
  auto keep = [owner = found.owner](void *, size_t, size_t) mutable { owner.reset(); };
  AsmResourceBlob blob(found.bytes, /*dataAlignment=*/1, std::move(keep), /*dataIsMutable=*/false);
  return DenseResourceElementsAttr::get(type, name.empty() ? "weight" : name, std::move(blob));
}

llvm::Error unsupportedType(const onnx::TensorProto &tensor) {
  return llvm::createStringError("tensor '" + tensor.name() + "': element type " + typeName(tensor.data_type()) +
                                 " is not supported");
}

bool isPackedType(int32_t type) { return narrowBits(type) != 0 && narrowBits(type) < 8; }

/// The elements of `raw`, else of the bytes in int32_data.
llvm::Expected<reference::Tensor> unpacked(const onnx::TensorProto &from, ArrayRef<char> raw, reference::Tensor to) {
  std::vector<char> typed(from.int32_data().begin(), from.int32_data().end());
  ArrayRef<char> packed = raw.empty() ? ArrayRef(typed) : raw;
  if (packed.size() != storedBytes(from.data_type(), to.size()))
    return llvm::createStringError("tensor '" + from.name() + "' expects " +
                                   Twine(storedBytes(from.data_type(), to.size())) + " bytes of packed elements, got " +
                                   Twine(packed.size()));
  unpackNarrow(packed, from.data_type(), {to.mutableData<char>(), size_t(to.size())});
  return to;
}

/// A copy of the elements: of `raw`, else of the typed fields.
llvm::Expected<reference::Tensor> copyValues(const onnx::TensorProto &from, ArrayRef<char> raw, RankedTensorType type) {
  bool isTyped = raw.empty() && type.getNumElements() > 0, isPacked = isPackedType(from.data_type());
  if (isTyped && std::min(uint64_t(type.getNumElements()), storedBytes(from.data_type(), type.getNumElements())) >
                     from.ByteSizeLong())
    return llvm::createStringError("tensor '" + from.name() + "' has fewer elements than its dims say");
  reference::Tensor tensor = reference::Tensor::allocate(type);
  if (isPacked)
    return unpacked(from, raw, std::move(tensor));
  if (!isTyped)
    std::copy(raw.begin(), raw.end(), tensor.mutableData<char>());
  else if (!copyTyped(from, tensor))
    return llvm::createStringError("tensor '" + from.name() + "' expects " + Twine(type.getNumElements()) +
                                   " elements");
  normalizeBools(tensor);
  return tensor;
}

} // namespace

llvm::Expected<ElementsAttr> convertTensorProto(const onnx::TensorProto &from, ModelFile &file, MLIRContext *context) {
  Type element = convertElementType(from.data_type(), context);
  if (!element)
    return unsupportedType(from);
  auto found = file.bytesOf(from);
  if (!found)
    return found.takeError();
  auto type = RankedTensorType::get(ArrayRef(from.dims().data(), size_t(from.dims_size())), element);
  if (found->owner && found->bytes.size() > kMappedBytes && !element.isInteger(1) && !isPackedType(from.data_type()))
    return mappedAttr(type, std::move(*found), from.name());
  auto tensor = copyValues(from, found->bytes, type);
  if (!tensor)
    return tensor.takeError();
  return tensor->toAttribute();
}

llvm::Expected<reference::Tensor> readTensorProto(const onnx::TensorProto &from, MLIRContext *context) {
  Type element = convertElementType(from.data_type(), context);
  if (!element)
    return unsupportedType(from);
  if (from.data_location() == onnx::TensorProto::EXTERNAL)
    return llvm::createStringError("tensor '" + from.name() + "' has external data");
  ArrayRef<int64_t> dims(from.dims().data(), size_t(from.dims_size()));
  auto count = countElements(dims);
  if (!count)
    return llvm::createStringError("tensor '" + from.name() + "' " + toString(count.takeError()));
  ArrayRef<char> raw(from.raw_data().data(), from.raw_data().size());
  uint64_t size = storedBytes(from.data_type(), *count);
  if (from.has_raw_data() && raw.size() != size)
    return llvm::createStringError("tensor '" + from.name() + "' expects " + Twine(size) + " bytes of data, got " +
                                   Twine(raw.size()));
  return copyValues(from, raw, RankedTensorType::get(dims, element));
}

} // namespace lathe::importer
