#include "backends/artifact/ProgramManifest.h"
#include "compiler/import/Import.h"
#include "dialects/reference/Evaluate.h"
#include "lathe/lathe.h"
#include "mlir/IR/Diagnostics.h"
#include "tests/conformance/RunCase.h"
#include <fmt/format.h>

using namespace mlir;

namespace lathe::conformance {
namespace {

/// Names of a function's arguments or results.
std::vector<std::string> namesOf(func::FuncOp function, bool areInputs) {
  std::vector<std::string> names;
  unsigned count = areInputs ? function.getNumArguments() : function.getNumResults();
  for (unsigned i = 0; i < count; ++i) {
    auto name = areInputs ? function.getArgAttrOfType<StringAttr>(i, "nn.name")
                          : function.getResultAttrOfType<StringAttr>(i, "nn.name");
    names.push_back(name ? name.str() : "");
  }
  return names;
}

/// The same tensor for the interpreter, with the argument's element type.
reference::Tensor borrow(Tensor &tensor, Type argument) {
  auto type = RankedTensorType::get(tensor.shape, cast<RankedTensorType>(argument).getElementType());
  return reference::Tensor::borrow(type, tensor.bytes.data());
}

Result runDataSet(func::FuncOp function, const Interface &interface, const Case &testCase, const std::string &folder) {
  std::vector<Tensor> inputs, wanted;
  std::string problem;
  if (!readTensors(folder + "/input", interface.inputs, namesOf(function, true), inputs, problem) ||
      !readTensors(folder + "/output", interface.outputs, namesOf(function, false), wanted, problem))
    return {Outcome::Refused, problem};
  reference::Tensors arguments;
  for (auto [input, type] : llvm::zip(inputs, function.getArgumentTypes()))
    arguments.push_back(borrow(input, type));
  auto results = reference::evaluateFunction(function, arguments);
  if (!results)
    return {Outcome::Refused, "run: " + llvm::toString(results.takeError())};
  for (auto [name, result, want] : llvm::zip(namesOf(function, false), *results, wanted)) {
    lathe_tensor_t got{const_cast<char *>(result.data<char>()),
                       size_t(result.sizeBytes()),
                       result.shape().data(),
                       uint32_t(result.rank()),
                       static_cast<lathe_dtype_t>(dtypeOf(result.elementType())),
                       0};
    std::string text = difference(got, want, testCase.rtol, testCase.atol);
    if (!text.empty())
      return {Outcome::Wrong, fmt::format("output '{}': {}", name, text)};
  }
  return {Outcome::Pass, ""};
}

} // namespace

Result interpretCase(const Case &testCase) {
  MLIRContext context(MLIRContext::Threading::DISABLED);
  std::string messages, path = testCase.folder + "/model.onnx";
  ScopedDiagnosticHandler handler(&context,
                                  [&](Diagnostic &diagnostic) { messages += "error: " + diagnostic.str() + "\n"; });
  OwningOpRef<ModuleOp> module = importModel(path, {}, &context);
  if (!module)
    return {messages.empty() ? Outcome::Wrong : Outcome::Refused,
            messages.empty() ? "refused without a message" : messages};
  auto function = *module->getOps<func::FuncOp>().begin();
  Interface interface = interfaceOf(path);
  for (int i = 0; i < testCase.datasets; ++i) {
    Result result = runDataSet(function, interface, testCase, fmt::format("{}/test_data_set_{}", testCase.folder, i));
    if (result.outcome != Outcome::Pass)
      return result;
  }
  return {Outcome::Pass, ""};
}

} // namespace lathe::conformance
