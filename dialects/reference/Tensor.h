// Values of the interpreter: dense row-major tensors in host memory.
#pragma once

#include "dialects/reference/Scalar.h"
#include "mlir/IR/BuiltinAttributes.h"
#include "llvm/ADT/ArrayRef.h"
#include "llvm/Support/Error.h"
#include <memory>

namespace lathe::reference {

/// A dense row-major tensor. The memory is either owned (shared between copies of the object) or borrowed
/// (the caller keeps it alive). Bools take one byte. Copies are cheap; contents are written only through
/// mutableData of a fresh tensor.
class Tensor {
public:
  Tensor() = default;
  /// Owned memory, not initialized, 64-byte aligned. `type` is static.
  static Tensor allocate(mlir::RankedTensorType type);
  /// Memory of the caller.
  static Tensor borrow(mlir::RankedTensorType type, const void *data);
  /// The values of an attribute: resource blobs and dense arrays are borrowed (they live as long as the
  /// context), splats and packed bools are expanded. Error: element type or storage is not supported.
  static llvm::Expected<Tensor> fromAttribute(mlir::ElementsAttr attribute);
  /// A rank-0 tensor.
  template <typename T> static Tensor scalar(mlir::Type elementType, T value);

  mlir::RankedTensorType type() const { return tensorType; }
  mlir::Type elementType() const { return tensorType.getElementType(); }
  llvm::ArrayRef<int64_t> shape() const { return tensorType.getShape(); }
  int64_t dim(int64_t axis) const { return tensorType.getDimSize(axis); }
  int64_t rank() const { return tensorType.getRank(); }
  int64_t size() const { return tensorType.getNumElements(); }
  int64_t elementBytes() const;
  int64_t sizeBytes() const { return size() * elementBytes(); }
  bool isOwned() const { return bool(owned); }

  template <typename T> const T *data() const { return static_cast<const T *>(static_cast<const void *>(bytes)); }
  template <typename T> T *mutableData() { return static_cast<T *>(static_cast<void *>(owned.get())); }
  llvm::ArrayRef<char> rawBytes() const { return {data<char>(), size_t(sizeBytes())}; }

  /// Same memory, other static shape with as many elements (and elements as large).
  Tensor withType(mlir::RankedTensorType type) const;
  /// Elements as integers (float types truncate).
  llvm::SmallVector<int64_t> integers() const;

  /// As an attribute: small tensors inline, large ones as a resource that shares this tensor's memory if it
  /// is owned.
  mlir::ElementsAttr toAttribute() const;

private:
  mlir::RankedTensorType tensorType;
  std::shared_ptr<std::byte> owned;
  const std::byte *bytes = nullptr;
};

template <typename T> Tensor Tensor::scalar(mlir::Type elementType, T value) {
  Tensor result = allocate(mlir::RankedTensorType::get({}, elementType));
  *result.mutableData<T>() = value;
  return result;
}

/// Distance in elements between neighbours along each axis of a row-major tensor.
llvm::SmallVector<int64_t> rowMajorStrides(llvm::ArrayRef<int64_t> shape);

} // namespace lathe::reference
