// Activation functions and softmax.
#include "compiler/import/Node.h"

using namespace mlir;
using namespace lathe::nn;

namespace lathe::importer {

namespace {

template <UnaryKind kind> Values plain(Node &n) { return {n.unary(kind, n.in(0))}; }

Values withAlpha(Node &n, UnaryKind kind, double otherwise) {
  return {n.unary(kind, n.in(0), n.real("alpha", otherwise))};
}
Values leakyRelu(Node &n) { return withAlpha(n, UnaryKind::leaky_relu, 0.01f); }
Values elu(Node &n) { return withAlpha(n, UnaryKind::elu, 1.0); }
Values celu(Node &n) { return withAlpha(n, UnaryKind::celu, 1.0); }
Values swish(Node &n) { return withAlpha(n, UnaryKind::swish, 1.0); }
Values thresholdedRelu(Node &n) { return withAlpha(n, UnaryKind::thresholded_relu, 1.0); }

Values selu(Node &n) {
  return {n.unary(UnaryKind::selu, n.in(0), n.real("alpha", 1.67326319217681884765625),
                  n.real("gamma", 1.05070102214813232421875))};
}
Values hardSigmoid(Node &n) {
  return {n.unary(UnaryKind::hard_sigmoid, n.in(0), n.real("alpha", 0.2f), n.real("beta", 0.5))};
}
Values shrink(Node &n) { return {n.unary(UnaryKind::shrink, n.in(0), n.real("lambd", 0.5), n.real("bias", 0.0))}; }

Values quickGelu(Node &n) { return withAlpha(n, UnaryKind::swish, 1.702f); }

Values gelu(Node &n) {
  std::string approximate = n.text("approximate", "none");
  if (approximate != "none" && approximate != "tanh")
    return {n.refuse("expects approximate to be none or tanh, got '" + approximate + "'")};
  return {n.unary(approximate == "tanh" ? UnaryKind::gelu_tanh : UnaryKind::gelu, n.in(0))};
}

/// com.microsoft: gelu(x + bias); FastGelu is the tanh form, its bias optional.
template <UnaryKind kind> Values biasGelu(Node &n) {
  Value x = n.in(0);
  return {n.unary(kind, n.has(1) ? n.add(x, n.in(1)) : x)};
}

Value hardmaxAlong(Node &n, Value x, int64_t axis) {
  Value largest = n.infer("nn.arg_reduce", x,
                          {n.kindAttr<ArgKindAttr>(ArgKind::arg_max), n.intAttr("axis", axis),
                           n.boolAttr("keepdims", true), n.boolAttr("select_last", false)});
  if (!largest)
    return {};
  Value position = n.iota(dimsOf(x), axis, n.i64());
  return n.cast(n.binary(BinaryKind::equal, position, largest), elementOf(x));
}

using Along = Value (*)(Node &, Value, int64_t);
Value softmaxAlong(Node &n, Value x, int64_t axis) { return n.softmax(x, axis); }
Value logSoftmaxAlong(Node &n, Value x, int64_t axis) { return n.softmax(x, axis, /*log=*/true); }

/// Since opset 13: along one axis, the last by default.
template <Along along> Values alongAxis(Node &n) {
  Value x = n.in(0);
  auto axis = x ? n.axis(n.integer("axis", -1), rankOf(x)) : std::nullopt;
  return {axis ? along(n, x, *axis) : Value()};
}

/// Before: over all axes from `axis` (1 by default) to the last, as if they were one.
template <Along along> Values alongFlattened(Node &n) {
  Value x = n.in(0);
  auto axis = x ? n.axis(n.integer("axis", 1), std::max<int64_t>(rankOf(x), 1)) : std::nullopt;
  if (!axis)
    return {};
  if (*axis == rankOf(x) - 1)
    return {along(n, x, *axis)};
  DimExprs dims = dimsOf(x);
  auto rows = ArrayRef(dims).take_front(*axis), columns = ArrayRef(dims).drop_front(*axis);
  Value flat = n.reshape(x, {dimProduct(rows, n.context()), dimProduct(columns, n.context())});
  return {flat ? n.reshape(along(n, flat, 1), dims) : Value()};
}

constexpr ConverterEntry kTable[] = {
    {"Relu", 6, kNewest, plain<UnaryKind::relu>},
    {"Sigmoid", 6, kNewest, plain<UnaryKind::sigmoid>},
    {"Tanh", 6, kNewest, plain<UnaryKind::tanh>},
    {"Softplus", 1, kNewest, plain<UnaryKind::softplus>},
    {"Softsign", 1, kNewest, plain<UnaryKind::softsign>},
    {"HardSwish", 14, kNewest, plain<UnaryKind::hard_swish>},
    {"Mish", 18, kNewest, plain<UnaryKind::mish>},
    {"LeakyRelu", 6, kNewest, leakyRelu},
    {"Elu", 6, kNewest, elu},
    {"Celu", 12, kNewest, celu},
    {"Selu", 6, kNewest, selu},
    {"HardSigmoid", 6, kNewest, hardSigmoid},
    {"ThresholdedRelu", 10, kNewest, thresholdedRelu},
    {"Shrink", 9, kNewest, shrink},
    {"Swish", 24, kNewest, swish},
    {"Gelu", 20, kNewest, gelu},
    {"Gelu", 1, kNewest, gelu, "com.microsoft"},
    {"BiasGelu", 1, kNewest, biasGelu<UnaryKind::gelu>, "com.microsoft"},
    {"FastGelu", 1, kNewest, biasGelu<UnaryKind::gelu_tanh>, "com.microsoft"},
    {"QuickGelu", 1, kNewest, quickGelu, "com.microsoft"},
    {"Softmax", 13, kNewest, alongAxis<softmaxAlong>},
    {"Softmax", 1, 12, alongFlattened<softmaxAlong>},
    {"LogSoftmax", 13, kNewest, alongAxis<logSoftmaxAlong>},
    {"LogSoftmax", 1, 12, alongFlattened<logSoftmaxAlong>},
    {"Hardmax", 13, kNewest, alongAxis<hardmaxAlong>},
    {"Hardmax", 1, 12, alongFlattened<hardmaxAlong>},
};

} // namespace

llvm::ArrayRef<ConverterEntry> activationConverters() { return kTable; }

} // namespace lathe::importer
