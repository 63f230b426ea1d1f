//===- Session.cpp - memory and threads to run an artifact ----------------===//
//
// Part of Lathe, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "runtime/src/session/Session.h"

#include "runtime/src/support/DType.h"
#include "runtime/src/support/Error.h"

#include <algorithm>

namespace lathe::runtime {

using artifact::BufferKind;

/// Shapes whose tables a session keeps; the one used longest ago goes first.
static constexpr size_t maxBindings = 32;

lathe_memory_needs_t memoryNeeds(const Artifact &artifact, std::span<const lathe_tensor_t> inputs) {
  ShapeKey key;
  readInputs(artifact.program(), inputs, key);
  Binding binding(artifact, inputs, key, 1);
  lathe_memory_needs_t needs = LATHE_MEMORY_NEEDS_INIT;
  needs.arena_bytes = binding.shapes.arenaBytes();
  needs.scratch_bytes = binding.scratchBytes();
  for (uint32_t i = 0; i < artifact.program().outputs()->size(); ++i)
    needs.output_bytes += binding.shapes.outputBytes(i);
  needs.weights_bytes = artifact.weightsBytes();
  needs.is_exact = artifact.schedule().stages.size() == 1;
  return needs;
}

static std::vector<const char *> listNodes(const artifact::Call &call) {
  std::vector<const char *> names;
  if (call.nodes())
    for (const flatbuffers::String *name : *call.nodes())
      names.push_back(name->c_str());
  return names;
}

Session::Session(std::shared_ptr<const Artifact> given, const lathe_session_options_t &options)
    : model(std::move(given)), allocator(options), executor(options, model->program().calls()->size()),
      hostArena(options.arena), hostArenaBytes(options.arena_bytes), events(executor.threads(), 0) {
  const artifact::Program &program = model->program();
  outputBlocks.resize(model->schedule().stages.size());
  lateBlocks.resize(program.buffers()->size());
  scratchBlocks.resize(executor.threads());
  scratch.resize(executor.threads());
  addresses.resize(program.buffers()->size());
  inputBuffer.resize(program.inputs()->size());
  outputBuffer.resize(program.outputs()->size());
  for (uint32_t i = 0; i < program.buffers()->size(); ++i) {
    const artifact::Buffer &buffer = *program.buffers()->Get(i);
    if (buffer.kind() == BufferKind::Input)
      inputBuffer[buffer.index()] = i;
    if (buffer.kind() == BufferKind::Output)
      outputBuffer[buffer.index()] = i;
    if (buffer.kind() == BufferKind::Weights)
      addresses[i] = const_cast<uint8_t *>(model->weights(buffer));
  }
  for (const artifact::Call *call : *program.calls())
    nodes.push_back(listNodes(*call));
  setProfile(options.profile != 0);
}

void Session::setProfile(bool enabled) { times.assign(enabled ? model->program().calls()->size() : 0, CallTime()); }

double Session::lastValue(uint32_t expr) const {
  return lastBinding ? static_cast<double>(lastBinding->shapes.find(expr).value_or(0)) : 0;
}

uint32_t Session::lastThreads(uint32_t call) const { return lastBinding ? lastBinding->threadsOf(call) : 0; }

//===----------------------------------------------------------------------===//
// Shapes
//===----------------------------------------------------------------------===//

Binding *Session::findBinding() {
  if (lastBinding && lastBinding->key == key)
    return lastBinding;
  for (auto &binding : bindings)
    if (binding->key == key)
      return binding.get();
  return nullptr;
}

void Session::evictBinding() {
  auto oldest = std::min_element(bindings.begin(), bindings.end(),
                                 [](const auto &a, const auto &b) { return a->lastUse < b->lastUse; });
  if (oldest->get() == lastBinding)
    lastBinding = nullptr;
  bindings.erase(oldest);
}

Binding &Session::bind(std::span<const lathe_tensor_t> inputs) {
  readInputs(model->program(), inputs, key);
  Binding *binding = findBinding();
  if (!binding) {
    auto made = std::make_unique<Binding>(*model, inputs, key, executor.threads());
    if (bindings.size() == maxBindings)
      evictBinding();
    binding = bindings.emplace_back(std::move(made)).get();
  }
  binding->lastUse = ++runCount;
  lastBinding = binding;
  return *binding;
}

//===----------------------------------------------------------------------===//
// Memory
//===----------------------------------------------------------------------===//

void Session::takeMemory(Binding &binding) {
  uint64_t size = binding.shapes.arenaBytes();
  if (hostArena && size > hostArenaBytes)
    fail(LATHE_OUT_OF_MEMORY, "expects an arena of {} bytes, got {}", size, hostArenaBytes);
  char *base = static_cast<char *>(hostArena ? hostArena : arena.ensure(allocator, size, "the arena"));
  const auto &buffers = *model->program().buffers();
  for (uint32_t i = 0; i < buffers.size(); ++i)
    if (buffers.Get(i)->kind() == BufferKind::Arena)
      addresses[i] = base + binding.shapes.arenaOffset(i);
  takeScratch(binding);
}

void Session::takeScratch(const Binding &binding) {
  for (size_t i = 0; i < scratch.size(); ++i)
    scratch[i] = scratchBlocks[i].ensure(allocator, binding.scratchBytes(), "scratch memory");
}

void Session::placeInputs(std::span<const lathe_tensor_t> inputs) {
  checkInputMemory(model->program(), inputs);
  for (size_t i = 0; i < inputs.size(); ++i)
    addresses[inputBuffer[i]] = inputs[i].data;
}

void Session::placeOutput(const Binding &binding, uint32_t number, lathe_tensor_t &tensor) {
  const artifact::TensorInfo &info = *model->program().outputs()->Get(number);
  uint64_t size = binding.shapes.outputBytes(number);
  const DTypeFacts &dtype = *findDType(static_cast<int32_t>(info.dtype()));
  if (tensor.size_bytes < size)
    fail(LATHE_INVALID_ARGUMENT, "output '{}' expects room for {} bytes, got {}", info.name()->c_str(), size,
         tensor.size_bytes);
  else if (reinterpret_cast<uintptr_t>(tensor.data) % static_cast<uintptr_t>(dtype.bytes) != 0)
    fail(LATHE_INVALID_ARGUMENT, "output '{}' expects data aligned to {} bytes", info.name()->c_str(), dtype.bytes);
  tensor.size_bytes = size;
  tensor.shape = binding.shapes.outputShape(number).data();
  tensor.rank = static_cast<uint32_t>(binding.shapes.outputShape(number).size());
  tensor.dtype = static_cast<int32_t>(info.dtype());
  addresses[outputBuffer[number]] = tensor.data;
}

/// Outputs that the caller has no memory for get parts of one block: a large
/// one is in huge pages, where many small ones would fault page by page.
void Session::takeOutputs(const Binding &binding, uint32_t stage, std::span<lathe_tensor_t> outputs) {
  constexpr uint64_t alignment = LATHE_BUFFER_ALIGNMENT;
  uint64_t sum = 0;
  auto takePart = [&](uint32_t number) { // an empty tensor has an address, too
    uint64_t begin = sum, size = std::max<uint64_t>(binding.shapes.outputBytes(number), 1);
    if (__builtin_add_overflow(sum, (size + alignment - 1) / alignment * alignment, &sum))
      fail(LATHE_OUT_OF_MEMORY, "can't allocate more than 2^64 bytes for outputs");
    return begin;
  };
  const std::vector<uint32_t> &numbers = model->schedule().stages[stage].outputs;
  for (uint32_t number : numbers)
    if (!outputs[number].data)
      takePart(number);
  char *block = sum ? static_cast<char *>(outputBlocks[stage].ensure(allocator, sum, "outputs")) : nullptr;
  sum = 0;
  for (uint32_t number : numbers)
    if (!outputs[number].data) {
      outputs[number].data = block + takePart(number);
      outputs[number].size_bytes = binding.shapes.outputBytes(number);
    }
}

void Session::placeOutputs(const Binding &binding, uint32_t stage, std::span<lathe_tensor_t> outputs) {
  takeOutputs(binding, stage, outputs);
  for (uint32_t number : model->schedule().stages[stage].outputs)
    placeOutput(binding, number, outputs[number]);
}

void Session::placeLate(const Binding &binding, uint32_t stage) {
  const auto &buffers = *model->program().buffers();
  for (uint32_t number : model->schedule().stages[stage].buffers)
    if (buffers.Get(number)->kind() == BufferKind::Late)
      addresses[number] =
          lateBlocks[number].ensure(allocator, binding.shapes.bufferBytes(number), "an intermediate tensor");
}

//===----------------------------------------------------------------------===//
// Runs
//===----------------------------------------------------------------------===//

static bool overlap(const lathe_tensor_t &a, const lathe_tensor_t &b) {
  const char *first = static_cast<const char *>(a.data), *second = static_cast<const char *>(b.data);
  return first && second && first < second + b.size_bytes && second < first + a.size_bytes;
}

/// Kernels write outputs before they have read all inputs.
static void checkApart(std::span<const lathe_tensor_t> inputs, std::span<const lathe_tensor_t> outputs) {
  for (size_t i = 0; i < outputs.size(); ++i) {
    auto check = [&](const lathe_tensor_t &other) {
      if (overlap(outputs[i], other))
        fail(LATHE_INVALID_ARGUMENT, "output {} overlaps another tensor", i);
    };
    if (!outputs[i].data)
      continue;
    std::for_each(inputs.begin(), inputs.end(), check);
    std::for_each(outputs.begin(), outputs.begin() + static_cast<ptrdiff_t>(i), check);
  }
}

static void checkOutputCount(const artifact::Program &program, size_t count) {
  if (count != program.outputs()->size())
    fail(LATHE_INVALID_ARGUMENT, "expects {} outputs, got {}", program.outputs()->size(), count);
}

void Session::checkWeights() {
  model->checkWeights([this](size_t count, const std::function<void(size_t)> &task) {
    auto call = [](void *context, size_t i) { (*static_cast<const std::function<void(size_t)> *>(context))(i); };
    executor.parallelFor(count, call, const_cast<std::function<void(size_t)> *>(&task));
  });
}

void Session::run(std::span<const lathe_tensor_t> inputs, std::span<lathe_tensor_t> outputs) {
  checkOutputCount(model->program(), outputs.size());
  Binding &binding = bind(inputs);
  checkApart(inputs, outputs);
  takeMemory(binding);
  placeInputs(inputs);
  events.beginRun();
  if (model->weightsToCheck().isDone())
    return runStages(binding, outputs);
  try {
    runStages(binding, outputs);
  } catch (const Error &) {
    checkWeights(); // damaged ones are the better reason
    throw;
  }
  checkWeights();
}

void Session::runStages(Binding &binding, std::span<lathe_tensor_t> outputs) {
  for (uint32_t stage = 0; stage < model->schedule().stages.size(); ++stage) {
    if (stage > 0) {
      binding.shapes.bindStage(stage, addresses);
      binding.bindStage(stage);
      takeScratch(binding);
    }
    placeOutputs(binding, stage, outputs);
    placeLate(binding, stage);
    binding.setAddresses(stage, addresses);
    runStage(binding, stage);
  }
}

void Session::runStage(Binding &binding, uint32_t number) {
  std::span<const BoundCall> calls = binding.calls(number);
  uint32_t first = model->schedule().stages[number].firstCall;
  if (!observer.function)
    return runCalls(calls, first);
  for (size_t begin = 0, end; begin < calls.size(); begin = end) {
    for (end = begin + 1; end < calls.size() && calls[end].joins;)
      ++end;
    runCalls(calls.subspan(begin, end - begin), first + static_cast<uint32_t>(begin));
    observeCalls(binding, first + static_cast<uint32_t>(begin), first + static_cast<uint32_t>(end));
  }
}

/// Whole groups of calls, of which the first is number `first` of the program.
void Session::runCalls(std::span<const BoundCall> calls, uint32_t first) {
  Watch watch = {times, events.isOn() ? &events : nullptr, first};
  if (!times.empty())
    watch.times = watch.times.subspan(first, calls.size());
  WeightsCheck &check = model->weightsToCheck();
  if (auto failure = executor.run(calls, scratch, watch, check.isDone() ? nullptr : &check))
    reportFailure(*failure, first);
}

void Session::observeCalls(const Binding &binding, uint32_t first, uint32_t end) {
  for (uint32_t number = first; number < end; ++number) {
    const artifact::Call &call = *model->program().calls()->Get(number);
    observed.assign(call.args() ? call.args()->size() : 0, LATHE_CALL_VALUE_INIT);
    for (uint32_t i = 0; i < observed.size(); ++i) {
      uint64_t offset = binding.argOffset(number, i);
      observed[i].data = static_cast<char *>(addresses[call.args()->Get(i)]) + offset;
      observed[i].size_bytes = binding.shapes.bufferBytes(call.args()->Get(i)) - offset;
    }
    for (uint32_t i = 0; call.values() && i < call.values()->size(); ++i) {
      const artifact::CallValue &known = *call.values()->Get(i);
      lathe_call_value_t &value = observed[known.arg()];
      value.node = known.node()->c_str();
      value.dtype = static_cast<int32_t>(known.dtype());
      value.zero_point = known.zero_point();
      value.scale = known.scale();
      value.order = known.order() ? known.order()->data() : nullptr;
      value.rank = known.order() ? known.order()->size() : 0;
      value.axis = known.axis();
      value.factors = known.factors() ? known.factors()->data() : nullptr;
      value.factor_count = known.factors() ? known.factors()->size() : 0;
    }
    observer.function(observer.context, number, observed.data(), observed.size());
  }
}

void Session::reportFailure(const KernelFailure &failure, uint32_t first) const {
  uint32_t number = first + failure.call;
  const artifact::Call &call = *model->program().calls()->Get(number);
  std::string names;
  for (const char *name : nodes[number])
    names += fmt::format("{}'{}'", names.empty() ? "" : ", ", name);
  fail(LATHE_KERNEL_FAILED, "node {}: {} (kernel {})", names.empty() ? "?" : names,
       lathe_kernel_code_text(failure.code), model->program().kernels()->Get(call.kernel())->name()->c_str());
}

void Session::prepare(std::span<const lathe_tensor_t> inputs, std::span<lathe_tensor_t> outputs) {
  checkOutputCount(model->program(), outputs.size());
  Binding &binding = bind(inputs);
  checkWeights();
  takeMemory(binding);
  binding.shapes.forgetLateOutputs();
  for (uint32_t i = 0; i < outputs.size(); ++i) {
    const std::vector<int64_t> &shape = binding.shapes.outputShape(i);
    outputs[i].shape = shape.data();
    outputs[i].rank = static_cast<uint32_t>(shape.size());
    outputs[i].dtype = static_cast<int32_t>(model->program().outputs()->Get(i)->dtype());
    bool isKnown = std::find(shape.begin(), shape.end(), -1) == shape.end();
    outputs[i].size_bytes = isKnown ? binding.shapes.outputBytes(i) : 0;
  }
}

} // namespace lathe::runtime
