// Memory while loading: it depends on the size of a sample, not on the number of samples.
#include "dialects/support/Npy.h"
#include "tests/unit/calibrate/SampleFiles.h"
#include <catch2/catch_test_macros.hpp>
#include <filesystem>
#include <fstream>
#include <unistd.h>
#include <zip.h>

using namespace lathe;
using namespace lathe::test;

namespace {
size_t residentBytes() {
  size_t total = 0, resident = 0;
  std::ifstream("/proc/self/statm") >> total >> resident;
  return resident * size_t(sysconf(_SC_PAGESIZE));
}

struct Large : Fixture {
  static constexpr int64_t count = 3000, width = 10000; // 120 MB
  static constexpr size_t limitBytes = size_t(20) << 20;

  /// Zeros that take no space on the disk.
  std::string array() {
    npy::Header header;
    header.shape = {count, width};
    std::string path = files.write("x.npy", npy::formatHeader(header));
    std::filesystem::resize_file(path, std::filesystem::file_size(path) + count * width * sizeof(float));
    return path;
  }

  std::string zipped(const std::string &array, int32_t method) {
    std::string path = files.path("d.npz");
    int code = 0;
    zip_t *archive = zip_open(path.c_str(), ZIP_CREATE, &code);
    REQUIRE(archive);
    int64_t number = zip_file_add(archive, "x.npy", zip_source_file(archive, array.c_str(), 0, -1), 0);
    REQUIRE(zip_set_file_compression(archive, uint64_t(number), method, 1) == 0);
    REQUIRE(zip_close(archive) == 0);
    return path;
  }

  /// By how much loading every sample grows the process at most.
  size_t growth(const std::string &path) {
    size_t before = residentBytes(), most = before;
    auto samples = open(path, {input("x", {1, width})});
    REQUIRE(samples->count() == count);
    for (size_t i = 0; i < count; ++i) {
      REQUIRE(load(*samples, i)[0].size() == width);
      if (i % 100 == 0)
        most = std::max(most, residentBytes());
    }
    return most - before;
  }
};
} // namespace

TEST_CASE_METHOD(Large, "memory doesn't grow with the number of samples") {
  std::string file = array();
  CHECK(growth(file) < limitBytes);
  CHECK(growth(zipped(file, ZIP_CM_STORE)) < limitBytes);
  std::filesystem::remove(files.path("d.npz"));
  CHECK(growth(zipped(file, ZIP_CM_DEFLATE)) < limitBytes);
}
