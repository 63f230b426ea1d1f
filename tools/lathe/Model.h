//===- Model.h - a model and its inputs, for the command line ---*- C++ -*-===//
//
// Part of Lathe, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef LATHE_TOOLS_LATHE_MODEL_H
#define LATHE_TOOLS_LATHE_MODEL_H

#include "lathe/lathe.hpp"
#include "manifest_generated.h"
#include "runtime/src/artifact/Expr.h"
#include "tools/lathe/Npy.h"

#include <map>
#include <string>
#include <vector>

namespace lathe::cli {

/// An opened artifact and its manifest.
class Model {
public:
  explicit Model(const std::string &path, uint64_t flags = 0);

  const lathe::Artifact &artifact() const { return opened; }
  const artifact::Manifest &manifest() const { return *root; }
  const artifact::Program &program() const { return *root->programs()->Get(programNumber); }

private:
  lathe::Artifact opened;
  const artifact::Manifest *root;
  uint32_t programNumber;
};

/// Sizes as the user gives them: NAME=1x128 for an input, NAME=128 for a
/// symbol.
struct SizeOptions {
  std::vector<std::string> shapes;
  std::vector<std::string> dims;
};

/// Cuts "NAME=VALUE" at the last '='. Throws Failure naming the option.
std::pair<std::string, std::string> splitAssignment(const std::string &text, const char *option);

/// Values of a program's symbols and expressions, known from the inputs.
struct Sizes {
  std::vector<runtime::Value> symbols, exprs;
  runtime::Value operator[](uint32_t expr) const { return exprs[expr]; }
};

/// Chooses the sizes of all inputs: as given (by options, or by inputs that are
/// there already), else as follows from those, else the smallest that is
/// allowed, but at least 1. Throws Failure.
Sizes chooseSizes(const Model &model, const SizeOptions &options, const std::map<size_t, HostTensor> &given);

/// Shape of an input or output; -1 where the sizes don't say.
std::vector<int64_t> shapeOf(const artifact::TensorInfo &tensor, const Sizes &sizes);

/// Inputs of random data: floats in [-1, 1), integers 0 or 1; elements that
/// symbols are read from have the symbols' values.
std::vector<HostTensor> makeInputs(const Model &model, const Sizes &sizes, uint64_t seed);

} // namespace lathe::cli

#endif // LATHE_TOOLS_LATHE_MODEL_H
