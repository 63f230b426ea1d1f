//===- FuzzLoader.cpp - the artifact loader on damaged files ---------------===//
//
// Part of Lathe, under the Apache License v2.0. See LICENSE.
//
// Opens the bytes as an artifact, asks for everything that can be asked, and
// prepares a run. Digests are made right first: otherwise every mutation would
// end at the digest. No kernel is run, since a mutated one is just any code.
//
//===----------------------------------------------------------------------===//
#include "lathe/lathe.h"
#include "tests/support/TestArtifact.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <vector>

namespace {

constexpr size_t maxAllocationBytes = size_t(64) << 20;

void *allocate(void *, size_t size, size_t alignment) {
  return size > maxAllocationBytes ? nullptr : std::aligned_alloc(alignment, (size + alignment - 1) & -alignment);
}

void deallocate(void *, void *memory, size_t) { std::free(memory); }

bool isInside(uint64_t offset, uint64_t bytes, uint64_t fileBytes) {
  return offset <= fileBytes && bytes <= fileBytes - offset;
}

void repairDigest(std::vector<uint8_t> &file) {
  if (file.size() < sizeof(lathe_artifact_header))
    return;
  lathe_artifact_header header;
  std::memcpy(&header, file.data(), sizeof(header));
  if (isInside(header.manifest_offset, header.manifest_bytes, file.size()) &&
      isInside(header.code_offset, header.code_bytes, file.size()))
    lathe::test::fixDigest(file);
}

/// Gives up a status; says whether it stood for success.
bool ok(lathe_status_t *status) {
  bool isSuccess = !status;
  if (status && std::strlen(lathe_status_message(status)) == 0)
    std::abort(); // an error without a text is a bug
  lathe_status_free(status);
  return isSuccess;
}

/// Inputs as the model declares them, 3 for each size that is free.
struct Inputs {
  std::vector<lathe_tensor_t> tensors;
  std::vector<std::vector<int64_t>> shapes;
  std::vector<std::vector<uint64_t>> data;

  explicit Inputs(const lathe_artifact_t *artifact) {
    for (size_t i = 0; i < lathe_artifact_input_count(artifact); ++i) {
      lathe_tensor_info_t info = LATHE_TENSOR_INFO_INIT;
      if (ok(lathe_artifact_input_info(artifact, i, &info)))
        add(info);
    }
    for (size_t i = 0; i < tensors.size(); ++i) {
      tensors[i].shape = shapes[i].data();
      tensors[i].data = data[i].data();
    }
  }

private:
  void add(const lathe_tensor_info_t &info) {
    std::vector<int64_t> shape(info.shape, info.shape + info.rank);
    size_t bytes = lathe_dtype_bytes(static_cast<lathe_dtype_t>(info.dtype));
    for (int64_t &size : shape) {
      size = size < 0 ? 3 : size;
      if (size > 1024 || bytes > maxAllocationBytes)
        bytes = maxAllocationBytes + 1;
      else
        bytes *= static_cast<size_t>(size);
    }
    bytes = bytes > maxAllocationBytes ? 0 : bytes; // too large: the run is refused, or must be
    lathe_tensor_t tensor = {};
    tensor.size_bytes = bytes;
    tensor.rank = info.rank;
    tensor.dtype = info.dtype;
    tensors.push_back(tensor);
    shapes.push_back(std::move(shape));
    data.emplace_back(bytes / sizeof(uint64_t) + 1, 1);
  }
};

void prepare(const lathe_artifact_t *artifact) {
  Inputs inputs(artifact);
  lathe_memory_needs_t needs = LATHE_MEMORY_NEEDS_INIT;
  ok(lathe_artifact_memory(artifact, inputs.tensors.data(), inputs.tensors.size(), &needs));
  lathe_session_options_t options = LATHE_SESSION_OPTIONS_INIT;
  options.threads = 1;
  options.allocate = allocate;
  options.deallocate = deallocate;
  lathe_session_t *session = nullptr;
  if (!ok(lathe_session_create(artifact, &options, &session)))
    return;
  std::vector<lathe_tensor_t> outputs(lathe_artifact_output_count(artifact));
  ok(lathe_session_prepare(session, inputs.tensors.data(), inputs.tensors.size(), outputs.data(), outputs.size()));
  lathe_session_destroy(session);
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  std::vector<uint8_t> file(data, data + size);
  repairDigest(file);
  void *memory = nullptr; // of exactly this size, so that reading past the end is seen
  if (posix_memalign(&memory, LATHE_BUFFER_ALIGNMENT, size) != 0)
    return 0;
  std::copy(file.begin(), file.end(), static_cast<uint8_t *>(memory));
  lathe_artifact_t *artifact = nullptr;
  if (ok(lathe_artifact_open_memory(memory, size, nullptr, &artifact))) {
    ok(lathe_artifact_verify(artifact));
    prepare(artifact);
    lathe_artifact_close(artifact);
  }
  std::free(memory);
  return 0;
}
