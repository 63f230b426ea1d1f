// ONNX's TensorProto files as plain tensors, and their comparison.
#pragma once

#include "lathe/lathe.h"
#include <optional>
#include <string>
#include <vector>

namespace lathe::conformance {

struct Tensor {
  lathe_dtype_t dtype = LATHE_F32;
  std::vector<int64_t> shape;
  std::vector<char> bytes;

  lathe_tensor_t view() { return {bytes.data(), bytes.size(), shape.data(), uint32_t(shape.size()), dtype, 0}; }
};

/// Reads a serialized TensorProto. Nothing if it is of a type that Lathe has no tensors of, or no tensor at all (the tests
/// have sequences and optionals too).
std::optional<Tensor> readTensor(const std::string &path);

/// How ONNX's own runner compares: integers by value, floats by |got - want| <= atol + rtol * |want|, NaN equals NaN.
/// Empty if equal enough, else what differs.
std::string difference(const lathe_tensor_t &got, const Tensor &want, double rtol, double atol);

} // namespace lathe::conformance
