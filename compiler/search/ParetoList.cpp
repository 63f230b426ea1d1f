#include "compiler/search/ParetoList.h"
#include "llvm/Support/JSON.h"
#include "llvm/Support/raw_ostream.h"
#include <cmath>

namespace lathe {

namespace {
using llvm::json::Array;
using llvm::json::Object;
using llvm::json::Value;

Value number(double x) { return std::isfinite(x) ? Value(x) : Value(nullptr); }

Object nodesByPrecision(const ParetoList::Entry &entry, const QuantizationStudy &study) {
  Object result;
  for (auto [node, precision] : llvm::zip_equal(study.nodes, entry.precisions)) {
    if (precision == nn::Precision::f32)
      continue;
    Value &names = result.try_emplace(nn::precisionText(precision).str(), Array()).first->second;
    names.getAsArray()->push_back(node.name);
  }
  return result;
}

Array nodesJson(const QuantizationStudy &study) {
  Array nodes;
  for (const QuantizationStudy::Node &node : study.nodes) {
    Object errors;
    for (const QuantizationStudy::Choice &choice : node.choices)
      errors[nn::precisionText(choice.precision).str()] = number(choice.error);
    nodes.push_back(Object{{"name", node.name}, {"error_alone", std::move(errors)}});
  }
  return nodes;
}
} // namespace

bool ParetoList::isOptimal(size_t index) const {
  const Entry &own = entries[index];
  return llvm::none_of(llvm::enumerate(entries), [&](auto other) {
    const Entry &e = other.value();
    bool isAsGood = e.error <= own.error && e.timeRatio <= own.timeRatio && e.bytes <= own.bytes;
    bool isBetter = e.error < own.error || e.timeRatio < own.timeRatio || e.bytes < own.bytes;
    return isAsGood && (isBetter || other.index() < index);
  });
}

std::string ParetoList::toJson(const QuantizationStudy &study) const {
  Array list;
  for (size_t i = 0; i < entries.size(); ++i)
    list.push_back(Object{{"error", number(entries[i].error)},
                          {"time_ratio", entries[i].timeRatio},
                          {"ms", entries[i].milliseconds},
                          {"bytes", int64_t(entries[i].bytes)},
                          {"is_optimal", isOptimal(i)},
                          {"is_chosen", entries[i].isChosen},
                          {"nodes", nodesByPrecision(entries[i], study)}});
  std::string text;
  llvm::raw_string_ostream(text) << llvm::formatv("{0:2}", Value(Object{{"metric", metric},
                                                                        {"max_error", number(maxError)},
                                                                        {"samples", int64_t(samples)},
                                                                        {"end", end},
                                                                        {"artifacts", std::move(list)},
                                                                        {"nodes", nodesJson(study)}}));
  return text + "\n";
}

} // namespace lathe
