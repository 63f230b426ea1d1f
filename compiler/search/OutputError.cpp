#include "compiler/search/OutputError.h"
#include "mlir/Dialect/Utils/IndexingUtils.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringSwitch.h"
#include <cmath>
#include <limits>

namespace lathe {

namespace {
constexpr double kNever = std::numeric_limits<double>::infinity();

/// Of one output over all samples.
class Comparison {
public:
  explicit Comparison(ErrorMetric metric) : metric(metric) {}

  void add(const Outputs::Output &expected, const Outputs::Output &actual) {
    if (expected.values.size() != actual.values.size()) {
      isDifferent = true;
      return;
    }
    ++samples;
    if (metric == ErrorMetric::kl)
      return addRows(expected, actual);
    addSums(expected.values, actual.values);
    if (metric == ErrorMetric::cosine)
      takeCosine();
  }

  double error() const {
    if (isDifferent)
      return kNever;
    if (metric == ErrorMetric::relative)
      return off > 0 ? std::sqrt(off / std::max(want, 1e-30)) : 0;
    return total / std::max<double>(double(metric == ErrorMetric::kl ? rows : samples), 1);
  }

private:
  void addSums(llvm::ArrayRef<float> expected, llvm::ArrayRef<float> actual) {
    for (auto [a, b] : llvm::zip_equal(expected, actual)) {
      if (std::isfinite(a) != std::isfinite(b))
        isDifferent = true;
      if (!std::isfinite(a) || !std::isfinite(b))
        continue;
      double x = a, y = b;
      off += (x - y) * (x - y), want += x * x, got += y * y, both += x * y;
    }
  }

  void takeCosine() {
    double lengths = std::sqrt(want * got);
    total += lengths > 0 ? 1 - both / lengths : off > 0 ? 1 : 0;
    off = want = got = both = 0;
  }

  void addRows(const Outputs::Output &expected, const Outputs::Output &actual) {
    size_t size = std::max<size_t>(expected.lastAxis, 1);
    for (size_t start = 0; start + size <= expected.values.size(); start += size, ++rows)
      total += divergence(llvm::ArrayRef(expected.values).slice(start, size),
                          llvm::ArrayRef(actual.values).slice(start, size));
  }

  static double logOfSum(llvm::ArrayRef<float> row, double top) {
    double sum = 0;
    for (float x : row)
      sum += std::exp(x - top);
    return top + std::log(sum);
  }

  double divergence(llvm::ArrayRef<float> expected, llvm::ArrayRef<float> actual) {
    double a = logOfSum(expected, *std::max_element(expected.begin(), expected.end()));
    double b = logOfSum(actual, *std::max_element(actual.begin(), actual.end())), sum = 0;
    if (!std::isfinite(a) || !std::isfinite(b)) {
      isDifferent = true;
      return 0;
    }
    for (auto [x, y] : llvm::zip_equal(expected, actual))
      if (double p = std::exp(x - a); p > 0)
        sum += p * ((x - a) - (y - b));
    return std::max(sum, 0.0);
  }

  ErrorMetric metric;
  bool isDifferent = false;
  size_t samples = 0, rows = 0;
  double off = 0, want = 0, got = 0, both = 0, total = 0;
};
} // namespace

std::optional<ErrorMetric> parseErrorMetric(llvm::StringRef text) {
  return llvm::StringSwitch<std::optional<ErrorMetric>>(text)
      .Case("relative", ErrorMetric::relative)
      .Case("cosine", ErrorMetric::cosine)
      .Case("kl", ErrorMetric::kl)
      .Default(std::nullopt);
}

llvm::Expected<std::vector<Outputs>> runAll(RunnableProgram &program, llvm::ArrayRef<reference::Tensors> samples,
                                            const std::vector<bool> &isFloat) {
  std::vector<Outputs> all;
  for (const reference::Tensors &inputs : samples) {
    Outputs &outputs = all.emplace_back();
    auto keep = [&](size_t number, const OutputView &output) {
      if (number >= isFloat.size() || !isFloat[number])
        return;
      const auto *values = static_cast<const float *>(output.data);
      const size_t lastAxis = output.shape.empty() ? 1 : size_t(output.shape.back());
      outputs.outputs.push_back({{values, values + mlir::computeProduct(output.shape)}, lastAxis});
    };
    if (llvm::Error error = program.run(inputs, keep))
      return std::move(error);
  }
  return all;
}

double outputError(ErrorMetric metric, llvm::ArrayRef<Outputs> expected, llvm::ArrayRef<Outputs> actual) {
  double worst = 0;
  for (size_t output = 0; !expected.empty() && output < expected.front().outputs.size(); ++output) {
    Comparison comparison(metric);
    for (auto [a, b] : llvm::zip_equal(expected, actual))
      comparison.add(a.outputs[output], b.outputs[output]);
    worst = std::max(worst, comparison.error());
  }
  return worst;
}

} // namespace lathe
