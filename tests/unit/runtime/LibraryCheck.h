// What tests of kernels that a library computes have in common.
#pragma once

#include "tests/unit/runtime/Check.h"
#include <cstdlib>
#include <dlfcn.h>

namespace lathe::test {

/// Is oneDNN there? LATHE_ONEDNN_LIBRARY names it where the system doesn't find it.
inline bool hasLibrary() {
  const char *path = std::getenv("LATHE_ONEDNN_LIBRARY");
  return dlopen(path ? path : "libdnnl.so.3", RTLD_NOW | RTLD_LOCAL) != nullptr;
}

/// The sizes of a convolution or product of one image, whose arguments begin with x and w.
template <typename Case> std::unique_ptr<artifact::LibraryKernelT> libraryKernel(const Case &given) {
  auto plane = [](int64_t height, int64_t width) { return std::make_unique<artifact::Plane>(height, width); };
  auto kernel = std::make_unique<artifact::LibraryKernelT>();
  kernel->library = "onednn";
  kernel->is_product = given.isProduct, kernel->is_transposed = given.isTransposed;
  kernel->images = 1, kernel->groups = given.groups;
  kernel->in_channels = given.inChannels, kernel->out_channels = given.outChannels;
  kernel->input = plane(given.height, given.width);
  kernel->output = plane(given.out(given.height), given.out(given.width));
  kernel->kernel = plane(given.kernel, given.kernel);
  kernel->stride = plane(given.stride, given.stride);
  kernel->dilation = plane(1, 1);
  kernel->pad = plane(given.pad, given.pad);
  kernel->rows = given.rows;
  kernel->input_arg = 0, kernel->weights_arg = 1;
  return kernel;
}

/// The model's one call, with these arguments, is the library's; it needs no arena.
inline void setLibraryCall(TestModel &model, std::unique_ptr<artifact::LibraryKernelT> library,
                           const std::vector<uint32_t> &args, int64_t tasks) {
  artifact::ProgramT &program = model.program();
  program.memory->arena_bytes = program.memory->no_reuse_bytes = model.constant(0);
  program.memory->lower_bound_bytes = model.constant(0);
  model.addCall(TestKernel::Add, args, {}, model.constant(tasks), "conv_1");
  auto kernel = std::make_unique<artifact::KernelT>();
  kernel->name = "onednn_conv";
  kernel->library = std::move(library);
  program.kernels.push_back(std::move(kernel));
  program.calls[0]->kernel = static_cast<uint32_t>(program.kernels.size() - 1);
}

/// The bytes of the output for two inputs.
inline std::vector<uint8_t> libraryResult(const Opened &opened, uint32_t threads, lathe_tensor_t x, lathe_tensor_t r) {
  lathe_tensor_t inputs[] = {x, r}, output = {};
  SessionPtr session = makeSession(opened, threads);
  REQUIRE(textOf(lathe_session_run(session.get(), inputs, 2, &output, 1)) == "");
  const auto *data = static_cast<const uint8_t *>(output.data);
  return {data, data + output.size_bytes};
}

/// What opening says when a field of the library's kernel or of its call is changed.
template <typename Change> std::string changedLibraryText(TestModel model, Change change) {
  auto changeModel = [&](TestModel &m) { change(*m.program().kernels.back()->library, *m.program().calls[0]); };
  return changedText(std::move(model), changeModel, LATHE_OPEN_INSPECT);
}

/// Changes each byte of the manifest in these ways, with a right digest: none may crash. How many are refused, per byte.
inline double refusedManifests(const std::vector<uint8_t> &file, const std::vector<uint8_t> &changes) {
  const lathe_artifact_header header = headerOf(file);
  size_t refused = 0;
  for (uint64_t i = 0; i < header.manifest_bytes; ++i)
    for (uint8_t change : changes) {
      std::vector<uint8_t> changed = file;
      changed[header.manifest_offset + i] ^= change;
      fixDigest(changed);
      refused += openText(changed, LATHE_OPEN_INSPECT) != "";
    }
  return double(refused) / double(header.manifest_bytes);
}

} // namespace lathe::test
