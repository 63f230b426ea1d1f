// The table of kernel emitters, most special first.
#include "backends/x86/AttentionKernel.h"
#include "backends/x86/ColumnKernel.h"
#include "backends/x86/ConvKernel.h"
#include "backends/x86/GemmKernel.h"
#include "backends/x86/IntegerDepthwise.h"
#include "backends/x86/IntegerKernel.h"
#include "backends/x86/IntegerWinograd.h"
#include "backends/x86/KernelEmitter.h"
#include "backends/x86/LookupKernel.h"
#include "backends/x86/MapKernel.h"
#include "backends/x86/RecurrentSteps.h"
#include "backends/x86/RowKernel.h"
#include "backends/x86/Sequential.h"
#include "backends/x86/TransposeKernel.h"
#include "backends/x86/WeightOnlyKernel.h"
#include "backends/x86/WindowKernel.h"
#include "backends/x86/WinogradKernel.h"

namespace lathe::x86 {

llvm::ArrayRef<KernelEmitter> kernelEmitters() {
  static constexpr KernelEmitter table[] = {
      {"integer_depthwise", planIntegerDepthwise, emitIntegerDepthwise, packedDepthwiseBytes, packDepthwise},
      {"integer_winograd", planIntegerWinograd, emitIntegerWinograd, packedIntegerBytes, packIntegers},
      {"integer_product", planIntegerProduct, emitIntegerProduct, packedIntegerBytes, packIntegers, nullptr, true},
      {"gemm_weight_only", planWeightOnly, emitWeightOnly, packedWeightOnlyBytes, packWeightOnly},
      {"gemm", planGemm, emitGemm, packedPanelBytes, packPanels, gemmAlternatives},
      {"depthwise", planDepthwise, emitDepthwise, packedPanelBytes, packPanels, depthwiseAlternatives},
      {"winograd", planWinograd, emitWinograd, winogradPackedBytes, packWinograd, winogradAlternatives},
      {"conv", planConv, emitConv, packedPanelBytes, packPanels, convAlternatives},
      {"pool", planPool, emitPool},
      {"attention", planAttention, emitAttention},
      {"cumulative", planCumulative, emitCumulative},
      {"scatter", planScatter, emitScatter},
      {"top_k", planTopK, emitTopK},
      {"recurrent_steps", planRecurrentSteps, emitRecurrentSteps, packedStepBytes, packSteps},
      {"recurrent", planRecurrent, emitRecurrent},
      {"non_zero", planNonZero, emitNonZero},
      {"non_max_suppression", planNonMaxSuppression, emitNonMaxSuppression},
      {"transpose", planTranspose, emitTranspose},
      {"lookup", planLookup, emitLookup},
      {"column", planColumn, emitColumn},
      {"row", planRow, emitRow},
      {"map", planMap, emitMap},
  };
  return table;
}

} // namespace lathe::x86
