#include "passes/quantize/Precision.h"
#include "dialects/support/Decisions.h"
#include "passes/quantize/WeightedOperation.h"

using namespace mlir;

namespace lathe::nn {

namespace {
constexpr StringLiteral kPrecision = "lathe.precision", kReason = "lathe.precision_reason";
constexpr std::pair<Precision, StringLiteral> kTexts[] = {
    {Precision::f32, "f32"}, {Precision::int8, "int8"}, {Precision::int8Dynamic, "int8-dynamic"}};

/// Why the operation has no form of this precision; empty if it has.
std::string reasonAgainst(Operation *op, Precision precision) {
  if (precision == Precision::int8Dynamic && isa<ConvOp>(op))
    return "convolutions have calibrated ranges or none";
  return "";
}

SmallVector<Precision, 4> candidatesOf(Operation *op) {
  if (isa<GatherOp>(op))
    return {Precision::f32, Precision::int8};
  SmallVector<Precision, 4> candidates;
  for (const auto &[precision, text] : kTexts)
    if (reasonAgainst(op, precision).empty())
      candidates.push_back(precision);
  return candidates;
}
} // namespace

StringRef precisionText(Precision precision) {
  return llvm::find_if(kTexts, [&](const auto &entry) { return entry.first == precision; })->second;
}

std::optional<Precision> parsePrecision(StringRef text) {
  const auto *entry = llvm::find_if(kTexts, [&](const auto &entry) { return entry.second == text; });
  return entry == std::end(kTexts) ? std::nullopt : std::optional(entry->first);
}

void setPrecision(Operation *op, const NodePrecision &precision) {
  Builder b(op->getContext());
  op->setAttr(kPrecision, b.getStringAttr(precisionText(precision.precision)));
  op->removeAttr(kReason);
  if (!precision.reason.empty())
    op->setAttr(kReason, b.getStringAttr(precision.reason));
}

std::optional<NodePrecision> precisionOf(Operation *op) {
  auto text = op->getAttrOfType<StringAttr>(kPrecision);
  auto precision = text ? parsePrecision(text) : std::nullopt;
  if (!precision)
    return std::nullopt;
  auto reason = op->getAttrOfType<StringAttr>(kReason);
  return NodePrecision{*precision, reason ? reason.str() : ""};
}

void removePrecisions(func::FuncOp function) {
  function.walk([](Operation *op) {
    op->removeAttr(kPrecision);
    op->removeAttr(kReason);
  });
}

SmallVector<QuantizableNode> quantizableNodes(func::FuncOp function) {
  SmallVector<QuantizableNode> nodes;
  function.walk([&](Operation *op) {
    if (WeightedProduct::of(op) || lookedUpTable(op))
      nodes.push_back({op, nodeName(op->getLoc()), candidatesOf(op)});
  });
  return nodes;
}

NodePrecision nearestPrecision(const QuantizableNode &node, const NodePrecision &wanted) {
  if (llvm::is_contained(node.candidates, wanted.precision))
    return wanted;
  // Rows of tables have scales of their own, and nothing to calibrate.
  if (isa<GatherOp>(node.op))
    return {Precision::int8, ""};
  return {Precision::f32, reasonAgainst(node.op, wanted.precision)};
}

} // namespace lathe::nn
