//===- Artifact.cpp - C API: artifacts ------------------------------------===//
//
// Part of Lathe, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "runtime/src/artifact/Artifact.h"

#include "runtime/src/capi/Guard.h"
#include "runtime/src/capi/Handles.h"
#include "runtime/src/support/CpuFeatures.h"

using namespace lathe;
using namespace lathe::runtime;

using TensorInfos = flatbuffers::Vector<flatbuffers::Offset<artifact::TensorInfo>>;

static lathe_artifact_t *openBytes(ArtifactBytes bytes, const lathe_artifact_options_t *options) {
  constexpr uint64_t knownFlags = LATHE_OPEN_VERIFY_WEIGHTS | LATHE_OPEN_INSPECT | LATHE_OPEN_TRUST_WEIGHTS;
  uint64_t flags = readStruct(options, "options").flags;
  if (flags & ~knownFlags)
    fail(LATHE_INVALID_ARGUMENT, "unknown flags {:#x}", flags & ~knownFlags);
  auto artifact = std::make_shared<const runtime::Artifact>(std::move(bytes), flags, cpuSupports);
  return new lathe_artifact{std::move(artifact)};
}

/// Adds the path to what went wrong in the file.
static lathe_artifact_t *openFile(const char *path, const lathe_artifact_options_t *options) {
  ArtifactBytes bytes = ArtifactBytes::mapFile(path);
  try {
    return openBytes(std::move(bytes), options);
  } catch (const Error &error) {
    if (error.code == LATHE_INVALID_ARGUMENT)
      throw;
    fail(error.code, "{}: {}", path, error.message);
  }
}

lathe_status_t *lathe_artifact_open(const char *path, const lathe_artifact_options_t *options,
                                    lathe_artifact_t **out_artifact) {
  return guard([&] {
    require(path, "path");
    require(out_artifact, "out_artifact");
    *out_artifact = openFile(path, options);
  });
}

lathe_status_t *lathe_artifact_open_memory(const void *data, size_t size, const lathe_artifact_options_t *options,
                                           lathe_artifact_t **out_artifact) {
  return guard([&] {
    require(data, "data");
    require(out_artifact, "out_artifact");
    if (reinterpret_cast<uintptr_t>(data) % LATHE_BUFFER_ALIGNMENT != 0)
      fail(LATHE_INVALID_ARGUMENT, "expects 'data' to be aligned to {} bytes", LATHE_BUFFER_ALIGNMENT);
    *out_artifact = openBytes(ArtifactBytes::borrow(data, size), options);
  });
}

void lathe_artifact_close(lathe_artifact_t *artifact) { delete artifact; }

size_t lathe_artifact_input_count(const lathe_artifact_t *artifact) {
  return artifact ? artifact->artifact->program().inputs()->size() : 0;
}

size_t lathe_artifact_output_count(const lathe_artifact_t *artifact) {
  return artifact ? artifact->artifact->program().outputs()->size() : 0;
}

static void describe(const TensorInfos &tensors, const std::vector<runtime::Artifact::Border> &borders, size_t index,
                     lathe_tensor_info_t *out) {
  if (index >= tensors.size())
    fail(LATHE_INVALID_ARGUMENT, "expects an index below {}, got {}", tensors.size(), index);
  const artifact::TensorInfo &tensor = *tensors.Get(static_cast<uint32_t>(index));
  const runtime::Artifact::Border &border = borders[index];
  lathe_tensor_info_t info = LATHE_TENSOR_INFO_INIT;
  info.name = tensor.name()->c_str();
  info.dtype = static_cast<int32_t>(tensor.dtype());
  info.rank = static_cast<uint32_t>(border.shape.size());
  info.shape = border.shape.data();
  info.dim_names = border.dimNames.data();
  writeStruct(info, out, "out_info");
}

lathe_status_t *lathe_artifact_input_info(const lathe_artifact_t *artifact, size_t index,
                                          lathe_tensor_info_t *out_info) {
  return guard([&] {
    require(artifact, "artifact");
    describe(*artifact->artifact->program().inputs(), artifact->artifact->inputBorders(), index, out_info);
  });
}

lathe_status_t *lathe_artifact_output_info(const lathe_artifact_t *artifact, size_t index,
                                           lathe_tensor_info_t *out_info) {
  return guard([&] {
    require(artifact, "artifact");
    describe(*artifact->artifact->program().outputs(), artifact->artifact->outputBorders(), index, out_info);
  });
}

static size_t findTensor(const char *kind, const TensorInfos &tensors, const char *name) {
  require(name, "name");
  std::string known;
  for (uint32_t i = 0; i < tensors.size(); ++i) {
    if (tensors.Get(i)->name()->string_view() == name)
      return i;
    known += fmt::format("{}'{}'", i ? ", " : "", tensors.Get(i)->name()->c_str());
  }
  fail(LATHE_INVALID_ARGUMENT, "no {} '{}'; the model has {}", kind, name, known.empty() ? "none" : known);
}

lathe_status_t *lathe_artifact_find_input(const lathe_artifact_t *artifact, const char *name, size_t *out_index) {
  return guard([&] {
    require(artifact, "artifact");
    require(out_index, "out_index");
    *out_index = findTensor("input", *artifact->artifact->program().inputs(), name);
  });
}

lathe_status_t *lathe_artifact_find_output(const lathe_artifact_t *artifact, const char *name, size_t *out_index) {
  return guard([&] {
    require(artifact, "artifact");
    require(out_index, "out_index");
    *out_index = findTensor("output", *artifact->artifact->program().outputs(), name);
  });
}

lathe_status_t *lathe_artifact_manifest(const lathe_artifact_t *artifact, const void **out_data, size_t *out_size,
                                        uint32_t *out_program) {
  return guard([&] {
    require(artifact, "artifact");
    std::span<const uint8_t> bytes = artifact->artifact->manifestBytes();
    if (out_data)
      *out_data = bytes.data();
    if (out_size)
      *out_size = bytes.size();
    if (out_program)
      *out_program = artifact->artifact->programNumber();
  });
}

lathe_status_t *lathe_artifact_verify(const lathe_artifact_t *artifact) {
  return guard([&] {
    require(artifact, "artifact");
    artifact->artifact->checkWeights([](size_t count, const std::function<void(size_t)> &task) {
      for (size_t i = 0; i < count; ++i)
        task(i);
    });
  });
}

lathe_status_t *lathe_artifact_memory(const lathe_artifact_t *artifact, const lathe_tensor_t *inputs,
                                      size_t input_count, lathe_memory_needs_t *out_needs) {
  return guard([&] {
    require(artifact, "artifact");
    if (input_count)
      require(inputs, "inputs");
    writeStruct(memoryNeeds(*artifact->artifact, {inputs, input_count}), out_needs, "out_needs");
  });
}
