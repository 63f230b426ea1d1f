// Comparing outputs with what is expected.
#include "tools/lathe/Compare.h"

#include <catch2/catch_test_macros.hpp>
#include <cmath>
#include <cstring>

using namespace lathe::cli;

namespace {

template <typename T> HostTensor tensorOf(lathe_dtype_t dtype, const std::vector<T> &values) {
  HostTensor tensor{dtype, {static_cast<int64_t>(values.size())}, {}};
  tensor.bytes.resize(values.size() * sizeof(T));
  std::memcpy(tensor.bytes.data(), values.data(), tensor.bytes.size());
  return tensor;
}

bool isSame(HostTensor a, HostTensor b, double rtol = 0, double atol = 0) {
  return compare(a.view(), b.view(), rtol, atol).isGood;
}

HostTensor floats(const std::vector<float> &values) { return tensorOf(LATHE_F32, values); }

} // namespace

TEST_CASE("compare: the limit is relative to the largest magnitude") {
  CHECK(isSame(floats({1, -100}), floats({1, -100})));
  CHECK(isSame(floats({1.5f, -100}), floats({1, -100}), 0.01));
  CHECK_FALSE(isSame(floats({1.5f, -100}), floats({1, -100}), 0.001));
  CHECK(isSame(floats({1.5f, -100}), floats({1, -100}), 0, 0.5));
}

TEST_CASE("compare: NaN and infinity") {
  float nan = NAN, inf = INFINITY;
  CHECK(isSame(floats({nan, inf, -inf}), floats({nan, inf, -inf})));
  CHECK_FALSE(isSame(floats({nan}), floats({1}), 1, 1e9));
  CHECK_FALSE(isSame(floats({1}), floats({nan}), 1, 1e9));
  CHECK_FALSE(isSame(floats({inf}), floats({1}), 1, 1e9));
  CHECK_FALSE(isSame(floats({-inf}), floats({inf}), 1, 1e9));
}

TEST_CASE("compare: half precision") {
  // 1.0, 1 + 2^-10, smallest subnormal
  CHECK(isSame(tensorOf<uint16_t>(LATHE_F16, {0x3c01}), tensorOf<uint16_t>(LATHE_F16, {0x3c00}), 1.0 / 1024));
  CHECK_FALSE(isSame(tensorOf<uint16_t>(LATHE_F16, {0x3c01}), tensorOf<uint16_t>(LATHE_F16, {0x3c00}), 0.9 / 1024));
  CHECK(isSame(tensorOf<uint16_t>(LATHE_F16, {0x0001}), tensorOf<uint16_t>(LATHE_F16, {0x8000}), 0, 6e-8));
  CHECK(isSame(tensorOf<uint16_t>(LATHE_BF16, {0x3f81}), tensorOf<uint16_t>(LATHE_BF16, {0x3f80}), 1.0 / 128));
}

TEST_CASE("compare: integers are equal or not") {
  CHECK(isSame(tensorOf<int64_t>(LATHE_I64, {1, 2}), tensorOf<int64_t>(LATHE_I64, {1, 2})));
  CHECK_FALSE(isSame(tensorOf<int64_t>(LATHE_I64, {1, 3}), tensorOf<int64_t>(LATHE_I64, {1, 2}), 100, 100));
}

TEST_CASE("compare: dtype and shape") {
  HostTensor a = floats({1, 2}), b = floats({1}), c = tensorOf<int32_t>(LATHE_I32, {1, 2});
  CHECK(compare(a.view(), b.view(), 1, 1).text == "expects shape [1], got [2]");
  CHECK(compare(a.view(), c.view(), 1, 1).text == "expects dtype i32, got f32");
}
