// Passes that choose where numbers are integers.
#ifndef LATHE_PASSES_QUANTIZE_TD
#define LATHE_PASSES_QUANTIZE_TD

include "mlir/Pass/PassBase.td"

def InsertQuantization : Pass<"lathe-insert-quantization", "::mlir::func::FuncOp"> {
  let summary = "make integers of the operands of products with constant weights, and of tables";
  let description = [{
    Each says its precision (`lathe.precision`: f32, int8, int8-dynamic, int4 with `lathe.group_size`); without it stays as it is. Inputs have calibrated ranges
    (`lathe.range` at the operation or argument that defines them) or, with `int8-dynamic`, are measured at run time, which
    convolutions are not worth. Both attributes are gone behind the pass. What a convolution reads as integers, all others read, too,
    but with `isolated`.
  }];
  let options = [Option<"isolated", "isolated", "bool", "false", "others read pictures as they are">];
}

def SmoothInputs : Pass<"lathe-smooth-inputs", "::mlir::func::FuncOp"> {
  let summary = "make channels of what products read alike, by factors that go into their constant weights";
  let description = [{
    Of values with factors for their channels (`lathe.channel_factors` at the operation or argument that defines them). Where such a
    value comes from a product with constant weights through rectifiers, pools and the like, these are divided by the factors (cross-layer
    equalization), else the value is.
  }];
}

def PropagateQuantization : Pass<"lathe-propagate-quantization", "::mlir::func::FuncOp"> {
  let summary = "move data as quantized integers instead of numbers, and drop quantization of what was just dequantized";
}

def FormIntegerProducts : Pass<"lathe-form-integer-products", "::mlir::func::FuncOp"> {
  let summary = "compute products of dequantized operands in integers";
  let description = [{
    Of convolutions and matrix products whose operands are both dequantized from 8-bit integers; their result is dequantized by the
    product of the scales. Those that stay in f32 are recorded with the reason.
  }];
}

def ExpandIntegerProducts : Pass<"lathe-expand-integer-products", "::mlir::func::FuncOp"> {
  let summary = "compute products of integers that have no kernel in f32, exactly";
  let description = [{
    Of two computed operands, or with a zero point per row. The depth is cut into pieces whose sums f32 has exactly.
  }];
}

def KeepIntegerWeights : Pass<"lathe-keep-integer-weights", "::mlir::func::FuncOp"> {
  let summary = "keep constant weights of f32 products as integers of 4 or 8 bits";
  let description = [{
    Marks the dequantization of constant 8-bit integers (`bits`) by which a product's right operand is multiplied, in groups along
    the depth or per column: constant folding leaves it alone, and fusion makes it part of the product.
  }];
}

def RoundActivations : Pass<"lathe-round-activations", "::mlir::func::FuncOp"> {
  let summary = "round activations of products of 4-bit weights to 8 bits";
  let description = [{
    Of products with `lathe.int4_activations`, which is gone behind the pass: in groups as the weights, scales of which are found at run
    time. Behind --lathe-keep-integer-weights.
  }];
}

def FoldQuantizeScale : Pass<"lathe-fold-quantize-scale", "::mlir::func::FuncOp"> {
  let summary = "multiply scales of results into what is quantized, instead of dividing by them";
}

#endif
