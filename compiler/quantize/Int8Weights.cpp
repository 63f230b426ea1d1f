#include "compiler/quantize/Int8Weights.h"
#include "compiler/quantize/MomentParts.h"
#include "compiler/quantize/WindowMoments.h"
#include "dialects/reference/Evaluate.h"
#include "dialects/support/Decisions.h"
#include "passes/quantize/IntegerWeights.h"
#include "passes/quantize/Precision.h"
#include "passes/quantize/ValueRange.h"
#include "passes/quantize/WeightScales.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/Parallel.h"
#include <cmath>

using namespace mlir;

namespace lathe {

namespace {
using nn::WeightedProduct, nn::WeightMatrix;

/// Products that read the same windows of one value.
struct WindowReader {
  Value input;
  ProductWindows windows;
  SmallVector<WeightedProduct> products;

  size_t momentBytes() const {
    const auto depth = size_t(windows.depth());
    return size_t(windows.groups) * depth * depth * sizeof(float);
  }
};

/// Do other products have the same weights? Rounded for each, they would be stored for each.
bool isShared(const WeightedProduct &product) {
  return llvm::any_of(product.constant()->getUsers(), [&](Operation *user) { return user != product.op; });
}

std::vector<WindowReader> readersOf(func::FuncOp function) {
  std::vector<WindowReader> readers;
  function.walk([&](Operation *op) {
    auto product = WeightedProduct::of(op);
    auto wanted = nn::precisionOf(op);
    if (!product || !wanted || wanted->precision != nn::Precision::int8 || isShared(*product))
      return;
    auto windows = ProductWindows::of(*product);
    if (!windows)
      return;
    Value input = product->input->get();
    auto same = llvm::find_if(
        readers, [&](const WindowReader &other) { return other.input == input && other.windows == *windows; });
    if (same == readers.end())
      same = readers.insert(same, {input, *windows, {}});
    same->products.push_back(*product);
  });
  return readers;
}

llvm::Expected<std::vector<WindowMoments>> momentsOf(func::FuncOp function, ArrayRef<WindowReader> readers,
                                                     SampleSource &samples, Backend &backend, TapOptions taps) {
  constexpr size_t mostSamples = 64;
  constexpr int64_t windowsPerWeight = 8, fewest = 64; // over all samples; of each sample
  taps.maxSamples = std::min(taps.maxSamples, mostSamples);
  const auto count = int64_t(std::max<size_t>(std::min(samples.count(), taps.maxSamples), 1));
  std::vector<WindowMoments> moments;
  SmallVector<Value> points;
  SmallVector<SmallVector<size_t>> readersOfPoint;
  for (const auto &[index, reader] : llvm::enumerate(readers)) {
    moments.emplace_back(reader.windows);
    auto *point = llvm::find(points, reader.input);
    if (point == points.end()) {
      points.push_back(reader.input);
      readersOfPoint.push_back({index});
    } else {
      readersOfPoint[size_t(point - points.begin())].push_back(index);
    }
  }
  auto observe = [&](const TapValue &value) {
    for (size_t index : readersOfPoint[value.point])
      moments[index].add(static_cast<const float *>(value.data), value.shape,
                         std::max(windowsPerWeight * readers[index].windows.depth() / count, fewest));
  };
  if (llvm::Error error = runTaps(function, points, samples, backend, taps, observe))
    return std::move(error);
  return moments;
}

/// The outputs of one group of a product's weights.
WeightMatrix groupMatrix(const reference::Tensor &weights, int64_t outputAxis, int64_t group, int64_t groups) {
  const int64_t outputs = weights.dim(outputAxis), rows = outputs / groups, depth = weights.size() / outputs;
  WeightMatrix matrix{rows, depth, std::vector<float>(size_t(rows * depth))};
  const float *data = weights.data<float>();
  for (int64_t row = 0; row < rows; ++row)
    for (int64_t k = 0; k < depth; ++k)
      matrix.values[size_t(row * depth + k)] =
          outputAxis == 0 ? data[(group * rows + row) * depth + k] : data[k * outputs + row];
  return matrix;
}

/// Squares of a product's results over all windows: as they should be, and of what rounding does to them.
struct Errors {
  double signal = 0, nearest = 0, rounded = 0;

  void add(const Errors &other) {
    signal += other.signal;
    nearest += other.nearest;
    rounded += other.rounded;
  }
};

double decibels(double signal, double noise) {
  constexpr double most = 99;
  return signal > 0 && noise > 0 ? std::min(10 * std::log10(signal / noise), most) : most;
}

/// One product's weights in integers of some bits.
class WeightRounding {
public:
  WeightRounding(const WeightedProduct &product, const reference::Tensor &weights, ArrayRef<float> scales,
                 unsigned bits)
      : outputAxis(product.outputAxis), weights(weights), scales(scales), most(float(nn::mostInteger(bits))) {
    Builder b(product.op->getContext());
    integers = reference::Tensor::allocate(RankedTensorType::get(weights.shape(), b.getIntegerType(8)));
  }

  Errors run(ArrayRef<MomentsFactor> factors) {
    std::vector<Errors> errors(factors.size());
    llvm::parallelFor(0, factors.size(), [&](size_t group) {
      errors[group] = round(int64_t(group), int64_t(factors.size()), factors[group]);
    });
    Errors sum;
    for (const Errors &error : errors)
      sum.add(error);
    return sum;
  }

  nn::IntegerWeights result() const { return {integers, SmallVector<float>(scales)}; }

private:
  Errors round(int64_t group, int64_t groups, const MomentsFactor &factor) {
    const WeightMatrix matrix = groupMatrix(weights, outputAxis, group, groups);
    ArrayRef<float> own = scales.slice(size_t(group * matrix.rows), size_t(matrix.rows));
    const ScaledIntegers nearest = nearestIntegers(matrix, {own.begin(), own.end()}, most);
    Errors errors;
    if (factor.values.empty()) {
      store(nearest, group, matrix);
      return errors;
    }
    const ScaledIntegers rounded = gptqIntegers(matrix, factor, {own.begin(), own.end()}, most);
    errors.signal = squaredNormOfProduct(matrix.values, factor.values, matrix.rows, matrix.depth);
    errors.nearest = productError(matrix, nearest, factor);
    errors.rounded = productError(matrix, rounded, factor);
    store(errors.rounded < errors.nearest ? rounded : nearest, group, matrix);
    errors.rounded = std::min(errors.rounded, errors.nearest);
    return errors;
  }

  void store(const ScaledIntegers &rounded, int64_t group, const WeightMatrix &matrix) {
    auto *out = integers.mutableData<int8_t>();
    const int64_t outputs = weights.dim(outputAxis);
    for (int64_t row = 0; row < matrix.rows; ++row)
      for (int64_t k = 0; k < matrix.depth; ++k)
        out[outputAxis == 0 ? (group * matrix.rows + row) * matrix.depth + k : k * outputs + row] =
            rounded.integers[size_t(row * matrix.depth + k)];
  }

  int64_t outputAxis;
  const reference::Tensor &weights;
  ArrayRef<float> scales;
  float most;
  reference::Tensor integers;
};

/// Of products that read the same windows.
class ReaderRounding {
public:
  ReaderRounding(const WindowReader &reader, const WindowMoments &windows, Backend &backend, const CostChoice &costs,
                 std::vector<Decision> &decisions)
      : range(nn::intervalOf(reader.input)), rows(windows.moments.front().rows), backend(backend), costs(costs),
        decisions(decisions), factors(windows.moments.size()) {
    constexpr double share = 1e-3; // moments that were shrunk need little more on the diagonal
    llvm::parallelFor(0, factors.size(), [&](size_t group) {
      factors[group] = MomentsFactor::of(windows.moments[group].shrunk(), share);
    });
  }

  void round(const WeightedProduct &product) {
    auto weights = reference::constantTensor(product.weights->get());
    if (!weights)
      return;
    nn::NodePrecision wanted = *nn::precisionOf(product.op);
    auto errors = round(product, *weights, wanted.weightBits);
    if (!errors || wanted.weightBits == 8 || costs.weightBits != 0)
      return;
    const double input = inputError(*weights);
    if (!(errors->rounded > kMuchMore * input && errors->signal > 0))
      return;
    std::string reason = llvm::formatv("7 bits of weights leave {0:f1} dB of the product, 8 bits of the input {1:f1}",
                                       decibels(errors->signal, errors->rounded), decibels(errors->signal, input));
    widen(product, *weights, wanted, reason, decibels(errors->signal, errors->rounded));
  }

private:
  static constexpr double kMuchMore = 4; // times the squared error: 6 dB, what one bit more gains

  /// nullopt: weights are not finite.
  std::optional<Errors> round(const WeightedProduct &product, const reference::Tensor &weights, unsigned bits) {
    auto scales = nn::weightScales(weights, product.outputAxis, bits);
    if (!scales)
      return std::nullopt;
    WeightRounding rounding(product, weights, *scales, bits);
    Errors errors = rounding.run(factors);
    nn::setIntegerWeights(product.op, rounding.result());
    decide(product.op, errors.rounded < errors.nearest,
           llvm::formatv("{0} bits leave {1:f1} dB of the product, {2:f1} dB more than nearest integers do", bits,
                         decibels(errors.signal, errors.rounded), decibels(errors.nearest, errors.rounded)));
    return errors;
  }

  /// What the input's 8 bits do to the results: uniform errors of a step.
  double inputError(const reference::Tensor &weights) const {
    if (!range)
      return 0;
    double step = (range->high - range->low) / 255, squares = 0;
    for (int64_t i = 0; i < weights.size(); ++i)
      squares += double(weights.data<float>()[i]) * weights.data<float>()[i];
    return squares * step * step / 12 * double(rows);
  }

  void widen(const WeightedProduct &product, const reference::Tensor &weights, nn::NodePrecision wanted,
             std::string reason, double left) {
    constexpr double enough = 30; // dB; f32 only where 7 bits leave less
    wanted.weightBits = 8;
    std::string slower = reasonAgainst(product.op, wanted, backend, costs);
    if (!slower.empty() && left >= enough)
      return;
    if (!slower.empty())
      return nn::setPrecision(product.op, {nn::Precision::f32, reason + "; with 8 bits " + slower});
    decide(product.op, true, reason + ": weights get 8 bits");
    nn::setPrecision(product.op, wanted);
    round(product, weights, 8);
  }

  void decide(Operation *op, bool isTaken, std::string reason) {
    decisions.push_back({nodeName(op->getLoc()), "round", isTaken, std::move(reason)});
  }

  std::optional<nn::ValueInterval> range;
  int64_t rows;
  Backend &backend;
  const CostChoice &costs;
  std::vector<Decision> &decisions;
  std::vector<MomentsFactor> factors;
};
} // namespace

llvm::Error roundIntegerWeights(func::FuncOp function, SampleSource &samples, Backend &backend, const TapOptions &taps,
                                const CostChoice &costs) {
  const std::vector<WindowReader> readers = readersOf(function);
  std::vector<Decision> decisions;
  auto round = [&](ArrayRef<WindowReader> part) -> llvm::Error {
    auto moments = momentsOf(function, part, samples, backend, taps);
    if (!moments)
      return moments.takeError();
    for (auto [reader, own] : llvm::zip_equal(part, *moments)) {
      ReaderRounding rounding(reader, own, backend, costs, decisions);
      for (const WeightedProduct &product : reader.products)
        rounding.round(product);
      own.moments.clear();
    }
    return llvm::Error::success();
  };
  if (llvm::Error error = forMomentParts<WindowReader>(readers, round))
    return error;
  addDecisions(function, decisions);
  return llvm::Error::success();
}

} // namespace lathe
