// What each layer of an artifact loses: measured sample by sample against the model, in three kinds of runs.
//
//   accumulated   the artifact as it is: each value that it knows against the model's
//   local         right behind a call its values are replaced by the model's (quantized where they are kept so), so that the next call's error
//                 is its own; what is fused stays as it is
//   harm          the model in f32 with one layer's local error added to that layer's value: what is then wrong at the outputs
//
// A layer is an output of a call whose value is known. Nodes that are computed inside of a call together with others have none of
// their own.
#pragma once

#include "compiler/diff/Metrics.h"
#include "compiler/diff/ModelOrder.h"
#include "compiler/diff/Reference.h"
#include <map>
#include <optional>

namespace lathe::diff {

/// How often values fell into parts of equal width between the least and the largest value of the first sample; what lies outside counts at
/// the ends.
struct ValueHistogram {
  static constexpr size_t parts = 48;
  double low = 0, high = 0;
  std::vector<uint64_t> counts;

  void add(llvm::ArrayRef<float> values);
};

struct Layer {
  std::string node; // of ONNX, or an input of the graph
  size_t call = 0, arg = 0;
  std::string type; // as it is kept: f32, i8, u8
  std::string product;
  double scale = 1;
  int64_t zero = 0;
  std::vector<int64_t> shape; // in the first sample, axes as in the model
  std::vector<size_t> inputs; // layers that its call reads
  ErrorSums accumulated, local;
  ChannelSums channels; // of local errors
  std::optional<RepresentationSums> representation;
  ValueHistogram values;
  /// Relative energy of the outputs' error that its local error alone makes, mean of the samples; none: not measured.
  std::optional<double> harm;

  bool isInteger() const { return type != "f32"; }
};

struct OutputErrors {
  std::string name;
  ErrorSums errors;
};

struct MeasureOptions {
  size_t samples = 16;
  bool layers = true; // else only outputs
  OpenObserved open;
  /// Told how many runs are done, of how many.
  std::function<void(size_t done, size_t count)> progress;
};

struct Measured {
  size_t samples = 0, calls = 0, knownCalls = 0;
  std::vector<OutputErrors> outputs;
  std::vector<Layer> layers; // in the order of calls
  uint64_t memoryBytes = 0;
  double harmOfAll = 0; // as a layer's harm, of the whole artifact on the same samples
  /// Values known to the artifact that the model has none of; for a model of another origin all of them.
  size_t unmatched = 0;
  size_t tooLarge = 0; // values left out, since more than 2 GB would have to be held at once
};

/// Error: names or shapes of artifact, model and samples don't fit, or a run fails.
llvm::Expected<Measured> measure(Reference &reference, ObservedProgram &artifact, SampleSource &samples,
                                 const MeasureOptions &options);

} // namespace lathe::diff
