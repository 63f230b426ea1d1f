//===- Check.h - shorthands for tests of the C API --------------*- C++ -*-===//
//
// Part of Lathe, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef LATHE_TESTS_UNIT_RUNTIME_CHECK_H
#define LATHE_TESTS_UNIT_RUNTIME_CHECK_H

#include "lathe/lathe.h"
#include "tests/support/TestArtifact.h"

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace lathe::test {

/// "" for success, else the message; frees the status.
std::string textOf(lathe_status_t *status);
/// Code of a status; frees it.
lathe_code_t codeOf(lathe_status_t *status);

struct Closer {
  void operator()(lathe_artifact_t *artifact) const { lathe_artifact_close(artifact); }
  void operator()(lathe_session_t *session) const { lathe_session_destroy(session); }
};
using ArtifactPtr = std::unique_ptr<lathe_artifact_t, Closer>;
using SessionPtr = std::unique_ptr<lathe_session_t, Closer>;

/// The bytes of a file at an address that the C API accepts.
class AlignedBytes {
public:
  explicit AlignedBytes(std::span<const uint8_t> bytes);
  const void *data() const { return start; }
  size_t size() const { return length; }

private:
  std::vector<uint8_t> storage;
  uint8_t *start;
  size_t length;
};

/// An artifact opened from memory; fails the test when it doesn't open.
struct Opened {
  explicit Opened(TestModel model, uint64_t flags = 0);
  AlignedBytes bytes;
  ArtifactPtr artifact;
};

SessionPtr makeSession(const Opened &opened, lathe_session_options_t options);
SessionPtr makeSession(const Opened &opened, uint32_t threads = 1);
/// A host's pool: runs tasks on threads of their own, and counts its jobs in *static_cast<int64_t *>(context).
void runOnThreads(void *context, size_t count, lathe_task_fn task, void *data);

/// The message of opening a file with these bytes.
std::string openText(std::span<const uint8_t> bytes, uint64_t flags = 0);

lathe_artifact_header headerOf(const std::vector<uint8_t> &file);

/// What opening says after `change` of the model.
template <typename Change> std::string changedText(TestModel model, Change change, uint64_t flags = 0) {
  model.write(); // fills in the weights segment
  change(model);
  return openText(model.write(), flags);
}

template <typename T>
lathe_tensor_t tensorOf(std::vector<T> &data, const std::vector<int64_t> &shape, lathe_dtype_t dtype) {
  return {data.data(), data.size() * sizeof(T), shape.data(), static_cast<uint32_t>(shape.size()), dtype, 0};
}

} // namespace lathe::test

#endif // LATHE_TESTS_UNIT_RUNTIME_CHECK_H
