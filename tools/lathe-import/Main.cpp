// lathe-import: prints a model as an nn module, for tests and for looking at what the importer makes of a model.
//
//   lathe-import [--dim NAME=SIZE|MIN..MAX]... MODEL.onnx | MODEL.onnxtxt
//   lathe-import [--dim NAME=SIZE|MIN..MAX]... --check MODEL.onnx...
//
// Weights are elided. --check lists the nodes of each model instead. Exit code 0, or 1 with diagnostics.
#include "compiler/import/Check.h"
#include "mlir/IR/Diagnostics.h"
#include "mlir/IR/MLIRContext.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/SourceMgr.h"

using namespace mlir;

namespace {

struct Arguments {
  std::vector<std::string> models;
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
    } else if (argument.starts_with("-"))
      return false;
    else
      arguments.models.push_back(argument.str());
  }
  return arguments.models.size() == 1 || (arguments.isCheck && !arguments.models.empty());
}

OwningOpRef<ModuleOp> load(const Arguments &arguments, MLIRContext &context) {
  const std::string &model = arguments.models.front();
  if (!llvm::StringRef(model).ends_with(".onnxtxt"))
    return lathe::importModel(model, arguments.options, &context);
  auto buffer = llvm::MemoryBuffer::getFile(model);
  if (!buffer) {
    llvm::errs() << model << ": " << buffer.getError().message() << "\n";
    return {};
  }
  return lathe::importModelText((*buffer)->getBuffer(), model, arguments.options, &context);
}

int check(const Arguments &arguments) {
  bool areSupported = true;
  for (const std::string &model : arguments.models) {
    if (arguments.models.size() > 1)
      llvm::outs() << model << ":\n";
    lathe::CheckResult result = lathe::checkModel(model, arguments.options);
    lathe::printCheck(result, llvm::outs());
    areSupported &= result.isSupported();
  }
  return areSupported ? 0 : 1;
}

} // namespace

int main(int argc, char **argv) {
  Arguments arguments;
  if (!parse(argc, argv, arguments)) {
    llvm::errs() << "usage: lathe-import [--dim NAME=SIZE|MIN..MAX]... MODEL | --check MODEL...\n";
    return 2;
  }
  if (arguments.isCheck)
    return check(arguments);
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
