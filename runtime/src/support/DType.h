//===- DType.h - element types of the runtime -------------------*- C++ -*-===//
//
// Part of Lathe, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef LATHE_RUNTIME_SUPPORT_DTYPE_H
#define LATHE_RUNTIME_SUPPORT_DTYPE_H

#include "lathe/lathe.h"

namespace lathe::runtime {

struct DTypeFacts {
  const char *name;
  int64_t bytes;
};

/// Null for a number that is no dtype.
inline const DTypeFacts *findDType(int32_t dtype) {
  static constexpr DTypeFacts facts[] = {
      {"f32", 4}, {"f64", 8}, {"f16", 2}, {"bf16", 2}, {"i8", 1},  {"i16", 2},  {"i32", 4},
      {"i64", 8}, {"u8", 1},  {"u16", 2}, {"u32", 4},  {"u64", 8}, {"bool", 1},
  };
  if (dtype < LATHE_F32 || dtype > LATHE_BOOL)
    return nullptr;
  return &facts[dtype - LATHE_F32];
}

} // namespace lathe::runtime

#endif // LATHE_RUNTIME_SUPPORT_DTYPE_H
