// A model that is too large for one file moves its tensors to another one.
#include "compiler/export/StoreTensors.h"
#include "llvm/Support/Error.h"
#include <catch2/catch_test_macros.hpp>

using namespace lathe;

namespace {

/// Two tensors of the model's own and one small one, all of bytes.
std::string serializedModel() {
  onnx::ModelProto model;
  model.set_ir_version(8);
  model.add_opset_import()->set_version(17);
  onnx::GraphProto &graph = *model.mutable_graph();
  graph.set_name("g");
  for (auto [name, size] : {std::pair("large", 5000), std::pair("small", 10), std::pair("other", 3000)}) {
    onnx::TensorProto &tensor = *graph.add_initializer();
    tensor.set_name(name);
    tensor.set_data_type(onnx::TensorProto::INT8);
    tensor.add_dims(size);
    tensor.set_raw_data(std::string(size_t(size), name[0]));
    *graph.add_output() = onnx::ValueInfoProto();
    graph.mutable_output(graph.output_size() - 1)->set_name(name);
    graph.mutable_output(graph.output_size() - 1)
        ->mutable_type()
        ->mutable_tensor_type()
        ->set_elem_type(onnx::TensorProto::INT8);
  }
  return model.SerializeAsString();
}

std::unique_ptr<importer::ModelFile> openModel() {
  std::string bytes = serializedModel();
  auto file = importer::ModelFile::fromBytes({bytes.data(), bytes.size()}, "model");
  if (!file)
    FAIL(llvm::toString(file.takeError()));
  return std::move(*file);
}

} // namespace

TEST_CASE("a model that fits is whole") {
  auto file = openModel();
  REQUIRE(file->model().graph().initializer(0).raw_data().empty()); // it stayed in the file
  auto outer = exporter::storeTensors(*file, "m.data", 1 << 20);
  REQUIRE(outer);
  CHECK(outer->empty());
  CHECK(file->model().SerializeAsString() == serializedModel());
}

TEST_CASE("large tensors of a model that doesn't fit go to another file") {
  auto file = openModel();
  auto outer = exporter::storeTensors(*file, "m.data", 4000);
  REQUIRE(outer);
  REQUIRE(outer->size() == 2);
  CHECK((*outer)[0].offset == 0);
  CHECK((*outer)[0].bytes.bytes.size() == 5000);
  CHECK((*outer)[1].offset == 8192); // the next page
  CHECK((*outer)[1].bytes.bytes.front() == 'o');
  const auto &graph = file->model().graph();
  CHECK(graph.initializer(0).data_location() == onnx::TensorProto::EXTERNAL);
  CHECK(graph.initializer(0).external_data(0).value() == "m.data");
  CHECK(graph.initializer(2).external_data(1).value() == "8192");
  CHECK(graph.initializer(2).external_data(2).value() == "3000");
  CHECK(graph.initializer(1).raw_data() == std::string(10, 's'));
}
