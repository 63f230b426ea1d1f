// Sequences and optionals whose structure is known at compile time.
#include "compiler/import/Products.h"

using namespace mlir;
using namespace lathe::nn;

namespace lathe::importer {

namespace {

using List = SmallVector<Value, 0>;

std::optional<List> list(Node &n, unsigned input) {
  const Entry *entry = n.entry(input);
  if (entry && entry->isList)
    return entry->list;
  n.refuse("expects input " + Twine(input) + " to be a sequence");
  return std::nullopt;
}

Values give(Node &n, List values) {
  n.listOutput = std::move(values);
  return {};
}

Values sequenceEmpty(Node &n) { return give(n, {}); }

Values sequenceConstruct(Node &n) {
  List values;
  for (unsigned i = 0; i < n.numInputs(); ++i)
    values.push_back(n.in(i));
  return llvm::is_contained(values, Value()) ? Values() : give(n, values);
}

/// A position in [0, size), or up to size where something is inserted.
std::optional<size_t> positionIn(Node &n, unsigned input, size_t size, bool mayBeEnd) {
  auto given = n.knownIntegers(input);
  if (!given || given->size() != 1)
    return std::nullopt;
  int64_t at = given->front() + (given->front() < 0 ? int64_t(size) : 0);
  if (at >= 0 && at < int64_t(size) + (mayBeEnd ? 1 : 0))
    return size_t(at);
  n.refuse("expects a position in a sequence of " + Twine(size) + ", got " + Twine(given->front()));
  return std::nullopt;
}

Values sequenceAt(Node &n) {
  auto values = list(n, 0);
  auto at = values ? positionIn(n, 1, values->size(), false) : std::nullopt;
  return {at ? (*values)[*at] : Value()};
}

Values sequenceInsert(Node &n) {
  auto values = list(n, 0);
  Value value = n.in(1);
  if (!values || !value)
    return {};
  auto at = n.has(2) ? positionIn(n, 2, values->size(), true) : std::optional(values->size());
  if (!at)
    return {};
  values->insert(values->begin() + *at, value);
  return give(n, *values);
}

Values sequenceErase(Node &n) {
  auto values = list(n, 0);
  if (!values || values->empty())
    return {values ? n.refuse("expects a sequence that is not empty") : Value()};
  auto at = n.has(1) ? positionIn(n, 1, values->size(), false) : std::optional(values->size() - 1);
  if (!at)
    return {};
  values->erase(values->begin() + *at);
  return give(n, *values);
}

Values sequenceLength(Node &n) {
  auto values = list(n, 0);
  return {values ? n.dimValues(n.dim(int64_t(values->size())), /*isScalar=*/true) : Value()};
}

/// Parts of one size (the last may be smaller), or of the given sizes; single elements lose the axis unless keepdims.
Values splitToSequence(Node &n) {
  Value x = n.in(0);
  auto axis = x ? n.axis(n.integer("axis", 0), rankOf(x)) : std::nullopt;
  auto total = axis ? constantDim(dimsOf(x)[*axis]) : std::nullopt;
  if (!total)
    return {axis ? n.refuse("expects a static size along the axis") : Value()};
  DimExprs sizes;
  if (n.has(1) && rankOf(n.in(1)) == 1) {
    auto given = n.knownIntegers(1);
    for (int64_t size : given.value_or(Ints()))
      sizes.push_back(n.dim(size));
  } else {
    auto given = n.has(1) ? n.knownIntegers(1) : std::optional(Ints{1});
    if (!given || given->size() != 1 || given->front() < 1)
      return {given ? n.refuse("expects positive sizes") : Value()};
    for (int64_t at = 0; at < *total; at += given->front())
      sizes.push_back(n.dim(std::min(given->front(), *total - at)));
  }
  if (sizes.empty() || sizes.size() > 4096)
    return {n.refuse("expects 1 to 4096 parts")};
  Values parts = splitAlong(n, x, *axis, sizes);
  if (parts.empty())
    return {};
  DimExprs dims = dimsOf(x);
  dims.erase(dims.begin() + *axis);
  if (!n.has(1) && n.integer("keepdims", 1) == 0)
    for (Value &part : parts)
      part = n.reshape(part, dims);
  return give(n, List(parts.begin(), parts.end()));
}

Values concatFromSequence(Node &n) {
  auto values = list(n, 0);
  if (!values || values->empty())
    return {values ? n.refuse("expects a sequence that is not empty") : Value()};
  bool isNew = n.integer("new_axis", 0) != 0;
  auto axis = n.axis(n.integer("axis", 0), rankOf(values->front()) + isNew);
  if (!axis)
    return {};
  if (isNew)
    for (Value &value : *values)
      value = n.unsqueeze(value, *axis);
  return {n.concat(*values, *axis)};
}

//===- optionals -===//

/// An optional that holds something is that thing; an empty one is an absent value.
Values optionalOf(Node &n) {
  const Entry *entry = n.entry(0);
  if (entry && entry->isList)
    return give(n, entry->list);
  n.isComplete = true;
  return {n.optional(0)};
}

Values optionalGetElement(Node &n) {
  const Entry *entry = n.entry(0);
  if (entry && entry->isList)
    return give(n, entry->list);
  return {n.in(0)};
}

Values optionalHasElement(Node &n) { return {n.scalar(n.has(0) ? 1 : 0, n.i1())}; }

constexpr ConverterEntry kTable[] = {
    {"SequenceEmpty", 11, kNewest, sequenceEmpty},
    {"SequenceConstruct", 11, kNewest, sequenceConstruct},
    {"SequenceAt", 11, kNewest, sequenceAt},
    {"SequenceInsert", 11, kNewest, sequenceInsert},
    {"SequenceErase", 11, kNewest, sequenceErase},
    {"SequenceLength", 11, kNewest, sequenceLength},
    {"SplitToSequence", 11, kNewest, splitToSequence},
    {"ConcatFromSequence", 11, kNewest, concatFromSequence},
    {"Optional", 15, kNewest, optionalOf},
    {"OptionalGetElement", 15, kNewest, optionalGetElement},
    {"OptionalHasElement", 15, kNewest, optionalHasElement},
};

} // namespace

llvm::ArrayRef<ConverterEntry> sequenceConverters() { return kTable; }

} // namespace lathe::importer
