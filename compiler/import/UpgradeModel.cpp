// Changes of a whole model by ONNX's own tools.
#include "compiler/import/ModelFile.h"
#include "onnx/inliner/inliner.h"
#include "onnx/version_converter/convert.h"
#include "llvm/ADT/StringSet.h"

using namespace llvm;

namespace lathe::importer {

static onnx::OperatorSetIdProto *standardOpset(onnx::ModelProto &model) {
  for (auto &entry : *model.mutable_opset_import())
    if (entry.domain().empty() || entry.domain() == "ai.onnx")
      return &entry;
  return nullptr;
}

/// Functions with a product in their body, or in the body of what they call.
static onnx::inliner::FunctionIdVector functionsWithProducts(const onnx::ModelProto &model) {
  StringSet<> names = {":MatMul", ":Gemm", ":Conv"};
  onnx::inliner::FunctionIdVector found;
  for (bool isChanged = true; isChanged;) {
    isChanged = false;
    for (const onnx::FunctionProto &function : model.functions()) {
      bool hasProduct = any_of(function.node(), [&](const onnx::NodeProto &node) {
        return names.contains((node.domain() == "ai.onnx" ? "" : node.domain()) + ":" + node.op_type());
      });
      if (!hasProduct || !names.insert(function.domain() + ":" + function.name()).second)
        continue;
      found.emplace_back(function.domain(), function.name());
      isChanged = true;
    }
  }
  return found;
}

Error ModelFile::inlineProducts() {
  auto functions = functionsWithProducts(proto);
  if (functions.empty())
    return Error::success();
  try {
    onnx::inliner::InlineSelectedLocalFunctions(proto, *onnx::inliner::FunctionIdSet::Create(std::move(functions)));
  } catch (const std::exception &error) {
    return fail(Twine("can't put functions in place of their calls: ") + error.what());
  }
  return check();
}

/// Only graph and version are taken from what the converter gives: it loses what it doesn't know, such as metadata.
Error ModelFile::raiseOpset(int64_t version) {
  onnx::OperatorSetIdProto *opset = standardOpset(proto);
  if (!opset)
    return fail("expects the model to import operators of ONNX");
  if (opset->version() >= version)
    return Error::success();
  auto refuse = [&](const Twine &reason) {
    return fail("can't be converted from version " + Twine(opset->version()) + " of ONNX's operators to " +
                Twine(version) + ", which quantized nodes need: " + reason);
  };
  if (proto.functions_size())
    return refuse("it has functions of its own");
  onnx::ModelProto converted;
  try {
    converted = onnx::version_conversion::ConvertVersion(proto, int(version));
  } catch (const std::exception &error) {
    return refuse(error.what());
  }
  StringMap<ArrayRef<char>> weights;
  for (auto [tensor, bytes] : stripped)
    weights[tensor->name()] = bytes;
  proto.mutable_graph()->Swap(converted.mutable_graph());
  standardOpset(proto)->set_version(version);
  stripped.clear();
  initializers.clear();
  for (const onnx::TensorProto &tensor : proto.graph().initializer())
    if (auto found = weights.find(tensor.name()); found != weights.end())
      stripped[&tensor] = found->second;
  return adopt();
}

} // namespace lathe::importer
