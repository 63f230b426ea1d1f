#include "compiler/diff/Diff.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/raw_ostream.h"
#include <cmath>

using namespace llvm;

namespace lathe::diff {

namespace {
std::string decibels(double value) { return std::isfinite(value) ? formatv("{0:f1}", value).str() : "exact"; }

std::string ratio(double value, double of) { return formatv("{0:f2}x", value / of).str(); }

/// At most `width` bytes, the end of names being what differs.
std::string shortened(StringRef name, size_t width) {
  return name.size() <= width ? name.str() : "..." + name.take_back(width - 3).str();
}

void writeOutputs(const Comparison &comparison, raw_ostream &out) {
  out << formatv("{0,-32} {1,9} {2,10} {3,12} {4,10}\n", "output", "SQNR dB", "cosine", "max error", "relative");
  for (const OutputErrors &output : comparison.measured.outputs) {
    const ErrorSums &errors = output.errors;
    out << formatv("{0,-32} {1,9} {2,10:f6} {3,12} {4,10}", shortened(output.name, 32), decibels(errors.sqnr()),
                   errors.cosine(), significant(errors.maxError()), significant(errors.relative()));
    if (errors.mismatches())
      out << "  " << errors.mismatches() << " values are not finite";
    out << "\n";
  }
}

void writeCosts(const Comparison &comparison, raw_ostream &out) {
  if (comparison.f32FileBytes == 0)
    return;
  auto row = [&](StringRef what, double before, double after, StringRef unit) {
    out << formatv("{0,-10} {1,12:f3} -> {2,10:f3} {3}  ({4})\n", what, before, after, unit, ratio(after, before));
  };
  row("size", double(comparison.f32FileBytes) / 1e6, double(comparison.fileBytes) / 1e6, "MB");
  row("latency", comparison.f32Seconds * 1e3, comparison.seconds * 1e3, "ms");
  row("memory", double(comparison.f32MemoryBytes) / 1e6, double(comparison.memoryBytes) / 1e6, "MB");
}

void writeLayer(const Comparison &comparison, size_t number, raw_ostream &out) {
  const Layer &layer = comparison.measured.layers[number];
  const Diagnosis &diagnosis = comparison.diagnoses[number];
  std::string share = layer.harm ? formatv("{0:f1} %", diagnosis.share * 100).str() : "-";
  out << formatv("{0,-40} {1,4} {2,8} {3,9} {4,9} {5,9:f6} {6,9}  {7}\n", shortened(layer.node, 40), layer.type, share,
                 decibels(layer.local.sqnr()), decibels(layer.accumulated.sqnr()), layer.accumulated.cosine(),
                 significant(layer.accumulated.maxError()), diagnosis.cause.text);
  constexpr double leastGain = 0.05;
  for (const Remedy &remedy : diagnosis.remedies)
    if (remedy.gain >= leastGain)
      out << formatv("{0,-40}      about +{1:f1} dB: {2}: {3}\n", "", remedy.gain, remedy.text, remedy.option);
}
} // namespace

std::string summaryText(const Comparison &comparison) {
  std::string text;
  raw_string_ostream out(text);
  const Measured &measured = comparison.measured;
  const OutputErrors *worst = nullptr;
  for (const OutputErrors &output : measured.outputs)
    if (!worst || output.errors.sqnr() < worst->errors.sqnr())
      worst = &output;
  if (worst)
    out << formatv("SQNR {0}{1}, cosine {2:f4} on {3} sample{4}", decibels(worst->errors.sqnr()),
                   std::isfinite(worst->errors.sqnr()) ? " dB" : "", worst->errors.cosine(), measured.samples,
                   measured.samples == 1 ? "" : "s");
  if (comparison.f32FileBytes)
    out << formatv("; size {0}, latency {1}, memory {2} of f32",
                   ratio(double(comparison.fileBytes), double(comparison.f32FileBytes)),
                   ratio(comparison.seconds, comparison.f32Seconds),
                   ratio(double(comparison.memoryBytes), double(comparison.f32MemoryBytes)));
  return text;
}

std::string toText(const Comparison &comparison, size_t mostLayers) {
  std::string text;
  raw_string_ostream out(text);
  const Measured &measured = comparison.measured;
  out << summaryText(comparison) << "\n\n";
  writeOutputs(comparison, out);
  out << "\n";
  writeCosts(comparison, out);
  size_t shown = std::min(mostLayers, measured.layers.size());
  out << formatv("\nlayers by harm: {0} of {1}; values of {2} of the artifact's {3} calls are known\n", shown,
                 measured.layers.size(), measured.knownCalls, measured.calls);
  out << formatv("{0,-40} {1,4} {2,8} {3,9} {4,9} {5,9} {6,9}  {7}\n", "layer", "kept", "harm", "local dB", "accum. dB",
                 "cosine", "max", "probable cause");
  for (size_t number : ArrayRef(comparison.byHarm).take_front(shown))
    writeLayer(comparison, number, out);
  return text;
}

} // namespace lathe::diff
