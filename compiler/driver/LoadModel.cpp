#include "compiler/driver/LoadModel.h"
#include "dialects/plan/Plan.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Parser/Parser.h"

using namespace mlir;

namespace lathe {

void prepareContext(MLIRContext &context) {
  context.loadDialect<nn::NNDialect, plan::PlanDialect, func::FuncDialect>();
  context.printOpOnDiagnostic(false);
}

namespace {
OwningOpRef<ModuleOp> loadText(StringRef path, MLIRContext &context, Messages &messages) {
  OwningOpRef<ModuleOp> module = parseSourceFile<ModuleOp>(path, &context);
  if (!module)
    return {};
  auto functions = module->getOps<func::FuncOp>();
  if (!llvm::hasSingleElement(functions) || (*functions.begin()).isDeclaration()) {
    messages.error("'" + path + "': expects one function with a body");
    return {};
  }
  return module;
}
} // namespace

OwningOpRef<ModuleOp> loadModel(StringRef path, ArrayRef<char> data, const ImportOptions &options, MLIRContext &context,
                                Messages &messages) {
  if (!data.empty())
    return importModelBytes(data, path.empty() ? "model" : path, options, &context);
  return path.ends_with(".mlir") ? loadText(path, context, messages) : importModel(path, options, &context);
}

} // namespace lathe
