// Shrinks an .mlir file while a test script still finds it interesting.
#include "mlir/IR/MLIRContext.h"
#include "mlir/Tools/mlir-reduce/MlirReduceMain.h"
#include "mlir/Transforms/Passes.h"
#include "passes/Passes.h"
#include "tools/lathe-opt/DialectRegistry.h"

int main(int argc, char **argv) {
  mlir::DialectRegistry registry;
  lathe::registerDialects(registry);
  lathe::registerLathePasses();
  mlir::registerTransformsPasses();
  mlir::MLIRContext context(registry);
  return mlir::failed(mlir::mlirReduceMain(argc, argv, context));
}
