// Why a layer loses what it loses, and what would help.
#pragma once

#include "compiler/diff/Layers.h"

namespace lathe::diff {

struct Cause {
  enum Kind { none, clippedRange, outlierChannel, zeroPoint, biasShift, rounding };
  Kind kind = none;
  std::string text; // for people: "clipped range: 0.3 % of the values are beyond -1.2 to 4.1"
  double share = 1; // of the layer's local error, roughly
};

/// Three significant digits.
std::string significant(double value);

/// "clipped range", as in the texts; "none".
llvm::StringRef causeName(Cause::Kind kind);

/// The probable cause of the local error of `layers[number]`: of its own integers, or of those that its call reads.
Cause causeOf(llvm::ArrayRef<Layer> layers, size_t number);

struct Remedy {
  std::string text;   // what to do: "keep the product in f32"
  std::string option; // of lathe compile; empty where there is none
  double gain = 0;    // in dB at the outputs, estimated
};

/// Part of the outputs' error energy that is the layer's, as if errors of layers had nothing to do with each other; 0 where it is not known.
double shareOfHarm(const Measured &measured, size_t number);

/// Options that the artifact was compiled with, in the command line's form.
struct CompiledWith {
  std::string quantize, calibrateMethod;
  std::vector<std::string> dims;
  int64_t groupSize = 0; // of 4-bit weights; 0: there are none

  static CompiledWith parse(llvm::StringRef flags);
};

/// The best first; empty where the layer does no harm.
std::vector<Remedy> remediesOf(const Measured &measured, size_t number, const Cause &cause, const Reference &reference,
                               const CompiledWith &options);

} // namespace lathe::diff
