// Compiles and runs one conformance case in this process.
#pragma once

#include "tests/conformance/Tensors.h"
#include <string>
#include <vector>

namespace lathe::conformance {

struct Case {
  std::string name, set;
  std::string folder; // with model.onnx and test_data_set_N
  double rtol, atol;
  int datasets;
  bool isInterpreted = false; // by the reference interpreter, without compiling
};

enum class Outcome : char { Pass = 'p', Refused = 'r', Wrong = 'w', Crash = 'c' };

struct Result {
  Outcome outcome = Outcome::Crash;
  std::string message;
};

/// Names of the model's inputs, in order, without those that are weights; names of its outputs.
struct Interface {
  std::vector<std::string> inputs, outputs;
};
Interface interfaceOf(const std::string &modelPath);

/// The tensors PREFIX_0.pb, PREFIX_1.pb, ... in the order of `wanted`. The files are in the order of the
/// model (`names`). False with a problem if one is missing or no tensor.
bool readTensors(const std::string &prefix, const std::vector<std::string> &names,
                 const std::vector<std::string> &wanted, std::vector<Tensor> &tensors, std::string &problem);

/// Imports the model and runs it by the interpreter: what is wrong then is the importer or the interpreter,
/// not a kernel.
Result interpretCase(const Case &testCase);

/// `artifact` is a file name to use for a while. Never Outcome::Crash: that is for the caller to see.
Result runCase(const Case &testCase, const std::string &artifact);

} // namespace lathe::conformance
