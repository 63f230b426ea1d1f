// Language server for editing .mlir files that contain Lathe's dialects.
#include "mlir/IR/DialectRegistry.h"
#include "mlir/Tools/mlir-lsp-server/MlirLspServerMain.h"
#include "tools/lathe-opt/DialectRegistry.h"

int main(int argc, char **argv) {
  mlir::DialectRegistry registry;
  lathe::registerDialects(registry);
  return mlir::failed(mlir::MlirLspServerMain(argc, argv, registry));
}
