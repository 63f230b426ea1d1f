#include "compiler/quantize/Int4Weights.h"
#include "compiler/quantize/AdaRound.h"
#include "compiler/quantize/MomentParts.h"
#include "compiler/quantize/RoundProducts.h"
#include "dialects/support/Decisions.h"
#include "mlir/Dialect/Utils/IndexingUtils.h"
#include "passes/quantize/Precision.h"
#include "llvm/ADT/MapVector.h"

using namespace mlir;

namespace lathe {

namespace {
using nn::WeightedProduct;

/// All products that read one value.
struct Reader {
  Value input;
  SmallVector<Operation *> products;

  /// Of the weights, which know it where the input's size may be a symbol.
  int64_t depth() const {
    auto product = *WeightedProduct::of(products.front());
    return nn::tensorType(product.constant()).getDimSize(1 - product.outputAxis);
  }
  size_t momentBytes() const { return size_t(depth() * depth()) * sizeof(float); }
};

/// Of precision int4, by a method that needs data.
bool usesMoments(Operation *op) {
  auto matmul = dyn_cast<nn::MatmulOp>(op);
  auto wanted = nn::precisionOf(op);
  return matmul && wanted && wanted->precision == nn::Precision::int4 && wanted->int4Method != nn::Int4Method::rtn &&
         nn::reasonAgainstIntegerWeights(matmul).empty();
}

/// Does a product of another input have the same matrix? Rounded for each, it would be stored for each.
bool isShared(const WeightedProduct &product) {
  return llvm::any_of(product.constant()->getUsers(), [&](Operation *user) {
    auto other = WeightedProduct::of(user);
    return other && other->input->get() != product.input->get();
  });
}

std::vector<Reader> readersOf(func::FuncOp function) {
  llvm::MapVector<Value, Reader> readers;
  function.walk([&](Operation *op) {
    auto product = usesMoments(op) ? WeightedProduct::of(op) : std::nullopt;
    if (!product || isShared(*product))
      return;
    Reader &reader = readers[product->input->get()];
    reader.input = product->input->get();
    reader.products.push_back(op);
  });
  std::vector<Reader> list;
  for (auto &[value, reader] : readers)
    list.push_back(std::move(reader));
  return list;
}

/// Of the values `readers` read, over all samples.
llvm::Expected<std::vector<Moments>> momentsOf(func::FuncOp function, ArrayRef<Reader> readers, SampleSource &samples,
                                               Backend &backend, const TapOptions &taps) {
  std::vector<Moments> moments;
  SmallVector<Value> points;
  for (const Reader &reader : readers) {
    points.push_back(reader.input);
    moments.push_back({reader.depth(), std::vector<float>(size_t(reader.depth() * reader.depth()))});
  }
  auto observe = [&](const TapValue &value) {
    Moments &own = moments[value.point];
    const int64_t rows = computeProduct(value.shape.drop_back());
    const MatrixView x{static_cast<const float *>(value.data), rows, own.depth, own.depth};
    addProduct({own.values.data(), own.depth, own.depth, own.depth}, x.transposed(), x, 1, MatrixPart::upper);
    own.rows += rows;
  };
  if (llvm::Error error = runTaps(function, points, samples, backend, taps, observe))
    return std::move(error);
  return moments;
}

/// Multiplications of one step of AdaRound for all of them.
double multiplicationsOf(ArrayRef<Reader> readers) {
  double sum = 0;
  for (const Reader &reader : readers)
    for (Operation *op : reader.products)
      if (nn::precisionOf(op)->int4Method == nn::Int4Method::adaround)
        sum += double(reader.depth()) * double(nn::tensorType(WeightedProduct::of(op)->constant()).getNumElements());
  return sum;
}
} // namespace

bool needsMoments(func::FuncOp function) { return !readersOf(function).empty(); }

llvm::Error quantizeWithMoments(func::FuncOp function, SampleSource &samples, Backend &backend, const TapOptions &taps,
                                const Int4Progress &progress) {
  std::vector<Reader> readers = readersOf(function);
  const int steps = adaRoundSteps(multiplicationsOf(readers));
  std::vector<RoundedProducts> results;
  std::vector<Decision> decisions;
  size_t done = 0;
  auto round = [&](ArrayRef<Reader> part) -> llvm::Error {
    auto moments = momentsOf(function, part, samples, backend, taps);
    if (!moments)
      return moments.takeError();
    for (auto [reader, own] : llvm::zip_equal(part, *moments)) {
      results.push_back(roundProducts(reader.products, own, steps, decisions));
      own.values = {};
      if (progress.products)
        progress.products(++done, readers.size());
    }
    return llvm::Error::success();
  };
  if (llvm::Error error = forMomentParts<Reader>(readers, round))
    return error;
  // Only now: samples were to be run with all weights as they were.
  for (const RoundedProducts &rounded : results)
    replaceWeights(rounded);
  addDecisions(function, decisions);
  return llvm::Error::success();
}

} // namespace lathe
