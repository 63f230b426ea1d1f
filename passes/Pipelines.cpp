#include "passes/Pipelines.h"
#include "mlir/Transforms/Passes.h"
#include "passes/Passes.h"

using namespace mlir;

namespace lathe {

void buildCanonicalPipeline(OpPassManager &module) {
  OpPassManager &function = module.nest<func::FuncOp>();
  // Formulas are recognized when their constants are folded and equal subexpressions are one value.
  function.addPass(createFoldConstants());
  function.addPass(createSimplifyAlgebra());
  function.addPass(createFoldConstants());
  function.addPass(createCSEPass());
  function.addPass(createRecognizeGelu());
  function.addPass(createRecognizeActivation());
  function.addPass(createRecognizeLayerNorm());
  // Before scales are folded into weights: the scale of attention scores belongs to the attention.
  function.addPass(createRecognizeAttention());
  function.addPass(createWidenHalves());
  function.addPass(createFoldTransposeIntoMatmul());
  function.addPass(createFoldScaleIntoWeights());
  // Its products are as others from here on: they may be quantized.
  function.addPass(createHoistInputProjection());
  function.addPass(createFoldConstants());
  function.addPass(createMergeProducts());
  function.addPass(createSimplifyAlgebra());
  function.addPass(createFoldConstants());
  function.addPass(createCSEPass());
  function.addPass(createRecordOrigins());
}

void buildQuantizePipeline(OpPassManager &module) {
  OpPassManager &function = module.nest<func::FuncOp>();
  function.addPass(createPropagateQuantization());
  function.addPass(createFoldConstants());
  function.addPass(createFormIntegerProducts());
  function.addPass(createExpandIntegerProducts());
  function.addPass(createKeepIntegerWeights());
  function.addPass(createRoundActivations());
  FoldConstantsOptions weights;
  weights.foldDequantized = true;
  function.addPass(createFoldConstants(weights));
  function.addPass(createFoldQuantizeScale());
  function.addPass(createFoldConstants());
  function.addPass(createCSEPass());
}

void buildLayoutPipeline(OpPassManager &module) {
  OpPassManager &function = module.nest<func::FuncOp>();
  function.addPass(createConvertToChannelsLast());
  function.addPass(createSinkTransposes());
  function.addPass(createExpandConvTranspose());
  function.addPass(createFoldConstants());
  function.addPass(createCSEPass());
}

void buildFusePipeline(OpPassManager &module) {
  OpPassManager &function = module.nest<func::FuncOp>();
  function.addPass(createFoldTransposeIntoMatmul());
  function.addPass(createFuseAttention());
  function.addPass(createFormLookupTables());
  function.addPass(createFoldConstants());
  function.addPass(createFuseEpilogue());
  function.addPass(createFuseRows());
  function.addPass(createFuseElementwise());
  function.addPass(createCSEPass());
}

} // namespace lathe
