//===- Compare.h - are two tensors the same? --------------------*- C++ -*-===//
//
// Part of Lathe, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef LATHE_TOOLS_LATHE_COMPARE_H
#define LATHE_TOOLS_LATHE_COMPARE_H

#include "tools/lathe/Npy.h"

namespace lathe::cli {

struct Difference {
  bool isGood;
  std::string text; ///< one line: what differs by how much
};

/// Floats: |actual - expected| <= atol + rtol * max|expected|, NaN only where
/// NaN is expected. Integers: equal.
Difference compare(const lathe_tensor_t &actual, const lathe_tensor_t &expected, double rtol, double atol);

} // namespace lathe::cli

#endif // LATHE_TOOLS_LATHE_COMPARE_H
