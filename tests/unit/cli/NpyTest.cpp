// .npy files: what NumPy writes, and what is refused with which words.
#include "tools/lathe/Npy.h"

#include "tools/lathe/Error.h"

#include <catch2/catch_test_macros.hpp>
#include <cstring>

using namespace lathe::cli;

namespace {

std::string makeFile(const std::string &header, const std::string &data, char version = 1) {
  std::string file = "\x93NUMPY";
  file += {version, 0, static_cast<char>(header.size() & 0xff), static_cast<char>(header.size() >> 8)};
  if (version > 1)
    file += {0, 0};
  return file + header + data;
}

std::string bytesOf(const std::vector<float> &values) {
  return {reinterpret_cast<const char *>(values.data()), values.size() * sizeof(float)};
}

std::vector<float> floatsOf(const HostTensor &tensor) {
  std::vector<float> values(tensor.bytes.size() / sizeof(float));
  std::memcpy(values.data(), tensor.bytes.data(), tensor.bytes.size());
  return values;
}

std::string textOf(const std::string &file) {
  try {
    parseNpy(file, "x.npy");
  } catch (const Failure &failure) {
    return failure.message;
  }
  return "";
}

const std::string header23 = "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }        \n";
const std::vector<float> six = {1, 2, 3, 4, 5, 6};

} // namespace

TEST_CASE("npy: versions") {
  for (char version : {1, 2, 3}) {
    HostTensor tensor = parseNpy(makeFile(header23, bytesOf(six), version), "x.npy");
    CHECK(tensor.dtype == LATHE_F32);
    CHECK(tensor.shape == std::vector<int64_t>{2, 3});
    CHECK(floatsOf(tensor) == six);
  }
  CHECK(textOf(makeFile(header23, bytesOf(six), 4)) == "x.npy: expects .npy version 1 to 3, got 4");
}

TEST_CASE("npy: Fortran order") {
  std::string header = "{'descr': '<f4', 'fortran_order': True, 'shape': (2, 3)}\n";
  HostTensor tensor = parseNpy(makeFile(header, bytesOf({1, 4, 2, 5, 3, 6})), "x.npy");
  CHECK(floatsOf(tensor) == six);
}

TEST_CASE("npy: byte order") {
  std::string header = "{'descr': '>i2', 'fortran_order': False, 'shape': (2,)}\n";
  HostTensor tensor = parseNpy(makeFile(header, std::string("\x01\x02\x03\x04", 4)), "x.npy");
  CHECK(tensor.dtype == LATHE_I16);
  CHECK(std::string(tensor.bytes.begin(), tensor.bytes.end()) == "\x02\x01\x04\x03");
}

TEST_CASE("npy: scalars and empty arrays") {
  HostTensor scalar = parseNpy(makeFile("{'descr': '<f4', 'fortran_order': False, 'shape': ()}", bytesOf({7})), "x");
  CHECK(scalar.shape.empty());
  CHECK(floatsOf(scalar) == std::vector<float>{7});
  std::string header = "{'descr': '<f4', 'fortran_order': False, 'shape': (9223372036854775807, 4, 0)}";
  CHECK(parseNpy(makeFile(header, ""), "x").bytes.empty());
}

TEST_CASE("npy: all dtypes go there and back") {
  for (int dtype = LATHE_F32; dtype <= LATHE_BOOL; ++dtype) {
    HostTensor tensor{static_cast<lathe_dtype_t>(dtype), {3}, {}};
    tensor.bytes.assign(3 * lathe_dtype_bytes(tensor.dtype), 1);
    std::string file = formatNpy(tensor.view());
    CHECK((file.size() - tensor.bytes.size()) % 64 == 0);
    HostTensor again = parseNpy(file, "x.npy");
    CHECK(again.dtype == tensor.dtype);
    CHECK(again.shape == tensor.shape);
    CHECK(again.bytes == tensor.bytes);
  }
}

TEST_CASE("npy: bad files") {
  CHECK(textOf("") == "x.npy: not a .npy file");
  CHECK(textOf("PK\x03\x04 something else") == "x.npy: not a .npy file");
  CHECK(textOf(makeFile(header23, "")) == "x.npy: truncated .npy file: expects 24 bytes of data, got 0");
  CHECK(textOf(makeFile(header23, bytesOf(six)).substr(0, 40)) == "x.npy: truncated .npy header");
  CHECK(textOf(makeFile("{'descr': '<f4', 'shape': (2, 3)}", bytesOf(six))) == "x.npy: malformed .npy header");
  CHECK(textOf(makeFile("{'descr': '<f4', 'fortran_order': False, 'shape': (-2,)}", "")) ==
        "x.npy: malformed .npy header");
  CHECK(textOf(makeFile("{'descr': '<f4', 'fortran_order': Maybe, 'shape': (2,)}", "")) ==
        "x.npy: malformed .npy header");
  CHECK(textOf(makeFile("{'descr': '<c8', 'fortran_order': False, 'shape': (2,)}", "")) ==
        "x.npy: dtype '<c8' is not supported");
  CHECK(textOf(makeFile("{'descr': '|O', 'fortran_order': False, 'shape': (2,)}", "")) ==
        "x.npy: dtype '|O' is not supported (an array of Python objects)");
  CHECK(textOf(makeFile("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (2,)}", "")) ==
        "x.npy: structured arrays are not supported");
  CHECK(textOf(makeFile("{'descr': '<f4', 'fortran_order': False, 'shape': (4294967296, 4294967296)}", "")) ==
        "x.npy: the shape is too large");
  for (size_t size = 0; size < header23.size(); ++size)
    CHECK(textOf(makeFile(header23.substr(0, size), "")) != "");
}
