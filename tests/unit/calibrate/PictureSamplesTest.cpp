// Samples from folders of pictures.
#include "tests/unit/calibrate/SampleFiles.h"
#include <catch2/catch_approx.hpp>
#include <catch2/catch_test_macros.hpp>
#include <filesystem>
#define STB_IMAGE_WRITE_STATIC
#define STB_IMAGE_WRITE_IMPLEMENTATION
#include <stb/stb_image_write.h>

using namespace lathe;
using namespace lathe::test;
using Catch::Approx;
using Pixels = std::vector<unsigned char>;

namespace {
struct Pictures : Fixture {
  std::string folder = files.path("p");

  /// Rows from the top; 3 channels.
  void add(const std::string &name, int width, int height, const Pixels &pixels, int channels = 3) {
    std::filesystem::create_directories(folder);
    std::string path = folder + "/" + name;
    int isDone = name.ends_with(".png")   ? stbi_write_png(path.c_str(), width, height, channels, pixels.data(), 0)
                 : name.ends_with(".bmp") ? stbi_write_bmp(path.c_str(), width, height, channels, pixels.data())
                                          : stbi_write_jpg(path.c_str(), width, height, channels, pixels.data(), 95);
    REQUIRE(isDone);
  }
  std::string openPictures(std::vector<int64_t> shape, const ImageOptions &options = {}) {
    return openError(folder, {input("x", shape)}, options);
  }
};
const Pixels twoPixels = {255, 0, 51, 0, 102, 255}; // (255, 0, 51) and (0, 102, 255)
} // namespace

TEST_CASE_METHOD(Pictures, "pictures: channels first and last, mean and std") {
  add("a.png", 2, 1, twoPixels);
  ImageOptions options{{0.5, 0, 0.1}, {0.5, 1, 2}};
  auto first = valuesOf<float>(load(*open(folder, {input("x", {any, 3, 1, 2})}, options), 0)[0]);
  std::vector<double> expected = {1, -1, 0, 0.4, 0.05, 0.45};
  REQUIRE(first.size() == 6);
  for (size_t i = 0; i < 6; ++i)
    CHECK(first[i] == Approx(expected[i]).margin(1e-6));
  ImageOptions size{{}, {}, 1, 2};
  auto tensor = load(*open(folder, {input("x", {1, any, any, 3})}, size), 0)[0];
  CHECK(tensor.shape() == llvm::ArrayRef<int64_t>({1, 1, 2, 3}));
  for (size_t i = 0; i < 6; ++i)
    CHECK(valuesOf<float>(tensor)[i] == Approx(twoPixels[i] / 255.0).margin(1e-6));
}

TEST_CASE_METHOD(Pictures, "pictures: formats, gray pictures, subfolders, order") {
  Pixels gray(64, 200);
  add("10.png", 8, 8, gray, 1);
  add("9.jpg", 8, 8, gray, 1);
  std::filesystem::create_directories(folder + "/more");
  add("more/1.bmp", 8, 8, Pixels(192, 100));
  files.write("p/labels.txt", "passed over");
  auto samples = open(folder, {input("x", {any, 3, 8, 8})});
  REQUIRE(samples->count() == 3);
  CHECK(load(*samples, 0)[0].data<float>()[0] == Approx(200 / 255.0).margin(0.02));
  CHECK(load(*samples, 1)[0].data<float>()[0] == Approx(200 / 255.0).margin(1e-6));
  CHECK(load(*samples, 2)[0].data<float>()[191] == Approx(100 / 255.0).margin(1e-6));
  CHECK(load(*open(folder, {input("x", {any, 1, 8, 8})}), 2)[0].size() == 64);
}

TEST_CASE_METHOD(Pictures, "pictures: resized by averages and by lines") {
  Pixels rows;
  for (int value : {0, 100, 200, 50}) // one row of gray pixels
    rows.insert(rows.end(), 3, static_cast<unsigned char>(value));
  add("a.png", 4, 1, rows);
  ImageOptions half{{}, {}, 1, 2}, twice{{}, {}, 1, 8};
  InputSpec dynamic = input("x", {any, 3, any, any});
  auto small = load(*open(folder, {dynamic}, half), 0)[0];
  CHECK(small.shape() == llvm::ArrayRef<int64_t>({1, 3, 1, 2}));
  // A triangle of half-width 2 pixels around 1 and 3, edges repeated: weights 1, 3, 3, 1 of 8.
  CHECK(small.data<float>()[0] == Approx((0 * 4 + 100 * 3 + 200) / 8.0 / 255).margin(1e-5));
  CHECK(small.data<float>()[1] == Approx((100 + 200 * 3 + 50 * 4) / 8.0 / 255).margin(1e-5));
  auto large = valuesOf<float>(load(*open(folder, {dynamic}, twice), 0)[0]);
  CHECK(large[0] == Approx(0).margin(1e-5));
  CHECK(large[1] == Approx(25 / 255.0).margin(1e-5)); // a quarter of the way from the first pixel to the second
  CHECK(large[2] == Approx(75 / 255.0).margin(1e-5));
}

TEST_CASE_METHOD(Pictures, "pictures: pixels of an integer input") {
  add("a.png", 2, 1, twoPixels);
  InputSpec bytes = input("x", {1, any, 2, 3}, mlir::IntegerType::get(&context, 8, mlir::IntegerType::Unsigned));
  CHECK(valuesOf<unsigned char>(load(*open(folder, {bytes}, {{}, {}, 1, 0}), 0)[0]) == twoPixels);
  CHECK(openError(folder, {bytes}, {{0.5}, {}, 1, 0}) == "expects no image mean and std for input 'x' of type u8");
}

TEST_CASE_METHOD(Pictures, "pictures: a fixed batch takes several") {
  add("a.png", 2, 1, twoPixels);
  add("b.png", 2, 1, Pixels(6, 255));
  auto samples = open(folder, {input("x", {2, 3, 1, 2})});
  REQUIRE(samples->count() == 1);
  auto values = valuesOf<float>(load(*samples, 0)[0]);
  CHECK(values[0] == 1);
  CHECK(values[1] == 0);
  CHECK(values[11] == 1);
  CHECK(openPictures({4, 3, 1, 2}) == "expects a multiple of 4 pictures for input 'x', got 2");
}

TEST_CASE_METHOD(Pictures, "pictures: inputs and options that don't fit") {
  add("a.png", 2, 1, twoPixels);
  std::string form = "expects input 'x' to be [N, C, H, W] or [N, H, W, C] with 1, 3 or 4 channels for pictures, got ";
  CHECK(openPictures({1, 3}) == form + "[1, 3]");
  CHECK(openPictures({1, 2, 5, 5}) == form + "[1, 2, 5, 5]");
  CHECK(openPictures({any, any, any, any}) == form + "[?, ?, ?, ?]");
  CHECK(openPictures({any, 3, any, any}) ==
        "expects the image size to be given, since the input's height is not fixed");
  CHECK(openPictures({any, 3, 8, 8}, {{}, {}, 8, 9}) == "expects an image width of 8 as the input's, got 9");
  CHECK(openPictures({any, 3, any, any}, {{}, {}, 1 << 20, 1}) == "expects an image height of 1 to 16384, got 1048576");
  CHECK(openPictures({any, 3, 8, 8}, {{1, 2}, {}}) == "expects an image mean of 1 or 3 numbers, got 2");
  CHECK(openPictures({any, 3, 8, 8}, {{}, {1, 0, 1}}) == "expects an image std of positive numbers, got 0");
  CHECK(openPictures({any, 3, 8, 8}, {{NAN}, {}}) == "expects an image mean of finite numbers, got NaN");
  CHECK(openError(folder, {input("x", {1, 3, 8, 8}), input("y", {1})}) ==
        "expects a model with one input for pictures, got 2");
  CHECK(openError(folder, {input("x", {1, 3, 8, 8}, i64())}).empty());
}

TEST_CASE_METHOD(Pictures, "pictures: any byte changed gives an error or a picture") {
  for (const char *name : {"a.png", "a.jpg", "a.bmp"}) {
    Pixels pixels(192);
    for (size_t i = 0; i < pixels.size(); ++i)
      pixels[i] = static_cast<unsigned char>(i * 37);
    add(name, 8, 8, pixels);
    auto samples = open(folder, {input("x", {1, 3, 8, 8})});
    std::string bytes = Files::read(folder + "/" + name);
    for (size_t i = 0; i < bytes.size(); ++i) {
      std::string changed = bytes;
      changed[i] = char(changed[i] ^ (1 << i % 8));
      files.write(std::string("p/") + name, changed);
      auto tensors = samples->load(0);
      if (tensors)
        CHECK((*tensors)[0].size() == 192);
      else
        CHECK(llvm::toString(tensors.takeError()).find(name) != std::string::npos);
    }
    std::filesystem::remove(folder + "/" + name);
  }
}

TEST_CASE_METHOD(Pictures, "pictures: damaged files are named") {
  files.write("p/a.png", "no picture at all");
  auto samples = open(folder, {input("x", {1, 3, 8, 8})});
  CHECK(loadError(*samples, 0).starts_with("p/a.png: not a PNG, JPEG or BMP picture, or a damaged one: "));
  add("b.png", 8, 8, Pixels(192, 7));
  std::string good = Files::read(folder + "/b.png");
  files.write("p/a.png", good.substr(0, good.size() / 2));
  CHECK(loadError(*samples, 0).starts_with("p/a.png: not a PNG"));
  good[18] = good[22] = 0x3f; // says that it is 16136 x 16136 pixels
  files.write("p/a.png", good);
  CHECK(loadError(*samples, 0).starts_with("p/a.png: expects at most 67108864 pixels, got 16"));
  files.write("p/a.png", "");
  CHECK(loadError(*samples, 0).starts_with("p/a.png: not a PNG"));
}
