// Names of dimensions that are expressions. ONNX gives dim_param no grammar, but torch's exporters write sums and products of
// other names there, such as "past_sequence_length + sequence_length"; taken as a name of its own, the relation would be lost.
#pragma once

#include "mlir/IR/AffineExpr.h"
#include "llvm/ADT/StringMap.h"

namespace lathe::importer {

/// A letter or underscore, then letters, digits, underscores and dots.
bool isPlainDimName(llvm::StringRef name);
/// Has an operator: + - * //.
bool looksLikeDimExpression(llvm::StringRef name);
/// The value that `text` spells in integers, + - * // ( ) and names of `dims`. Null where it is not such an expression or
/// uses an unknown name: then it is a name like any other.
mlir::AffineExpr parseDimExpression(llvm::StringRef text, const llvm::StringMap<mlir::AffineExpr> &dims,
                                    mlir::MLIRContext *context);

} // namespace lathe::importer
