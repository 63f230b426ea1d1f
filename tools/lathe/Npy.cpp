//===- Npy.cpp - NumPy's .npy files ---------------------------------------===//
//
// Part of Lathe, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "tools/lathe/Npy.h"

#include "dialects/support/Npy.h"
#include "tools/lathe/Error.h"

#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>

namespace lathe::cli {
namespace {

struct TypeCode {
  char kind;
  unsigned bytes;
  lathe_dtype_t dtype;
};
constexpr TypeCode typeCodes[] = {
    {'f', 4, LATHE_F32}, {'f', 8, LATHE_F64}, {'f', 2, LATHE_F16},  {'V', 2, LATHE_BF16}, {'i', 1, LATHE_I8},
    {'i', 2, LATHE_I16}, {'i', 4, LATHE_I32}, {'i', 8, LATHE_I64},  {'u', 1, LATHE_U8},   {'u', 2, LATHE_U16},
    {'u', 4, LATHE_U32}, {'u', 8, LATHE_U64}, {'b', 1, LATHE_BOOL},
};

lathe_dtype_t dtypeOf(const npy::Header &header) {
  for (TypeCode type : typeCodes)
    if (type.kind == header.kind && type.bytes == header.elementBytes)
      return type.dtype;
  return LATHE_F32; // not reached: the header's types are those of the table
}

} // namespace

std::vector<lathe_tensor_t> viewsOf(std::vector<HostTensor> &tensors) {
  std::vector<lathe_tensor_t> views;
  views.reserve(tensors.size());
  for (HostTensor &tensor : tensors)
    views.push_back(tensor.view());
  return views;
}

HostTensor parseNpy(std::string_view file, const std::string &name) {
  auto found = npy::readHeader(file);
  if (const auto *message = std::get_if<std::string>(&found))
    fail(Exit::BadData, "{}: {}", name, *message);
  const npy::Header &header = std::get<npy::Header>(found);
  file.remove_prefix(header.dataOffset);
  if (file.size() < header.dataBytes)
    fail(Exit::BadData, "{}: truncated .npy file: expects {} bytes of data, got {}", name, header.dataBytes,
         file.size());
  HostTensor tensor{dtypeOf(header), header.shape, std::vector<char>(header.dataBytes)};
  if (header.isFortranOrder)
    npy::toRowMajor(file.data(), tensor.bytes.data(), header.shape, header.elementBytes);
  else
    std::copy_n(file.data(), header.dataBytes, tensor.bytes.data());
  if (header.isBigEndian)
    npy::swapBytes(tensor.bytes.data(), tensor.bytes.size(), header.elementBytes);
  return tensor;
}

HostTensor readNpy(const std::string &path) {
  std::ifstream file(path, std::ios::binary);
  if (!file)
    fail(Exit::Environment, "can't open '{}': {}", path, strerror(errno));
  std::string bytes((std::istreambuf_iterator<char>(file)), {});
  if (file.bad())
    fail(Exit::Environment, "can't read '{}'", path);
  return parseNpy(bytes, path);
}

std::string formatNpy(const lathe_tensor_t &tensor) {
  npy::Header header;
  for (TypeCode type : typeCodes)
    if (type.dtype == tensor.dtype) {
      header.kind = type.kind;
      header.elementBytes = type.bytes;
    }
  header.shape.assign(tensor.shape, tensor.shape + tensor.rank);
  return npy::formatHeader(header).append(static_cast<const char *>(tensor.data), tensor.size_bytes);
}

} // namespace lathe::cli
