//===- LibrarySteps.cpp - what follows a library's sums -------------------===//
//
// Part of Lathe, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "runtime/src/library/LibrarySteps.h"

#include "runtime/src/library/StepLoops.h"

#include <algorithm>

namespace lathe::runtime {

using artifact::LibraryStep;
using artifact::LibraryStepKind;

bool givesBytes(const artifact::LibraryKernel &kernel) {
  uint32_t count = kernel.steps() ? kernel.steps()->size() : 0;
  return count && kernel.steps()->Get(count - 1)->kind() == LibraryStepKind::Quantize;
}

bool readsTensor(const artifact::LibraryKernel &kernel, const LibraryStep &step, uint64_t resultElements,
                 StepTensor &tensor) {
  const auto channels = static_cast<uint64_t>(kernel.out_channels());
  switch (step.kind()) {
  case LibraryStepKind::Add:
    tensor = {step.arg(), resultElements, sizeof(float)};
    return true;
  case LibraryStepKind::AddBytes:
    tensor = {step.arg(), resultElements, 1};
    return true;
  case LibraryStepKind::AddColumns:
  case LibraryStepKind::MultiplyColumns:
    tensor = {step.arg(), channels, sizeof(float)};
    return true;
  case LibraryStepKind::Multiply:
    tensor = {step.arg(), 1, sizeof(float)};
    return true;
  default:
    return false;
  }
}

namespace {

/// Some of the result, whole pixels.
struct Block {
  float *values;
  int64_t first, count, channels; ///< `first`: of its elements in the result
};

/// `other`: the step's argument, of the whole result or of a pixel.
void applyStep(const LibraryStep &step, const void *other, const Block &block, void *target) {
  const auto *numbers = static_cast<const float *>(other);
  const loops::Grid grid = {step.value(), step.zero()};
  switch (step.kind()) {
  case LibraryStepKind::Add:
    return loops::add(block.values, numbers + block.first, block.count);
  case LibraryStepKind::AddColumns:
    return loops::addColumns(block.values, numbers, block.count, block.channels);
  case LibraryStepKind::Relu:
    return loops::raise(block.values, 0, block.count);
  case LibraryStepKind::Max:
    return loops::raise(block.values, step.value(), block.count);
  case LibraryStepKind::Min:
    return loops::lower(block.values, step.value(), block.count);
  case LibraryStepKind::AddBytes:
    return step.is_signed()
               ? loops::addBytes(block.values, static_cast<const int8_t *>(other) + block.first, grid, block.count)
               : loops::addBytes(block.values, static_cast<const uint8_t *>(other) + block.first, grid, block.count);
  case LibraryStepKind::Multiply:
    return loops::multiply(block.values, *numbers, block.count);
  case LibraryStepKind::MultiplyColumns:
    return loops::multiplyColumns(block.values, numbers, block.count, block.channels);
  case LibraryStepKind::MultiplyNumber:
    return loops::multiply(block.values, step.value(), block.count);
  case LibraryStepKind::Quantize:
    return step.is_signed()
               ? loops::quantize(block.values, static_cast<int8_t *>(target) + block.first, grid, block.count)
               : loops::quantize(block.values, static_cast<uint8_t *>(target) + block.first, grid, block.count);
  }
}

} // namespace

void applySteps(const artifact::LibraryKernel &kernel, void *const *args, float *sums, void *target,
                int64_t firstElement, int64_t count) {
  if (!kernel.steps())
    return;
  constexpr int64_t fewest = 2048; // elements that stay in the first cache
  const int64_t channels = kernel.out_channels(), most = std::max<int64_t>(1, fewest / channels) * channels;
  StepTensor tensor{};
  for (int64_t begin = 0; begin < count; begin += most)
    for (const LibraryStep *step : *kernel.steps()) {
      Block block{sums + begin, firstElement + begin, std::min(most, count - begin), channels};
      applyStep(*step, readsTensor(kernel, *step, 0, tensor) ? args[step->arg()] : nullptr, block, target);
    }
}

} // namespace lathe::runtime
