#include "compiler/diff/Causes.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/JSON.h"
#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>

using namespace llvm;

namespace lathe::diff {

namespace {
constexpr double exactSqnr = 80;    // dB: what f32's own rounding leaves
constexpr double largeShare = 0.5;  // of an error's energy, to be called its cause
constexpr double biasedShare = 0.3; // means of channels, above what chance gives
constexpr double outlierRatio = 8;  // a channel's magnitude over the median
constexpr double usedRange = 0.5;   // of the integers, that values reach
constexpr size_t fewestChannels = 4;

std::string percent(double share) { return significant(share * 100) + " %"; }

/// A cause that is seen in integers.
std::optional<Cause> clipped(const Layer &layer, StringRef whose) {
  const RepresentationSums &sums = *layer.representation;
  double share = sums.clipEnergy() / std::max(sums.clipEnergy() + sums.roundEnergy(), 1e-300);
  if (share < largeShare || sums.clippedShare() == 0)
    return std::nullopt;
  return Cause{Cause::clippedRange,
               formatv("clipped range: {0} of the values{1} are beyond {2} to {3}", percent(sums.clippedShare()), whose,
                       significant(sums.low()), significant(sums.high()))
                   .str(),
               share};
}

std::optional<Cause> outlier(const Layer &layer, StringRef whose) {
  std::vector<double> magnitudes;
  for (size_t i = 0; i < layer.channels.channels(); ++i)
    magnitudes.push_back(layer.channels.magnitude(i));
  if (magnitudes.size() < fewestChannels)
    return std::nullopt;
  size_t largest = size_t(std::max_element(magnitudes.begin(), magnitudes.end()) - magnitudes.begin());
  double most = magnitudes[largest];
  std::nth_element(magnitudes.begin(), magnitudes.begin() + std::ptrdiff_t(magnitudes.size() / 2), magnitudes.end());
  double median = magnitudes[magnitudes.size() / 2];
  if (median <= 0 || most / median < outlierRatio)
    return std::nullopt;
  return Cause{
      Cause::outlierChannel,
      formatv("outlier channel: channel {0}{1} reaches {2}, the median of all {3}", largest, whose, most, median).str(),
      1 - median / most};
}

std::optional<Cause> unusedRange(const Layer &layer, StringRef whose) {
  double low = std::min(layer.channels.low(), 0.0), high = std::max(layer.channels.high(), 0.0);
  double used = (high - low) / (255 * layer.scale);
  if (!std::isfinite(used) || used >= usedRange)
    return std::nullopt;
  return Cause{Cause::zeroPoint,
               formatv("zero point: {0} of the integers are used{1}, which stand for {2} to {3}", percent(used), whose,
                       significant(layer.representation->low()), significant(layer.representation->high()))
                   .str(),
               1 - used * used};
}

std::string ofInput(const Layer &layer) { return " of input '" + layer.node + "'"; }
} // namespace

std::string significant(double value) {
  std::array<char, 32> text;
  std::snprintf(text.data(), text.size(), "%.3g", value);
  return text.data();
}

StringRef causeName(Cause::Kind kind) {
  static constexpr StringLiteral names[] = {"none",       "clipped range", "outlier channel",
                                            "zero point", "bias shift",    "rounding"};
  return names[kind];
}

Cause causeOf(ArrayRef<Layer> layers, size_t number) {
  const Layer &layer = layers[number];
  if (layer.local.sqnr() > exactSqnr)
    return {Cause::none, "", 0};
  SmallVector<std::pair<const Layer *, std::string>> integers;
  if (layer.isInteger())
    integers.push_back({&layer, ""});
  for (size_t input : layer.inputs)
    if (layers[input].isInteger())
      integers.push_back({&layers[input], ofInput(layers[input])});
  using Find = std::optional<Cause> (*)(const Layer &, StringRef);
  for (auto [integer, whose] : integers)
    if (auto cause = clipped(*integer, whose))
      return *cause;
  if (double share = layer.channels.biasShare(); share > biasedShare)
    return {Cause::biasShift, "bias shift: " + percent(share) + " of the error is the mean of a channel's errors",
            share};
  for (Find find : {Find(outlier), Find(unusedRange)})
    for (auto [integer, whose] : integers)
      if (auto cause = find(*integer, whose))
        return *cause;
  return {Cause::rounding, "rounding", 1};
}

double shareOfHarm(const Measured &measured, size_t number) {
  double sum = 0;
  for (const Layer &layer : measured.layers)
    sum += layer.harm.value_or(0);
  double whole = std::max(sum, measured.harmOfAll);
  return whole > 0 ? measured.layers[number].harm.value_or(0) / whole : 0;
}

CompiledWith CompiledWith::parse(StringRef flags) {
  CompiledWith with;
  SmallVector<StringRef> words;
  flags.split(words, ' ', -1, false);
  for (size_t i = 0; i + 1 < words.size(); ++i) {
    if (words[i] == "--group-size")
      (void)words[i + 1].getAsInteger(10, with.groupSize);
    std::string value = words[i + 1].str();
    if (words[i] == "--quantize")
      with.quantize = value;
    else if (words[i] == "--calibrate-method")
      with.calibrateMethod = value;
    else if (words[i] == "--dim")
      with.dims.push_back(value);
  }
  return with;
}

namespace {
/// In dB, if so much of the outputs' error energy vanished.
double gainOf(double share) { return -10 * std::log10(std::max(1 - share, 1e-3)); }

std::string escaped(StringRef text) {
  std::string pattern;
  for (char c : text) {
    if (StringRef("\\^$.|?*+()[]{}").contains(c))
      pattern += '\\';
    pattern += c;
  }
  return pattern;
}

std::string patternOf(ArrayRef<std::string> names) {
  std::string pattern = join(map_range(names, [](const std::string &name) { return escaped(name); }), "|");
  return "^" + (names.size() == 1 ? pattern : "(" + pattern + ")") + "$";
}

/// Of 4-bit weights: steps of 8 bits are a sixteenth.
Remedy withEightBits(ArrayRef<std::string> names, double share) {
  std::string rule =
      formatv("{0}", json::Value(json::Array{json::Object{{"nodes", patternOf(names)}, {"precision", "int8-dynamic"}}}))
          .str();
  return {"give its weights 8 bits", "--precisions FILE with " + rule, gainOf(share * (1 - 1.0 / 256))};
}

/// The largest of n normal weights, which the steps are made for, grows with sqrt(log n).
Remedy withSmallerGroups(const CompiledWith &options) {
  constexpr int64_t smallest = 16;
  if (options.groupSize <= smallest)
    return {};
  double gain = 10 * std::log10(std::log(double(options.groupSize)) / std::log(double(options.groupSize) / 2));
  return {"let fewer weights share a scale, in all layers", "--group-size " + std::to_string(options.groupSize / 2),
          gain};
}

Remedy forCause(const Cause &cause, double share, const CompiledWith &options) {
  bool isMinMax = options.calibrateMethod == "min-max";
  double gain = gainOf(share * cause.share);
  if (cause.kind == Cause::clippedRange && !options.calibrateMethod.empty())
    return isMinMax ? Remedy{"calibrate with samples that reach as far as these", "--calibrate DATA", gain}
                    : Remedy{"let ranges cover all that was seen", "--calibrate-method min-max", gain};
  if (cause.kind == Cause::outlierChannel && isMinMax)
    return {"cut the outliers off", "--calibrate-method percentile", gain};
  if (cause.kind == Cause::zeroPoint && isMinMax)
    return {"let ranges follow where most values are", "--calibrate-method mse", gain};
  return {};
}
} // namespace

std::vector<Remedy> remediesOf(const Measured &measured, size_t number, const Cause &cause, const Reference &reference,
                               const CompiledWith &options) {
  std::vector<Remedy> remedies;
  double share = shareOfHarm(measured, number);
  if (cause.kind == Cause::none || share == 0)
    return remedies;
  if (Remedy remedy = forCause(cause, share, options); !remedy.text.empty())
    remedies.push_back(remedy);
  const Layer &layer = measured.layers[number];
  // Where most is lost by keeping the result as integers, those who read it as integers are to blame.
  double kept = layer.representation ? layer.representation->clipEnergy() + layer.representation->roundEnergy() : 0;
  double keptShare = std::min(kept / std::max(layer.local.errorEnergy(), 1e-300), 1.0);
  bool isOwn = !layer.product.empty() && keptShare < largeShare;
  double mended = share * (isOwn ? 1 - keptShare : keptShare); // what these products are to blame for
  std::vector<std::string> products = isOwn ? std::vector{layer.product} : reference.productsReading(layer.node);
  constexpr size_t mostProducts = 3;
  bool isNamed = !products.empty() && products.size() <= mostProducts && !options.quantize.empty();
  if (isNamed && options.groupSize > 0)
    remedies.push_back(withEightBits(products, mended));
  if (isNamed)
    remedies.push_back({"keep it in f32", "--keep '" + patternOf(products) + "'", gainOf(mended)});
  if (Remedy remedy = withSmallerGroups(options); cause.kind == Cause::rounding && !remedy.text.empty())
    remedies.push_back(remedy);
  llvm::stable_sort(remedies, [](const Remedy &a, const Remedy &b) { return a.gain > b.gain; });
  return remedies;
}

} // namespace lathe::diff
