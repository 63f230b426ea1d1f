// RNN, GRU, LSTM.
#include "compiler/import/Node.h"
#include "llvm/ADT/StringExtras.h"

using namespace mlir;
using namespace lathe::nn;

namespace lathe::importer {

namespace {

struct CellTraits {
  CellKind kind;
  SmallVector<StringRef> activations; // per direction
};

/// Defaults of the activations that have parameters.
struct ActivationDefaults {
  StringRef name;
  double alpha, beta;
  bool takesAlpha, takesBeta;
};
constexpr ActivationDefaults kActivations[] = {
    {"affine", 1.0, 0.0, true, true},          {"elu", 1.0, 0.0, true, false},
    {"hardsigmoid", 0.2f, 0.5, true, true},    {"leakyrelu", 0.01f, 0.0, true, false},
    {"relu", 0.0, 0.0, false, false},          {"scaledtanh", 1.0, 1.0, true, true},
    {"sigmoid", 0.0, 0.0, false, false},       {"softplus", 0.0, 0.0, false, false},
    {"softsign", 0.0, 0.0, false, false},      {"tanh", 0.0, 0.0, false, false},
    {"thresholdedrelu", 1.0, 0.0, true, false}};

struct Activations {
  SmallVector<Attribute> names;
  SmallVector<double> alphas, betas;
};

/// activation_alpha and activation_beta are consumed in order by the activations that take them.
std::optional<Activations> readActivations(Node &n, ArrayRef<StringRef> defaults, int64_t directions) {
  SmallVector<std::string> names = n.textsOf("activations");
  if (names.empty())
    for (int64_t i = 0; i < directions; ++i)
      names.append(defaults.begin(), defaults.end());
  SmallVector<double> alphas = n.realsOf("activation_alpha"), betas = n.realsOf("activation_beta");
  size_t nextAlpha = 0, nextBeta = 0;
  Activations result;
  for (const std::string &given : names) {
    std::string name = StringRef(given).lower();
    auto *known = llvm::find_if(kActivations, [&](const ActivationDefaults &a) { return a.name == name; });
    if (known == std::end(kActivations)) {
      n.refuse("expects known activations, got '" + given + "'");
      return std::nullopt;
    }
    result.names.push_back(n.builder.getStringAttr(name));
    result.alphas.push_back(known->takesAlpha && nextAlpha < alphas.size() ? alphas[nextAlpha++] : known->alpha);
    result.betas.push_back(known->takesBeta && nextBeta < betas.size() ? betas[nextBeta++] : known->beta);
  }
  return result;
}

std::optional<Direction> readDirection(Node &n) {
  std::string name = n.text("direction", "forward");
  if (name == "forward")
    return Direction::forward;
  if (name == "reverse")
    return Direction::backward;
  if (name == "bidirectional")
    return Direction::bidirectional;
  n.refuse("expects a known direction, got '" + name + "'");
  return std::nullopt;
}

Values recurrent(Node &n, const CellTraits &traits) {
  bool isBatchFirst = n.integer("layout", 0) != 0, isLstm = traits.kind == CellKind::lstm;
  auto direction = readDirection(n);
  Value x = n.in(0), weights = n.in(1), recurrence = n.in(2);
  if (!direction || !x || !weights || !recurrence || rankOf(x) != 3)
    return {direction && recurrence ? n.refuse("expects an input of rank 3") : Value()};
  auto activations = readActivations(n, traits.activations, *direction == Direction::bidirectional ? 2 : 1);
  if (!activations)
    return {};
  auto swap = [&](Value value) { return isBatchFirst && value ? n.transpose(value, {1, 0, 2}) : value; };
  SmallVector<Value> operands{swap(x), weights, recurrence};
  SmallVector<int32_t> segments{1, 1, 1};
  Value states[] = {n.optional(3), n.optional(4), swap(n.optional(5)), isLstm ? swap(n.optional(6)) : Value(),
                    isLstm ? n.optional(7) : Value()};
  for (Value value : states) {
    segments.push_back(value ? 1 : 0);
    if (value)
      operands.push_back(value);
  }
  segments.push_back(0); // no scale: weights are numbers
  SmallVector<NamedAttribute> attributes{
      n.kindAttr<CellKindAttr>(traits.kind, "cell"),
      n.kindAttr<DirectionAttr>(*direction, "direction"),
      n.builder.getNamedAttr("activations", n.builder.getArrayAttr(activations->names)),
      n.floatsAttr("alphas", activations->alphas),
      n.floatsAttr("betas", activations->betas),
      n.floatAttr("clip", n.real("clip", 0)),
      n.segmentsAttr(segments)};
  if (n.integer("linear_before_reset", 0) != 0)
    attributes.push_back(n.unitAttr("linear_before_reset"));
  if (n.integer("input_forget", 0) != 0)
    attributes.push_back(n.unitAttr("input_forget"));
  Operation *op = n.inferred("nn.recurrent", operands, attributes);
  if (!op)
    return {};
  Values results;
  // Batch first: [T, dirs, B, H] becomes [B, T, dirs, H].
  results.push_back(isBatchFirst && n.wants(0) ? n.transpose(op->getResult(0), {2, 0, 1, 3}) : op->getResult(0));
  for (unsigned i = 1; i < op->getNumResults(); ++i)
    results.push_back(n.wants(i) ? swap(op->getResult(i)) : op->getResult(i));
  return results;
}

Values rnn(Node &n) { return recurrent(n, {CellKind::rnn, {"tanh"}}); }
Values gru(Node &n) { return recurrent(n, {CellKind::gru, {"sigmoid", "tanh"}}); }
Values lstm(Node &n) { return recurrent(n, {CellKind::lstm, {"sigmoid", "tanh", "tanh"}}); }

constexpr ConverterEntry kTable[] = {
    {"RNN", 7, kNewest, rnn},
    {"GRU", 7, kNewest, gru},
    {"LSTM", 7, kNewest, lstm},
};

} // namespace

llvm::ArrayRef<ConverterEntry> recurrentConverters() { return kTable; }

} // namespace lathe::importer
