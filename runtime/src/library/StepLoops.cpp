//===- StepLoops.cpp - the loops of LibrarySteps.cpp ----------------------===//
//
// Part of Lathe, under the Apache License v2.0. See LICENSE.
//
// Compiled for AVX2 without FMA: products are rounded before they are added,
// as in generated kernels (backends/x86/Quantization.cpp). No header of C++ may
// be here: the linker could take its inline functions for the whole library.
//
//===----------------------------------------------------------------------===//
#include "runtime/src/library/StepLoops.h"

namespace lathe::runtime::loops {

namespace {

template <typename Byte> void addDequantized(float *values, const Byte *others, Grid grid, int64_t count) {
  for (int64_t i = 0; i < count; ++i)
    values[i] += static_cast<float>(others[i] - grid.zero) * grid.scale;
}

/// NaN becomes the least byte. Within bounds, adding a number whose last bit
/// is worth 1 rounds half to even.
template <typename Byte> void toBytes(const float *values, Byte *bytes, Grid grid, float low, int64_t count) {
  constexpr float rounder = 12582912; // 1.5 * 2^23
  const float zero = static_cast<float>(grid.zero), least = low - zero, most = low + 255 - zero;
  for (int64_t i = 0; i < count; ++i) {
    float number = values[i] / grid.scale;
    number = number > least ? number : least;
    number = number < most ? number : most;
    float moved = number + rounder;
    bytes[i] = static_cast<Byte>(static_cast<int32_t>(moved - rounder) + grid.zero);
  }
}

} // namespace

void add(float *values, const float *others, int64_t count) {
  for (int64_t i = 0; i < count; ++i)
    values[i] += others[i];
}

void addColumns(float *values, const float *columns, int64_t count, int64_t channels) {
  for (int64_t pixel = 0; pixel < count; pixel += channels)
    add(values + pixel, columns, channels);
}

void multiplyColumns(float *values, const float *columns, int64_t count, int64_t channels) {
  for (int64_t pixel = 0; pixel < count; pixel += channels)
    for (int64_t i = 0; i < channels; ++i)
      values[pixel + i] *= columns[i];
}

void multiply(float *values, float by, int64_t count) {
  for (int64_t i = 0; i < count; ++i)
    values[i] *= by;
}

void raise(float *values, float least, int64_t count) {
  for (int64_t i = 0; i < count; ++i)
    values[i] = values[i] < least ? least : values[i];
}

void lower(float *values, float most, int64_t count) {
  for (int64_t i = 0; i < count; ++i)
    values[i] = values[i] > most ? most : values[i];
}

void addBytes(float *values, const uint8_t *others, Grid grid, int64_t count) {
  addDequantized(values, others, grid, count);
}

void addBytes(float *values, const int8_t *others, Grid grid, int64_t count) {
  addDequantized(values, others, grid, count);
}

void quantize(const float *values, uint8_t *bytes, Grid grid, int64_t count) { toBytes(values, bytes, grid, 0, count); }

void quantize(const float *values, int8_t *bytes, Grid grid, int64_t count) {
  toBytes(values, bytes, grid, -128, count);
}

} // namespace lathe::runtime::loops
