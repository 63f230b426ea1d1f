// lathe-import: prints a model as an nn module, for tests and for looking at what the importer makes of a model.
//
//   lathe-import [--dim NAME=SIZE|MIN..MAX]... [--check] MODEL.onnx | MODEL.onnxtxt
//
// Weights are elided. Exit code 0, or 1 with diagnostics.
#include "compiler/import/Check.h"
#include "mlir/IR/Diagnostics.h"
#include "mlir/IR/MLIRContext.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/SourceMgr.h"

using namespace mlir;

namespace {

struct Arguments {
  std::string model;
  lathe::ImportOptions options;
  bool isCheck = false;
};

bool parse(int argc, char **argv, Arguments &arguments) {
  for (int i = 1; i < argc; ++i) {
    llvm::StringRef argument = argv[i];
    if (argument == "--check")
      arguments.isCheck = true;
    else if (argument == "--dim" && i + 1 < argc) {
      if (!lathe::parseDimOption(argv[++i], arguments.options))
        return false;
    } else if (argument.starts_with("-") || !arguments.model.empty())
      return false;
    else
      arguments.model = argument.str();
  }
  return !arguments.model.empty();
}

OwningOpRef<ModuleOp> load(const Arguments &arguments, MLIRContext &context) {
  if (!llvm::StringRef(arguments.model).ends_with(".onnxtxt"))
    return lathe::importModel(arguments.model, arguments.options, &context);
  auto buffer = llvm::MemoryBuffer::getFile(arguments.model);
  if (!buffer) {
    llvm::errs() << arguments.model << ": " << buffer.getError().message() << "\n";
    return {};
  }
  return lathe::importModelText((*buffer)->getBuffer(), arguments.model, arguments.options, &context);
}

} // namespace

int main(int argc, char **argv) {
  Arguments arguments;
  if (!parse(argc, argv, arguments)) {
    llvm::errs() << "usage: lathe-import [--dim NAME=SIZE|MIN..MAX]... [--check] MODEL\n";
    return 2;
  }
  if (arguments.isCheck) {
    lathe::CheckResult result = lathe::checkModel(arguments.model, arguments.options);
    lathe::printCheck(result, llvm::outs());
    return result.isSupported() ? 0 : 1;
  }
  MLIRContext context(MLIRContext::Threading::DISABLED);
  llvm::SourceMgr sources;
  SourceMgrDiagnosticHandler handler(sources, &context, llvm::errs());
  OwningOpRef<ModuleOp> module = load(arguments, context);
  if (!module)
    return 1;
  OpPrintingFlags flags;
  flags.elideLargeResourceString(16).elideLargeElementsAttrs(64);
  module->print(llvm::outs(), flags);
  return 0;
}
