//===- Npy.cpp - NumPy's .npy files ---------------------------------------===//
//
// Part of Lathe, under the Apache License v2.0. See LICENSE.
//
// A file is "\x93NUMPY", a version, the length of a header, the header, the
// data. The header is a Python dict literal such as
//
//   {'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }
//
//===----------------------------------------------------------------------===//
#include "tools/lathe/Npy.h"

#include "tools/lathe/Error.h"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <fstream>
#include <iterator>
#include <optional>

namespace lathe::cli {
namespace {

constexpr std::string_view magic = "\x93NUMPY";

struct TypeCode {
  std::string_view code; // after the byte order
  lathe_dtype_t dtype;
};
constexpr TypeCode typeCodes[] = {
    {"f4", LATHE_F32}, {"f8", LATHE_F64}, {"f2", LATHE_F16},  {"V2", LATHE_BF16}, {"i1", LATHE_I8},
    {"i2", LATHE_I16}, {"i4", LATHE_I32}, {"i8", LATHE_I64},  {"u1", LATHE_U8},   {"u2", LATHE_U16},
    {"u4", LATHE_U32}, {"u8", LATHE_U64}, {"b1", LATHE_BOOL},
};

struct Header {
  lathe_dtype_t dtype;
  bool isBigEndian;
  bool isFortranOrder;
  std::vector<int64_t> shape;
};

/// Reads the dict of a header, token by token.
class HeaderParser {
public:
  HeaderParser(std::string_view text, const std::string &name) : rest(text), name(name) {}

  Header parse() {
    expect('{');
    while (!accept('}')) {
      std::string_view key = readString();
      expect(':');
      readEntry(key);
      if (!accept(',')) {
        expect('}');
        break;
      }
    }
    if (!descr || !order || !shape)
      malformed();
    Header header = readType(*descr);
    header.isFortranOrder = *order;
    header.shape = std::move(*shape);
    return header;
  }

private:
  [[noreturn]] void malformed() const { fail(Exit::BadData, "{}: malformed .npy header", name); }

  void skipSpace() { rest.remove_prefix(std::min(rest.find_first_not_of(" \t\n\r"), rest.size())); }

  bool accept(char c) {
    skipSpace();
    if (rest.empty() || rest[0] != c)
      return false;
    rest.remove_prefix(1);
    return true;
  }
  void expect(char c) {
    if (!accept(c))
      malformed();
  }
  bool acceptWord(std::string_view word) {
    skipSpace();
    if (rest.substr(0, word.size()) != word)
      return false;
    rest.remove_prefix(word.size());
    return true;
  }

  std::string_view readString() {
    char quote = accept('\'') ? '\'' : '"';
    if (quote == '"')
      expect('"');
    size_t end = rest.find(quote);
    if (end == std::string_view::npos)
      malformed();
    std::string_view text = rest.substr(0, end);
    rest.remove_prefix(end + 1);
    return text;
  }

  std::vector<int64_t> readShape() {
    std::vector<int64_t> sizes;
    expect('(');
    while (!accept(')')) {
      int64_t size;
      skipSpace();
      auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), size);
      if (error != std::errc() || size < 0)
        malformed();
      rest.remove_prefix(static_cast<size_t>(end - rest.data()));
      sizes.push_back(size);
      if (!accept(',')) {
        expect(')');
        break;
      }
    }
    return sizes;
  }

  void readEntry(std::string_view key) {
    if (key == "descr") {
      skipSpace();
      if (!rest.empty() && (rest[0] == '[' || rest[0] == '('))
        fail(Exit::BadData, "{}: structured arrays are not supported", name);
      descr = readString();
    } else if (key == "fortran_order") {
      order = acceptWord("True");
      if (!*order && !acceptWord("False"))
        malformed();
    } else if (key == "shape") {
      shape = readShape();
    } else {
      malformed();
    }
  }

  Header readType(std::string_view text) const {
    if (!text.empty() && std::string_view("<>|=").find(text[0]) != std::string_view::npos)
      for (TypeCode type : typeCodes)
        if (text.substr(1) == type.code)
          return {type.dtype, text[0] == '>', false, {}};
    fail(Exit::BadData, "{}: dtype '{}' is not supported", name, text);
  }

  std::string_view rest;
  const std::string &name;
  std::optional<std::string_view> descr;
  std::optional<bool> order;
  std::optional<std::vector<int64_t>> shape;
};

/// Cuts the header off the file.
std::string_view takeHeader(std::string_view &file, const std::string &name) {
  if (file.substr(0, magic.size()) != magic || file.size() < magic.size() + 4)
    fail(Exit::BadData, "{}: not a .npy file", name);
  unsigned version = static_cast<unsigned char>(file[magic.size()]);
  if (version < 1 || version > 3)
    fail(Exit::BadData, "{}: expects .npy version 1 to 3, got {}", name, version);
  size_t lengthBytes = version == 1 ? 2 : 4, length = 0;
  file.remove_prefix(magic.size() + 2);
  for (size_t i = 0; i < lengthBytes && i < file.size(); ++i)
    length |= static_cast<size_t>(static_cast<unsigned char>(file[i])) << (8 * i);
  if (file.size() < lengthBytes || file.size() - lengthBytes < length)
    fail(Exit::BadData, "{}: truncated .npy header", name);
  std::string_view header = file.substr(lengthBytes, length);
  file.remove_prefix(lengthBytes + length);
  return header;
}

size_t countBytes(const Header &header, const std::string &name) {
  size_t bytes = lathe_dtype_bytes(header.dtype);
  bool isEmpty = std::find(header.shape.begin(), header.shape.end(), 0) != header.shape.end();
  for (int64_t size : header.shape)
    if (!isEmpty && __builtin_mul_overflow(bytes, static_cast<size_t>(size), &bytes))
      fail(Exit::BadData, "{}: the shape is too large", name);
  return isEmpty ? 0 : bytes;
}

void swapBytes(std::vector<char> &bytes, size_t elementBytes) {
  for (size_t i = 0; i + elementBytes <= bytes.size(); i += elementBytes)
    std::reverse(bytes.begin() + static_cast<ptrdiff_t>(i), bytes.begin() + static_cast<ptrdiff_t>(i + elementBytes));
}

/// First axis fastest to last axis fastest.
std::vector<char> toRowMajor(const std::vector<char> &bytes, const std::vector<int64_t> &shape, size_t elementBytes) {
  std::vector<char> result(bytes.size());
  std::vector<int64_t> index(shape.size());
  for (size_t to = 0; to < bytes.size(); to += elementBytes) {
    size_t from = 0;
    for (size_t axis = shape.size(); axis-- > 0;)
      from = from * static_cast<size_t>(shape[axis]) + static_cast<size_t>(index[axis]);
    std::memcpy(result.data() + to, bytes.data() + from * elementBytes, elementBytes);
    for (size_t axis = shape.size(); axis-- > 0;) {
      if (++index[axis] < shape[axis])
        break;
      index[axis] = 0;
    }
  }
  return result;
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
  std::string_view text = takeHeader(file, name);
  Header header = HeaderParser(text, name).parse();
  size_t bytes = countBytes(header, name), elementBytes = lathe_dtype_bytes(header.dtype);
  if (file.size() < bytes)
    fail(Exit::BadData, "{}: truncated .npy file: expects {} bytes of data, got {}", name, bytes, file.size());
  HostTensor tensor{header.dtype, header.shape, {file.begin(), file.begin() + static_cast<ptrdiff_t>(bytes)}};
  if (header.isBigEndian)
    swapBytes(tensor.bytes, elementBytes);
  if (header.isFortranOrder)
    tensor.bytes = toRowMajor(tensor.bytes, tensor.shape, elementBytes);
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
  constexpr size_t alignment = 64;
  std::string_view code = "?";
  for (TypeCode type : typeCodes)
    if (type.dtype == tensor.dtype)
      code = type.code;
  std::string shape;
  for (uint32_t i = 0; i < tensor.rank; ++i)
    shape += fmt::format("{}{}", tensor.shape[i], tensor.rank == 1 ? "," : i + 1 < tensor.rank ? ", " : "");
  bool hasOrder = lathe_dtype_bytes(static_cast<lathe_dtype_t>(tensor.dtype)) > 1;
  std::string header =
      fmt::format("{{'descr': '{}{}', 'fortran_order': False, 'shape': ({}), }}", hasOrder ? "<" : "|", code, shape);
  size_t prefix = magic.size() + 4;
  header.append(alignment - (prefix + header.size() + 1) % alignment, ' ');
  header += '\n';
  std::string file(magic);
  file += {1, 0, static_cast<char>(header.size() & 0xff), static_cast<char>(header.size() >> 8)};
  file += header;
  file.append(static_cast<const char *>(tensor.data), tensor.size_bytes);
  return file;
}

} // namespace lathe::cli
