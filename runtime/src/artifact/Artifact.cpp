//===- Artifact.cpp - an opened, checked artifact -------------------------===//
//
// Part of Lathe, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "runtime/src/artifact/Artifact.h"

#include "runtime/src/artifact/Expr.h"
#include "runtime/src/artifact/Header.h"
#include "runtime/src/artifact/Unpack.h"
#include "runtime/src/artifact/Validate.h"
#include "runtime/src/support/CpuFeatures.h"
#include "runtime/src/support/Error.h"

namespace lathe::runtime {
namespace {

std::vector<uint64_t> unpackManifest(std::span<const uint8_t> file, const lathe_artifact_header &header) {
  uint64_t size = header.manifest_unpacked_bytes;
  if (size > LATHE_UNPACKED_BYTES_MAX)
    fail(LATHE_BAD_ARTIFACT, "damaged header: expects a manifest of at most {} bytes, got {}", LATHE_UNPACKED_BYTES_MAX,
         size);
  std::vector<uint64_t> manifest(size / sizeof(uint64_t) + 1);
  unpack("the manifest", file.subspan(header.manifest_offset, header.manifest_bytes),
         {reinterpret_cast<uint8_t *>(manifest.data()), size});
  return manifest;
}

/// Features that the program needs and the CPU lacks, for a message.
std::string listMissing(const artifact::Target &target, FeatureTest hasFeature) {
  if (target.arch()->string_view() != cpuArch())
    return fmt::format("architecture {}", target.arch()->c_str());
  std::string missing;
  if (target.features())
    for (const flatbuffers::String *feature : *target.features())
      if (!hasFeature(feature->string_view()))
        missing += (missing.empty() ? "" : ", ") + feature->str();
  return missing;
}

/// Shape with -1 for what no constant expression gives.
std::vector<Artifact::Border>
describeBorders(const artifact::Program &program,
                const flatbuffers::Vector<flatbuffers::Offset<artifact::TensorInfo>> &tensors) {
  std::vector<Artifact::Border> borders;
  for (const artifact::TensorInfo *tensor : tensors) {
    Artifact::Border &border = borders.emplace_back();
    for (uint32_t i = 0; tensor->shape() && i < tensor->shape()->size(); ++i) {
      const auto &code = *program.exprs()->Get(tensor->shape()->Get(i))->code();
      bool isConst = code.size() == 1 && code.Get(0)->code() == artifact::ExprCode::Const;
      border.shape.push_back(isConst ? code.Get(0)->value() : -1);
      border.dimNames.push_back(tensor->dim_names()->Get(i)->c_str());
    }
  }
  return borders;
}

void runSerially(size_t count, const std::function<void(size_t)> &task) {
  for (size_t i = 0; i < count; ++i)
    task(i);
}

} // namespace

Artifact::Artifact(ArtifactBytes given, uint64_t flags, FeatureTest hasFeature) : bytes(std::move(given)) {
  std::span<const uint8_t> file(bytes.data(), bytes.size());
  lathe_artifact_header header = readHeader(file);
  manifestCopy = unpackManifest(file, header);
  manifestSize = header.manifest_unpacked_bytes;
  manifestRoot = &validateManifest(manifestBytes(), header);
  weightsCheck.setFile(file, *manifestRoot);
  runnable = !(flags & LATHE_OPEN_INSPECT);
  if (runnable)
    chooseProgram(hasFeature);
  programSchedule = makeSchedule(program());
  validateSchedule(program(), programSchedule);
  inputs = describeBorders(program(), *program().inputs());
  outputs = describeBorders(program(), *program().outputs());
  if (runnable) {
    code = unpackCode(file.subspan(program().code_offset(), program().code_packed_bytes()), program().code_bytes());
    openLibraries();
  }
  if (flags & LATHE_OPEN_TRUST_WEIGHTS)
    weightsCheck.skip();
  if (flags & LATHE_OPEN_VERIFY_WEIGHTS)
    checkWeights(runSerially);
}

std::span<const uint8_t> Artifact::manifestBytes() const {
  return {reinterpret_cast<const uint8_t *>(manifestCopy.data()), manifestSize};
}

void Artifact::chooseProgram(FeatureTest hasFeature) {
  std::string reasons;
  for (uint32_t i = 0; i < manifestRoot->programs()->size(); ++i) {
    const artifact::Target &target = *manifestRoot->programs()->Get(i)->target();
    std::string missing = listMissing(target, hasFeature);
    if (missing.empty()) {
      programIndex = i;
      return;
    }
    reasons += fmt::format("{}{} needs {}", reasons.empty() ? "" : "; ", target.cpu()->c_str(), missing);
  }
  fail(LATHE_INCOMPATIBLE, "this CPU can't run the model: {}", reasons);
}

void Artifact::openLibraries() {
  const auto &calls = *program().calls();
  std::shared_ptr<const OneDnn> library;
  for (uint32_t i = 0; i < calls.size(); ++i) {
    const artifact::Call &call = *calls.Get(i);
    const artifact::LibraryKernel *kernel = program().kernels()->Get(call.kernel())->library();
    if (!kernel)
      continue;
    if (!library)
      library = OneDnn::open("the model");
    libraryCalls.resize(calls.size());
    const artifact::Buffer &filter = *program().buffers()->Get(call.args()->Get(kernel->weights_arg()));
    libraryCalls[i] = std::make_unique<LibraryCall>(library, *kernel, call.args()->size() - 1, weights(filter));
  }
}

lathe_kernel_fn Artifact::kernel(uint32_t index) const {
  if (code.size() == 0) // opened to inspect
    return nullptr;
  const uint8_t *entry = code.data() + program().kernels()->Get(index)->code_offset();
  return reinterpret_cast<lathe_kernel_fn>(reinterpret_cast<uintptr_t>(entry));
}

const uint8_t *Artifact::weights(const artifact::Buffer &buffer) const {
  return bytes.data() + manifestRoot->weights()->Get(buffer.index())->offset() + buffer.offset();
}

uint64_t Artifact::weightsBytes() const {
  uint64_t sum = 0;
  if (manifestRoot->weights())
    for (const artifact::WeightsSegment *segment : *manifestRoot->weights())
      sum += segment->size();
  for (const auto &call : libraryCalls)
    sum += call ? call->packedBytes() : 0;
  return sum;
}

void Artifact::checkWeights(const ParallelFor &parallelFor) const { weightsCheck.run(parallelFor); }

} // namespace lathe::runtime
