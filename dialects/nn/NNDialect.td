// The nn dialect and its enums: what an ONNX model means, before any decision on how it is computed.
#ifndef LATHE_DIALECTS_NN_NNDIALECT_TD
#define LATHE_DIALECTS_NN_NNDIALECT_TD

include "mlir/IR/OpBase.td"
include "mlir/IR/EnumAttr.td"
include "mlir/Interfaces/SideEffectInterfaces.td"
include "mlir/Interfaces/InferTypeOpInterface.td"

def NN_Dialect : Dialect {
  let name = "nn";
  let cppNamespace = "::lathe::nn";
  let summary = "typed value-semantics tensor operations of neural networks";
  let description = [{
    Every operation is pure and works on ranked tensors. A dynamic dimension is a `?` whose size is given by the tensor's
    encoding: an affine map with symbols only, one result per dimension. Symbol `sK` is entry K of the `nn.symbols`
    attribute of the enclosing function (see dialects/support/Symbols.h).

    Element types: f16, bf16, f32, f64, i1 (bool), signless i8..i64 read as signed integers, ui8..ui64.
    Element-wise operations broadcast as NumPy does. Locations carry the ONNX node name.
  }];
  let useDefaultAttributePrinterParser = 1;
  let hasConstantMaterializer = 1;
  let dependentDialects = ["::mlir::func::FuncDialect"];
}

class NN_Enum<string name, string text, list<I32EnumAttrCase> cases> : I32EnumAttr<name, text, cases> {
  let cppNamespace = "::lathe::nn";
  let genSpecializedAttr = 0;
}
class NN_EnumAttr<EnumAttrInfo info, string mnemonic> : EnumAttr<NN_Dialect, info, mnemonic>;

def NN_UnaryKind : NN_Enum<"UnaryKind", "element-wise function of one tensor", [
  I32EnumAttrCase<"abs", 0>, I32EnumAttrCase<"neg", 1>, I32EnumAttrCase<"ceil", 2>, I32EnumAttrCase<"floor", 3>,
  I32EnumAttrCase<"round", 4>, I32EnumAttrCase<"sign", 5>, I32EnumAttrCase<"sqrt", 6>, I32EnumAttrCase<"reciprocal", 7>,
  I32EnumAttrCase<"exp", 8>, I32EnumAttrCase<"log", 9>, I32EnumAttrCase<"sin", 10>, I32EnumAttrCase<"cos", 11>,
  I32EnumAttrCase<"tan", 12>, I32EnumAttrCase<"asin", 13>, I32EnumAttrCase<"acos", 14>, I32EnumAttrCase<"atan", 15>,
  I32EnumAttrCase<"sinh", 16>, I32EnumAttrCase<"cosh", 17>, I32EnumAttrCase<"tanh", 18>, I32EnumAttrCase<"asinh", 19>,
  I32EnumAttrCase<"acosh", 20>, I32EnumAttrCase<"atanh", 21>, I32EnumAttrCase<"erf", 22>, I32EnumAttrCase<"sigmoid", 23>,
  I32EnumAttrCase<"relu", 24>, I32EnumAttrCase<"leaky_relu", 25>, I32EnumAttrCase<"elu", 26>, I32EnumAttrCase<"celu", 27>,
  I32EnumAttrCase<"selu", 28>, I32EnumAttrCase<"softplus", 29>, I32EnumAttrCase<"softsign", 30>,
  I32EnumAttrCase<"hard_sigmoid", 31>, I32EnumAttrCase<"hard_swish", 32>, I32EnumAttrCase<"mish", 33>,
  I32EnumAttrCase<"gelu", 34>, I32EnumAttrCase<"gelu_tanh", 35>, I32EnumAttrCase<"swish", 36>,
  I32EnumAttrCase<"thresholded_relu", 37>, I32EnumAttrCase<"shrink", 38>, I32EnumAttrCase<"logical_not", 39>,
  I32EnumAttrCase<"bitwise_not", 40>, I32EnumAttrCase<"is_nan", 41>, I32EnumAttrCase<"is_inf", 42>]>;

def NN_BinaryKind : NN_Enum<"BinaryKind", "element-wise function of two tensors", [
  I32EnumAttrCase<"add", 0>, I32EnumAttrCase<"sub", 1>, I32EnumAttrCase<"mul", 2>, I32EnumAttrCase<"div", 3>,
  I32EnumAttrCase<"mod", 4>, I32EnumAttrCase<"fmod", 5>, I32EnumAttrCase<"pow", 6>, I32EnumAttrCase<"min", 7>,
  I32EnumAttrCase<"max", 8>, I32EnumAttrCase<"prelu", 9>, I32EnumAttrCase<"logical_and", 10>,
  I32EnumAttrCase<"logical_or", 11>, I32EnumAttrCase<"logical_xor", 12>, I32EnumAttrCase<"bit_and", 13>,
  I32EnumAttrCase<"bit_or", 14>, I32EnumAttrCase<"bit_xor", 15>, I32EnumAttrCase<"shift_left", 16>,
  I32EnumAttrCase<"shift_right", 17>, I32EnumAttrCase<"equal", 18>, I32EnumAttrCase<"less", 19>,
  I32EnumAttrCase<"less_equal", 20>, I32EnumAttrCase<"greater", 21>, I32EnumAttrCase<"greater_equal", 22>]>;

def NN_ReduceKind : NN_Enum<"ReduceKind", "reduction along axes", [
  I32EnumAttrCase<"sum", 0>, I32EnumAttrCase<"mean", 1>, I32EnumAttrCase<"max", 2>, I32EnumAttrCase<"min", 3>,
  I32EnumAttrCase<"prod", 4>, I32EnumAttrCase<"l1", 5>, I32EnumAttrCase<"l2", 6>, I32EnumAttrCase<"sum_square", 7>]>;
def NN_ArgKind : NN_Enum<"ArgKind", "which extreme is searched", [
  I32EnumAttrCase<"arg_max", 0>, I32EnumAttrCase<"arg_min", 1>]>;
def NN_CumulativeKind : NN_Enum<"CumulativeKind", "running reduction", [
  I32EnumAttrCase<"cum_sum", 0>, I32EnumAttrCase<"cum_prod", 1>]>;
def NN_PoolKind : NN_Enum<"PoolKind", "window reduction", [
  I32EnumAttrCase<"pool_max", 0>, I32EnumAttrCase<"pool_average", 1>, I32EnumAttrCase<"pool_lp", 2>]>;
def NN_PadMode : NN_Enum<"PadMode", "what stands outside the input", [
  I32EnumAttrCase<"constant", 0>, I32EnumAttrCase<"reflect", 1>, I32EnumAttrCase<"edge", 2>, I32EnumAttrCase<"wrap", 3>]>;
def NN_ScatterReduction : NN_Enum<"ScatterReduction", "how updates meet what is there", [
  I32EnumAttrCase<"none", 0>, I32EnumAttrCase<"scatter_add", 1>, I32EnumAttrCase<"scatter_mul", 2>,
  I32EnumAttrCase<"scatter_max", 3>, I32EnumAttrCase<"scatter_min", 4>]>;
def NN_ResizeMode : NN_Enum<"ResizeMode", "interpolation", [
  I32EnumAttrCase<"nearest", 0>, I32EnumAttrCase<"linear", 1>, I32EnumAttrCase<"cubic", 2>]>;
def NN_CoordinateMode : NN_Enum<"CoordinateMode", "from output to input coordinates", [
  I32EnumAttrCase<"half_pixel", 0>, I32EnumAttrCase<"asymmetric", 1>, I32EnumAttrCase<"align_corners", 2>,
  I32EnumAttrCase<"pytorch_half_pixel", 3>, I32EnumAttrCase<"half_pixel_symmetric", 4>,
  I32EnumAttrCase<"tf_crop_and_resize", 5>, I32EnumAttrCase<"tf_half_pixel_for_nn", 6>]>;
def NN_NearestMode : NN_Enum<"NearestMode", "rounding of nearest", [
  I32EnumAttrCase<"round_prefer_floor", 0>, I32EnumAttrCase<"round_prefer_ceil", 1>,
  I32EnumAttrCase<"nearest_floor", 2>, I32EnumAttrCase<"nearest_ceil", 3>]>;
def NN_CellKind : NN_Enum<"CellKind", "recurrent cell", [
  I32EnumAttrCase<"rnn", 0>, I32EnumAttrCase<"gru", 1>, I32EnumAttrCase<"lstm", 2>]>;
def NN_Direction : NN_Enum<"Direction", "order of the time steps", [
  I32EnumAttrCase<"forward", 0>, I32EnumAttrCase<"backward", 1>, I32EnumAttrCase<"bidirectional", 2>]>;

def NN_UnaryKindAttr : NN_EnumAttr<NN_UnaryKind, "unary_kind">;
def NN_BinaryKindAttr : NN_EnumAttr<NN_BinaryKind, "binary_kind">;
def NN_ReduceKindAttr : NN_EnumAttr<NN_ReduceKind, "reduce_kind">;
def NN_ArgKindAttr : NN_EnumAttr<NN_ArgKind, "arg_kind">;
def NN_CumulativeKindAttr : NN_EnumAttr<NN_CumulativeKind, "cumulative_kind">;
def NN_PoolKindAttr : NN_EnumAttr<NN_PoolKind, "pool_kind">;
def NN_PadModeAttr : NN_EnumAttr<NN_PadMode, "pad_mode">;
def NN_ScatterReductionAttr : NN_EnumAttr<NN_ScatterReduction, "scatter_reduction">;
def NN_ResizeModeAttr : NN_EnumAttr<NN_ResizeMode, "resize_mode">;
def NN_CoordinateModeAttr : NN_EnumAttr<NN_CoordinateMode, "coordinate_mode">;
def NN_NearestModeAttr : NN_EnumAttr<NN_NearestMode, "nearest_mode">;
def NN_CellKindAttr : NN_EnumAttr<NN_CellKind, "cell_kind">;
def NN_DirectionAttr : NN_EnumAttr<NN_Direction, "direction">;

// Bases of all operations.
class NN_Op<string mnemonic, list<Trait> traits = []> : Op<NN_Dialect, mnemonic, !listconcat(traits, [Pure])>;
// Result types follow from operands and attributes; the inference also checks the numbered constraints.
def NN_InferTypes : InferTypeOpAdaptorBase<[{
  static bool isCompatibleReturnTypes(::mlir::TypeRange inferred, ::mlir::TypeRange actual) {
    return ::lathe::nn::areCompatibleTypes(inferred, actual);
  }
}]>;
class NN_InferredOp<string mnemonic, list<Trait> traits = []>
    : NN_Op<mnemonic, !listconcat(traits, [NN_InferTypes])>;
// Result sizes stand in the result type only (they came from values); the verifier checks what can be checked.
class NN_SizedOp<string mnemonic, list<Trait> traits = []> : NN_Op<mnemonic, traits> { let hasVerifier = 1; }

defvar NN_Tensor = AnyRankedTensor;
defvar NN_OptTensor = Optional<AnyRankedTensor>;

#endif
