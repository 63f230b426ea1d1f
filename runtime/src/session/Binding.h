//===- Binding.h - a program at one shape -----------------------*- C++ -*-===//
//
// Part of Lathe, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef LATHE_RUNTIME_SESSION_BINDING_H
#define LATHE_RUNTIME_SESSION_BINDING_H

#include "runtime/src/executor/Executor.h"
#include "runtime/src/session/Shapes.h"

namespace lathe::runtime {

/// All tables of a program for one shape: made once, used by each run at that
/// shape. What depends on addresses and late symbols is filled in per run.
class Binding {
public:
  /// Throws Error when the inputs don't fit the model.
  Binding(const Artifact &artifact, std::span<const lathe_tensor_t> inputs, const ShapeKey &key, uint32_t threads);

  Shapes shapes;
  const ShapeKey key;
  /// Number of the last run that used it.
  uint64_t lastUse = 0;

  /// Per thread, of the calls bound so far.
  uint64_t scratchBytes() const { return scratch; }

  /// After Shapes::bindStage: numbers of the calls of the stage.
  void bindStage(uint32_t stage);
  /// Puts the addresses of buffers into the arguments of the stage's calls.
  void setAddresses(uint32_t stage, std::span<void *const> addresses);
  std::span<const BoundCall> calls(uint32_t stage) const;
  /// Bytes from the start of the buffer of an argument.
  uint64_t argOffset(uint32_t call, uint32_t arg) const { return argOffsets[firstArg[call] + arg]; }
  uint32_t threadsOf(uint32_t call) const { return boundCalls[call].threads; }

private:
  void bindCall(uint32_t number, int64_t *callDims, void **callArgs, uint64_t *offsets);
  void shareWork(std::span<BoundCall> group) const;
  void checkLibraryCall(uint32_t number, const LibraryCall &library, int64_t tasks, const uint64_t *offsets) const;
  double estimateNs(const artifact::Call &call) const;
  uint32_t chooseThreads(double ns, int64_t tasks) const;

  const Artifact &artifact;
  const uint32_t threads;
  uint64_t scratch = 0;
  std::vector<BoundCall> boundCalls;
  /// Of all calls, one after the other.
  std::vector<int64_t> dims;
  std::vector<void *> args;
  std::vector<uint32_t> argBuffers;
  std::vector<uint64_t> argOffsets;
  std::vector<std::span<const uint8_t>> weights; ///< those of a call first in its part
  /// Positions in them where a call begins, and the end.
  std::vector<uint32_t> firstDim, firstArg;
};

} // namespace lathe::runtime

#endif // LATHE_RUNTIME_SESSION_BINDING_H
