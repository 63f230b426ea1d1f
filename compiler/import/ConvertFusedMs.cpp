// Standard operators with an activation behind them, or with the channels last, as ONNX Runtime's optimizer saves them (com.microsoft).
#include "compiler/import/Standard.h"

using namespace mlir;
using namespace lathe::nn;

namespace lathe::importer {

namespace {

Value clipped(Node &n, Value x, double low, double high) {
  return n.binary(BinaryKind::min, n.binary(BinaryKind::max, x, low), high);
}

/// The node's attribute `activation` applied, with what its operator has as parameters in order; `x` if there is none.
Value activated(Node &n, Value x, ArrayRef<double> given) {
  std::string name = n.text("activation", "");
  auto parameter = [&](size_t index, double otherwise) { return index < given.size() ? given[index] : otherwise; };
  if (name.empty())
    return x;
  if (name == "Clip")
    return clipped(n, x, parameter(0, -3.402823466e38), parameter(1, 3.402823466e38));
  if (name == "LeakyRelu")
    return n.unary(UnaryKind::leaky_relu, x, parameter(0, 0.01f));
  if (name == "HardSigmoid")
    return n.unary(UnaryKind::hard_sigmoid, x, parameter(0, 0.2f), parameter(1, 0.5));
  if (name == "Elu")
    return n.unary(UnaryKind::elu, x, parameter(0, 1));
  for (auto [known, kind] : {std::pair("Relu", UnaryKind::relu), std::pair("Tanh", UnaryKind::tanh),
                             std::pair("Sigmoid", UnaryKind::sigmoid), std::pair("Softplus", UnaryKind::softplus),
                             std::pair("Softsign", UnaryKind::softsign), std::pair("HardSwish", UnaryKind::hard_swish)})
    if (name == known)
      return n.unary(kind, x);
  return n.refuse("expects a known activation, got '" + name + "'");
}

/// activation(Conv + input 3); with `isLast` the channels of inputs and result are last.
template <bool isLast> Values fusedConv(Node &n) {
  Value x = isLast ? movedChannels(n, n.in(0), /*isToEnd=*/false) : n.in(0);
  if (!x || !n.in(1))
    return {};
  Value result = firstOf(applyStandard(n, "Conv", {x, n.in(1), n.optional(2)}));
  result = isLast ? movedChannels(n, result, /*isToEnd=*/true) : result;
  if (n.has(3))
    result = n.add(result, n.in(3));
  return {activated(n, result, n.realsOf("activation_params"))};
}

Values fusedGemm(Node &n) {
  Value product = firstOf(applyStandard(n, "Gemm", {n.in(0), n.in(1), n.optional(2)}));
  SmallVector<double> parameters;
  for (StringRef name : {"activation_alpha", "activation_beta", "activation_gamma"})
    if (n.hasAttr(name))
      parameters.push_back(n.real(name, 0));
  return {activated(n, product, parameters)};
}

Values nhwcMaxPool(Node &n) {
  Value x = movedChannels(n, n.in(0), /*isToEnd=*/false);
  return {x ? movedChannels(n, firstOf(applyStandard(n, "MaxPool", {x})), /*isToEnd=*/true) : Value()};
}

constexpr llvm::StringLiteral kDomain = "com.microsoft";
constexpr ConverterEntry kTable[] = {
    {"FusedConv", 1, kNewest, fusedConv<false>, kDomain},    {"NhwcConv", 1, kNewest, fusedConv<true>, kDomain},
    {"NhwcFusedConv", 1, kNewest, fusedConv<true>, kDomain}, {"FusedGemm", 1, kNewest, fusedGemm, kDomain},
    {"NhwcMaxPool", 1, kNewest, nhwcMaxPool, kDomain},
};

} // namespace

llvm::ArrayRef<ConverterEntry> fusedMsConverters() { return kTable; }

} // namespace lathe::importer
