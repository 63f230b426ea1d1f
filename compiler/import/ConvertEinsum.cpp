// Einsum as a chain of transposes and matrix products.
//
// Operands are joined from the left. For two operands with labels L and R, and the labels N that are needed later:
//   labels only in one of them and not needed are summed away first;
//   batch = in both and needed, contracted = in both and not needed, the rest is left's rows and right's columns;
//   [batch, rows, contracted] x [batch, contracted, columns] -> [batch.., rows.., columns..].
#include "compiler/import/Node.h"
#include "llvm/ADT/StringExtras.h"

using namespace mlir;
using namespace lathe::nn;

namespace lathe::importer {

namespace {

/// A tensor with one label per axis. Labels of the ellipsis are numbers from kEllipsis on, right-aligned.
using Labels = SmallVector<int, 6>;
constexpr int kEllipsis = 1000;
struct Term {
  Value value;
  Labels labels;
};

bool contains(ArrayRef<int> labels, int label) { return llvm::is_contained(labels, label); }

/// "ab...c" for a tensor of this rank (or, for the output, with so many ellipsis axes).
std::optional<Labels> parseTerm(Node &n, StringRef text, std::optional<int64_t> rank, int64_t &ellipsisAxes) {
  Labels labels;
  size_t letters = llvm::count_if(text, [](char c) { return llvm::isAlpha(c); });
  bool hasEllipsis = text.contains("...");
  if (hasEllipsis && rank)
    ellipsisAxes = *rank - int64_t(letters);
  for (size_t i = 0; i < text.size(); ++i) {
    if (llvm::isAlpha(text[i]))
      labels.push_back(text[i]);
    else if (text.substr(i).starts_with("...")) {
      for (int64_t k = ellipsisAxes; k-- > 0;)
        labels.push_back(kEllipsis + int(k));
      i += 2;
    } else {
      n.refuse("expects letters and one ellipsis, got '" + text + "'");
      return std::nullopt;
    }
  }
  if (rank && int64_t(labels.size()) != *rank) {
    n.refuse("expects '" + text + "' to have one label per axis of its input");
    return std::nullopt;
  }
  return labels;
}

/// A label that stands twice in one term takes the diagonal.
Term takeDiagonals(Node &n, Term term) {
  for (size_t i = 0; i < term.labels.size() && term.value; ++i)
    for (size_t j = i + 1; j < term.labels.size() && term.value; ++j) {
      if (term.labels[i] != term.labels[j])
        continue;
      DimExprs dims = dimsOf(term.value), row(dims.size(), n.dim(1)), column = row;
      row[i] = dims[i];
      column[j] = dims[j];
      n.require(dims[i], dims[j]);
      Value isDiagonal =
          n.binary(BinaryKind::equal, n.iota(row, int64_t(i), n.i64()), n.iota(column, int64_t(j), n.i64()));
      Value kept = n.select(isDiagonal, term.value, n.scalar(0, elementOf(term.value)));
      term.value = n.reduce(ReduceKind::sum, kept, int64_t(j), /*keepdims=*/false);
      term.labels.erase(term.labels.begin() + j--);
    }
  return term;
}

Term sumAway(Node &n, Term term, llvm::function_ref<bool(int)> isNeeded) {
  Ints axes;
  Labels kept;
  for (auto [i, label] : llvm::enumerate(term.labels))
    if (isNeeded(label))
      kept.push_back(label);
    else
      axes.push_back(int64_t(i));
  if (axes.empty())
    return term;
  return {n.reduce(ReduceKind::sum, term.value, axes, /*keepdims=*/false), kept};
}

Value permute(Node &n, const Term &term, ArrayRef<int> order) {
  Ints permutation;
  for (int label : order)
    permutation.push_back(llvm::find(term.labels, label) - term.labels.begin());
  return llvm::is_sorted(permutation) ? term.value : n.transpose(term.value, permutation);
}

DimExprs sizesOf(const Term &term, ArrayRef<int> labels) {
  DimExprs dims, all = dimsOf(term.value);
  for (int label : labels)
    dims.push_back(all[llvm::find(term.labels, label) - term.labels.begin()]);
  return dims;
}

/// Axes of size 1 of the ellipsis broadcast; so both sides get the larger size.
DimExprs batchSizes(const Term &lhs, const Term &rhs, ArrayRef<int> batch) {
  DimExprs a = sizesOf(lhs, batch), b = sizesOf(rhs, batch);
  for (auto [x, y] : llvm::zip_equal(a, b))
    x = constantDim(x) == 1 ? y : x;
  return a;
}

Value asMatrices(Node &n, const Term &term, ArrayRef<int> batch, ArrayRef<AffineExpr> batchDims, ArrayRef<int> rows,
                 ArrayRef<int> columns) {
  Labels order(batch.begin(), batch.end());
  order.append(rows.begin(), rows.end());
  order.append(columns.begin(), columns.end());
  DimExprs inner = sizesOf(term, ArrayRef<int>(order).drop_front(batch.size())),
           whole(batchDims.begin(), batchDims.end());
  whole.append(inner);
  Value spread = n.broadcast(permute(n, term, order), whole);
  DimExprs flat(batchDims.begin(), batchDims.end());
  flat.push_back(dimProduct(sizesOf(term, rows), n.context()));
  flat.push_back(dimProduct(sizesOf(term, columns), n.context()));
  return n.reshape(spread, flat);
}

Term multiply(Node &n, Term lhs, Term rhs, llvm::function_ref<bool(int)> isNeeded) {
  lhs = sumAway(n, lhs, [&](int label) { return isNeeded(label) || contains(rhs.labels, label); });
  rhs = sumAway(n, rhs, [&](int label) { return isNeeded(label) || contains(lhs.labels, label); });
  if (!lhs.value || !rhs.value)
    return {};
  Labels batch, contracted, rows, columns;
  for (int label : lhs.labels)
    (contains(rhs.labels, label) ? (isNeeded(label) ? batch : contracted) : rows).push_back(label);
  for (int label : rhs.labels)
    if (!contains(lhs.labels, label))
      columns.push_back(label);
  DimExprs batchDims = batchSizes(lhs, rhs, batch), dims = batchDims;
  Value product = n.matmul(asMatrices(n, lhs, batch, batchDims, rows, contracted),
                           asMatrices(n, rhs, batch, batchDims, contracted, columns));
  dims.append(sizesOf(lhs, rows));
  dims.append(sizesOf(rhs, columns));
  Term result{n.reshape(product, dims), batch};
  result.labels.append(rows);
  result.labels.append(columns);
  return result;
}

/// Without an arrow: the labels that stand once, in alphabetical order, after the ellipsis.
Labels implicitOutput(ArrayRef<Term> terms, int64_t ellipsisAxes) {
  SmallVector<int> all;
  for (const Term &term : terms)
    all.append(term.labels.begin(), term.labels.end());
  Labels result, letters;
  for (int64_t k = ellipsisAxes; k-- > 0;)
    result.push_back(kEllipsis + int(k));
  for (int label : all)
    if (label < kEllipsis && llvm::count(all, label) == 1)
      letters.push_back(label);
  llvm::sort(letters);
  result.append(letters);
  return result;
}

Values einsum(Node &n) {
  std::string equation = n.text("equation", "");
  llvm::erase_if(equation, [](char c) { return c == ' '; });
  auto [left, right] = StringRef(equation).split("->");
  SmallVector<StringRef> texts;
  left.split(texts, ',');
  if (texts.size() != n.numInputs())
    return {n.refuse("expects one term per input, got '" + equation + "'")};
  SmallVector<Term> terms;
  int64_t ellipsisAxes = 0;
  for (auto [i, text] : llvm::enumerate(texts)) {
    Value value = n.in(unsigned(i));
    int64_t own = 0;
    auto labels = value ? parseTerm(n, text, rankOf(value), own) : std::nullopt;
    if (!labels)
      return {};
    ellipsisAxes = std::max(ellipsisAxes, own);
    terms.push_back(takeDiagonals(n, {value, *labels}));
  }
  auto output = StringRef(equation).contains("->") ? parseTerm(n, right, std::nullopt, ellipsisAxes)
                                                   : std::optional(implicitOutput(terms, ellipsisAxes));
  if (!output)
    return {};
  Term result = terms.front();
  for (size_t i = 1; i < terms.size(); ++i)
    result = multiply(n, result, terms[i], [&](int label) {
      return contains(*output, label) || llvm::any_of(ArrayRef(terms).drop_front(i + 1),
                                                      [&](const Term &later) { return contains(later.labels, label); });
    });
  if (!result.value)
    return {};
  result = sumAway(n, result, [&](int label) { return contains(*output, label); });
  for (int label : *output)
    if (!contains(result.labels, label))
      return {n.refuse("expects labels of the output to stand in an input")};
  return {result.value ? permute(n, result, *output) : Value()};
}

constexpr ConverterEntry kTable[] = {{"Einsum", 12, kNewest, einsum}};

} // namespace

llvm::ArrayRef<ConverterEntry> einsumConverters() { return kTable; }

} // namespace lathe::importer
