// Samples in .npz and .npy files.
#include "dialects/support/Symbols.h"
#include "tests/unit/calibrate/SampleFiles.h"
#include <catch2/catch_test_macros.hpp>
#include <limits>

using namespace lathe;
using namespace lathe::test;
using Floats = std::vector<float>;

TEST_CASE_METHOD(Fixture, "npz: an array of the input's rank gives its rows, one rank more gives its parts") {
  for (bool isDeflated : {false, true}) {
    auto path = files.npz("d.npz", {{"b", countUp({2, 1, 3})}, {"a", countUp({2, 3})}}, isDeflated);
    auto samples = open(path, {input("a", {any, 3}), input("b", {1, 3})});
    REQUIRE(samples->count() == 2);
    for (size_t index : {0, 1, 0, 1, 1}) { // a compressed array is started anew to go back
      auto tensors = load(*samples, index);
      REQUIRE(tensors.size() == 2);
      for (const auto &tensor : tensors) {
        CHECK(tensor.shape() == llvm::ArrayRef<int64_t>({1, 3}));
        CHECK(valuesOf<float>(tensor) == (index ? Floats{3, 4, 5} : Floats{0, 1, 2}));
      }
    }
  }
}

TEST_CASE_METHOD(Fixture, "npz: many samples of a compressed array are read in order, past the size of a buffer") {
  std::vector<Member> members = {{"x.npy", npy(countUp({50, 1000})), true}};
  auto samples = open(files.zip("d.npz", members), {input("x", {any, 1000})});
  REQUIRE(samples->count() == 50);
  for (size_t i = 0; i < 50; ++i)
    CHECK(load(*samples, i)[0].data<float>()[999] == float(i * 1000 + 999));
  CHECK(load(*samples, 30)[0].data<float>()[0] == 30000);
}

TEST_CASE_METHOD(Fixture, "npz: a model with one input takes one array of any name") {
  auto path = files.npz("d.npz", {{"arr_0", countUp({4, 2})}});
  CHECK(open(path, {input("x", {1, 2})})->count() == 4);
  CHECK(openError(path, {input("x", {1, 2}), input("y", {1, 2})}) == "d.npz: expects arrays 'x', 'y', got 'arr_0'");
}

TEST_CASE_METHOD(Fixture, "npz: as many rows per sample as the input's first axis has") {
  auto path = files.npz("d.npz", {{"x", countUp({6, 1})}});
  auto samples = open(path, {input("x", {3, 1})});
  REQUIRE(samples->count() == 2);
  CHECK(valuesOf<float>(load(*samples, 1)[0]) == Floats{3, 4, 5});
  CHECK(openError(path, {input("x", {4, 1})}) == "d.npz: array 'x': expects a multiple of 4 rows, got shape [6, 1]");
}

TEST_CASE_METHOD(Fixture, "npz: scalars") {
  auto one = open(files.npz("one.npz", {{"x", countUp({})}}), {input("x", {})});
  CHECK(one->count() == 1);
  CHECK(valuesOf<float>(load(*one, 0)[0]) == Floats{0});
  auto many = open(files.npz("many.npz", {{"x", countUp({3})}}), {input("x", {})});
  CHECK(many->count() == 3);
  CHECK(valuesOf<float>(load(*many, 2)[0]) == Floats{2});
}

TEST_CASE_METHOD(Fixture, "npz: Fortran and byte order") {
  Array array{"<f4", {2, 3}, bytesOf(Floats{0, 3, 1, 4, 2, 5}), true};
  auto samples = open(files.npz("f.npz", {{"x", array}}, true), {input("x", {1, 3})});
  CHECK(valuesOf<float>(load(*samples, 1)[0]) == Floats{3, 4, 5});
  Array big{">i2", {2}, std::string("\x01\x02\xff\xfe", 4)};
  auto swapped = open(files.npz("b.npz", {{"x", big}}), {input("x", {1}, i64())});
  CHECK(valuesOf<int64_t>(load(*swapped, 0)[0]) == std::vector<int64_t>{0x102});
  CHECK(valuesOf<int64_t>(load(*swapped, 1)[0]) == std::vector<int64_t>{-2});
}

TEST_CASE_METHOD(Fixture, "npz: integers fit or are refused") {
  auto path = files.npz("d.npz", {{"x", longs({2, 2}, {1, -5, 2, int64_t(1) << 31})}});
  mlir::Type i32 = mlir::IntegerType::get(&context, 32);
  auto samples = open(path, {input("x", {1, 2}, i32)});
  CHECK(valuesOf<int32_t>(load(*samples, 0)[0]) == std::vector<int32_t>{1, -5});
  CHECK(loadError(*samples, 1) == "d.npz: sample 1: input 'x': expects values of type i32, got 2147483648 at [0, 1]");
  mlir::Type u8 = mlir::IntegerType::get(&context, 8, mlir::IntegerType::Unsigned);
  auto bytes = open(path, {input("x", {1, 2}, u8)});
  CHECK(loadError(*bytes, 0) == "d.npz: sample 0: input 'x': expects values of type u8, got -5 at [0, 1]");
  auto flags = open(files.npz("b.npz", {{"x", {"|b1", {2}, std::string("\1\2", 2)}}}),
                    {input("x", {1}, mlir::IntegerType::get(&context, 1))});
  CHECK(valuesOf<char>(load(*flags, 0)[0]) == std::vector<char>{1});
  CHECK(loadError(*flags, 1) == "b.npz: sample 1: input 'x': expects values of type bool, got 2 at [0]");
}

TEST_CASE_METHOD(Fixture, "npz: floats are rounded, never made of integers nor integers of them") {
  Array wide{"<f8", {2}, bytesOf(std::vector<double>{0.1, 1e300})};
  auto samples = open(files.npz("d.npz", {{"x", wide}}), {input("x", {1})});
  CHECK(valuesOf<float>(load(*samples, 0)[0]) == Floats{0.1f});
  CHECK(loadError(*samples, 1) == "d.npz: sample 1: input 'x': expects finite values of type f32, got 1e+300 at [0]");
  Array half{"<f2", {1}, std::string("\x00\x3e", 2)}, brain{"<V2", {1}, std::string("\xc0\x3f", 2)};
  for (const Array &array : {half, brain})
    CHECK(valuesOf<float>(load(*open(files.npz("h.npz", {{"x", array}}), {input("x", {1})}), 0)[0]) == Floats{1.5f});
  CHECK(openError(files.npz("f.npz", {{"x", countUp({2})}}), {input("x", {1}, i64())}) ==
        "f.npz: array 'x': expects elements of type i64, got f32");
  CHECK(openError(files.npz("i.npz", {{"x", longs({1}, {1})}}), {input("x", {1})}) ==
        "i.npz: array 'x': expects elements of type f32, got i64");
}

TEST_CASE_METHOD(Fixture, "npz: NaN and infinity are refused, the others go on") {
  float nan = std::numeric_limits<float>::quiet_NaN(), infinity = std::numeric_limits<float>::infinity();
  auto path = files.npz("d.npz", {{"x", floats({3, 2}, {1, 2, 3, nan, -infinity, 4})}});
  auto samples = open(path, {input("x", {any, 2})});
  CHECK(loadError(*samples, 0).empty());
  CHECK(loadError(*samples, 1) == "d.npz: sample 1: input 'x': expects finite values of type f32, got NaN at [0, 1]");
  CHECK(loadError(*samples, 2) ==
        "d.npz: sample 2: input 'x': expects finite values of type f32, got -infinity at [0, 0]");
}

TEST_CASE_METHOD(Fixture, "npz: names, shapes and numbers of samples must fit") {
  std::vector<InputSpec> two = {input("a", {any, 2}), input("b", {any, 2})};
  auto error = [&](std::vector<std::pair<std::string, Array>> arrays) {
    return openError(files.npz("d.npz", arrays), two);
  };
  CHECK(error({{"a", countUp({2, 2})}, {"c", countUp({2, 2})}}) == "d.npz: expects arrays 'a', 'b', got 'a', 'c'");
  CHECK(error({{"a", countUp({2, 2})}}) == "d.npz: expects arrays 'a', 'b', got 'a'");
  CHECK(error({{"a", countUp({2, 2})}, {"b", countUp({2, 2})}, {"y", countUp({2})}}) ==
        "d.npz: expects arrays 'a', 'b', got 'a', 'b', 'y'");
  CHECK(openError(files.write("e.npz", std::string("PK\5\6") + std::string(18, '\0')), two) ==
        "e.npz: expects arrays 'a', 'b', got none");
  CHECK(error({{"a", countUp({2, 2})}, {"b", countUp({3, 2})}}) ==
        "d.npz: array 'b': expects 2 samples as in 'a', got 3");
  CHECK(error({{"a", countUp({2, 3})}, {"b", countUp({3, 2})}}) ==
        "d.npz: array 'a': expects samples of shape [?, 2], got [1, 3]");
  CHECK(error({{"a", countUp({2})}, {"b", countUp({3, 2})}}) ==
        "d.npz: array 'a': expects an array of rank 2 or 3, got shape [2]");
  CHECK(error({{"a", countUp({0, 2})}, {"b", countUp({0, 2})}}) ==
        "d.npz: array 'a': expects an array that is not empty, got shape [0, 2]");
}

TEST_CASE_METHOD(Fixture, "npz: axes of one symbol have one size") {
  auto symbol = [&](unsigned number) { return mlir::getAffineSymbolExpr(number, &context); };
  auto one = mlir::getAffineConstantExpr(1, &context);
  InputSpec ids{"ids", makeTensorType({one, symbol(0)}, i64())}, mask{"mask", makeTensorType({one, symbol(0)}, i64())};
  InputSpec twice{"twice", makeTensorType({one, symbol(0) * 2}, i64())};
  Array three = longs({1, 3}, {1, 2, 3}), two = longs({1, 2}, {1, 2});
  CHECK(openError(files.npz("d.npz", {{"ids", three}, {"mask", three}}), {ids, mask}).empty());
  CHECK(openError(files.npz("d.npz", {{"ids", three}, {"mask", two}}), {ids, mask}) ==
        "d.npz: input 'mask': expects axis 1 to be 3 as axis 1 of 'ids', got 2");
  CHECK(openError(files.npz("d.npz", {{"twice", three}, {"ids", two}}), {twice, ids}) ==
        "d.npz: input 'twice': expects axis 1 to be 4 by the sizes of other axes, got 3");
}

TEST_CASE_METHOD(Fixture, "folder: .npz files one after the other, numbers by value") {
  files.npz("d/10.npz", {{"x", floats({1, 1}, {3})}});
  files.npz("d/9.npz", {{"x", floats({2, 1}, {1, 2})}});
  files.write("d/README.txt", "not a sample");
  files.write("d/.hidden.npz", "not a sample");
  auto samples = open(files.path("d"), {input("x", {any, 1})});
  REQUIRE(samples->count() == 3);
  for (size_t i : {2, 0, 1})
    CHECK(valuesOf<float>(load(*samples, i)[0]) == Floats{float(i + 1)});
  files.npz("d/8.npz", {{"x", floats({1, 2}, {1, 2})}});
  CHECK(openError(files.path("d"), {input("x", {any, 1})}) ==
        "d/8.npz: array 'x': expects samples of shape [?, 1], got [1, 2]");
}

TEST_CASE_METHOD(Fixture, "folder: .npy files of one input, or one per input") {
  files.write("one/b.npy", npy(floats({1, 1}, {2})));
  files.write("one/a.npy", npy(floats({1, 1}, {1})));
  auto one = open(files.path("one"), {input("x", {any, 1})});
  REQUIRE(one->count() == 2);
  CHECK(valuesOf<float>(load(*one, 1)[0]) == Floats{2});
  CHECK(open(files.path("one/a.npy"), {input("x", {any, 1})})->count() == 1);

  for (const char *sample : {"s1", "s2"})
    for (const char *name : {"a", "b"})
      files.write(std::string("two/") + sample + "/" + name + ".npy", npy(countUp({1, 1})));
  std::vector<InputSpec> inputs = {input("a", {any, 1}), input("b", {any, 1})};
  CHECK(open(files.path("two"), inputs)->count() == 2);
  CHECK(open(files.path("two/s1"), inputs)->count() == 1);
  CHECK(openError(files.path("one/a.npy"), inputs) ==
        "one/a.npy: expects an .npz file or a folder, since the model has 2 inputs");
  files.write("two/s3/a.npy", npy(countUp({1, 1})));
  CHECK(openError(files.path("two"), inputs) == "two/s3: expects arrays 'a', 'b', got 'a'");
}

TEST_CASE_METHOD(Fixture, "folder: nothing, or several kinds") {
  std::vector<InputSpec> inputs = {input("x", {any, 1})};
  files.write("none/x.txt", "");
  CHECK(openError(files.path("none"), inputs) ==
        "none: expects .npz or .npy files, test_data_set folders, or pictures (.png, .jpg, .bmp), got none");
  files.npz("both/a.npz", {{"x", countUp({1, 1})}});
  files.write("both/b.npy", npy(countUp({1, 1})));
  CHECK(openError(files.path("both"), inputs) == "both: expects samples of one kind, got .npy files and .npz files");
  CHECK(openError(files.path("missing"), inputs) == "cannot open 'missing': No such file or directory");
  CHECK(openError(files.write("x.csv", "1"), inputs) == "x.csv: expects an .npz or .npy file, or a folder of samples");
  ImageOptions images{{0.5}, {}};
  CHECK(openError(files.path("both/a.npz"), inputs, images) ==
        "both/a.npz: options for pictures are given, but it is no folder of pictures");
}
