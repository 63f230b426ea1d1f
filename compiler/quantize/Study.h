// What a search for precisions learns of a model in one compilation, and tells the next ones.
#pragma once

#include "compiler/calibrate/Histogram.h"
#include "dialects/reference/Evaluate.h"
#include "passes/quantize/Precision.h"

namespace lathe {

/// Filled by the first compilation that has it among its options; later ones take precisions and ranges from it instead of running
/// samples. Belongs to one model with one set of options.
struct QuantizationStudy {
  /// A precision other than f32, and what it does to the model's outputs when all other nodes are f32: root of the summed squares of
  /// differences over that of the outputs; the largest of all outputs.
  struct Choice {
    nn::Precision precision;
    double error = 0;
  };
  /// One of nn::quantizableNodes, in their order.
  struct Node {
    std::string name;
    std::vector<Choice> choices; // empty: options say that it stays as it is
    nn::Precision chosen = nn::Precision::f32;
    int64_t weightBytes = 0; // in f32
    // Of a product's input, where it was calibrated:
    std::vector<double> factors; // of smoothed channels; empty: none
    Range range;
    // Its weights, rounded for that; empty: nearest integers.
    std::vector<int8_t> integers;
    std::vector<float> scales;
    std::vector<float> largest; // of the magnitudes of each output's weights when they were rounded
  };
  std::vector<Node> nodes;
  std::optional<size_t> outputs; // how many of the function's results are the model's: the first ones; all if not said
  std::vector<bool> isFloatOutput;         // of the model's outputs: f32
  std::vector<reference::Tensors> samples; // inputs to compare programs with, the first ones of the calibration data
  mlir::MLIRContext context;               // of the samples' types: it lives longer than that of one compilation

  bool isFilled() const { return !nodes.empty(); }
};

/// Adds a sample, copied.
void addSample(const reference::Tensors &sample, QuantizationStudy &study);

/// Starts the study: outputs, nodes, and the precisions that they may have beside f32 where one is set already.
void recordNodes(mlir::func::FuncOp function, QuantizationStudy &study);
/// Before inputs are smoothed, and after their ranges and integers of weights were noted.
void recordFactors(mlir::func::FuncOp function, QuantizationStudy &study);
void recordRanges(mlir::func::FuncOp function, QuantizationStudy &study);

/// The reverse, in the same order.
void applyChoices(mlir::func::FuncOp function, const QuantizationStudy &study);
void applyFactors(mlir::func::FuncOp function, const QuantizationStudy &study);
void applyRanges(mlir::func::FuncOp function, const QuantizationStudy &study);

} // namespace lathe
