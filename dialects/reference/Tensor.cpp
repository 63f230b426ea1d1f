#include "dialects/reference/Tensor.h"
#include "dialects/support/Symbols.h"
#include "mlir/IR/DialectResourceBlobManager.h"
#include <cstdlib>
#include <cstring>

using namespace mlir;

namespace lathe::reference {

namespace {

constexpr int64_t kAlignment = 64;
/// Up to this size a tensor becomes a uniqued attribute, which is compared and printed by value.
constexpr int64_t kInlineBytes = 1024;

std::shared_ptr<std::byte> allocateBytes(int64_t sizeBytes) {
  size_t rounded = size_t(std::max<int64_t>(sizeBytes, 1) + kAlignment - 1) / kAlignment * kAlignment;
  auto *memory = static_cast<std::byte *>(std::aligned_alloc(kAlignment, rounded));
  if (!memory)
    llvm::report_bad_alloc_error("interpreter tensor");
  return {memory, [](std::byte *pointer) { std::free(pointer); }};
}

llvm::Error unsupported(ElementsAttr attribute) {
  std::string text;
  llvm::raw_string_ostream(text) << "expects a dense tensor of numbers, got " << attribute.getShapedType();
  return llvm::createStringError(text);
}

/// Copies one element to all places.
void expandSplat(const char *element, Tensor &out) {
  dispatchSize(out.elementBytes(), [&](auto tag) {
    std::memcpy(&tag, element, sizeof(tag));
    std::fill_n(out.mutableData<decltype(tag)>(), out.size(), tag);
  });
}

/// Borrows the data where elements are aligned, else copies it: a model file may hold weights anywhere.
Tensor alignedView(RankedTensorType type, const char *data) {
  if (reinterpret_cast<uintptr_t>(data) % size_t(elementSizeBytes(type.getElementType())) == 0)
    return Tensor::borrow(type, data);
  Tensor result = Tensor::allocate(type);
  std::memcpy(result.mutableData<char>(), data, size_t(result.sizeBytes()));
  return result;
}

} // namespace

bool isSupported(Type type) {
  if (isa<FloatType>(type))
    return type.isF16() || type.isBF16() || type.isF32() || type.isF64();
  auto integer = dyn_cast<IntegerType>(type);
  return integer && (integer.isSignlessInteger(1) ||
                     (!integer.isSigned() && llvm::is_contained({8u, 16u, 32u, 64u}, integer.getWidth())));
}

SmallVector<int64_t> rowMajorStrides(ArrayRef<int64_t> shape) {
  SmallVector<int64_t> strides(shape.size(), 1);
  for (int64_t axis = int64_t(shape.size()) - 2; axis >= 0; --axis)
    strides[axis] = strides[axis + 1] * shape[axis + 1];
  return strides;
}

int64_t Tensor::elementBytes() const { return elementSizeBytes(elementType()); }

Tensor Tensor::allocate(RankedTensorType type) {
  Tensor result;
  result.tensorType = type;
  result.owned = allocateBytes(type.getNumElements() * elementSizeBytes(type.getElementType()));
  result.bytes = result.owned.get();
  return result;
}

Tensor Tensor::borrow(RankedTensorType type, const void *data) {
  Tensor result;
  result.tensorType = type;
  result.bytes = static_cast<const std::byte *>(data);
  return result;
}

llvm::Expected<Tensor> Tensor::fromAttribute(ElementsAttr attribute) {
  auto type = dyn_cast<RankedTensorType>(attribute.getShapedType());
  if (!type || !isSupported(type.getElementType()))
    return unsupported(attribute);
  if (auto resource = dyn_cast<DenseResourceElementsAttr>(attribute)) {
    AsmResourceBlob *blob = resource.getRawHandle().getBlob();
    int64_t expected = type.getNumElements() * elementSizeBytes(type.getElementType());
    if (!blob || int64_t(blob->getData().size()) < expected)
      return llvm::createStringError("expects a resource of " + std::to_string(expected) + " bytes");
    return alignedView(type, blob->getData().data());
  }
  auto dense = dyn_cast<DenseIntOrFPElementsAttr>(attribute);
  if (!dense)
    return unsupported(attribute);
  if (!dense.isSplat() && !type.getElementType().isInteger(1))
    return borrow(type, dense.getRawData().data());
  Tensor result = allocate(type);
  if (type.getElementType().isInteger(1))
    llvm::copy(dense.getValues<bool>(), result.mutableData<bool>());
  else
    expandSplat(dense.getRawData().data(), result);
  return result;
}

Tensor Tensor::withType(RankedTensorType type) const {
  Tensor result = *this;
  result.tensorType = type;
  return result;
}

SmallVector<int64_t> Tensor::integers() const {
  return dispatch(elementType(), [&](auto tag) {
    SmallVector<int64_t> values;
    for (int64_t i = 0; i < size(); ++i)
      values.push_back(convert<int64_t>(data<decltype(tag)>()[i]));
    return values;
  });
}

ElementsAttr Tensor::toAttribute() const {
  if (elementType().isInteger(1) && sizeBytes() <= kInlineBytes)
    return DenseElementsAttr::get(tensorType, ArrayRef(data<bool>(), size_t(size())));
  if (sizeBytes() <= kInlineBytes)
    return DenseElementsAttr::getFromRawBuffer(tensorType, rawBytes());
  Tensor held = *this;
  if (!held.owned) {
    held = allocate(tensorType);
    std::memcpy(held.owned.get(), bytes, size_t(sizeBytes()));
  }
  AsmResourceBlob blob(
      held.rawBytes(), kAlignment, [memory = held.owned](void *, size_t, size_t) {}, /*dataIsMutable=*/false);
  return DenseResourceElementsAttr::get(tensorType, "folded", std::move(blob));
}

} // namespace lathe::reference
