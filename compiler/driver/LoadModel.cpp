#include "compiler/driver/LoadModel.h"
#include "dialects/plan/Plan.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Parser/Parser.h"
#include "llvm/Support/FileSystem.h"

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

OwningOpRef<ModuleOp> loadModel(StringRef path, MLIRContext &context, Messages &messages) {
  uint64_t size = 0;
  if (std::error_code error = llvm::sys::fs::file_size(path, size)) {
    messages.error("can't read '" + path + "': " + error.message());
    return {};
  }
  if (path.ends_with(".mlir"))
    return loadText(path, context, messages);
  messages.error("'" + path + "': expects a name that ends in .onnx or .mlir");
  return {};
}

} // namespace lathe
