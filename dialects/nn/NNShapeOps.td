// Operations of the nn dialect that move data: shapes, indexing, sampling; and the region operations of fusion.
#ifndef LATHE_DIALECTS_NN_NNSHAPEOPS_TD
#define LATHE_DIALECTS_NN_NNSHAPEOPS_TD

include "dialects/nn/NNOps.td"

def NN_ReshapeOp : NN_SizedOp<"reshape"> {
  let summary = "same elements in row-major order, other shape";
  let description = "C1: element types are equal. C2: element counts are equal where both are known.";
  let arguments = (ins NN_Tensor:$input);
  let results = (outs NN_Tensor:$output);
  let hasFolder = 1;
  let assemblyFormat = NN_Format;
}
def NN_TransposeOp : NN_InferredOp<"transpose"> {
  let summary = "output axis i is input axis permutation[i]";
  let description = "C1: permutation is one of the rank's axes.";
  let arguments = (ins NN_Tensor:$input, DenseI64ArrayAttr:$permutation);
  let results = (outs NN_Tensor:$output);
  let hasFolder = 1;
  let assemblyFormat = NN_Format;
}
def NN_BroadcastOp : NN_SizedOp<"broadcast"> {
  let summary = "NumPy broadcast to the result's shape";
  let description = "C1: each input axis (right-aligned) is 1 or equal to the result's. C2: element types are equal.";
  let arguments = (ins NN_Tensor:$input);
  let results = (outs NN_Tensor:$output);
  let hasFolder = 1;
  let assemblyFormat = NN_Format;
}
def NN_TileOp : NN_SizedOp<"tile"> {
  let summary = "output[i] = input[i mod input size], per axis";
  let description = "C1: ranks and element types are equal.";
  let arguments = (ins NN_Tensor:$input);
  let results = (outs NN_Tensor:$output);
  let hasFolder = 1;
  let assemblyFormat = NN_Format;
}
def NN_SliceOp : NN_SizedOp<"slice"> {
  let summary = "output[i] = input[starts + i * steps]; sizes stand in the result type";
  let description = [{
    `starts` is a symbols-only affine map with one result per axis, normalized: the first element read, inside the input
    (unless the result is empty). Steps may be negative. C1: one start and step per axis, no step is 0.
    C2: element types and ranks are equal. C3: constant ranges lie inside the input.
  }];
  let arguments = (ins NN_Tensor:$input, AffineMapAttr:$starts, DenseI64ArrayAttr:$steps);
  let results = (outs NN_Tensor:$output);
  let hasFolder = 1;
  let assemblyFormat = NN_Format;
}
def NN_ConcatOp : NN_InferredOp<"concat"> {
  let summary = "inputs one after the other along an axis";
  let description = "C1: at least one input. C2: ranks, element types and other axes are equal. C3: axis inside the rank.";
  let arguments = (ins Variadic<NN_Tensor>:$inputs, I64Attr:$axis);
  let results = (outs NN_Tensor:$output);
  let hasFolder = 1;
  let assemblyFormat = NN_Format;
}
def NN_PadOp : NN_SizedOp<"pad"> {
  let summary = "input set into a larger (or, with negative pads, smaller) tensor";
  let description = [{
    output[i] = input[i - low] where inside; else by mode: `value` (rank 0; absent: zero), reflect, edge, wrap. Sizes
    stand in the result type. C1: low has one result per axis. C2: ranks and element types are equal. C3: value only in
    mode constant, rank 0.
  }];
  let arguments = (ins NN_Tensor:$input, NN_OptTensor:$value, AffineMapAttr:$low, NN_PadModeAttr:$mode);
  let results = (outs NN_Tensor:$output);
  let hasFolder = 1;
  let assemblyFormat = "$mode $input (`,` $value^)? attr-dict `:` functional-type(operands, results)";
}
def NN_GatherOp : NN_InferredOp<"gather"> {
  let summary = "output[p.., i.., s..] = input[p.., indices[i..], s..] (ONNX Gather)";
  let description = "Negative indices count from the end; outside ones are a run-time error. C1: axis inside the rank. C2: indices i32, i64 or ui8.";
  let arguments = (ins NN_Tensor:$input, NN_Tensor:$indices, I64Attr:$axis);
  let results = (outs NN_Tensor:$output);
  let assemblyFormat = NN_Format;
}
def NN_GatherElementsOp : NN_InferredOp<"gather_elements"> {
  let summary = "output[i] = input[i with axis replaced by indices[i]] (ONNX GatherElements)";
  let description = "C1: ranks are equal. C2: indices i32 or i64. C3: axis inside the rank.";
  let arguments = (ins NN_Tensor:$input, NN_Tensor:$indices, I64Attr:$axis);
  let results = (outs NN_Tensor:$output);
  let assemblyFormat = NN_Format;
}
def NN_GatherNdOp : NN_InferredOp<"gather_nd"> {
  let summary = "ONNX GatherND";
  let description = "C1: the last axis of indices is static and at most rank(input) - batch_dims. C2: indices i32 or i64. C3: batch_dims below both ranks.";
  let arguments = (ins NN_Tensor:$input, NN_Tensor:$indices, I64Attr:$batch_dims);
  let results = (outs NN_Tensor:$output);
  let assemblyFormat = NN_Format;
}
def NN_ScatterElementsOp : NN_InferredOp<"scatter_elements"> {
  let summary = "input with updates written at indices along an axis (ONNX ScatterElements)";
  let description = "Updates are applied in row-major order. C1: ranks equal; indices and updates have one shape. C2: indices i32 or i64. C3: axis inside the rank. C4: one element type.";
  let arguments = (ins NN_Tensor:$input, NN_Tensor:$indices, NN_Tensor:$updates, I64Attr:$axis, NN_ScatterReductionAttr:$reduction);
  let results = (outs NN_Tensor:$output);
  let assemblyFormat = NN_Format;
}
def NN_ScatterNdOp : NN_InferredOp<"scatter_nd"> {
  let summary = "input with slices overwritten at index tuples (ONNX ScatterND)";
  let description = "Updates are applied in row-major order. C1: last axis of indices static, at most the input's rank. C2: indices i32 or i64. C3: updates have the selected slices' shape. C4: one element type.";
  let arguments = (ins NN_Tensor:$input, NN_Tensor:$indices, NN_Tensor:$updates, NN_ScatterReductionAttr:$reduction);
  let results = (outs NN_Tensor:$output);
  let assemblyFormat = NN_Format;
}
def NN_TopKOp : NN_SizedOp<"top_k"> {
  let summary = "the k largest (or smallest) elements along an axis, sorted, with their indices (i64)";
  let description = "k is the result's size along axis. Ties: lower index first. C1: axis inside the rank. C2: results have one shape. C3: indices are i64.";
  let arguments = (ins NN_Tensor:$input, I64Attr:$axis, BoolAttr:$largest);
  let results = (outs NN_Tensor:$values, NN_Tensor:$indices);
  let assemblyFormat = NN_Format;
}
def NN_IotaOp : NN_SizedOp<"iota"> {
  let summary = "output[i..] = i[axis], as the result's element type";
  let description = "C1: axis is inside the rank.";
  let arguments = (ins I64Attr:$axis);
  let results = (outs NN_Tensor:$output);
  let assemblyFormat = "attr-dict `:` type($output)";
}
def NN_ShapeOfOp : NN_InferredOp<"shape_of"> {
  let summary = "the input's sizes (i64, rank 1)";
  let arguments = (ins NN_Tensor:$input);
  let results = (outs NN_Tensor:$output);
  let hasFolder = 1;
  let assemblyFormat = NN_Format;
}
def NN_DimValuesOp : NN_SizedOp<"dim_values"> {
  let summary = "integers given by symbols: output[i] = values(i) (i64, rank 1 or 0)";
  let description = "C1: one map result per element. C2: the result is static.";
  let arguments = (ins AffineMapAttr:$values);
  let results = (outs NN_Tensor:$output);
  let hasFolder = 1;
  let assemblyFormat = "attr-dict `:` type($output)";
}
def NN_NonZeroOp : NN_SizedOp<"non_zero"> {
  let summary = "coordinates (i64) of the elements that are not zero, in row-major order (ONNX NonZero)";
  let description = [{
    Result [rank, count]; count is a late symbol (nn.late_symbol) that the importer binds to the number of non-zero elements.
    C1: the result is i64 of rank 2, its first axis the input's rank.
  }];
  let arguments = (ins NN_Tensor:$input);
  let results = (outs NN_Tensor:$output);
  let assemblyFormat = NN_Format;
}
def NN_NonMaxSuppressionOp : NN_SizedOp<"non_max_suppression"> {
  let summary = "boxes that greedy non-maximum suppression keeps, per batch entry and class (ONNX NonMaxSuppression)";
  let description = [{
    boxes [B, N, 4]: two opposite corners y, x, y, x or, with `center`, x and y of the center, width, height. scores [B, C, N].
    Of each entry and class, best score first (ties: lower index), up to max_boxes are kept whose score is above
    score_threshold (absent: all) and whose intersection over union with none of those kept is above iou_threshold. NaN is
    never kept. `selected` has the rows (entry, class, box) in this order and zeros from row number `count` on; the importer
    binds a late symbol to `count` and slices. C1: boxes are [B, N, 4] and scores [B, C, N], f32. C2: max_boxes is one i64, the
    thresholds one f32 each. C3: selected is [rows, 3], count [1], both i64.
  }];
  let arguments = (ins NN_Tensor:$boxes, NN_Tensor:$scores, NN_Tensor:$max_boxes, NN_Tensor:$iou_threshold,
                       NN_OptTensor:$score_threshold, UnitAttr:$center);
  let results = (outs NN_Tensor:$selected, NN_Tensor:$count);
  let assemblyFormat = NN_Format;
}
def NN_LateSymbolOp : Op<NN_Dialect, "late_symbol", []> {
  let summary = "binds symbol number `symbol` of the function to element `element` (row-major) of a computed integer tensor";
  let description = "Stands before every use of the symbol in a value. C1: input is i32 or i64. C2: element is inside the input where known.";
  let arguments = (ins NN_Tensor:$input, I64Attr:$symbol, I64Attr:$element);
  let hasVerifier = 1;
  let assemblyFormat = "$input attr-dict `:` type($input)";
}
def NN_ResizeOp : NN_SizedOp<"resize"> {
  let summary = "ONNX Resize / Upsample";
  let description = [{
    One entry of `scales` per axis (output / input as the model gave it; 0: computed from the sizes). `roi` is
    starts then ends per axis, used by tf_crop_and_resize only. C1: ranks equal. C2: one scale per axis. C3: roi is
    empty or has two entries per axis. C4: one element type, not i1.
  }];
  let arguments = (ins NN_Tensor:$input, NN_ResizeModeAttr:$mode, NN_CoordinateModeAttr:$coordinates, NN_NearestModeAttr:$nearest,
                       DenseF64ArrayAttr:$scales, DenseF64ArrayAttr:$roi, DefaultValuedAttr<F64Attr, "-0.75">:$cubic_a,
                       UnitAttr:$exclude_outside, DefaultValuedAttr<F64Attr, "0.0">:$extrapolation, UnitAttr:$antialias);
  let results = (outs NN_Tensor:$output);
  let assemblyFormat = "$mode $coordinates $nearest $input attr-dict `:` functional-type(operands, results)";
}

//===- fusion -===//

def NN_FusedOp : NN_Op<"fused", [IsolatedFromAbove, SingleBlockImplicitTerminator<"YieldOp">]> {
  let summary = "operations computed by one kernel";
  let description = [{
    The region's arguments are the operands, its yielded values the results; intermediate values never reach memory
    as a whole. C1: arguments have the operands' types. C2: yielded values have the results' types. `kind` names what the region is built around: map (element-wise and data movement only), row (reductions
    along rows), gemm, conv, attention, ...
  }];
  let arguments = (ins Variadic<NN_Tensor>:$inputs, StrAttr:$kind);
  let results = (outs Variadic<NN_Tensor>:$outputs);
  let regions = (region SizedRegion<1>:$body);
  let hasVerifier = 1;
  let assemblyFormat = "$kind `(` $inputs `)` attr-dict `:` functional-type($inputs, $outputs) $body";
}
def NN_YieldOp : NN_Op<"yield", [Terminator, ReturnLike]> {
  let summary = "the results of a fused region (nn.fused, plan.kernel)";
  let arguments = (ins Variadic<NN_Tensor>:$values);
  let builders = [OpBuilder<(ins), "/* for implicit terminators */">];
  let assemblyFormat = "attr-dict ($values^ `:` type($values))?";
}

#endif
