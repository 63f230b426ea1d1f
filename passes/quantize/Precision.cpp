#include "passes/quantize/Precision.h"
#include "dialects/support/Decisions.h"
#include "passes/quantize/WeightedOperation.h"

using namespace mlir;

namespace lathe::nn {

namespace {
constexpr StringLiteral kPrecision = "lathe.precision", kReason = "lathe.precision_reason",
                        kGroupSize = "lathe.group_size", kInt4Method = "lathe.int4_method",
                        kWeightBits = "lathe.weight_bits", kFixed = "lathe.precision_fixed";
constexpr std::pair<Precision, StringLiteral> kTexts[] = {{Precision::f32, "f32"},
                                                          {Precision::int8, "int8"},
                                                          {Precision::int8Dynamic, "int8-dynamic"},
                                                          {Precision::int4, "int4"}};
constexpr std::pair<Int4Method, StringLiteral> kMethodTexts[] = {
    {Int4Method::rtn, "rtn"}, {Int4Method::gptq, "gptq"}, {Int4Method::awq, "awq"}, {Int4Method::adaround, "adaround"}};

template <class Entries, class Key> StringRef textOf(const Entries &entries, Key key) {
  return llvm::find_if(entries, [&](const auto &entry) { return entry.first == key; })->second;
}

template <class Key, size_t n>
std::optional<Key> keyOf(const std::pair<Key, StringLiteral> (&entries)[n], StringRef text) {
  const auto *entry = llvm::find_if(entries, [&](const auto &entry) { return entry.second == text; });
  return entry == std::end(entries) ? std::nullopt : std::optional(entry->first);
}

/// Why the operation has no form of this precision; empty if it has.
std::string reasonAgainst(Operation *op, Precision precision) {
  if (precision == Precision::int8Dynamic && isa<ConvOp>(op))
    return "convolutions have calibrated ranges or none";
  if (precision == Precision::int4) {
    auto matmul = dyn_cast<MatmulOp>(op);
    return matmul ? reasonAgainstIntegerWeights(matmul) : "convolutions have no weights of 4 bits";
  }
  return "";
}

SmallVector<Precision, 4> candidatesOf(Operation *op) {
  if (isa<GatherOp, RecurrentOp>(op))
    return {Precision::f32, Precision::int8};
  SmallVector<Precision, 4> candidates;
  for (const auto &[precision, text] : kTexts)
    if (reasonAgainst(op, precision).empty())
      candidates.push_back(precision);
  return candidates;
}
} // namespace

StringRef precisionText(Precision precision) { return textOf(kTexts, precision); }
std::optional<Precision> parsePrecision(StringRef text) { return keyOf(kTexts, text); }
StringRef int4MethodText(Int4Method method) { return textOf(kMethodTexts, method); }
std::optional<Int4Method> parseInt4Method(StringRef text) { return keyOf(kMethodTexts, text); }

std::string groupSizeProblem(int64_t size) {
  if (size >= kLeastGroupSize && size <= kMostGroupSize && llvm::isPowerOf2_64(uint64_t(size)))
    return "";
  return ("expects a group size that is a power of two from " + Twine(kLeastGroupSize) + " to " +
          Twine(kMostGroupSize) + ", got " + Twine(size))
      .str();
}

void setPrecision(Operation *op, const NodePrecision &precision) {
  Builder b(op->getContext());
  op->setAttr(kPrecision, b.getStringAttr(precisionText(precision.precision)));
  op->removeAttr(kReason);
  if (!precision.reason.empty())
    op->setAttr(kReason, b.getStringAttr(precision.reason));
  if (precision.precision == Precision::int4) {
    op->setAttr(kGroupSize, b.getI64IntegerAttr(precision.groupSize));
    op->setAttr(kInt4Method, b.getStringAttr(int4MethodText(precision.int4Method)));
  }
  op->removeAttr(kFixed);
  if (precision.isFixed)
    op->setAttr(kFixed, b.getUnitAttr());
  op->removeAttr(kWeightBits);
  if (precision.weightBits != NodePrecision().weightBits)
    op->setAttr(kWeightBits, b.getI64IntegerAttr(precision.weightBits));
}

std::optional<NodePrecision> precisionOf(Operation *op) {
  auto text = op->getAttrOfType<StringAttr>(kPrecision);
  auto precision = text ? parsePrecision(text) : std::nullopt;
  if (!precision)
    return std::nullopt;
  NodePrecision wanted{*precision};
  if (auto reason = op->getAttrOfType<StringAttr>(kReason))
    wanted.reason = reason.str();
  if (auto size = op->getAttrOfType<IntegerAttr>(kGroupSize))
    wanted.groupSize = size.getInt();
  if (auto method = op->getAttrOfType<StringAttr>(kInt4Method))
    wanted.int4Method = parseInt4Method(method).value_or(Int4Method::rtn);
  wanted.isFixed = op->hasAttr(kFixed);
  if (auto bits = op->getAttrOfType<IntegerAttr>(kWeightBits))
    wanted.weightBits = unsigned(bits.getInt());
  return wanted;
}

void removePrecisions(func::FuncOp function) {
  function.walk([](Operation *op) {
    for (StringRef name : {kPrecision, kReason, kGroupSize, kInt4Method, kWeightBits, kFixed})
      op->removeAttr(name);
  });
}

SmallVector<QuantizableNode> quantizableNodes(func::FuncOp function) {
  SmallVector<QuantizableNode> nodes;
  function.walk([&](Operation *op) {
    if (quantizableWeights(op))
      nodes.push_back({op, nodeName(op->getLoc()), candidatesOf(op)});
  });
  return nodes;
}

NodePrecision nearestPrecision(const QuantizableNode &node, const NodePrecision &wanted, bool hasSamples) {
  if (llvm::is_contained(node.candidates, wanted.precision))
    return wanted;
  // Tables and recurrences have nothing to calibrate: what they read besides is f32 or no number.
  if (isa<GatherOp, RecurrentOp>(node.op))
    return {Precision::int8};
  std::string reason = reasonAgainst(node.op, wanted.precision);
  if (wanted.precision == Precision::int4 && hasSamples && isa<ConvOp>(node.op))
    return {Precision::int8, reason + ", but of 8"};
  return {Precision::f32, reason};
}

} // namespace lathe::nn
