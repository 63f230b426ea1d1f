//===- StepLoops.h - the loops of LibrarySteps.cpp --------------*- C++ -*-===//
//
// Part of Lathe, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef LATHE_RUNTIME_LIBRARY_STEPLOOPS_H
#define LATHE_RUNTIME_LIBRARY_STEPLOOPS_H

#include <stdint.h>

/// For CPUs with AVX2. Columns are repeated: one for each of `channels`.
namespace lathe::runtime::loops {

/// Scale and zero point of bytes.
struct Grid {
  float scale;
  int32_t zero;
};

void add(float *values, const float *others, int64_t count);
void addColumns(float *values, const float *columns, int64_t count, int64_t channels);
void multiplyColumns(float *values, const float *columns, int64_t count, int64_t channels);
void multiply(float *values, float by, int64_t count);
/// What is less becomes `least`; NaN stays.
void raise(float *values, float least, int64_t count);
/// What is more becomes `most`; NaN stays.
void lower(float *values, float most, int64_t count);
void addBytes(float *values, const uint8_t *others, Grid grid, int64_t count);
void addBytes(float *values, const int8_t *others, Grid grid, int64_t count);
void quantize(const float *values, uint8_t *bytes, Grid grid, int64_t count);
void quantize(const float *values, int8_t *bytes, Grid grid, int64_t count);

} // namespace lathe::runtime::loops

#endif // LATHE_RUNTIME_LIBRARY_STEPLOOPS_H
