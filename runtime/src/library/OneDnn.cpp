//===- OneDnn.cpp - oneDNN, opened when it is needed ----------------------===//
//
// Part of Lathe, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "runtime/src/library/OneDnn.h"

#include "runtime/src/support/Error.h"

#include <cstdlib>
#include <dlfcn.h>

namespace lathe::runtime {
namespace {

constexpr const char *pathVariable = "LATHE_ONEDNN_LIBRARY";
constexpr const char *defaultPath = "libdnnl.so.3";

struct Opened {
  const char *user, *path;
  void *library;

  [[noreturn]] void refuse(const std::string &reason) const {
    fail(LATHE_INCOMPATIBLE,
         "{} needs oneDNN 3, but '{}' can't be used: {}; install oneDNN (such as PyPI's onednn-cpu-gomp), set {} to "
         "the path of its library, or compile with --provider lathe",
         user, path, reason, pathVariable);
  }

  template <typename Function> void find(Function *&function, const char *name) const {
    function = reinterpret_cast<Function *>(dlsym(library, name));
    if (!function)
      refuse(fmt::format("it has no '{}'", name));
  }
};

void findFunctions(OneDnn &out, const Opened &opened) {
  auto get = [&](auto &function, const char *name) { opened.find(function, name); };
  get(out.engineCreate, "dnnl_engine_create");
  get(out.engineDestroy, "dnnl_engine_destroy");
  get(out.streamCreate, "dnnl_stream_create");
  get(out.streamDestroy, "dnnl_stream_destroy");
  get(out.streamWait, "dnnl_stream_wait");
  get(out.layoutCreate, "dnnl_memory_desc_create_with_strides");
  get(out.layoutCreateByTag, "dnnl_memory_desc_create_with_tag");
  get(out.layoutClone, "dnnl_memory_desc_clone");
  get(out.layoutDestroy, "dnnl_memory_desc_destroy");
  get(out.layoutEqual, "dnnl_memory_desc_equal");
  get(out.layoutBytes, "dnnl_memory_desc_get_size");
  get(out.memoryCreate, "dnnl_memory_create");
  get(out.memoryDestroy, "dnnl_memory_destroy");
  get(out.attributesCreate, "dnnl_primitive_attr_create");
  get(out.attributesDestroy, "dnnl_primitive_attr_destroy");
  get(out.attributesSetScratchpad, "dnnl_primitive_attr_set_scratchpad_mode");
  get(out.attributesSetZeroPoints, "dnnl_primitive_attr_set_zero_points_mask");
  get(out.convolutionCreate, "dnnl_convolution_forward_primitive_desc_create");
  get(out.matmulCreate, "dnnl_matmul_primitive_desc_create");
  get(out.reorderCreate, "dnnl_reorder_primitive_desc_create");
  get(out.descriptionLayout, "dnnl_primitive_desc_query_md");
  get(out.descriptionDestroy, "dnnl_primitive_desc_destroy");
  get(out.primitiveCreate, "dnnl_primitive_create");
  get(out.primitiveDestroy, "dnnl_primitive_destroy");
  get(out.primitiveExecute, "dnnl_primitive_execute");
}

/// What is looked for in the library is looked for in its own libraries too,
/// such as OpenMP's.
void findThreads(OneDnn &out, const Opened &opened) {
  unsigned runtime = out.version()->cpuRuntime;
  if (runtime == OneDnn::runtimeSequential)
    return;
  if (runtime != OneDnn::runtimeOpenMp)
    opened.refuse("it was built for neither OpenMP nor one thread");
  opened.find(out.setThreads, "omp_set_num_threads");
  opened.find(out.maxThreads, "omp_get_max_threads");
}

} // namespace

std::shared_ptr<const OneDnn> OneDnn::open(const char *user) {
  const char *path = secure_getenv(pathVariable);
  if (!path || !*path)
    path = defaultPath;
  Opened opened{user, path, dlopen(path, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE)};
  if (!opened.library)
    opened.refuse(dlerror());
  auto out = std::make_shared<OneDnn>();
  opened.find(out->version, "dnnl_version");
  if (out->version()->major != 3)
    opened.refuse(fmt::format("expects version 3, got {}", out->version()->major));
  findFunctions(*out, opened);
  findThreads(*out, opened);
  return out;
}

} // namespace lathe::runtime
