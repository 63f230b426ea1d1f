// Whose value an operation computes, for comparing a compiled program with its model layer by layer (`lathe diff`).
//
// The discardable attribute `lathe.origin` of an operation says that its only result is a value of the canonical function: exactly, or
// quantized with a known scale, maybe with its axes in another order. --lathe-record-origins sets it; passes that put other
// operations in place of one hand it on where that still holds, else it is lost, and the layer is left out of the comparison.
// It never changes what is compiled.
#pragma once

#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/Operation.h"
#include "llvm/ADT/SmallVector.h"
#include <optional>
#include <string>

namespace lathe {

struct Origin {
  std::string node; // name of the ONNX node whose result it is, or of an input of the graph
  /// value = (result - zero) * scale, of 8-bit integers or of numbers. 0: the result is the value itself.
  double scale = 0;
  int64_t zero = 0;
  /// Axis i of the result is axis order[i] of the value; empty: the same order, maybe reshaped.
  llvm::SmallVector<int64_t> order;
  /// Not empty: value = (result - zero) * scale * factors[index of the value's `axis`].
  llvm::SmallVector<double> factors;
  int64_t axis = 0;
};

std::optional<Origin> originOf(mlir::Operation *op); // null: none
void setOrigin(mlir::Operation *op, const Origin &origin);
void removeOrigin(mlir::Operation *op);
/// `to` computes what `from` did; without an origin of `from` it has none, either.
void moveOrigin(mlir::Operation *from, mlir::Operation *to);
/// `origin` of what has axis order[i] as axis i; none if the ranks differ.
std::optional<Origin> permuted(Origin origin, llvm::ArrayRef<int64_t> order);
/// Axis i of the result has become axis order[i] of the result before.
void permuteOrigin(mlir::Operation *op, llvm::ArrayRef<int64_t> order);
/// The result is `factor` times the result before.
void scaleOrigin(mlir::Operation *op, double factor);
/// The result is the result before times one of the factors, by the index of `axis`.
void scaleOrigin(mlir::Operation *op, int64_t axis, llvm::ArrayRef<float> factors);

mlir::DictionaryAttr toAttribute(const Origin &origin, mlir::MLIRContext *context);
std::optional<Origin> toOrigin(mlir::DictionaryAttr attribute); // null: none

} // namespace lathe
