#include "compiler/import/Import.h"
#include "compiler/import/Importer.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"

using namespace mlir;

namespace lathe {

namespace {
OwningOpRef<ModuleOp> importFile(llvm::Expected<std::unique_ptr<importer::ModelFile>> file, StringRef name,
                                 const ImportOptions &options, MLIRContext *context, std::vector<NodeReport> *report) {
  context->loadDialect<func::FuncDialect, nn::NNDialect>();
  if (file)
    return importer::Importer(**file, options, context, report).run();
  emitError(NameLoc::get(StringAttr::get(context, name)), llvm::toString(file.takeError()));
  return {};
}
} // namespace

OwningOpRef<ModuleOp> importModel(StringRef path, const ImportOptions &options, MLIRContext *context,
                                  std::vector<NodeReport> *report) {
  return importFile(importer::ModelFile::open(path), path, options, context, report);
}

OwningOpRef<ModuleOp> importModelBytes(ArrayRef<char> bytes, StringRef name, const ImportOptions &options,
                                       MLIRContext *context, std::vector<NodeReport> *report) {
  return importFile(importer::ModelFile::fromBytes(bytes, name), name, options, context, report);
}

OwningOpRef<ModuleOp> importModelText(StringRef text, StringRef name, const ImportOptions &options,
                                      MLIRContext *context, std::vector<NodeReport> *report) {
  return importFile(importer::ModelFile::fromText(text, name), name, options, context, report);
}

OwningOpRef<ModuleOp> importModelFile(importer::ModelFile &file, const ImportOptions &options, MLIRContext *context) {
  context->loadDialect<func::FuncDialect, nn::NNDialect>();
  return importer::Importer(file, options, context, nullptr).run();
}

bool parseDimOption(StringRef text, ImportOptions &options) {
  auto [name, range] = text.rsplit('=');
  auto [low, high] = range.contains("..") ? range.split("..") : std::pair(range, range);
  DimBounds bounds;
  if (name.empty() || low.getAsInteger(10, bounds.min) || high.getAsInteger(10, bounds.max) || bounds.min < 0 ||
      bounds.max < bounds.min)
    return false;
  options.dims[name] = bounds;
  return true;
}

} // namespace lathe
