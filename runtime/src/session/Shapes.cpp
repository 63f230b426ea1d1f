//===- Shapes.cpp - the sizes of one run ----------------------------------===//
//
// Part of Lathe, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "runtime/src/session/Shapes.h"

#include "runtime/src/support/DType.h"
#include "runtime/src/support/Error.h"

#include <algorithm>
#include <cstring>
#include <limits>

namespace lathe::runtime {

using artifact::BufferKind;
using artifact::SymbolKind;

static uint32_t rankOf(const artifact::TensorInfo &tensor) { return tensor.shape() ? tensor.shape()->size() : 0; }

/// Bytes of a dense tensor, or -1 when a size is negative or the product huge.
static int64_t denseBytes(std::span<const int64_t> shape, int64_t elementBytes) {
  int64_t result = elementBytes;
  bool isEmpty = false;
  for (int64_t size : shape) {
    if (size < 0)
      return -1;
    isEmpty |= size == 0;
    if (size > 0 && (__builtin_mul_overflow(result, size, &result) || result > Shapes::maxBytes))
      return -1;
  }
  return isEmpty ? 0 : result;
}

//===----------------------------------------------------------------------===//
// Inputs
//===----------------------------------------------------------------------===//

static std::span<const int64_t> shapeOf(const lathe_tensor_t &tensor) { return {tensor.shape, tensor.rank}; }

static void checkInput(const artifact::TensorInfo &info, const lathe_tensor_t &tensor) {
  const char *name = info.name()->c_str();
  const DTypeFacts *expected = findDType(static_cast<int32_t>(info.dtype()));
  if (tensor.dtype != static_cast<int32_t>(info.dtype())) {
    const DTypeFacts *actual = findDType(tensor.dtype);
    fail(LATHE_SHAPE_MISMATCH, "input '{}' expects dtype {}, got {}", name, expected->name,
         actual ? actual->name : "an unknown one");
  }
  if (tensor.rank != rankOf(info))
    fail(LATHE_SHAPE_MISMATCH, "input '{}' expects rank {}, got {}", name, rankOf(info), tensor.rank);
  if (tensor.rank > 0 && !tensor.shape)
    fail(LATHE_INVALID_ARGUMENT, "input '{}' has no shape", name);
  int64_t bytes = denseBytes(shapeOf(tensor), expected->bytes);
  if (bytes < 0)
    fail(LATHE_SHAPE_MISMATCH, "input '{}' has a negative or too large size", name);
}

/// `tensor` has passed checkInput.
static void checkInputMemory(const artifact::TensorInfo &info, const lathe_tensor_t &tensor) {
  const char *name = info.name()->c_str();
  int64_t elementBytes = findDType(tensor.dtype)->bytes;
  int64_t bytes = denseBytes(shapeOf(tensor), elementBytes);
  if (bytes == 0)
    return;
  if (!tensor.data)
    fail(LATHE_INVALID_ARGUMENT, "input '{}' has no data", name);
  if (tensor.size_bytes < static_cast<uint64_t>(bytes))
    fail(LATHE_SHAPE_MISMATCH, "input '{}' expects {} bytes for its shape, got {}", name, bytes, tensor.size_bytes);
  if (reinterpret_cast<uintptr_t>(tensor.data) % static_cast<uintptr_t>(elementBytes) != 0)
    fail(LATHE_INVALID_ARGUMENT, "input '{}' expects data aligned to {} bytes", name, elementBytes);
}

/// Element of an integer input that a symbol is read from.
static int64_t readInputValue(const artifact::Program &program, const artifact::Symbol &symbol,
                              const lathe_tensor_t &tensor) {
  const artifact::TensorInfo &info = *program.inputs()->Get(symbol.index());
  checkInputMemory(info, tensor);
  int64_t elementBytes = findDType(tensor.dtype)->bytes;
  if (symbol.element() >= static_cast<uint64_t>(denseBytes(shapeOf(tensor), elementBytes) / elementBytes))
    fail(LATHE_SHAPE_MISMATCH, "input '{}' expects at least {} elements", info.name()->c_str(),
         uint64_t(symbol.element()) + 1);
  const char *address = static_cast<const char *>(tensor.data) + symbol.element() * elementBytes;
  int64_t wide = 0;
  int32_t narrow = 0;
  if (elementBytes == sizeof(wide)) {
    std::memcpy(&wide, address, sizeof(wide));
    return wide;
  }
  std::memcpy(&narrow, address, sizeof(narrow));
  return narrow;
}

void readInputs(const artifact::Program &program, std::span<const lathe_tensor_t> inputs, ShapeKey &outKey) {
  outKey.clear();
  if (inputs.size() != program.inputs()->size())
    fail(LATHE_INVALID_ARGUMENT, "expects {} inputs, got {}", program.inputs()->size(), inputs.size());
  for (uint32_t i = 0; i < inputs.size(); ++i) {
    checkInput(*program.inputs()->Get(i), inputs[i]);
    outKey.insert(outKey.end(), inputs[i].shape, inputs[i].shape + inputs[i].rank);
  }
  if (!program.symbols())
    return;
  for (const artifact::Symbol *symbol : *program.symbols())
    if (symbol->kind() == SymbolKind::InputValue)
      outKey.push_back(readInputValue(program, *symbol, inputs[symbol->index()]));
}

void checkInputMemory(const artifact::Program &program, std::span<const lathe_tensor_t> inputs) {
  for (uint32_t i = 0; i < inputs.size(); ++i)
    checkInputMemory(*program.inputs()->Get(i), inputs[i]);
}

//===----------------------------------------------------------------------===//
// Shapes
//===----------------------------------------------------------------------===//

Shapes::Shapes(const Artifact &artifact)
    : artifact(artifact), program(artifact.program()), symbols(program.symbols() ? program.symbols()->size() : 0),
      exprs(program.exprs()->size()), bufferSizes(program.buffers()->size()), arenaOffsets(program.buffers()->size()),
      outputSizes(program.outputs()->size()), outputShapes(program.outputs()->size()) {
  for (uint32_t i = 0; i < outputShapes.size(); ++i)
    outputShapes[i].assign(rankOf(*program.outputs()->Get(i)), -1);
}

int64_t Shapes::value(uint32_t expr, int64_t min, int64_t max) const {
  const Value &value = exprs[expr];
  if (!value)
    fail(LATHE_SHAPE_MISMATCH, "sizes overflow for these input shapes");
  if (*value < min || *value > max)
    fail(LATHE_SHAPE_MISMATCH, "sizes are too large or negative for these input shapes: got {}", *value);
  return *value;
}

void Shapes::bindInputs(std::span<const lathe_tensor_t> inputs) {
  const Stage &stage = artifact.schedule().stages[0];
  evaluate(0, inputs, {});
  checkInputShapes(inputs);
  checkConstraints(stage);
  arena = bytes(program.memory()->arena_bytes());
  bindOutputs(stage);
  bindBuffers(stage, inputs);
}

void Shapes::bindStage(uint32_t number, std::span<void *const> addresses) {
  const Stage &stage = artifact.schedule().stages[number];
  evaluate(number, {}, addresses);
  checkConstraints(stage);
  bindOutputs(stage);
  bindBuffers(stage, {});
}

void Shapes::evaluate(uint32_t number, std::span<const lathe_tensor_t> inputs, std::span<void *const> addresses) {
  for (Step step : artifact.schedule().stages[number].steps) {
    if (!step.isSymbol) {
      exprs[step.number] = runtime::evaluate(*program.exprs()->Get(step.number), symbols, exprs);
      continue;
    }
    const artifact::Symbol &symbol = *program.symbols()->Get(step.number);
    symbols[step.number] = readSymbol(symbol, inputs, addresses);
    checkRange(symbol, symbols[step.number]);
  }
}

Value Shapes::readSymbol(const artifact::Symbol &symbol, std::span<const lathe_tensor_t> inputs,
                         std::span<void *const> addresses) const {
  switch (symbol.kind()) {
  case SymbolKind::InputDim:
    return inputs[symbol.index()].shape[symbol.element()];
  case SymbolKind::InputValue:
    return readInputValue(program, symbol, inputs[symbol.index()]);
  case SymbolKind::Derived:
    return exprs[symbol.expr()];
  case SymbolKind::TensorValue:
    return readLate(symbol, addresses);
  }
  return std::nullopt;
}

int64_t Shapes::readLate(const artifact::Symbol &symbol, std::span<void *const> addresses) const {
  int64_t value;
  if ((uint64_t(symbol.element()) + 1) * sizeof(value) > bufferSizes[symbol.index()])
    fail(LATHE_BAD_ARTIFACT, "damaged manifest: symbol '{}' is read past the end of its tensor",
         symbol.name()->c_str());
  std::memcpy(&value, static_cast<const int64_t *>(addresses[symbol.index()]) + symbol.element(), sizeof(value));
  return value;
}

void Shapes::checkRange(const artifact::Symbol &symbol, Value value) const {
  if (!value || (*value >= symbol.min() && *value <= symbol.max()))
    return;
  std::string what = fmt::format("size '{}'", symbol.name()->c_str());
  if (symbol.kind() == SymbolKind::InputDim || symbol.kind() == SymbolKind::InputValue)
    what = fmt::format("input '{}' {} {} ({})", program.inputs()->Get(symbol.index())->name()->c_str(),
                       symbol.kind() == SymbolKind::InputDim ? "axis" : "element", symbol.element(),
                       symbol.name()->c_str());
  if (symbol.max() == std::numeric_limits<int64_t>::max())
    fail(LATHE_SHAPE_MISMATCH, "{} expects at least {}, got {}", what, symbol.min(), *value);
  fail(LATHE_SHAPE_MISMATCH, "{} expects {} to {}, got {}", what, symbol.min(), symbol.max(), *value);
}

void Shapes::checkInputShapes(std::span<const lathe_tensor_t> inputs) const {
  for (uint32_t i = 0; i < inputs.size(); ++i) {
    const artifact::TensorInfo &info = *program.inputs()->Get(i);
    for (uint32_t axis = 0; axis < inputs[i].rank; ++axis) {
      const Value &expected = exprs[info.shape()->Get(axis)];
      if (expected == inputs[i].shape[axis])
        continue;
      fail(LATHE_SHAPE_MISMATCH, "input '{}' axis {} ({}) expects {}, got {}", info.name()->c_str(), axis,
           info.dim_names()->Get(axis)->c_str(), expected ? std::to_string(*expected) : "a smaller size",
           inputs[i].shape[axis]);
    }
  }
}

void Shapes::checkConstraints(const Stage &stage) const {
  for (uint32_t number : stage.constraints) {
    const artifact::Constraint &constraint = *program.constraints()->Get(number);
    if (exprs[constraint.expr()].value_or(0) == 0)
      fail(LATHE_SHAPE_MISMATCH, "{}{}", constraint.message()->c_str(), namedSizes());
  }
}

/// ", got batch = 1, seq = 7": what the message's expressions are made of.
std::string Shapes::namedSizes() const {
  std::string text;
  for (uint32_t i = 0; i < symbols.size(); ++i)
    if (const char *name = program.symbols()->Get(i)->name()->c_str(); *name && symbols[i])
      text += fmt::format("{}{} = {}", text.empty() ? ", got " : ", ", name, *symbols[i]);
  return text;
}

void Shapes::bindOutputs(const Stage &stage) {
  for (uint32_t number : stage.outputs) {
    const artifact::TensorInfo &info = *program.outputs()->Get(number);
    std::vector<int64_t> &shape = outputShapes[number];
    for (uint32_t axis = 0; axis < shape.size(); ++axis)
      shape[axis] = value(info.shape()->Get(axis), 0, maxBytes);
    int64_t size = denseBytes(shape, findDType(static_cast<int32_t>(info.dtype()))->bytes);
    if (size < 0)
      fail(LATHE_SHAPE_MISMATCH, "output '{}' is too large", info.name()->c_str());
    outputSizes[number] = static_cast<uint64_t>(size);
  }
}

void Shapes::forgetLateOutputs() {
  for (const Stage &stage : std::span(artifact.schedule().stages).subspan(1))
    for (uint32_t number : stage.outputs)
      std::fill(outputShapes[number].begin(), outputShapes[number].end(), -1);
}

void Shapes::bindBuffers(const Stage &stage, std::span<const lathe_tensor_t> inputs) {
  for (uint32_t number : stage.buffers) {
    const artifact::Buffer &buffer = *program.buffers()->Get(number);
    bufferSizes[number] = bytes(buffer.size());
    if (buffer.kind() == BufferKind::Arena)
      arenaOffsets[number] = bytes(buffer.arena_offset());
    checkBuffer(number, buffer, inputs);
  }
}

void Shapes::checkBuffer(uint32_t number, const artifact::Buffer &buffer, std::span<const lathe_tensor_t> inputs) {
  uint64_t size = bufferSizes[number], offset = arenaOffsets[number];
  bool isGood = true;
  switch (buffer.kind()) {
  case BufferKind::Input: {
    const lathe_tensor_t &input = inputs[buffer.index()];
    isGood = static_cast<int64_t>(size) == denseBytes(shapeOf(input), findDType(input.dtype)->bytes);
    break;
  }
  case BufferKind::Output:
    isGood = size == outputSizes[buffer.index()];
    break;
  case BufferKind::Weights:
    isGood = size <= artifact.manifest().weights()->Get(buffer.index())->size() - buffer.offset();
    break;
  case BufferKind::Arena:
    isGood = offset % LATHE_BUFFER_ALIGNMENT == 0 && offset + size <= arena;
    break;
  case BufferKind::Late:
    break;
  }
  if (!isGood)
    fail(LATHE_BAD_ARTIFACT, "damaged manifest: buffer {} of {} bytes does not fit its place", number, size);
}

} // namespace lathe::runtime
