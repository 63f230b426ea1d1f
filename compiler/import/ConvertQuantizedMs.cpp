// Quantized operators of ONNX Runtime (com.microsoft), as its quantizer writes them.
//
// Those that are a standard operator on quantized tensors become just that on their numbers: dequantize, compute, quantize.
#include "compiler/import/Quantized.h"
#include "compiler/import/Standard.h"

using namespace mlir;
using namespace lathe::nn;

namespace lathe::importer {

namespace {

Value dequantizedInput(Node &n, unsigned index) {
  return dequantized(n, n.in(index), n.in(index + 1), n.optional(index + 2));
}

/// `x` with the scale in input `scale` and the zero point after it; of type `otherwise` if there is none.
Value quantizedResult(Node &n, Value x, unsigned scale, Type otherwise) {
  Value zero = n.optional(scale + 1);
  return quantized(n, x, n.in(scale), zero, zero ? elementOf(zero) : otherwise);
}

/// QLinear<Op>: inputs that stay as they are, then operands with scale and zero point each, then those of the result.
template <unsigned operands, unsigned plain = 0> Values onNumbers(Node &n, StringRef op, int64_t version) {
  SmallVector<Value> inputs;
  for (unsigned i = 0; i < plain; ++i)
    inputs.push_back(n.in(i));
  bool isLast = n.integer("channels_last", 0) != 0;
  for (unsigned i = plain; i < plain + 3 * operands; i += 3) {
    Value x = dequantizedInput(n, i);
    inputs.push_back(isLast ? movedChannels(n, x, /*isToEnd=*/false) : x);
  }
  if (llvm::is_contained(inputs, Value()))
    return {};
  Value result = firstOf(applyStandard(n, op, inputs, version));
  result = isLast ? movedChannels(n, result, /*isToEnd=*/true) : result;
  return {quantizedResult(n, result, plain + 3 * operands, elementOf(n.in(plain)))};
}

StringRef standardName(Node &n) { return StringRef(n.proto.op_type()).drop_front(StringRef("QLinear").size()); }

template <unsigned operands, unsigned plain = 0> Values onNumbers(Node &n) {
  return onNumbers<operands, plain>(n, standardName(n), kStandard);
}

/// The attribute `opset` says which version's axis is meant.
Values qlinearSoftmax(Node &n) { return onNumbers<1>(n, "Softmax", n.integer("opset", kStandard)); }

/// Scale and zero point of the result come first.
Values qlinearConcat(Node &n) {
  SmallVector<Value> inputs;
  for (unsigned i = 2; i < n.numInputs(); i += 3)
    if (!inputs.emplace_back(dequantizedInput(n, i)))
      return {};
  if (inputs.empty())
    return {n.refuse("expects inputs")};
  return {quantizedResult(n, firstOf(applyStandard(n, "Concat", inputs)), 0, elementOf(n.in(2)))};
}

/// ONNX's QLinearConv, or the same of tensors with the channels last.
Values qlinearConv(Node &n) {
  bool isLast = n.integer("channels_last", 0) != 0;
  SmallVector<Value> inputs;
  for (unsigned i = 0; i < n.numInputs(); ++i)
    inputs.push_back(n.optional(i));
  if (isLast && !(inputs[0] = movedChannels(n, n.in(0), /*isToEnd=*/false)))
    return {};
  Value result = firstOf(applyStandard(n, "QLinearConv", inputs));
  return {isLast ? movedChannels(n, result, /*isToEnd=*/true) : result};
}

//===- products -===//

/// x - zero in i32; zero may be null.
Value difference(Node &n, Value x, Value zero) {
  Value wide = n.cast(x, n.i32());
  return zero ? n.sub(wide, n.reshape(n.cast(zero, n.i32()), {})) : wide;
}

/// Integers are multiplied before scales are: exact, and a 0 never meets what overflowed (masks hold the lowest f32).
Values qlinearMul(Node &n) {
  Value product = n.mul(difference(n, n.in(0), n.optional(2)), difference(n, n.in(3), n.optional(5)));
  Value scale = n.mul(scalesIn(n, 1), scalesIn(n, 4));
  if (!product || !scale)
    return {};
  return {quantizedResult(n, scaledSums(n, product, n.reshape(scale, {})), 6, elementOf(n.in(0)))};
}

/// alpha * scale(A) * scale(B) * (A' * B' + C), C being integers of that scale; quantized if the result has a scale.
Values qgemm(Node &n) {
  Value a = n.in(0), b = n.in(3), zeroB = n.optional(5);
  if (!a || !b || rankOf(a) != 2 || rankOf(b) != 2)
    return {a && b ? n.refuse("expects matrices of rank 2") : Value()};
  if (zeroB && rankOf(zeroB) == 1)
    zeroB = n.unsqueeze(zeroB, n.integer("transB", 0) != 0 ? Ints{1} : Ints{0});
  Value sums = n.matmul(a, b, n.integer("transA", 0) != 0, n.integer("transB", 0) != 0, n.optional(2), zeroB);
  if (n.has(6))
    sums = n.add(sums, n.in(6));
  Value scale = n.mul(scalesIn(n, 1), scalesIn(n, 4));
  if (double alpha = n.real("alpha", 1.0); alpha != 1.0)
    scale = n.binary(BinaryKind::mul, scale, alpha);
  return {n.has(7) ? requantized(n, sums, scale, n.in(7), n.in(8)) : scaledSums(n, sums, scale)};
}

Value withBias(Node &n, Value product, unsigned bias) { return n.has(bias) ? n.add(product, n.in(bias)) : product; }

Values matMulIntegerToFloat(Node &n) {
  Value sums = integerProduct(n, n.in(0), n.optional(4), n.in(1), n.optional(5));
  return {withBias(n, scaledSums(n, sums, n.mul(perRow(n, scalesIn(n, 2)), scalesIn(n, 3))), 6)};
}

Values dynamicQuantizeMatMul(Node &n) {
  Dynamic a = quantizedDynamically(n, n.in(0));
  Value sums = integerProduct(n, a.integers, a.zero, n.in(1), n.optional(3));
  return {withBias(n, scaledSums(n, sums, n.mul(a.scale, scalesIn(n, 2))), 4)};
}

//===- recurrent layers -===//

/// [directions] or [directions, gates] of weights [directions, inputs, gates], shaped to meet them.
Value perGate(Node &n, Value entries) {
  if (!entries || rankOf(entries) == 0)
    return entries;
  return n.unsqueeze(entries, rankOf(entries) == 1 ? Ints{1, 2} : Ints{1});
}

Value gateWeights(Node &n, unsigned weights, unsigned scale) {
  Value numbers = dequantized(n, n.in(weights), perGate(n, scalesIn(n, scale)), perGate(n, n.in(scale + 1)));
  return n.transpose(numbers, {0, 2, 1});
}

/// An LSTM whose weights are [directions, inputs, gates] integers. Computed in f32: closer to the model before it was quantized
/// than with inputs and states rounded to 8 bits, as ONNX Runtime does.
Values dynamicQuantizeLstm(Node &n) {
  SmallVector<Value> inputs{n.in(0), gateWeights(n, 1, 8), gateWeights(n, 2, 10)};
  if (llvm::is_contained(inputs, Value()))
    return {};
  for (unsigned i = 3; i < 8; ++i)
    inputs.push_back(n.optional(i));
  return applyStandard(n, "LSTM", inputs);
}

constexpr llvm::StringLiteral kDomain = "com.microsoft";
constexpr ConverterEntry kTable[] = {
    {"QLinearAdd", 1, kNewest, onNumbers<2>, kDomain},
    {"QLinearMul", 1, kNewest, qlinearMul, kDomain},
    {"QLinearSigmoid", 1, kNewest, onNumbers<1>, kDomain},
    {"QLinearLeakyRelu", 1, kNewest, onNumbers<1>, kDomain},
    {"QLinearAveragePool", 1, kNewest, onNumbers<1>, kDomain},
    {"QLinearGlobalAveragePool", 1, kNewest, onNumbers<1>, kDomain},
    {"QLinearReduceMean", 1, kNewest, onNumbers<1>, kDomain},
    {"QLinearWhere", 1, kNewest, onNumbers<2, 1>, kDomain},
    {"QLinearSoftmax", 1, kNewest, qlinearSoftmax, kDomain},
    {"QLinearConcat", 1, kNewest, qlinearConcat, kDomain},
    {"QLinearConv", 1, kNewest, qlinearConv, kDomain},
    {"QGemm", 1, kNewest, qgemm, kDomain},
    {"MatMulIntegerToFloat", 1, kNewest, matMulIntegerToFloat, kDomain},
    {"DynamicQuantizeMatMul", 1, kNewest, dynamicQuantizeMatMul, kDomain},
    {"DynamicQuantizeLSTM", 1, kNewest, dynamicQuantizeLstm, kDomain},
};

} // namespace

llvm::ArrayRef<ConverterEntry> quantizedMsConverters() { return kTable; }

} // namespace lathe::importer
