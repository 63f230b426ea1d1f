//===- Binding.cpp - a program at one shape -------------------------------===//
//
// Part of Lathe, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "runtime/src/session/Binding.h"

#include "runtime/src/support/Error.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace lathe::runtime {

using artifact::BufferKind;

static constexpr int64_t maxInt = std::numeric_limits<int64_t>::max();
/// Threads wait for a round by its number in 31 bits.
static constexpr int64_t maxRounds = std::numeric_limits<int32_t>::max();

Binding::Binding(const Artifact &artifact, std::span<const lathe_tensor_t> inputs, const ShapeKey &key,
                 uint32_t threads)
    : shapes(artifact), key(key), artifact(artifact), threads(threads) {
  const auto &calls = *artifact.program().calls();
  for (const artifact::Call *call : calls) {
    firstDim.push_back(static_cast<uint32_t>(dims.size()));
    firstArg.push_back(static_cast<uint32_t>(argBuffers.size()));
    dims.resize(dims.size() + (call->dims() ? call->dims()->size() : 0));
    if (call->args())
      argBuffers.insert(argBuffers.end(), call->args()->begin(), call->args()->end());
  }
  firstDim.push_back(static_cast<uint32_t>(dims.size()));
  firstArg.push_back(static_cast<uint32_t>(argBuffers.size()));
  args.resize(argBuffers.size());
  argOffsets.resize(argBuffers.size());
  weights.resize(argBuffers.size());
  boundCalls.resize(calls.size());
  shapes.bindInputs(inputs);
  bindStage(0);
}

/// Time of a call on one core, roughly; enough to decide about calls of a few
/// microseconds. 0 when nothing is known.
double Binding::estimateNs(const artifact::Call &call) const {
  constexpr double flopsPerNs = 16, bytesPerNs = 8;
  double flops = static_cast<double>(shapes.value(call.flops(), 0, maxInt));
  double bytes = static_cast<double>(shapes.value(call.bytes(), 0, maxInt));
  return std::max(flops / flopsPerNs, bytes / bytesPerNs);
}

/// As many as save more time than they cost.
uint32_t Binding::chooseThreads(double ns, int64_t tasks) const {
  constexpr double nsPerThread = 2000;
  uint32_t most = static_cast<uint32_t>(std::clamp<int64_t>(tasks, 1, threads));
  if (ns == 0 || ns >= nsPerThread * most)
    return most;
  return std::max(1u, static_cast<uint32_t>(ns / nsPerThread));
}

/// Tasks to take at once: a slice of a short call as a whole, a long call in
/// pieces that other threads can take over.
static int64_t chooseChunk(double ns, int64_t tasks, uint32_t threads) {
  constexpr double nsPerChunk = 100000, mostPieces = 8;
  double sliceNs = ns / threads;
  double pieces = ns == 0 ? 4 : std::clamp(sliceNs / nsPerChunk, 1.0, mostPieces);
  return std::max<int64_t>(1, static_cast<int64_t>(std::ceil(static_cast<double>(tasks) / threads / pieces)));
}

/// Makes calls a group, unless all of them together are too short for threads.
void Binding::shareWork(std::span<BoundCall> group) const {
  constexpr double nsToSplit =
      20000; // longer calls are split evenly, so that threads meet their part of a tensor again
  double sum = 0, shortSum = 0, done = 0;
  int64_t tasks = 0;
  auto isShort = [&](const BoundCall &call) { return call.ns > 0 && call.ns < nsToSplit; };
  for (const BoundCall &call : group) {
    sum += call.ns;
    shortSum += isShort(call) ? call.ns : 0;
    tasks += std::min<int64_t>(call.tasks, threads);
  }
  uint32_t groupThreads = chooseThreads(sum, tasks);
  for (BoundCall &call : group) {
    call.threads = groupThreads;
    call.joins = groupThreads > 1 && &call != &group.front();
    call.chunk = chooseChunk(call.ns, call.tasks, groupThreads);
    if (!isShort(call) || groupThreads == 1)
      continue;
    call.chunk = std::max<int64_t>(call.tasks, 1);
    call.shareBegin = static_cast<uint32_t>(done / shortSum * (BoundCall::wholeShare - 1));
    done += call.ns;
    call.shareEnd = static_cast<uint32_t>(done / shortSum * (BoundCall::wholeShare - 1)) + 1;
  }
}

void Binding::bindStage(uint32_t number) {
  const Stage &stage = artifact.schedule().stages[number];
  for (uint32_t i = stage.firstCall; i < stage.endCall; ++i)
    bindCall(i, dims.data() + firstDim[i], args.data() + firstArg[i], argOffsets.data() + firstArg[i]);
  auto doJoin = [&](uint32_t call) {
    return artifact.program().calls()->Get(call)->joins() && boundCalls[call].rounds == 1 &&
           boundCalls[call - 1].rounds == 1;
  };
  for (uint32_t i = stage.firstCall, end; i < stage.endCall; i = end) {
    for (end = i + 1; end < stage.endCall && doJoin(end);)
      ++end;
    if (end > i + 1)
      shareWork(std::span(boundCalls).subspan(i, end - i));
  }
  for (uint32_t i = stage.firstCall; i < stage.endCall; ++i)
    boundCalls[i].isAwaited = boundCalls[i].threads > 1 || (i + 1 < stage.endCall && boundCalls[i + 1].threads > 1);
}

/// Sizes that the library was told must be those of the buffers.
void Binding::checkLibraryCall(uint32_t number, const LibraryCall &library, int64_t tasks,
                               const uint64_t *offsets) const {
  const artifact::Call &call = *artifact.program().calls()->Get(number);
  const artifact::LibraryKernel &kernel = *artifact.program().kernels()->Get(call.kernel())->library();
  if (tasks != library.tasks())
    fail(LATHE_BAD_ARTIFACT, "damaged manifest: expects {} tasks of call {}, got {}", library.tasks(), number, tasks);
  for (LibraryTensor tensor : libraryTensors(kernel, call.args()->size())) {
    uint64_t offset = call.arg_offsets() ? offsets[tensor.arg] : 0;
    if (shapes.bufferBytes(call.args()->Get(tensor.arg)) - offset < tensor.bytes)
      fail(LATHE_BAD_ARTIFACT, "damaged manifest: an argument of call {} is smaller than its kernel's sizes", number);
  }
}

void Binding::bindCall(uint32_t number, int64_t *callDims, void **callArgs, uint64_t *offsets) {
  const artifact::Call &call = *artifact.program().calls()->Get(number);
  for (uint32_t i = 0; call.dims() && i < call.dims()->size(); ++i)
    callDims[i] = shapes.value(call.dims()->Get(i), std::numeric_limits<int64_t>::min(), maxInt);
  for (uint32_t i = 0; call.arg_offsets() && i < call.arg_offsets()->size(); ++i) {
    offsets[i] = shapes.bytes(call.arg_offsets()->Get(i));
    if (offsets[i] > shapes.bufferBytes(call.args()->Get(i)))
      fail(LATHE_BAD_ARTIFACT, "damaged manifest: an argument of call {} is outside its buffer", number);
  }
  scratch = std::max(scratch, shapes.bytes(call.scratch_bytes()));
  size_t weightsCount = 0;
  for (uint32_t i = firstArg[number]; i < firstArg[number + 1]; ++i)
    if (const auto *buffer = artifact.program().buffers()->Get(argBuffers[i]); buffer->kind() == BufferKind::Weights)
      weights[firstArg[number] + weightsCount++] = {artifact.weights(*buffer), shapes.bufferBytes(argBuffers[i])};
  const LibraryCall *library = artifact.libraryCall(number);
  if (library)
    scratch = std::max(scratch, library->scratchBytes());
  int64_t tasks = shapes.value(call.tasks(), 0, Shapes::maxBytes);
  int64_t rounds = call.rounds() ? shapes.value(*call.rounds(), 0, maxRounds) : 1;
  if (tasks > 0 && rounds > maxInt / tasks)
    fail(LATHE_SHAPE_MISMATCH, "sizes overflow for these input shapes");
  if (tasks == 0 || rounds == 0) { // threads that wait for the call see its only round end
    tasks = 0;
    rounds = 1;
  }
  if (library)
    checkLibraryCall(number, *library, tasks, offsets);
  double ns = estimateNs(call) / static_cast<double>(rounds);
  uint32_t callThreads = chooseThreads(ns, tasks);
  boundCalls[number] = {artifact.kernel(call.kernel()),
                        callArgs,
                        callDims,
                        tasks,
                        chooseChunk(ns, tasks, callThreads),
                        callThreads,
                        false,
                        static_cast<uint32_t>(rounds),
                        library,
                        false,
                        0,
                        BoundCall::wholeShare,
                        ns,
                        std::span(weights).subspan(firstArg[number], weightsCount)};
}

void Binding::setAddresses(uint32_t number, std::span<void *const> addresses) {
  const Stage &stage = artifact.schedule().stages[number];
  for (uint32_t i = firstArg[stage.firstCall], end = firstArg[stage.endCall]; i < end; ++i)
    args[i] = static_cast<char *>(addresses[argBuffers[i]]) + argOffsets[i];
}

std::span<const BoundCall> Binding::calls(uint32_t number) const {
  const Stage &stage = artifact.schedule().stages[number];
  return std::span(boundCalls).subspan(stage.firstCall, stage.endCall - stage.firstCall);
}

} // namespace lathe::runtime
