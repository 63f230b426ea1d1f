#include "tests/conformance/Tensors.h"
#include "onnx/onnx_pb.h"
#include <bit>
#include <cmath>
#include <cstring>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <fstream>
#include <sstream>

namespace lathe::conformance {
namespace {

using onnx::TensorProto;

std::optional<lathe_dtype_t> dtypeOf(int type) {
  switch (type) {
  case TensorProto::FLOAT:
    return LATHE_F32;
  case TensorProto::DOUBLE:
    return LATHE_F64;
  case TensorProto::FLOAT16:
    return LATHE_F16;
  case TensorProto::BFLOAT16:
    return LATHE_BF16;
  case TensorProto::INT8:
  case TensorProto::INT4: // one byte for each element
  case TensorProto::INT2:
    return LATHE_I8;
  case TensorProto::INT16:
    return LATHE_I16;
  case TensorProto::INT32:
    return LATHE_I32;
  case TensorProto::INT64:
    return LATHE_I64;
  case TensorProto::UINT8:
  case TensorProto::UINT4:
  case TensorProto::UINT2:
  case TensorProto::FLOAT4E2M1: // floats by their bits
  case TensorProto::FLOAT8E4M3FN:
  case TensorProto::FLOAT8E4M3FNUZ:
  case TensorProto::FLOAT8E5M2:
  case TensorProto::FLOAT8E5M2FNUZ:
    return LATHE_U8;
  case TensorProto::UINT16:
    return LATHE_U16;
  case TensorProto::UINT32:
    return LATHE_U32;
  case TensorProto::UINT64:
    return LATHE_U64;
  case TensorProto::BOOL:
    return LATHE_BOOL;
  default:
    return std::nullopt;
  }
}

/// The typed fields of TensorProto keep narrow types in wider ones: each value is cut to `size` bytes (little endian).
template <typename Field> void append(std::vector<char> &bytes, const Field &values, size_t size) {
  for (auto value : values) {
    const char *data = reinterpret_cast<const char *>(&value);
    bytes.insert(bytes.end(), data, data + size);
  }
}

std::vector<char> dataOf(const TensorProto &proto, size_t size) {
  if (proto.has_raw_data())
    return {proto.raw_data().begin(), proto.raw_data().end()};
  std::vector<char> bytes;
  append(bytes, proto.float_data(), size);
  append(bytes, proto.double_data(), size);
  append(bytes, proto.int32_data(), size);
  append(bytes, proto.int64_data(), size);
  append(bytes, proto.uint64_data(), size);
  return bytes;
}

unsigned packedBits(int type) {
  switch (type) {
  case TensorProto::INT2:
  case TensorProto::UINT2:
    return 2;
  case TensorProto::INT4:
  case TensorProto::UINT4:
  case TensorProto::FLOAT4E2M1:
    return 4;
  default:
    return 0;
  }
}

/// One byte for each of `count` elements of `bits` bits, the first of a byte lowest.
std::vector<char> unpack(const std::vector<char> &packed, unsigned bits, bool isSigned, size_t count) {
  std::vector<char> elements;
  for (size_t i = 0; i < count && i * bits / 8 < packed.size(); ++i) {
    int value = static_cast<unsigned char>(packed[i * bits / 8]) >> (i * bits % 8) & ((1 << bits) - 1);
    elements.push_back(static_cast<char>(isSigned && value >> (bits - 1) ? value - (1 << bits) : value));
  }
  return elements;
}

template <typename T> T load(const char *data) {
  T value;
  std::memcpy(&value, data, sizeof(T));
  return value;
}

double halfToDouble(uint16_t bits) {
  double sign = bits & 0x8000 ? -1 : 1;
  int exponent = bits >> 10 & 31, fraction = bits & 0x3ff;
  if (exponent == 31)
    return fraction ? NAN : sign * INFINITY;
  return sign * (exponent ? std::ldexp(1024 + fraction, exponent - 25) : std::ldexp(fraction, -24));
}

double valueAt(lathe_dtype_t dtype, const char *data) {
  switch (dtype) {
  case LATHE_F32:
    return load<float>(data);
  case LATHE_F64:
    return load<double>(data);
  case LATHE_F16:
    return halfToDouble(load<uint16_t>(data));
  default:
    return std::bit_cast<float>(uint32_t(load<uint16_t>(data)) << 16);
  }
}

bool isFloat(lathe_dtype_t dtype) {
  return dtype == LATHE_F32 || dtype == LATHE_F64 || dtype == LATHE_F16 || dtype == LATHE_BF16;
}

bool isClose(double got, double want, double rtol, double atol) {
  if (std::isnan(want) || std::isnan(got))
    return std::isnan(want) && std::isnan(got);
  return got == want || std::abs(got - want) <= atol + rtol * std::abs(want);
}

std::string compareFloats(const char *got, const Tensor &want, double rtol, double atol) {
  if (want.dtype == LATHE_BF16)
    rtol = std::max(rtol, 1.0 / 64);
  if (want.dtype == LATHE_F16) // the wanted values were rounded after each step; two units in the last place
    rtol = std::max(rtol, 1.0 / 512);
  size_t size = lathe_dtype_bytes(want.dtype), wrong = 0, first = 0;
  for (size_t i = want.bytes.size() / size; i-- > 0;)
    if (!isClose(valueAt(want.dtype, got + i * size), valueAt(want.dtype, want.bytes.data() + i * size), rtol, atol)) {
      ++wrong;
      first = i;
    }
  if (wrong == 0)
    return {};
  return fmt::format("{} of {} elements differ; at {} expects {}, got {}", wrong, want.bytes.size() / size, first,
                     valueAt(want.dtype, want.bytes.data() + first * size), valueAt(want.dtype, got + first * size));
}

std::string hex(const char *data, size_t size) {
  std::string text = "0x";
  while (size-- > 0)
    text += fmt::format("{:02x}", static_cast<unsigned char>(data[size]));
  return text;
}

std::string compareBytes(const char *got, const Tensor &want) {
  size_t size = lathe_dtype_bytes(want.dtype);
  for (size_t i = 0; i < want.bytes.size(); i += size)
    if (std::memcmp(got + i, want.bytes.data() + i, size) != 0)
      return fmt::format("at {} expects {}, got {}", i / size, hex(want.bytes.data() + i, size), hex(got + i, size));
  return {};
}

} // namespace

std::optional<Tensor> readTensor(const std::string &path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  TensorProto proto;
  if (!file || !proto.ParseFromString(text.str()))
    return std::nullopt;
  std::optional<lathe_dtype_t> dtype = dtypeOf(proto.data_type());
  if (!dtype)
    return std::nullopt;
  Tensor tensor{*dtype, {proto.dims().begin(), proto.dims().end()}, dataOf(proto, lathe_dtype_bytes(*dtype))};
  size_t count = 1;
  for (int64_t size : tensor.shape)
    count *= static_cast<size_t>(size);
  if (unsigned bits = packedBits(proto.data_type()))
    tensor.bytes = unpack(tensor.bytes, bits, *dtype == LATHE_I8, count);
  if (tensor.bytes.size() != count * lathe_dtype_bytes(*dtype))
    return std::nullopt;
  return tensor;
}

std::string difference(const lathe_tensor_t &got, const Tensor &want, double rtol, double atol) {
  if (got.dtype != want.dtype)
    return fmt::format("expects dtype {}, got {}", lathe_dtype_name(want.dtype),
                       lathe_dtype_name(static_cast<lathe_dtype_t>(got.dtype)));
  std::vector<int64_t> shape(got.shape, got.shape + got.rank);
  if (shape != want.shape)
    return fmt::format("expects shape [{}], got [{}]", fmt::join(want.shape, ", "), fmt::join(shape, ", "));
  const char *data = static_cast<const char *>(got.data);
  return isFloat(want.dtype) ? compareFloats(data, want, rtol, atol) : compareBytes(data, want);
}

} // namespace lathe::conformance
