#include "dialects/support/Npy.h"
#include <algorithm>
#include <charconv>
#include <cstring>
#include <optional>

namespace lathe::npy {
namespace {

constexpr std::string_view kMagic = "\x93NUMPY";
constexpr size_t kAlignment = 64;
constexpr std::string_view kTypes[] = {"f2", "f4", "f8", "V2", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "b1"};

/// Reads the dict of a header, token by token. The functions give false once something is wrong; the first reason stays.
class HeaderParser {
public:
  explicit HeaderParser(std::string_view text) : rest(text) {}

  std::variant<Header, std::string> parse() {
    if (!readDict() && message.empty())
      message = "malformed .npy header";
    if (message.empty())
      return std::move(header);
    return std::move(message);
  }

private:
  bool readDict() {
    if (!accept('{'))
      return false;
    while (!accept('}')) {
      std::optional<std::string_view> key = readString();
      if (!key || !accept(':') || !readEntry(*key))
        return false;
      if (accept(','))
        continue;
      if (!accept('}'))
        return false;
      break;
    }
    return hasType && hasOrder && hasShape && countBytes();
  }

  bool fail(std::string reason) {
    message = std::move(reason);
    return false;
  }

  void skipSpace() { rest.remove_prefix(std::min(rest.find_first_not_of(" \t\n\r"), rest.size())); }

  bool accept(char c) {
    skipSpace();
    if (rest.empty() || rest[0] != c)
      return false;
    rest.remove_prefix(1);
    return true;
  }
  bool acceptWord(std::string_view word) {
    skipSpace();
    if (rest.substr(0, word.size()) != word)
      return false;
    rest.remove_prefix(word.size());
    return true;
  }

  std::optional<std::string_view> readString() {
    char quote = accept('\'') ? '\'' : '"';
    if (quote == '"' && !accept('"'))
      return std::nullopt;
    size_t end = rest.find(quote);
    if (end == std::string_view::npos)
      return std::nullopt;
    std::string_view text = rest.substr(0, end);
    rest.remove_prefix(end + 1);
    return text;
  }

  bool readEntry(std::string_view key) {
    if (key == "descr")
      return hasType = readType();
    if (key == "fortran_order") {
      header.isFortranOrder = acceptWord("True");
      return hasOrder = header.isFortranOrder || acceptWord("False");
    }
    return key == "shape" && (hasShape = readShape());
  }

  bool readType() {
    skipSpace();
    if (!rest.empty() && (rest[0] == '[' || rest[0] == '('))
      return fail("structured arrays are not supported");
    std::optional<std::string_view> text = readString();
    if (!text)
      return false;
    bool hasByteOrder = !text->empty() && std::string_view("<>|=").find((*text)[0]) != std::string_view::npos;
    if (!hasByteOrder || std::find(std::begin(kTypes), std::end(kTypes), text->substr(1)) == std::end(kTypes))
      return fail("dtype '" + std::string(*text) + "' is not supported" +
                  (*text == "|O" ? " (an array of Python objects)" : ""));
    header.isBigEndian = (*text)[0] == '>';
    header.kind = (*text)[1];
    header.elementBytes = unsigned((*text)[2] - '0');
    return true;
  }

  bool readShape() {
    header.shape.clear();
    if (!accept('('))
      return false;
    while (!accept(')')) {
      int64_t size;
      skipSpace();
      auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), size);
      if (error != std::errc() || size < 0)
        return false;
      rest.remove_prefix(size_t(end - rest.data()));
      header.shape.push_back(size);
      if (!accept(','))
        return accept(')');
    }
    return true;
  }

  bool countBytes() {
    bool isEmpty = std::find(header.shape.begin(), header.shape.end(), 0) != header.shape.end();
    header.dataBytes = isEmpty ? 0 : header.elementBytes;
    for (int64_t size : header.shape)
      if (!isEmpty && __builtin_mul_overflow(header.dataBytes, size_t(size), &header.dataBytes))
        return fail("the shape is too large");
    return true;
  }

  std::string_view rest;
  Header header;
  bool hasType = false, hasOrder = false, hasShape = false;
  std::string message;
};

} // namespace

std::variant<Header, std::string> readHeader(std::string_view start) {
  if (start.substr(0, kMagic.size()) != kMagic || start.size() < kMagic.size() + 4)
    return "not a .npy file";
  unsigned version = static_cast<unsigned char>(start[kMagic.size()]);
  if (version < 1 || version > 3)
    return "expects .npy version 1 to 3, got " + std::to_string(version);
  size_t lengthBytes = version == 1 ? 2 : 4, offset = kMagic.size() + 2 + lengthBytes, length = 0;
  if (start.size() < offset)
    return "truncated .npy header";
  for (size_t i = 0; i < lengthBytes; ++i)
    length |= size_t(static_cast<unsigned char>(start[kMagic.size() + 2 + i])) << (8 * i);
  if (length > kMaxHeaderBytes - offset)
    return "expects a .npy header of at most " + std::to_string(kMaxHeaderBytes - offset) + " bytes, got " +
           std::to_string(length);
  if (start.size() - offset < length)
    return "truncated .npy header";
  std::variant<Header, std::string> result = HeaderParser(start.substr(offset, length)).parse();
  if (auto *header = std::get_if<Header>(&result))
    header->dataOffset = offset + length;
  return result;
}

std::string formatHeader(const Header &header) {
  std::string sizes;
  for (size_t i = 0; i < header.shape.size(); ++i)
    sizes += (i ? ", " : "") + std::to_string(header.shape[i]);
  std::string text = std::string("{'descr': '") +
                     (header.elementBytes == 1 ? '|'
                      : header.isBigEndian     ? '>'
                                               : '<') +
                     header.kind + std::to_string(header.elementBytes) +
                     "', 'fortran_order': " + (header.isFortranOrder ? "True" : "False") + ", 'shape': (" + sizes +
                     (header.shape.size() == 1 ? ",), }" : "), }");
  size_t before = kMagic.size() + 4;
  text.append(kAlignment - (before + text.size() + 1) % kAlignment, ' ');
  text += '\n';
  std::string file(kMagic);
  file += {1, 0, static_cast<char>(text.size() & 0xff), static_cast<char>(text.size() >> 8)};
  return file + text;
}

void swapBytes(char *bytes, size_t size, size_t elementBytes) {
  for (size_t i = 0; i + elementBytes <= size; i += elementBytes)
    std::reverse(bytes + i, bytes + i + elementBytes);
}

void toRowMajor(const char *from, char *to, const std::vector<int64_t> &shape, size_t elementBytes) {
  if (std::find(shape.begin(), shape.end(), 0) != shape.end())
    return;
  std::vector<size_t> index(shape.size()), strides(shape.size(), elementBytes);
  for (size_t axis = 1; axis < shape.size(); ++axis)
    strides[axis] = strides[axis - 1] * size_t(shape[axis - 1]);
  for (size_t offset = 0;;) {
    std::memcpy(to, from + offset, elementBytes);
    to += elementBytes;
    size_t axis = shape.size();
    for (; axis > 0; --axis) { // the last axis moves first; those that are at their end start again
      size_t i = axis - 1;
      offset += strides[i];
      if (++index[i] < size_t(shape[i]))
        break;
      offset -= strides[i] * size_t(shape[i]);
      index[i] = 0;
    }
    if (axis == 0)
      return;
  }
}

} // namespace lathe::npy
