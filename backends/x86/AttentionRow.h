// One query at a time, as when a language model makes one token: see AttentionKernel.cpp.
#pragma once

#include "backends/x86/AttentionOperands.h"

namespace lathe::x86 {

/// Queries one by one, with the depth and the value columns along the vector lanes; both are whole vectors.
class AttentionRow {
public:
  /// `scratch` has room for scratchFloats.
  AttentionRow(const AttentionOperands &operands, int64_t lanes, mlir::Value scratch)
      : o(operands), s(operands.s), lanes(lanes), scores(scratch) {}
  static mlir::AffineExpr scratchFloats(nn::AttentionOp op, int64_t lanes);
  /// True if depth and value columns are known and whole vectors.
  static bool accepts(nn::AttentionOp op, int64_t lanes);

  void compute(const AttentionHead &head, mlir::Value query);

private:
  void scoreKeys(mlir::Value query, const AttentionRows &keys);
  void capScores();
  void addMask(const AttentionHead &head, mlir::Value query);
  mlir::Value softmax();
  void weighValues(const AttentionRows &values, mlir::Value out, mlir::Value sumOfWeights);
  mlir::VectorType vectorType() { return mlir::VectorType::get({lanes}, s.b.getF32Type()); }
  mlir::Value loadVector(mlir::Value base, mlir::Value offset);

  AttentionOperands o;
  EmitContext &s;
  int64_t lanes;
  mlir::Value scores;
};

} // namespace lathe::x86
