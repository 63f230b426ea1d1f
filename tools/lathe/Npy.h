//===- Npy.h - NumPy's .npy files -------------------------------*- C++ -*-===//
//
// Part of Lathe, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef LATHE_TOOLS_LATHE_NPY_H
#define LATHE_TOOLS_LATHE_NPY_H

#include "lathe/lathe.h"

#include <string>
#include <string_view>
#include <vector>

namespace lathe::cli {

/// A dense row-major tensor that owns its data.
struct HostTensor {
  lathe_dtype_t dtype = LATHE_F32;
  std::vector<int64_t> shape;
  std::vector<char> bytes;

  lathe_tensor_t view() { return {bytes.data(), bytes.size(), shape.data(), uint32_t(shape.size()), dtype, 0}; }
};

/// Views of the tensors, in their order.
std::vector<lathe_tensor_t> viewsOf(std::vector<HostTensor> &tensors);

/// Reads versions 1 to 3, either byte order and C or Fortran order. NumPy has
/// no bfloat16: void elements of two bytes stand for it. Throws Failure naming
/// the file.
HostTensor readNpy(const std::string &path);
/// The same from bytes; `name` is for messages.
HostTensor parseNpy(std::string_view file, const std::string &name);

/// The bytes of a .npy file, version 1.
std::string formatNpy(const lathe_tensor_t &tensor);

} // namespace lathe::cli

#endif // LATHE_TOOLS_LATHE_NPY_H
