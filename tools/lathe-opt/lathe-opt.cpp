// Runs any pass alone on MLIR text, as the tests do. See docs/Debugging.md.
#include "compiler/pipeline/LowerToPlanPass.h"
#include "mlir/IR/DialectRegistry.h"
#include "mlir/Tools/mlir-opt/MlirOptMain.h"
#include "mlir/Transforms/Passes.h"
#include "passes/Passes.h"
#include "tools/lathe-opt/DialectRegistry.h"
#include "tools/lathe-opt/Eval.h"

int main(int argc, char **argv) {
  mlir::DialectRegistry registry;
  lathe::registerDialects(registry);
  lathe::registerLathePasses();
  lathe::registerLowerToPlanPass();
  lathe::registerEvalPass();
  mlir::registerTransformsPasses();
  return mlir::asMainReturnCode(mlir::MlirOptMain(argc, argv, "Lathe optimizer driver\n", registry));
}
