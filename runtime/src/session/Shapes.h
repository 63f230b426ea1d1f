//===- Shapes.h - the sizes of one run --------------------------*- C++ -*-===//
//
// Part of Lathe, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef LATHE_RUNTIME_SESSION_SHAPES_H
#define LATHE_RUNTIME_SESSION_SHAPES_H

#include "lathe/lathe.h"
#include "runtime/src/artifact/Artifact.h"
#include "runtime/src/artifact/Expr.h"

#include <span>
#include <vector>

namespace lathe::runtime {

/// Numbers that decide about all sizes: the inputs' dims, then the elements of
/// inputs that symbols are read from.
using ShapeKey = std::vector<int64_t>;

/// Checks count, dtype and rank of the inputs and reads their key, without
/// allocating once `outKey` is large enough. Throws Error.
void readInputs(const artifact::Program &program, std::span<const lathe_tensor_t> inputs, ShapeKey &outKey);

/// Checks presence, size and alignment of the data of inputs that readInputs
/// has checked. Throws Error.
void checkInputMemory(const artifact::Program &program, std::span<const lathe_tensor_t> inputs);

/// Values of all symbols and expressions, filled stage by stage, and the sizes
/// that follow from them, checked: buffers are inside the arena, inputs have
/// the shapes that the model was compiled for, constraints hold.
class Shapes {
public:
  explicit Shapes(const Artifact &artifact);

  /// Stage 0. Throws Error naming input, axis, expected and actual size.
  void bindInputs(std::span<const lathe_tensor_t> inputs);

  /// A later stage; late symbols are read from the buffers at `addresses`.
  void bindStage(uint32_t stage, std::span<void *const> addresses);

  /// Value of an expression whose stage is bound. Throws Error when it can't be
  /// computed or is outside [min, max].
  int64_t value(uint32_t expr, int64_t min, int64_t max) const;
  /// A size in bytes.
  uint64_t bytes(uint32_t expr) const { return static_cast<uint64_t>(value(expr, 0, maxBytes)); }

  /// None before its stage is bound, or when it can't be computed.
  Value find(uint32_t expr) const { return exprs[expr]; }
  /// Makes the shapes of outputs unknown again that later stages give.
  void forgetLateOutputs();

  uint64_t arenaBytes() const { return arena; }
  uint64_t bufferBytes(uint32_t buffer) const { return bufferSizes[buffer]; }
  uint64_t arenaOffset(uint32_t buffer) const { return arenaOffsets[buffer]; }
  /// -1 for sizes that aren't bound yet.
  const std::vector<int64_t> &outputShape(uint32_t output) const { return outputShapes[output]; }
  uint64_t outputBytes(uint32_t output) const { return outputSizes[output]; }

  /// Larger than the memory of any machine, and small enough to add up.
  static constexpr int64_t maxBytes = int64_t(1) << 47;

private:
  void evaluate(uint32_t stage, std::span<const lathe_tensor_t> inputs, std::span<void *const> addresses);
  Value readSymbol(const artifact::Symbol &symbol, std::span<const lathe_tensor_t> inputs,
                   std::span<void *const> addresses) const;
  int64_t readLate(const artifact::Symbol &symbol, std::span<void *const> addresses) const;
  void checkRange(const artifact::Symbol &symbol, Value value) const;
  void checkInputShapes(std::span<const lathe_tensor_t> inputs) const;
  void checkConstraints(const Stage &stage) const;
  std::string namedSizes() const;
  void bindOutputs(const Stage &stage);
  void bindBuffers(const Stage &stage, std::span<const lathe_tensor_t> inputs);
  void checkBuffer(uint32_t number, const artifact::Buffer &buffer, std::span<const lathe_tensor_t> inputs);

  const Artifact &artifact;
  const artifact::Program &program;
  std::vector<Value> symbols, exprs;
  uint64_t arena = 0;
  std::vector<uint64_t> bufferSizes, arenaOffsets, outputSizes;
  std::vector<std::vector<int64_t>> outputShapes;
};

} // namespace lathe::runtime

#endif // LATHE_RUNTIME_SESSION_SHAPES_H
