// Damaged and hostile files of samples: each is refused with a reason, none is believed.
#include "tests/unit/calibrate/SampleFiles.h"
#include <catch2/catch_test_macros.hpp>
#include <cmath>
#include <filesystem>

using namespace lathe;
using namespace lathe::test;

namespace {
struct Damaged : Fixture {
  std::vector<InputSpec> inputs = {input("x", {any, 4})};

  std::string zipError(const std::vector<Member> &members) { return openError(files.zip("d.npz", members), inputs); }
  std::string npyError(const std::string &bytes) { return openError(files.write("x.npy", bytes), inputs); }
  /// A file whose header says what it wants.
  static std::string withHeader(const std::string &text, const std::string &data = "") {
    std::string file("\x93NUMPY\2\0", 8);
    for (size_t i = 0; i < 4; ++i)
      file += char(text.size() >> (8 * i) & 0xff);
    return file + text + data;
  }
};
} // namespace

TEST_CASE_METHOD(Damaged, "damaged: npy") {
  std::string good = npy(countUp({2, 4}));
  CHECK(npyError(good).empty());
  CHECK(npyError(good.substr(0, good.size() - 1)) == "x.npy: array 'x': truncated: expects 32 bytes of data, got 31");
  CHECK(npyError(good.substr(0, 40)) == "x.npy: array 'x': truncated .npy header");
  CHECK(npyError("") == "x.npy: array 'x': not a .npy file");
  CHECK(npyError("hello, this is a text") == "x.npy: array 'x': not a .npy file");
  CHECK(npyError(withHeader("{'descr': '|O', 'fortran_order': False, 'shape': (2,), }", "\x80\4]")) ==
        "x.npy: array 'x': dtype '|O' is not supported (an array of Python objects)");
  CHECK(npyError(withHeader("{'descr': '<c8', 'fortran_order': False, 'shape': (2,), }")) ==
        "x.npy: array 'x': dtype '<c8' is not supported");
  CHECK(npyError(withHeader("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (2,), }")) ==
        "x.npy: array 'x': structured arrays are not supported");
  CHECK(npyError(withHeader(std::string(1 << 20, ' '))) ==
        "x.npy: array 'x': expects a .npy header of at most 65524 bytes, got 1048576");
  CHECK(npyError(withHeader("{'descr': '<f4', 'fortran_order': False, 'shape': (4294967296, 4294967296, 4), }")) ==
        "x.npy: array 'x': the shape is too large");
  CHECK(npyError(withHeader("{'descr': '<f4', 'fortran_order': False, 'shape': (1000000000000, 4), }", "1234")) ==
        "x.npy: array 'x': truncated: expects 16000000000000 bytes of data, got 4");
}

TEST_CASE_METHOD(Damaged, "damaged: every prefix of a file is refused") {
  std::string npz = Files::read(files.npz("good.npz", {{"x", countUp({2, 4})}}, true));
  for (size_t size = 0; size < npz.size(); size += 7)
    CHECK(openError(files.write("d.npz", npz.substr(0, size)), inputs) != "");
  std::string good = npy(countUp({2, 4}));
  for (size_t size = 0; size < good.size(); size += 5)
    CHECK(npyError(good.substr(0, size)) != "");
}

TEST_CASE_METHOD(Damaged, "damaged: not a zip file") {
  CHECK(openError(files.write("d.npz", "this is no zip file"), inputs) ==
        "d.npz: cannot open 'd.npz': Not a zip archive");
  files.write("folder.npz/x", "");
  CHECK(openError(files.path("folder.npz"), inputs) ==
        "folder.npz: expects .npz or .npy files, test_data_set folders, or pictures (.png, .jpg, .bmp), got none");
}

TEST_CASE_METHOD(Damaged, "damaged: data that are not what their checksum says") {
  for (int64_t width : {4, 40000}) // within the bytes that are read for the header, and beyond
    for (bool isDeflated : {false, true}) {
      std::string path = files.npz("d.npz", {{"x", countUp({3, width})}}, isDeflated);
      std::string bytes = Files::read(path);
      size_t end = bytes.find("PK\1\2") - 3; // of the data, before the central directory
      bytes[end] = char(bytes[end] ^ 0x10);
      files.write("d.npz", bytes);
      auto samples = openSamples(path, {input("x", {any, width})}, {});
      std::string message = samples ? "" : llvm::toString(samples.takeError());
      for (size_t i = 0; message.empty() && i < 3; ++i)
        message = loadError(**samples, i);
      INFO(message);
      CHECK(message.find("damaged: ") != std::string::npos);
      CHECK(message.find("'x'") != std::string::npos);
    }
}

TEST_CASE_METHOD(Damaged, "damaged: sizes that lie") {
  std::string good = npy(countUp({2, 4}));
  CHECK(zipError({{"x.npy", good.substr(0, good.size() - 4), true}}) ==
        "d.npz: array 'x': truncated: expects 32 bytes of data, got 28");
  std::string path = files.zip("d.npz", {{"x.npy", good, true}});
  std::string bytes = Files::read(path);
  size_t directory = bytes.find("PK\1\2");
  bytes[directory + 24] = char(bytes[directory + 24] + 64); // the size of the uncompressed member
  bytes[22] = char(bytes[22] + 64);                         // the same beside the data
  auto samples = openSamples(files.write("d.npz", bytes), inputs, {});
  std::string message = samples ? loadError(**samples, 1) : llvm::toString(samples.takeError());
  CHECK(message.find("damaged") != std::string::npos);
}

TEST_CASE_METHOD(Damaged, "damaged: what headers ask for is bounded") {
  std::string header = "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 40000, 40000), }";
  std::vector<Member> members = {{"x.npy", withHeader(header, std::string(1 << 20, '\0')), true}};
  CHECK(openError(files.zip("d.npz", members), {input("x", {any, any, any})}) ==
        "d.npz: array 'x': truncated: expects 12800000000 bytes of data, got 1048576");
  auto hole = [&](const std::string &header, uint64_t size) { // a file of zeros that takes no space
    std::string path = files.write("x.npy", withHeader(header));
    std::filesystem::resize_file(path, std::filesystem::file_size(path) + size);
    return path;
  };
  CHECK(openError(hole(header, 12800000000), {input("x", {any, any, any})}) ==
        "x.npy: array 'x': expects samples of less than 4 GiB, got shape [1, 40000, 40000]");
  CHECK(openError(hole("{'descr': '<f4', 'fortran_order': True, 'shape': (100000, 4000), }", 1600000000),
                  {input("x", {any, 4000})}) ==
        "x.npy: array 'x': expects an array of at most 1 GiB in Fortran order, got 1600000000 bytes; save it with "
        "numpy.ascontiguousarray");
}

TEST_CASE_METHOD(Damaged, "damaged: names twice, members that are no arrays") {
  std::vector<InputSpec> two = {input("x", {any, 4}), input("y", {any, 4})};
  std::string good = npy(countUp({1, 4}));
  CHECK(openError(files.zip("d.npz", {{"x.npy", good}, {"x", good}}), two) == "d.npz: array 'x' is there twice");
  CHECK(zipError({{"notes.txt", "hello, these are notes"}}) == "d.npz: array 'notes.txt': not a .npy file");
}

TEST_CASE_METHOD(Damaged, "damaged: any byte changed gives an error or finite samples") {
  std::vector<std::pair<std::string, std::string>> originals = {
      {"d.npz", Files::read(files.npz("d.npz", {{"x", countUp({2, 4})}}))},
      {"d.npz", Files::read(files.npz("d.npz", {{"x", countUp({2, 4})}}, true))},
      {"d.npy", npy(countUp({2, 4}))}};
  for (const auto &[name, bytes] : originals)
    for (size_t i = 0; i < bytes.size(); ++i) {
      std::string changed = bytes;
      changed[i] = char(changed[i] ^ (1 << i % 8));
      auto samples = openSamples(files.write(name, changed), inputs, {});
      if (!samples) {
        CHECK(llvm::toString(samples.takeError()).find(name) != std::string::npos);
        continue;
      }
      for (size_t sample = 0; sample < (*samples)->count(); ++sample)
        if (auto tensors = (*samples)->load(sample))
          CHECK(llvm::all_of(valuesOf<float>((*tensors)[0]), [](float value) { return std::isfinite(value); }));
        else
          CHECK(llvm::toString(tensors.takeError()).find(name) != std::string::npos);
    }
}
