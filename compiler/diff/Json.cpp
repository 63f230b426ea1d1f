#include "llvm/Support/JSON.h"
#include "compiler/diff/Diff.h"
#include <cmath>

using namespace llvm;
using llvm::json::Array;
using llvm::json::Object;
using Json = llvm::json::Value;

namespace lathe::diff {

namespace {
/// JSON has no infinity: an error of nothing has a signal to noise of null.
Json number(double value) { return std::isfinite(value) ? Json(value) : Json(nullptr); }

Json text(StringRef bytes) { return json::fixUTF8(bytes); }

Object errorsJson(const ErrorSums &errors) {
  return Object{
      {"sqnr_db", number(errors.sqnr())},          {"cosine", errors.cosine()},   {"max_error", errors.maxError()},
      {"relative", number(errors.relative())},     {"largest", errors.largest()}, {"values", int64_t(errors.count())},
      {"not_finite", int64_t(errors.mismatches())}};
}

Array remediesJson(ArrayRef<Remedy> remedies) {
  Array result;
  for (const Remedy &remedy : remedies)
    result.push_back(Object{{"text", remedy.text}, {"option", text(remedy.option)}, {"gain_db", remedy.gain}});
  return result;
}

Object layerJson(const Layer &layer, const Diagnosis &diagnosis) {
  Object result{{"node", text(layer.node)},
                {"call", int64_t(layer.call)},
                {"type", layer.type},
                {"shape", Array(layer.shape)},
                {"local", errorsJson(layer.local)},
                {"accumulated", errorsJson(layer.accumulated)},
                {"bias_share", layer.channels.biasShare()},
                {"harm", layer.harm ? Json(diagnosis.share) : Json(nullptr)},
                {"cause", causeName(diagnosis.cause.kind)},
                {"why", text(diagnosis.cause.text)},
                {"remedies", remediesJson(diagnosis.remedies)},
                {"product", text(layer.product)}};
  if (layer.representation)
    result["integers"] = Object{{"scale", layer.scale},
                                {"zero_point", layer.zero},
                                {"low", layer.representation->low()},
                                {"high", layer.representation->high()},
                                {"clipped_share", layer.representation->clippedShare()}};
  Array magnitudes;
  for (size_t i = 0; i < layer.channels.channels() && i < 4096; ++i)
    magnitudes.push_back(layer.channels.magnitude(i));
  result["channel_magnitudes"] = std::move(magnitudes);
  Array counts;
  for (uint64_t count : layer.values.counts)
    counts.push_back(int64_t(count));
  result["histogram"] = Object{{"low", layer.values.low}, {"high", layer.values.high}, {"counts", std::move(counts)}};
  return result;
}

Object costJson(uint64_t fileBytes, uint64_t memoryBytes, double seconds) {
  return Object{{"file_bytes", int64_t(fileBytes)},
                {"memory_bytes", int64_t(memoryBytes)},
                {"seconds", seconds > 0 ? Json(seconds) : Json(nullptr)}};
}
} // namespace

std::string toJson(const Comparison &comparison) {
  Array outputs, layers, byHarm;
  for (const OutputErrors &output : comparison.measured.outputs) {
    Object entry = errorsJson(output.errors);
    entry["name"] = text(output.name);
    outputs.push_back(std::move(entry));
  }
  for (auto [layer, diagnosis] : llvm::zip_equal(comparison.measured.layers, comparison.diagnoses))
    layers.push_back(layerJson(layer, diagnosis));
  for (size_t i : comparison.byHarm)
    byHarm.push_back(int64_t(i));
  Object root{{"model", text(comparison.options.modelPath)},
              {"artifact", text(comparison.options.artifactPath)},
              {"data", text(comparison.options.dataPath)},
              {"flags", text(comparison.flags)},
              {"samples", int64_t(comparison.measured.samples)},
              {"summary", summaryText(comparison)},
              {"outputs", std::move(outputs)},
              {"cost", costJson(comparison.fileBytes, comparison.memoryBytes, comparison.seconds)},
              {"f32_cost", comparison.f32FileBytes ? Json(costJson(comparison.f32FileBytes, comparison.f32MemoryBytes,
                                                                   comparison.f32Seconds))
                                                   : Json(nullptr)},
              {"calls", int64_t(comparison.measured.calls)},
              {"known_calls", int64_t(comparison.measured.knownCalls)},
              {"layers", std::move(layers)},
              {"by_harm", std::move(byHarm)}};
  return formatv("{0:2}\n", Json(std::move(root))).str();
}

} // namespace lathe::diff
