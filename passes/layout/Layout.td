// Passes that choose the order of axes in memory.
#ifndef LATHE_PASSES_LAYOUT_TD
#define LATHE_PASSES_LAYOUT_TD

include "mlir/Pass/PassBase.td"

def ConvertToChannelsLast : Pass<"lathe-convert-to-channels-last", "::mlir::func::FuncOp"> {
  let summary = "compute convolutions, and what stands between them, with the channels as the last axis";
  let description = [{
    Sets transposes around each operation; --lathe-sink-transposes makes most of them cancel.
  }];
}

def SinkTransposes : Pass<"lathe-sink-transposes", "::mlir::func::FuncOp"> {
  let summary = "move transposes towards each other and to the borders, so that they cancel";
}

def ExpandConvTranspose : Pass<"lathe-expand-conv-transpose", "::mlir::func::FuncOp"> {
  let summary = "compute transposed convolutions as convolutions that give blocks of the output as channels";
}

def HoistInputProjection : Pass<"lathe-hoist-input-projection", "::mlir::func::FuncOp"> {
  let summary = "compute the products of recurrent cells with their input for all steps at once";
}

#endif
