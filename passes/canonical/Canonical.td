// Passes that bring a function into the form that later passes expect, without deciding how it is computed.
#ifndef LATHE_PASSES_CANONICAL_TD
#define LATHE_PASSES_CANONICAL_TD

include "mlir/Pass/PassBase.td"

def FoldConstants : Pass<"lathe-fold-constants", "::mlir::func::FuncOp"> {
  let summary = "compute at compile time what depends on constants only";
  let description = [{
    Runs nn operations whose operands are all constants through the reference interpreter. An operation whose result is larger
    than its operands is left alone above `max-growth-bytes`: storing it would cost more memory than computing it. Dequantized
    weights (of rank 2 or more) stay as they are: products may be computed in integers.
  }];
  let options = [
    Option<"maxGrowthBytes", "max-growth-bytes", "int64_t", "65536", "bytes that results may have more than operands">,
    Option<"foldDequantized", "fold-dequantized", "bool", "false",
           "compute dequantized weights, too, of any size, but for those whose product reads them as integers">];
}

def RefineShapes : Pass<"lathe-refine-shapes", "::mlir::func::FuncOp"> {
  let summary = "fix or bound symbols and infer all types again";
  let description = [{
    `dims` lists name=constant or name=low..high for entries of nn.symbols. A fixed symbol is replaced by its constant in every
    type and attribute, and every type is inferred again in program order. Symbols keep their numbers.
  }];
  let options = [
    ListOption<"dims", "dims", "std::string", "name=constant or name=low..high">];
}

def SimplifyAlgebra : Pass<"lathe-simplify-algebra", "::mlir::func::FuncOp"> {
  let summary = "remove neutral operands, merge constants, let users absorb casts, broadcasts and pads";
}

def RecognizeActivation : Pass<"lathe-recognize-activation", "::mlir::func::FuncOp"> {
  let summary = "turn activation functions and softmax that exporters wrote out into nn.unary and nn.softmax";
}

def RecognizeGelu : Pass<"lathe-recognize-gelu", "::mlir::func::FuncOp"> {
  let summary = "turn GELU that exporters wrote out (erf and tanh forms) into nn.unary";
}

def RecognizeLayerNorm : Pass<"lathe-recognize-layer-norm", "::mlir::func::FuncOp"> {
  let summary = "turn layer and RMS normalization that exporters wrote out into nn.layer_norm";
}

def RecognizeAttention : Pass<"lathe-recognize-attention", "::mlir::func::FuncOp"> {
  let summary = "turn two products around a scaled and masked softmax into nn.attention";
}

def MergeProducts : Pass<"lathe-merge-products", "::mlir::func::FuncOp"> {
  let summary = "turn products of one row with several constant matrices into one product";
  let description = [{
    Leaves concatenations of constants behind, which --lathe-fold-constants computes.
  }];
}

def WidenHalves : Pass<"lathe-widen-halves", "::mlir::func::FuncOp"> {
  let summary = "compute contractions of f16 and bf16 tensors in f32";
}

def FoldScaleIntoWeights : Pass<"lathe-fold-scale-into-weights", "::mlir::func::FuncOp"> {
  let summary = "fold constant scales and shifts beside convolutions and matrix products into their weights";
  let description = [{
    Leaves operations on constants behind, which --lathe-fold-constants computes.
  }];
}

def FoldTransposeIntoMatmul : Pass<"lathe-fold-transpose-into-matmul", "::mlir::func::FuncOp"> {
  let summary = "read transposed operands of matrix products in place, and products of flattened batches as batches";
}

def RecordOrigins : Pass<"lathe-record-origins", "::mlir::func::FuncOp"> {
  let summary = "note at operations whose value they compute, for comparing programs layer by layer";
}

#endif
