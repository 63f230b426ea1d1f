#include "tests/unit/calibrate/SampleFiles.h"
#include "dialects/support/Npy.h"
#include <catch2/catch_test_macros.hpp>
#include <filesystem>
#include <fstream>
#include <numeric>
#include <sstream>
#include <zip.h>

namespace lathe::test {

Array floats(std::vector<int64_t> shape, const std::vector<float> &values) { return {"<f4", shape, bytesOf(values)}; }
Array longs(std::vector<int64_t> shape, const std::vector<int64_t> &values) { return {"<i8", shape, bytesOf(values)}; }

Array countUp(std::vector<int64_t> shape) {
  std::vector<float> values(size_t(std::accumulate(shape.begin(), shape.end(), int64_t(1), std::multiplies<>())));
  std::iota(values.begin(), values.end(), 0.0f);
  return floats(shape, values);
}

std::string npy(const Array &array) {
  npy::Header header;
  header.kind = array.code[1];
  header.elementBytes = unsigned(array.code[2] - '0');
  header.isBigEndian = array.code[0] == '>';
  header.isFortranOrder = array.isFortranOrder;
  header.shape = array.shape;
  return npy::formatHeader(header) + array.data;
}

Files::Files() {
  std::string name = (std::filesystem::temp_directory_path() / "lathe-samples-XXXXXX").string();
  REQUIRE(mkdtemp(name.data()));
  folder = name;
}

Files::~Files() {
  std::error_code ignored;
  std::filesystem::remove_all(folder, ignored);
}

std::string Files::write(const std::string &name, const std::string &bytes) const {
  std::filesystem::create_directories(std::filesystem::path(path(name)).parent_path());
  std::ofstream(path(name), std::ios::binary) << bytes;
  return path(name);
}

std::string Files::read(const std::string &path) {
  std::ostringstream text;
  text << std::ifstream(path, std::ios::binary).rdbuf();
  return text.str();
}

std::string Files::zip(const std::string &name, const std::vector<Member> &members) const {
  write(name, "");
  int code = 0;
  zip_t *archive = zip_open(path(name).c_str(), ZIP_CREATE | ZIP_TRUNCATE, &code);
  REQUIRE(archive);
  for (const Member &member : members) {
    zip_source_t *source = zip_source_buffer(archive, member.bytes.data(), member.bytes.size(), 0);
    int64_t number = zip_file_add(archive, member.name.c_str(), source, 0);
    REQUIRE(number >= 0);
    REQUIRE(zip_set_file_compression(archive, uint64_t(number), member.isDeflated ? ZIP_CM_DEFLATE : ZIP_CM_STORE, 0) ==
            0);
  }
  REQUIRE(zip_close(archive) == 0);
  return path(name);
}

std::string Files::npz(const std::string &name, const std::vector<std::pair<std::string, Array>> &arrays,
                       bool isDeflated) const {
  std::vector<Member> members;
  for (const auto &[array, contents] : arrays)
    members.push_back({array + ".npy", npy(contents), isDeflated});
  return zip(name, members);
}

InputSpec Fixture::input(const std::string &name, std::vector<int64_t> shape, mlir::Type type) {
  return {name, mlir::RankedTensorType::get(shape, type)};
}

std::string Fixture::clean(std::string message) const {
  std::string folder = files.path("");
  for (size_t found; (found = message.find(folder)) != std::string::npos;)
    message.erase(found, folder.size());
  return message;
}

std::unique_ptr<SampleSource> Fixture::open(const std::string &path, const std::vector<InputSpec> &inputs,
                                            const ImageOptions &images) {
  auto samples = openSamples(path, inputs, images);
  if (!samples)
    FAIL(llvm::toString(samples.takeError()));
  return std::move(*samples);
}

reference::Tensors Fixture::load(SampleSource &samples, size_t index) {
  auto tensors = samples.load(index);
  if (!tensors)
    FAIL(llvm::toString(tensors.takeError()));
  return *tensors;
}

std::string Fixture::openError(const std::string &path, const std::vector<InputSpec> &inputs,
                               const ImageOptions &images) {
  auto samples = openSamples(path, inputs, images);
  return samples ? "" : clean(llvm::toString(samples.takeError()));
}

std::string Fixture::loadError(SampleSource &samples, size_t index) {
  auto tensors = samples.load(index);
  return tensors ? "" : clean(llvm::toString(tensors.takeError()));
}

} // namespace lathe::test
