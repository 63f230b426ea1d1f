// Samples as ONNX's test data keep them.
#include "onnx/onnx_pb.h"
#include "tests/unit/calibrate/SampleFiles.h"
#include <catch2/catch_test_macros.hpp>

using namespace lathe;
using namespace lathe::test;
using onnx::TensorProto;

namespace {
TensorProto tensor(TensorProto::DataType type, std::vector<int64_t> shape) {
  TensorProto proto;
  proto.set_data_type(type);
  for (int64_t size : shape)
    proto.add_dims(size);
  return proto;
}

TensorProto rawFloats(std::vector<int64_t> shape, const std::vector<float> &values) {
  TensorProto proto = tensor(TensorProto::FLOAT, shape);
  proto.set_raw_data(bytesOf(values));
  return proto;
}

struct TensorFixture : Fixture {
  std::vector<InputSpec> inputs = {input("x", {any, 2}), input("ids", {any}, i64())};

  void add(const std::string &folder, const TensorProto &x, const std::vector<int64_t> &ids) {
    files.write(folder + "/input_0.pb", x.SerializeAsString());
    TensorProto second = tensor(TensorProto::INT64, {int64_t(ids.size())});
    for (int64_t id : ids)
      second.add_int64_data(id);
    files.write(folder + "/input_1.pb", second.SerializeAsString());
    files.write(folder + "/output_0.pb", "not read");
  }
  std::string firstError() { return loadError(*open(files.path("m"), inputs), 0); }
};
} // namespace

TEST_CASE_METHOD(TensorFixture, "test data: one sample per folder, in the order of the numbers") {
  files.write("m/model.onnx", "not read");
  for (int i : {10, 2, 0})
    add("m/test_data_set_" + std::to_string(i), rawFloats({1, 2}, {float(i), 0.5f}), {i, 7, 8});
  auto samples = open(files.path("m"), inputs);
  REQUIRE(samples->count() == 3);
  for (auto [index, first] : {std::pair(0, 0), {1, 2}, {2, 10}}) {
    auto tensors = load(*samples, size_t(index));
    CHECK(valuesOf<float>(tensors[0]) == std::vector<float>{float(first), 0.5f});
    CHECK(valuesOf<int64_t>(tensors[1]) == std::vector<int64_t>{first, 7, 8});
  }
  CHECK(open(files.path("m/test_data_set_2"), inputs)->count() == 1);
}

TEST_CASE_METHOD(TensorFixture, "test data: missing and left-over inputs") {
  add("m/test_data_set_0", rawFloats({1, 2}, {1, 2}), {1});
  std::vector<InputSpec> three = inputs;
  three.push_back(input("mask", {any}));
  CHECK(openError(files.path("m"), three) == "m/test_data_set_0: expects input_2.pb for input 'mask', got none");
  CHECK(openError(files.path("m"), {inputs[0]}) == "m/test_data_set_0: expects 1 inputs, got input_1.pb");
}

TEST_CASE_METHOD(TensorFixture, "test data: what doesn't fit") {
  std::string where = "m/test_data_set_0/input_0.pb: input 'x': ";
  add("m/test_data_set_0", rawFloats({1, 3}, {1, 2, 3}), {1});
  CHECK(firstError() == where + "expects samples of shape [?, 2], got [1, 3]");
  add("m/test_data_set_0", rawFloats({1, 2}, {1, NAN}), {1});
  CHECK(firstError() == where + "expects finite values of type f32, got NaN at [0, 1]");
  add("m/test_data_set_0", rawFloats({1, 2}, {1, 2, 3}), {1});
  CHECK(firstError() == where + "tensor '' expects 8 bytes of data, got 12");
  add("m/test_data_set_0", tensor(TensorProto::FLOAT, {1, 2}), {1});
  CHECK(firstError() == where + "tensor '' expects 2 elements");
  add("m/test_data_set_0", tensor(TensorProto::FLOAT, {1 << 29, 2}), {1});
  CHECK(firstError() == where + "expects samples of less than 4 GiB, got shape [536870912, 2]");
  add("m/test_data_set_0", tensor(TensorProto::STRING, {1, 2}), {1});
  CHECK(firstError() == where + "tensor '': element type string is not supported");
  add("m/test_data_set_0", tensor(TensorProto::INT64, {1, 2}), {1});
  CHECK(firstError() == where + "tensor '' expects 2 elements");
  TensorProto external = tensor(TensorProto::FLOAT, {1, 2});
  external.set_data_location(TensorProto::EXTERNAL);
  add("m/test_data_set_0", external, {1});
  CHECK(firstError() == where + "tensor '' has external data");
  files.write("m/test_data_set_0/input_0.pb", "\xff\xff\xff");
  CHECK(firstError() == where + "not an ONNX tensor");
  files.write("m/test_data_set_0/input_0.pb", "");
  CHECK(firstError() == where + "not an ONNX tensor");
}
