#include "compiler/pipeline/Pipeline.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Transforms/Passes.h"
#include "passes/Passes.h"

using namespace mlir;

namespace lathe {

namespace {
void cleanUp(OpPassManager &function) {
  function.addPass(createCanonicalizerPass());
  function.addPass(createCSEPass());
  function.addPass(createFoldConstants());
}
} // namespace

void buildCanonicalPhase(OpPassManager &module, const std::vector<std::string> &dims) {
  OpPassManager &function = module.nest<func::FuncOp>();
  RefineShapesOptions refine;
  refine.dims = dims;
  function.addPass(createRefineShapes(refine));
  cleanUp(function);
  function.addPass(createSimplifyAlgebra());
  // Idioms stand inside each other (the division of a softmax in attention), small ones first.
  function.addPass(createRecognizeActivation());
  function.addPass(createRecognizeGelu());
  function.addPass(createRecognizeLayerNorm());
  function.addPass(createFoldTransposeIntoMatmul());
  function.addPass(createRecognizeAttention());
  function.addPass(createFoldScaleIntoWeights());
  cleanUp(function);
  function.addPass(createSimplifyAlgebra());
  cleanUp(function);
}

void buildLayoutPhase(OpPassManager &module) {
  OpPassManager &function = module.nest<func::FuncOp>();
  function.addPass(createConvertToChannelsLast());
  function.addPass(createSinkTransposes());
  cleanUp(function);
}

void buildFusePhase(OpPassManager &module) {
  OpPassManager &function = module.nest<func::FuncOp>();
  function.addPass(createFuseEpilogue());
  function.addPass(createFuseRows());
  function.addPass(createFuseElementwise());
  function.addPass(createCSEPass());
}

void buildVerifyPhase(OpPassManager &module) {
  VerifyPhaseOptions options;
  options.dialects = {"func", "nn"};
  module.addPass(createVerifyPhase(options));
}

} // namespace lathe
