// The header of NumPy's .npy files, for the compiler and for the command line of the runtime: the standard library only,
// so that it needs no LLVM.
//
// A file is "\x93NUMPY", a version, the length of a header, the header, the data. The header is a Python dict literal:
//
//   {'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }
//
// (https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html)
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace lathe::npy {

/// What stands before the data.
struct Header {
  char kind = 'f';           // NumPy's letter: f float, i and u integers, b bool, V bytes (two of them: bfloat16)
  unsigned elementBytes = 4; // 1, 2, 4 or 8
  bool isBigEndian = false;
  bool isFortranOrder = false; // first axis fastest
  std::vector<int64_t> shape;
  size_t dataOffset = 0; // from the start of the file, in bytes
  size_t dataBytes = 0;  // of the elements
};

/// No header is longer; a file needs to be read no further for it.
inline constexpr size_t kMaxHeaderBytes = 64 * 1024;

/// Reads the header (versions 1 to 3) from the first bytes of a file: all of them, or kMaxHeaderBytes. Else what is wrong,
/// without the file's name.
std::variant<Header, std::string> readHeader(std::string_view start);

/// Magic, version 1 and header, padded so that the data after it are aligned to 64 bytes.
std::string formatHeader(const Header &header);

/// From one byte order to the other.
void swapBytes(char *bytes, size_t size, size_t elementBytes);

/// From first axis fastest to last axis fastest; as many bytes in both.
void toRowMajor(const char *from, char *to, const std::vector<int64_t> &shape, size_t elementBytes);

} // namespace lathe::npy
