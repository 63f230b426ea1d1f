//===- Check.cpp - shorthands for tests of the C API ----------------------===//
//
// Part of Lathe, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "tests/unit/runtime/Check.h"

#include <cstring>
#include <thread>

namespace lathe::test {

std::string textOf(lathe_status_t *status) {
  std::string text = status ? lathe_status_message(status) : "";
  lathe_status_free(status);
  return text;
}

lathe_code_t codeOf(lathe_status_t *status) {
  lathe_code_t code = lathe_status_code(status);
  lathe_status_free(status);
  return code;
}

AlignedBytes::AlignedBytes(std::span<const uint8_t> bytes)
    : storage(bytes.size() + LATHE_BUFFER_ALIGNMENT), length(bytes.size()) {
  uintptr_t address = reinterpret_cast<uintptr_t>(storage.data());
  start = storage.data() + (LATHE_BUFFER_ALIGNMENT - address % LATHE_BUFFER_ALIGNMENT) % LATHE_BUFFER_ALIGNMENT;
  if (!bytes.empty())
    std::memcpy(start, bytes.data(), bytes.size());
}

static lathe_status_t *open(const AlignedBytes &bytes, uint64_t flags, ArtifactPtr &out) {
  lathe_artifact_options_t options = LATHE_ARTIFACT_OPTIONS_INIT;
  options.flags = flags;
  lathe_artifact_t *artifact = nullptr;
  lathe_status_t *status = lathe_artifact_open_memory(bytes.data(), bytes.size(), &options, &artifact);
  out.reset(artifact);
  return status;
}

Opened::Opened(TestModel model, uint64_t flags) : bytes(model.write()) {
  REQUIRE(textOf(open(bytes, flags, artifact)) == "");
}

SessionPtr makeSession(const Opened &opened, lathe_session_options_t options) {
  lathe_session_t *session = nullptr;
  REQUIRE(textOf(lathe_session_create(opened.artifact.get(), &options, &session)) == "");
  return SessionPtr(session);
}

SessionPtr makeSession(const Opened &opened, uint32_t threads) {
  lathe_session_options_t options = LATHE_SESSION_OPTIONS_INIT;
  options.threads = threads;
  return makeSession(opened, options);
}

void runOnThreads(void *context, size_t count, lathe_task_fn task, void *data) {
  ++*static_cast<int64_t *>(context);
  std::vector<std::thread> threads;
  for (size_t i = 0; i < count; ++i)
    threads.emplace_back([=] { task(data, i); });
  for (std::thread &thread : threads)
    thread.join();
}

lathe_artifact_header headerOf(const std::vector<uint8_t> &file) {
  lathe_artifact_header header;
  std::memcpy(&header, file.data(), sizeof(header));
  return header;
}

std::string openText(std::span<const uint8_t> bytes, uint64_t flags) {
  ArtifactPtr artifact;
  AlignedBytes copy(bytes);
  return textOf(open(copy, flags, artifact));
}

} // namespace lathe::test
