//===- TestArtifact.h - hand-made artifacts ---------------------*- C++ -*-===//
//
// Part of Lathe, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef LATHE_TESTS_SUPPORT_TESTARTIFACT_H
#define LATHE_TESTS_SUPPORT_TESTARTIFACT_H

#include "lathe/artifact.h"
#include "manifest_generated.h"

#include <initializer_list>
#include <memory>
#include <string>
#include <vector>

namespace lathe::test {

/// Kernels of kernels.c, in its order.
enum class TestKernel : uint32_t { Add, AddRow, CheckIndices, CountNonZero, FindNonZero, ExpDouble, StepRounds, Count };

/// One expression operation: {ExprCode::Const, 3}.
struct Op {
  artifact::ExprCode code;
  int64_t value = 0;
};

/// A model with one program that tests change at will before it is written.
struct TestModel {
  artifact::ManifestT manifest;
  std::vector<uint8_t> code;
  std::vector<uint8_t> weights; ///< becomes weights segment 0 when not empty

  TestModel();
  artifact::ProgramT &program() { return *manifest.programs[0]; }

  uint32_t expr(std::initializer_list<Op> ops);
  uint32_t constant(int64_t value) { return expr({{artifact::ExprCode::Const, value}}); }
  uint32_t symbol(uint32_t number) { return expr({{artifact::ExprCode::Symbol, number}}); }

  uint32_t addInputDim(const std::string &name, uint32_t input, uint32_t axis);
  void addInput(const std::string &name, artifact::DType dtype, std::vector<uint32_t> shape);
  void addOutput(const std::string &name, artifact::DType dtype, std::vector<uint32_t> shape);
  uint32_t addBuffer(artifact::BufferKind kind, uint32_t index, uint32_t size);
  artifact::CallT &addCall(TestKernel kernel, std::vector<uint32_t> args, std::vector<uint32_t> dims, uint32_t tasks,
                           const std::string &node);

  /// The bytes of the file, with digests; places and sizes in the manifest are filled in. Manifest and code are stored as they
  /// are, which tests can change byte by byte, or packed.
  std::vector<uint8_t> write(bool packs = false);
};

/// y[n, d] = (a[n, d] + b[n, d]) + w[d]; n is a symbol "batch", 1 to 1000; one
/// tensor in the arena; w = 1, 2, ..., d.
TestModel makeAdder(int64_t d = 4);

/// positions = indices of the nonzero elements of x[n]; its size is computed.
TestModel makeNonZero();

/// y = x[rounds, n] and the neighbours of the round before, a round per row; both sizes are symbols.
TestModel makeStepper();

/// One Zstandard frame of the bytes.
std::vector<uint8_t> pack(const std::vector<uint8_t> &bytes);

/// The bytes with the digest of header, manifest and code made right again.
void fixDigest(std::vector<uint8_t> &file);

void writeFile(const std::string &path, const std::vector<uint8_t> &bytes);

} // namespace lathe::test

#endif // LATHE_TESTS_SUPPORT_TESTARTIFACT_H
