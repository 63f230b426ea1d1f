//===- Session.h - memory and threads to run an artifact --------*- C++ -*-===//
//
// Part of Lathe, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef LATHE_RUNTIME_SESSION_SESSION_H
#define LATHE_RUNTIME_SESSION_SESSION_H

#include "runtime/src/session/Binding.h"
#include "runtime/src/session/Memory.h"

#include <memory>

namespace lathe::runtime {

/// What a run at these inputs takes, without a session. Throws Error.
lathe_memory_needs_t memoryNeeds(const Artifact &artifact, std::span<const lathe_tensor_t> inputs);

/// Who is told of each call; none without a function.
struct Observer {
  lathe_observer_fn function = nullptr;
  void *context = nullptr;
};

/// Runs an artifact; used by one thread at a time. All functions throw Error.
class Session {
public:
  Session(std::shared_ptr<const Artifact> artifact, const lathe_session_options_t &options);

  void run(std::span<const lathe_tensor_t> inputs, std::span<lathe_tensor_t> outputs);
  void prepare(std::span<const lathe_tensor_t> inputs, std::span<lathe_tensor_t> outputs);

  const Artifact &artifact() const { return *model; }
  uint32_t threads() const { return executor.threads(); }

  void setProfile(bool enabled);
  /// Empty when profiling is off.
  std::span<const CallTime> callTimes() const { return times; }

  /// Records up to so many events; 0: none.
  void setTrace(size_t maxEvents) { events = Trace(executor.threads(), maxEvents); }
  const Trace &trace() const { return events; }

  void setObserver(Observer given) { observer = given; }

  /// Work of a call at the shape of the last run; 0 before.
  double lastValue(uint32_t expr) const;
  /// Threads that shared a call in the last run; 0 before.
  uint32_t lastThreads(uint32_t call) const;
  /// Names of the ONNX nodes of a call.
  std::span<const char *const> callNodes(uint32_t call) const { return nodes[call]; }

private:
  Binding &bind(std::span<const lathe_tensor_t> inputs);
  Binding *findBinding();
  void evictBinding();
  void takeMemory(Binding &binding);
  void takeScratch(const Binding &binding);
  void placeInputs(std::span<const lathe_tensor_t> inputs);
  void placeOutputs(const Binding &binding, uint32_t stage, std::span<lathe_tensor_t> outputs);
  void placeOutput(const Binding &binding, uint32_t output, lathe_tensor_t &tensor);
  void takeOutputs(const Binding &binding, uint32_t stage, std::span<lathe_tensor_t> outputs);
  void placeLate(const Binding &binding, uint32_t stage);
  void runStages(Binding &binding, std::span<lathe_tensor_t> outputs);
  void runStage(Binding &binding, uint32_t stage);
  void runCalls(std::span<const BoundCall> calls, uint32_t first);
  void observeCalls(const Binding &binding, uint32_t first, uint32_t end);
  void checkWeights();
  [[noreturn]] void reportFailure(const KernelFailure &failure, uint32_t first) const;

  std::shared_ptr<const Artifact> model;
  Allocator allocator;
  Executor executor;
  void *hostArena;
  size_t hostArenaBytes;

  std::vector<std::unique_ptr<Binding>> bindings;
  Binding *lastBinding = nullptr;
  ShapeKey key;
  uint64_t runCount = 0;

  Block arena;
  std::vector<Block> outputBlocks;  ///< per stage
  std::vector<Block> lateBlocks;    ///< per buffer
  std::vector<Block> scratchBlocks; ///< per thread
  std::vector<void *> scratch;
  std::vector<void *> addresses; ///< per buffer
  std::vector<uint32_t> inputBuffer, outputBuffer;

  std::vector<CallTime> times;
  Trace events;
  Observer observer;
  std::vector<lathe_call_value_t> observed; ///< of one call
  std::vector<std::vector<const char *>> nodes;
};

} // namespace lathe::runtime

#endif // LATHE_RUNTIME_SESSION_SESSION_H
