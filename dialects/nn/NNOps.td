// Operations of the nn dialect. Constraints are numbered (C1..); verifier and tests name the same numbers.
#ifndef LATHE_DIALECTS_NN_NNOPS_TD
#define LATHE_DIALECTS_NN_NNOPS_TD

include "dialects/nn/NNDialect.td"
include "mlir/Interfaces/ControlFlowInterfaces.td"

defvar NN_Format = "operands attr-dict `:` functional-type(operands, results)";

defvar NN_QuantizeFormat = "$input `,` $scale (`zero` $zero^)? attr-dict `:` functional-type(operands, results)";

def NN_ConstantOp : NN_Op<"constant", [ConstantLike, AllTypesMatch<["value", "output"]>, FirstAttrDerivedResultType]> {
  let summary = "a tensor known at compile time";
  let description = "Large values are resources: a blob that points at the model's file, never printed or copied.";
  let arguments = (ins ElementsAttr:$value);
  let results = (outs NN_Tensor:$output);
  let hasFolder = 1;
  let assemblyFormat = "attr-dict $value";
}

//===- element-wise -===//

def NN_UnaryOp : NN_InferredOp<"unary"> {
  let summary = "element-wise function of one tensor";
  let description = [{
    `alpha` and `beta` are the function's parameters as ONNX names them: leaky_relu, elu, celu, thresholded_relu, swish
    take alpha; selu alpha and gamma (beta); hard_sigmoid alpha and beta; shrink lambd (alpha) and bias (beta);
    is_inf alpha != 0 to detect +inf and beta != 0 to detect -inf. `round` is half to even.
    is_nan and is_inf give i1, all others the input's type.
    C1: input is floating for all kinds but abs, neg, sign, relu, logical_not (i1), bitwise_not (integers).
  }];
  let arguments = (ins NN_UnaryKindAttr:$kind, NN_Tensor:$input, DefaultValuedAttr<F64Attr, "0.0">:$alpha,
                       DefaultValuedAttr<F64Attr, "0.0">:$beta);
  let results = (outs NN_Tensor:$output);
  let assemblyFormat = "$kind $input attr-dict `:` functional-type(operands, results)";
  let builders = [OpBuilder<(ins "UnaryKind":$kind, "::mlir::Value":$input), [{
    build($_builder, $_state, kind, input, ::llvm::APFloat(0.0), ::llvm::APFloat(0.0));
  }]>];
}

def NN_BinaryOp : NN_InferredOp<"binary"> {
  let summary = "element-wise function of two tensors, with NumPy broadcasting";
  let description = [{
    `mod` takes the divisor's sign (integers), `fmod` the dividend's (C fmod); integer `div` truncates; `prelu` is
    lhs < 0 ? lhs * rhs : lhs; comparisons give i1; `pow` allows rhs of another element type; right shifts of signed
    integers are arithmetic, amounts outside [0, width) shift everything out. No result is undefined: integer division and
    remainder by 0 give 0.
    C1: element types are equal (but pow). C2: shapes broadcast.
  }];
  let arguments = (ins NN_BinaryKindAttr:$kind, NN_Tensor:$lhs, NN_Tensor:$rhs);
  let results = (outs NN_Tensor:$output);
  let assemblyFormat = "$kind $lhs `,` $rhs attr-dict `:` functional-type(operands, results)";
}

def NN_SelectOp : NN_InferredOp<"select"> {
  let summary = "condition ? lhs : rhs, with NumPy broadcasting of all three";
  let description = "C1: condition is i1. C2: lhs and rhs have one element type. C3: shapes broadcast.";
  let arguments = (ins NN_Tensor:$condition, NN_Tensor:$lhs, NN_Tensor:$rhs);
  let results = (outs NN_Tensor:$output);
  let assemblyFormat = NN_Format;
}

def NN_CastOp : NN_SizedOp<"cast"> {
  let summary = "value conversion to the result's element type";
  let description = [{
    Float to integer truncates; to i1 is `!= 0`; integers wrap; f32 to f16/bf16 rounds to nearest even. Out-of-range
    float to integer saturates (NaN gives 0), so that no result is undefined. C1: shapes are equal.
  }];
  let arguments = (ins NN_Tensor:$input);
  let results = (outs NN_Tensor:$output);
  let hasFolder = 1;
  let assemblyFormat = NN_Format;
}

def NN_BitcastOp : NN_SizedOp<"bitcast"> {
  let summary = "same bits, other element type of the same width";
  let description = "C1: shapes are equal. C2: element widths are equal.";
  let arguments = (ins NN_Tensor:$input);
  let results = (outs NN_Tensor:$output);
  let assemblyFormat = NN_Format;
}

//===- quantization -===//

def NN_QuantizeOp : NN_SizedOp<"quantize"> {
  let summary = "numbers to integers of a uniform scale: saturate(round(input / scale) + zero)";
  let description = [{
    All in f32, rounded half to even; NaN gives the lowest value of the type. Scale and zero (absent: 0) broadcast to the input.
    With `block` > 0 they have the input's sizes, but one entry for every `block` elements along `axis`. ONNX QuantizeLinear.
    C1: input and scale are f32. C2: the result is of integers of up to 16 bits. C3: sizes of scale and zero are as said.
    C4: zero has the result's element type. C5: shapes are equal.
  }];
  let arguments = (ins NN_Tensor:$input, NN_Tensor:$scale, NN_OptTensor:$zero, DefaultValuedAttr<I64Attr, "0">:$axis,
                       DefaultValuedAttr<I64Attr, "0">:$block);
  let results = (outs NN_Tensor:$output);
  let assemblyFormat = NN_QuantizeFormat;
}

def NN_DequantizeOp : NN_SizedOp<"dequantize"> {
  let summary = "integers of a uniform scale to numbers: (input - zero) * scale";
  let description = [{
    The difference is exact (i32), its conversion and the product are rounded to f32. Scale and zero as nn.quantize. ONNX
    DequantizeLinear.
    `bits` of 4 or 8: the operands are constants that the product which reads the result keeps as integers, or its left operand, the
    rows, in integers of 8 bits; input and zero lie in [-8, 7] or, unsigned, [0, 15] if it is 4. 0: nothing is known.
    C1: the input is of integers of up to 32 bits. C2: scale and result are f32. C3: sizes of scale and zero as nn.quantize.
    C4: zero has the input's element type. C5: shapes are equal. C6: bits is 0, or 4 or 8 with an input of 8-bit integers.
  }];
  let arguments = (ins NN_Tensor:$input, NN_Tensor:$scale, NN_OptTensor:$zero, DefaultValuedAttr<I64Attr, "0">:$axis,
                       DefaultValuedAttr<I64Attr, "0">:$block, DefaultValuedAttr<I64Attr, "0">:$bits);
  let results = (outs NN_Tensor:$output);
  let assemblyFormat = NN_QuantizeFormat;
}

//===- reductions and norms -===//

def NN_ReduceOp : NN_InferredOp<"reduce"> {
  let summary = "reduction along axes";
  let description = [{
    Axes are sorted and non-negative. An empty range gives the neutral element (max of an empty range: lowest value).
    C1: axes are sorted, unique and inside the rank. C2: input is not i1.
  }];
  let arguments = (ins NN_ReduceKindAttr:$kind, NN_Tensor:$input, DenseI64ArrayAttr:$axes, BoolAttr:$keepdims);
  let results = (outs NN_Tensor:$output);
  let assemblyFormat = "$kind $input attr-dict `:` functional-type(operands, results)";
}

def NN_ArgReduceOp : NN_InferredOp<"arg_reduce"> {
  let summary = "index (i64) of the largest or smallest element along an axis";
  let description = "Ties give the first index, or the last with select_last. C1: axis is inside the rank.";
  let arguments = (ins NN_ArgKindAttr:$kind, NN_Tensor:$input, I64Attr:$axis, BoolAttr:$keepdims, BoolAttr:$select_last);
  let results = (outs NN_Tensor:$output);
  let assemblyFormat = "$kind $input attr-dict `:` functional-type(operands, results)";
}

def NN_CumulativeOp : NN_InferredOp<"cumulative"> {
  let summary = "running sum or product along an axis";
  let description = "C1: axis is inside the rank.";
  let arguments = (ins NN_CumulativeKindAttr:$kind, NN_Tensor:$input, I64Attr:$axis, BoolAttr:$exclusive, BoolAttr:$reverse);
  let results = (outs NN_Tensor:$output);
  let assemblyFormat = "$kind $input attr-dict `:` functional-type(operands, results)";
}

def NN_SoftmaxOp : NN_InferredOp<"softmax"> {
  let summary = "softmax, or log-softmax, along one axis";
  let description = "exp(x - max) / sum. C1: axis is inside the rank. C2: input is floating.";
  let arguments = (ins NN_Tensor:$input, I64Attr:$axis, UnitAttr:$log);
  let results = (outs NN_Tensor:$output);
  let assemblyFormat = NN_Format;
}

def NN_LayerNormOp : NN_InferredOp<"layer_norm", [AttrSizedOperandSegments]> {
  let summary = "layer normalization over the axes from `axis` to the last";
  let description = [{
    (x - mean) / sqrt(variance + epsilon) * scale + bias; with `rms`, x / sqrt(mean(x^2) + epsilon) * scale.
    Ba et al., Layer Normalization, 2016; Zhang and Sennrich, RMSNorm, 2019.
    C1: axis is inside the rank. C2: input is floating. C3: scale and bias broadcast to the input.
  }];
  let arguments = (ins NN_Tensor:$input, NN_OptTensor:$scale, NN_OptTensor:$bias, I64Attr:$axis, F64Attr:$epsilon, UnitAttr:$rms);
  let results = (outs NN_Tensor:$output);
  let assemblyFormat = "$input (`scale` $scale^)? (`bias` $bias^)? attr-dict `:` functional-type(operands, results)";
}

def NN_LrnOp : NN_InferredOp<"lrn"> {
  let summary = "local response normalization across channels (axis 1)";
  let description = [{
    x / (bias + alpha / size * sum of squares over the window)^beta; Krizhevsky et al., 2012.
    C1: input is floating, of rank 3 or more. C2: size is positive.
  }];
  let arguments = (ins NN_Tensor:$input, I64Attr:$size, F64Attr:$alpha, F64Attr:$beta, F64Attr:$bias);
  let results = (outs NN_Tensor:$output);
  let assemblyFormat = NN_Format;
}

//===- contractions -===//

def NN_MatmulOp : NN_InferredOp<"matmul", [AttrSizedOperandSegments]> {
  let summary = "matrix product over the last two axes, batched with broadcasting";
  let description = [{
    lhs [batch.., M, K] x rhs [batch.., K, N] -> [batch.., M, N]; trans_lhs / trans_rhs read [.., K, M] / [.., N, K].
    Operands of 8-bit integers, signed or not, give exact sums in i32 (which wrap) of lhs - lhs_zero times rhs - rhs_zero;
    absent zero points are 0.
    C1: ranks are at least 2. C2: K agrees. C3: batch axes broadcast. C4: one element type, or two of 8-bit integers.
    C5: zero points are of 8-bit integers, have their operand's element type and broadcast to it, with one entry along K.
  }];
  let arguments = (ins NN_Tensor:$lhs, NN_Tensor:$rhs, NN_OptTensor:$lhs_zero, NN_OptTensor:$rhs_zero,
                       UnitAttr:$trans_lhs, UnitAttr:$trans_rhs);
  let results = (outs NN_Tensor:$output);
  let assemblyFormat = "$lhs `,` $rhs (`lhs_zero` $lhs_zero^)? (`rhs_zero` $rhs_zero^)? attr-dict `:` functional-type(operands, results)";
}

def NN_ConvOp : NN_InferredOp<"conv", [AttrSizedOperandSegments]> {
  let summary = "convolution of 1 to 3 spatial axes";
  let description = [{
    input [N, C, spatial..] (channels_last: [N, spatial.., C]), filter always [M, C/group, kernel..], bias [M].
    pads = begins then ends. Operands of 8-bit integers, signed or not, give exact sums in i32 (which wrap) of
    input - input_zero times filter - filter_zero, with an i32 bias; absent zero points are 0, and what stands outside of the
    input adds nothing. C1: ranks agree. C2: attribute lengths are the number of spatial axes (pads: twice).
    C3: C = filter channels * group. C4: M is a multiple of group. C5: bias is [M]. C6: strides, dilations positive.
    C7: kernel sizes are static. C8: the window fits into the padded input. C9: one element type, or two of 8-bit integers and
    i32 for bias. C10: zero points are of 8-bit integers and have their operand's element type, input_zero has one element,
    filter_zero one or M.
  }];
  let arguments = (ins NN_Tensor:$input, NN_Tensor:$filter, NN_OptTensor:$bias, NN_OptTensor:$input_zero,
                       NN_OptTensor:$filter_zero, DenseI64ArrayAttr:$strides, DenseI64ArrayAttr:$pads,
                       DenseI64ArrayAttr:$dilations, I64Attr:$group, UnitAttr:$channels_last);
  let results = (outs NN_Tensor:$output);
  let assemblyFormat = [{
    $input `,` $filter (`bias` $bias^)? (`input_zero` $input_zero^)? (`filter_zero` $filter_zero^)? attr-dict `:`
    functional-type(operands, results)
  }];
}

def NN_ConvTransposeOp : NN_SizedOp<"conv_transpose"> {
  let summary = "transposed convolution (gradient of nn.conv to its input)";
  let description = [{
    input [N, C, spatial..] (channels_last: [N, spatial.., C]), filter [C, M/group, kernel..], bias [M]. Output element o
    sums input i and kernel k with o = i * stride - pad_begin + k * dilation. Output sizes stand in the result type.
    C1: ranks agree. C2: attribute lengths. C3: C is filter's first axis, a multiple of group.
    C4: one element type. C5: kernel sizes are static. C6: the result has M channels. C7: bias is [M].
  }];
  let arguments = (ins NN_Tensor:$input, NN_Tensor:$filter, NN_OptTensor:$bias, DenseI64ArrayAttr:$strides,
                       DenseI64ArrayAttr:$pads, DenseI64ArrayAttr:$dilations, I64Attr:$group, UnitAttr:$channels_last);
  let results = (outs NN_Tensor:$output);
  let assemblyFormat = "$input `,` $filter (`bias` $bias^)? attr-dict `:` functional-type(operands, results)";
}

def NN_PoolOp : NN_SizedOp<"pool"> {
  let summary = "max, average or Lp pooling";
  let description = [{
    Layout as nn.conv. Output sizes stand in the result type (ceil mode included). Windows are cut at the padded input;
    average divides by the elements inside the input, with count_include_pad by those inside the padded input.
    C1: attribute lengths. C2: strides, dilations, kernel positive. C3: batch and channels pass through.
    C4: element type passes through; average and Lp take floating-point ones.
  }];
  let arguments = (ins NN_PoolKindAttr:$kind, NN_Tensor:$input, DenseI64ArrayAttr:$kernel, DenseI64ArrayAttr:$strides,
                       DenseI64ArrayAttr:$pads, DenseI64ArrayAttr:$dilations, UnitAttr:$count_include_pad,
                       DefaultValuedAttr<I64Attr, "2">:$p, UnitAttr:$channels_last);
  let results = (outs NN_Tensor:$output);
  let assemblyFormat = "$kind $input attr-dict `:` functional-type(operands, results)";
}

def NN_MaxPoolIndicesOp : NN_SizedOp<"max_pool_indices"> {
  let summary = "flat index (i64, over the whole input tensor) of each max-pool window's first maximum";
  let description = [{
    Attributes as nn.pool (max). `column_major` numbers the last two spatial axes column by column. C1 to C3 as nn.pool.
    C4: the result is i64.
  }];
  let arguments = (ins NN_Tensor:$input, DenseI64ArrayAttr:$kernel, DenseI64ArrayAttr:$strides, DenseI64ArrayAttr:$pads,
                       DenseI64ArrayAttr:$dilations, UnitAttr:$column_major);
  let results = (outs NN_Tensor:$output);
  let assemblyFormat = NN_Format;
}

def NN_AttentionOp : NN_InferredOp<"attention"> {
  let summary = "softmax(query x key^T * scale + mask) x value";
  let description = [{
    query [B, H, S, D], key [B, G, T, D], value [B, G, T, Dv], mask broadcastable to [B, H, S, T] and added;
    result [B, H, S, Dv]. Heads of keys and values may be fewer: H / G query heads that follow each other share one
    (Ainslie et al., GQA, 2023). With a `cap` c > 0, c * tanh(scores / c) takes the place of the scaled scores, before the mask
    (Bello et al., Neural Combinatorial Optimization, 2016). With `nan_to_zero` a row of weights that are NaN, as of a query whose scores are all masked with
    -inf, counts as zeros. Vaswani et al., 2017. C1: rank 4. C2: B, D, T agree, G divides H. C3: one floating element type.
    C4: mask broadcasts to [B, H, S, T]. C5: cap is finite, not negative.
  }];
  let arguments = (ins NN_Tensor:$query, NN_Tensor:$key, NN_Tensor:$value, NN_OptTensor:$mask, F64Attr:$scale,
                       UnitAttr:$nan_to_zero, DefaultValuedAttr<F64Attr, "0.0">:$cap);
  let results = (outs NN_Tensor:$output);
  let assemblyFormat = NN_Format;
}

def NN_RecurrentOp : NN_InferredOp<"recurrent", [AttrSizedOperandSegments]> {
  let summary = "ONNX RNN, GRU or LSTM over a sequence";
  let description = [{
    input [T, B, I], weights [dirs, gates*H, I], recurrence [dirs, gates*H, H], bias [dirs, 2*gates*H], sequence_lens
    [B] i32, initial_h / initial_c [dirs, B, H], peepholes [dirs, 3*H]. Gate orders as in ONNX (LSTM iofc, GRU zrh).
    Results: all hidden states [T, dirs, B, H], last hidden [dirs, B, H], last cell [dirs, B, H] (LSTM only).
    `activations` are lower-case names, one per gate function and direction; alphas and betas parallel to them;
    clip 0 means none. Without weights the input is the product with them, [T, B, dirs*gates*H] (see
    --lathe-hoist-input-projection). With recurrence_scale [dirs, gates*H] of f32 the recurrence is of i8, its numbers are integers
    times the scale of their row. C1: shapes as said. C2: number of activations, alphas, betas. C3: activations are unary
    kinds or affine (alpha * x + beta). C4: one floating element type but for an integer recurrence, beside which it is f32.
  }];
  let arguments = (ins NN_CellKindAttr:$cell, NN_Tensor:$input, NN_OptTensor:$weights, NN_Tensor:$recurrence,
                       NN_OptTensor:$bias, NN_OptTensor:$sequence_lens, NN_OptTensor:$initial_h, NN_OptTensor:$initial_c, NN_OptTensor:$peepholes,
                       NN_OptTensor:$recurrence_scale,
                       NN_DirectionAttr:$direction, StrArrayAttr:$activations, DenseF64ArrayAttr:$alphas,
                       DenseF64ArrayAttr:$betas, DefaultValuedAttr<F64Attr, "0.0">:$clip, UnitAttr:$linear_before_reset,
                       UnitAttr:$input_forget);
  let results = (outs NN_Tensor:$states, NN_Tensor:$last_h, NN_OptTensor:$last_c);
  let assemblyFormat = [{
    $cell $direction $input (`weights` $weights^)? `recurrence` $recurrence (`bias` $bias^)? (`lens` $sequence_lens^)? (`h` $initial_h^)?
    (`c` $initial_c^)? (`peepholes` $peepholes^)? (`scale` $recurrence_scale^)? attr-dict `:` functional-type(operands, results)
  }];
  let extraClassDeclaration = [{
    /// 2 if bidirectional, else 1.
    int64_t getDirectionCount() { return getDirection() == Direction::bidirectional ? 2 : 1; }
  }];
}

#endif
