#include "compiler/import/CheckModel.h"
#include "onnx/checker.h"
#include "onnx/defs/schema.h"
#include "llvm/ADT/ScopeExit.h"
#include "llvm/ADT/StringSet.h"

using namespace llvm;

namespace lathe::importer {

namespace {

/// Initializers stand as inputs while the checker runs: it would miss the data of those that were cut out.
class InitializersAsInputs {
public:
  explicit InitializersAsInputs(onnx::GraphProto &graph) : graph(graph), inputs(graph.input_size()) {
    StringSet<> known;
    for (const auto &input : graph.input())
      known.insert(input.name());
    graph.mutable_initializer()->Swap(&initializers);
    for (const auto &tensor : initializers)
      if (known.insert(tensor.name()).second)
        addInput(tensor);
  }
  ~InitializersAsInputs() {
    graph.mutable_initializer()->Swap(&initializers);
    graph.mutable_input()->DeleteSubrange(inputs, graph.input_size() - inputs);
  }

private:
  void addInput(const onnx::TensorProto &tensor) {
    onnx::ValueInfoProto *input = graph.add_input();
    input->set_name(tensor.name());
    auto *type = input->mutable_type()->mutable_tensor_type();
    type->set_elem_type(tensor.data_type());
    auto *shape = type->mutable_shape(); // present for scalars too
    for (int64_t dim : tensor.dims())
      shape->add_dim()->set_dim_value(dim);
  }

  onnx::GraphProto &graph;
  int inputs;
  google::protobuf::RepeatedPtrField<onnx::TensorProto> initializers;
};

/// Outputs of unknown rank get one while the checker runs, which insists on it; shapes are inferred anyway.
class ShapedOutputs {
public:
  explicit ShapedOutputs(onnx::GraphProto &graph) {
    for (auto &output : *graph.mutable_output())
      if (output.type().has_tensor_type() && !output.type().tensor_type().has_shape()) {
        changed.push_back(output.mutable_type()->mutable_tensor_type());
        changed.back()->mutable_shape();
      }
  }
  ~ShapedOutputs() {
    for (auto *type : changed)
      type->clear_shape();
  }

private:
  std::vector<onnx::TypeProto_Tensor *> changed;
};

int64_t opsetVersion(const onnx::ModelProto &model, StringRef domain) {
  for (const auto &entry : model.opset_import())
    if (entry.domain() == domain || (domain.empty() && entry.domain() == "ai.onnx"))
      return entry.version();
  return 0;
}

bool lacksSchema(const onnx::ModelProto &model, const onnx::NodeProto &node) {
  bool isStandard = node.domain().empty() || StringRef(node.domain()).starts_with("ai.onnx");
  int64_t version = opsetVersion(model, node.domain());
  if (!isStandard || version <= 0 || version > INT_MAX)
    return false;
  return !onnx::OpSchemaRegistry::Schema(node.op_type(), int(version), node.domain());
}

bool hasUnknownNode(const onnx::ModelProto &model) {
  return any_of(model.graph().node(), [&](const onnx::NodeProto &node) { return lacksSchema(model, node); });
}

/// The checker's text has several lines; a message has one.
std::string oneLine(StringRef text) {
  std::string line;
  for (char c : text.trim())
    if (c != '\n' && c != '\r')
      line += c;
    else if (!line.empty() && line.back() != ' ')
      line += ' ';
  return line;
}

/// The checker's words for these don't name the input.
Error checkInputs(const onnx::GraphProto &graph) {
  for (const onnx::ValueInfoProto &input : graph.input()) {
    if (!input.has_type() || input.type().value_case() == onnx::TypeProto::VALUE_NOT_SET)
      return createStringError("input '" + input.name() + "' has no type");
    if (input.type().has_tensor_type() && !input.type().tensor_type().has_shape())
      return createStringError("input '" + input.name() + "' expects a known rank");
  }
  return Error::success();
}

Error checkBasics(const onnx::ModelProto &model) {
  if (!model.has_graph())
    return createStringError("not an ONNX model: it has no graph");
  int64_t version = opsetVersion(model, "");
  if (version != 0 && version < 7)
    return createStringError("expects opset 7 or newer, got " + Twine(version));
  int newest = onnx::OpSchemaRegistry::DomainToVersionRange::Instance().Map().at("").second;
  if (version > newest)
    return createStringError("expects opset " + Twine(newest) + " or older, got " + Twine(version));
  if (model.graph().sparse_initializer_size() > 0)
    return createStringError("sparse initializers are not supported");
  return checkInputs(model.graph());
}

} // namespace

Error checkModel(onnx::ModelProto &model) {
  if (Error error = checkBasics(model))
    return error;
  try {
    onnx::checker::check_function_call_cycles(model);
    InitializersAsInputs guard(*model.mutable_graph());
    ShapedOutputs outputs(*model.mutable_graph());
    if (!hasUnknownNode(model))
      onnx::checker::check_model(model);
    return Error::success();
  } catch (const std::exception &error) {
    return createStringError(oneLine(error.what()));
  }
}

} // namespace lathe::importer
