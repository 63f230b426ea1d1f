// Compiles and runs one conformance case in this process.
#pragma once

#include <string>

namespace lathe::conformance {

struct Case {
  std::string name, set;
  std::string folder; // with model.onnx and test_data_set_N
  double rtol, atol;
  int datasets;
};

enum class Outcome : char { Pass = 'p', Refused = 'r', Wrong = 'w', Crash = 'c' };

struct Result {
  Outcome outcome = Outcome::Crash;
  std::string message;
};

/// `artifact` is a file name to use for a while. Never Outcome::Crash: that is for the caller to see.
Result runCase(const Case &testCase, const std::string &artifact);

} // namespace lathe::conformance
