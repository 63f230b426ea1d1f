//===- LibrarySteps.cpp - what follows a library's sums -------------------===//
//
// Part of Lathe, under the Apache License v2.0. See LICENSE.
//
// Bits are those of generated kernels (backends/x86/Quantization.cpp):
// products are rounded before they are added, so each has a statement of its
// own, which no compiler may contract.
//
//===----------------------------------------------------------------------===//
#include "runtime/src/library/LibrarySteps.h"

#include <algorithm>
#include <type_traits>

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

template <typename Change> void change(const Block &block, Change to) {
  for (int64_t i = 0; i < block.count; ++i)
    block.values[i] = to(block.values[i], i);
}

template <typename Change> void changeColumns(const Block &block, const float *columns, Change to) {
  for (int64_t pixel = 0; pixel < block.count; pixel += block.channels)
    for (int64_t i = 0; i < block.channels; ++i)
      block.values[pixel + i] = to(block.values[pixel + i], columns[i]);
}

template <typename Byte> void addBytes(const Block &block, const LibraryStep &step, const void *other) {
  const Byte *bytes = static_cast<const Byte *>(other) + block.first;
  const float scale = step.value();
  const int32_t zero = step.zero();
  for (int64_t i = 0; i < block.count; ++i) {
    float number = static_cast<float>(bytes[i] - zero) * scale;
    block.values[i] += number;
  }
}

/// NaN becomes the least byte. Within bounds, adding a number whose last bit
/// is worth 1 rounds half to even.
template <typename Byte> void quantize(const Block &block, const LibraryStep &step, void *target) {
  constexpr float low = std::is_signed_v<Byte> ? -128 : 0, high = low + 255, rounder = 12582912; // 1.5 * 2^23
  const float scale = step.value(), zero = static_cast<float>(step.zero()), least = low - zero, most = high - zero;
  auto *bytes = static_cast<Byte *>(target) + block.first;
  for (int64_t i = 0; i < block.count; ++i) {
    float number = block.values[i] / scale;
    number = number > least ? number : least;
    number = number < most ? number : most;
    float moved = number + rounder;
    bytes[i] = static_cast<Byte>(static_cast<int32_t>(moved - rounder) + step.zero());
  }
}

/// Comparisons keep NaN.
void applyStep(const LibraryStep &step, const void *other, const Block &block, void *target) {
  const auto *numbers = static_cast<const float *>(other);
  const float value = step.kind() == LibraryStepKind::Multiply ? *numbers : step.value();
  switch (step.kind()) {
  case LibraryStepKind::Add:
    return change(block, [&](float x, int64_t i) { return x + numbers[block.first + i]; });
  case LibraryStepKind::AddColumns:
    return changeColumns(block, numbers, [](float x, float column) { return x + column; });
  case LibraryStepKind::Relu:
    return change(block, [](float x, int64_t) { return x < 0 ? 0 : x; });
  case LibraryStepKind::Max:
    return change(block, [&](float x, int64_t) { return x < value ? value : x; });
  case LibraryStepKind::Min:
    return change(block, [&](float x, int64_t) { return x > value ? value : x; });
  case LibraryStepKind::AddBytes:
    return step.is_signed() ? addBytes<int8_t>(block, step, other) : addBytes<uint8_t>(block, step, other);
  case LibraryStepKind::MultiplyColumns:
    return changeColumns(block, numbers, [](float x, float column) { return x * column; });
  case LibraryStepKind::Multiply:
  case LibraryStepKind::MultiplyNumber:
    return change(block, [&](float x, int64_t) { return x * value; });
  case LibraryStepKind::Quantize:
    return step.is_signed() ? quantize<int8_t>(block, step, target) : quantize<uint8_t>(block, step, target);
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
