// What a search has tried: error, time and size of each artifact, and which of them no other one beats in all three.
#pragma once

#include "compiler/quantize/Study.h"
#include <string>
#include <vector>

namespace lathe {

struct ParetoList {
  struct Entry {
    double error = 0;
    double timeRatio = 1; // to f32
    double milliseconds = 0;
    uint64_t bytes = 0;
    std::vector<nn::Precision> precisions; // of the study's nodes
    bool isChosen = false;
  };
  std::string metric;
  double maxError = 0;
  size_t samples = 0;
  std::string end;            // why the search ended
  std::vector<Entry> entries; // f32 first

  /// Is none of the others at least as good in error, time and size, and better in one of them?
  bool isOptimal(size_t entry) const;
  /// JSON text; of each entry the nodes that are not f32, by precision, and of each node of the study what it loses alone.
  std::string toJson(const QuantizationStudy &study) const;
};

} // namespace lathe
