//===- OneDnn.h - oneDNN, opened when it is needed --------------*- C++ -*-===//
//
// Part of Lathe, under the Apache License v2.0. See LICENSE.
//
// The few functions of oneDNN's C interface that are used, by their documented
// names, types and enumerators (oneDNN 3 developer guide, "C API"); they are
// the same in all versions 3. So neither headers nor the library are needed to
// build, and programs without calls of oneDNN never open it.
//
//===----------------------------------------------------------------------===//
#ifndef LATHE_RUNTIME_LIBRARY_ONEDNN_H
#define LATHE_RUNTIME_LIBRARY_ONEDNN_H

#include <cstddef>
#include <cstdint>
#include <memory>

namespace lathe::runtime {

/// oneDNN's C interface. Handles are untyped; a status of zero is success.
struct OneDnn {
  using Status = int;
  /// dnnl_exec_arg_t
  struct Argument {
    int arg;
    void *memory;
  };
  /// dnnl_version_t
  struct Version {
    int major, minor, patch;
    const char *hash;
    unsigned cpuRuntime, gpuRuntime;
  };

  enum : int {
    engineCpu = 1,
    typeF32 = 3,
    typeS32 = 4,
    typeS8 = 5,
    typeU8 = 6,
    layoutAny = 1,
    scratchpadUser = 1,
    forwardInference = 96,
    convolutionDirect = 1
  };
  enum : unsigned { streamInOrder = 1, runtimeSequential = 1, runtimeOpenMp = 2 };
  enum : int { queryWeights = 131, queryScratchpad = 136 };
  enum : int { argSource = 1, argTarget = 17, argWeights = 33, argBias = 41, argScratchpad = 80, argZeroPoints = 8192 };

  const Version *(*version)();
  Status (*engineCreate)(void **engine, int kind, size_t index);
  Status (*engineDestroy)(void *engine);
  Status (*streamCreate)(void **stream, void *engine, unsigned flags);
  Status (*streamDestroy)(void *stream);
  Status (*streamWait)(void *stream);
  Status (*layoutCreate)(void **layout, int rank, const int64_t *dims, int type, const int64_t *strides);
  Status (*layoutCreateByTag)(void **layout, int rank, const int64_t *dims, int type, int tag);
  Status (*layoutClone)(void **layout, const void *from);
  Status (*layoutDestroy)(void *layout);
  int (*layoutEqual)(const void *a, const void *b);
  size_t (*layoutBytes)(const void *layout);
  Status (*memoryCreate)(void **memory, const void *layout, void *engine, void *data);
  Status (*memoryDestroy)(void *memory);
  Status (*attributesCreate)(void **attributes);
  Status (*attributesDestroy)(void *attributes);
  Status (*attributesSetScratchpad)(void *attributes, int mode);
  Status (*attributesSetZeroPoints)(void *attributes, int arg, int mask);
  Status (*convolutionCreate)(void **description, void *engine, int propagation, int algorithm, const void *source,
                              const void *weights, const void *bias, const void *target, const int64_t *strides,
                              const int64_t *dilations, const int64_t *padBegin, const int64_t *padEnd,
                              const void *attributes);
  Status (*matmulCreate)(void **description, void *engine, const void *source, const void *weights, const void *bias,
                         const void *target, const void *attributes);
  Status (*reorderCreate)(void **description, const void *source, void *sourceEngine, const void *target,
                          void *targetEngine, const void *attributes);
  const void *(*descriptionLayout)(const void *description, int what, int index);
  Status (*descriptionDestroy)(void *description);
  Status (*primitiveCreate)(void **primitive, const void *description);
  Status (*primitiveDestroy)(void *primitive);
  Status (*primitiveExecute)(const void *primitive, void *stream, int count, const Argument *arguments);

  /// OpenMP's, of the calling thread; null where oneDNN has no threads.
  void (*setThreads)(int count) = nullptr;
  int (*maxThreads)() = nullptr;

  /// Opens LATHE_ONEDNN_LIBRARY, or libdnnl.so.3 where the system finds it. It
  /// stays open. Throws Error (LATHE_INCOMPATIBLE): not there, not version 3,
  /// or built for threads that can't be held to one. `user`: who needs it.
  static std::shared_ptr<const OneDnn> open(const char *user);
};

/// While it lives, oneDNN uses only the calling thread. Tasks are what the
/// session's threads share; the host's setting is put back.
class OnOneThread {
public:
  explicit OnOneThread(const OneDnn &library)
      : library(library), before(library.maxThreads ? library.maxThreads() : 1) {
    if (before != 1)
      library.setThreads(1);
  }
  ~OnOneThread() {
    if (before != 1)
      library.setThreads(before);
  }
  OnOneThread(const OnOneThread &) = delete;

private:
  const OneDnn &library;
  const int before;
};

} // namespace lathe::runtime

#endif // LATHE_RUNTIME_LIBRARY_ONEDNN_H
