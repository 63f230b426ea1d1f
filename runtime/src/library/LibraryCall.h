//===- LibraryCall.h - a call that a library computes -----------*- C++ -*-===//
//
// Part of Lathe, under the Apache License v2.0. See LICENSE.
//
// A task is one image and some rows of its result, computed by a primitive of
// oneDNN on one thread: so results have the same bits at any number of threads,
// and threads are the session's (or the host's), not OpenMP's. Pieces at the
// upper and lower end have other padding, so there are a few primitives per
// call. What follows the sum is done here (LibrarySteps.h), while the piece is in cache: oneDNN
// would make 0 of NaN in ReLU and clip.
//
//===----------------------------------------------------------------------===//
#ifndef LATHE_RUNTIME_LIBRARY_LIBRARYCALL_H
#define LATHE_RUNTIME_LIBRARY_LIBRARYCALL_H

#include "manifest_generated.h"
#include "runtime/src/library/OneDnn.h"

#include <initializer_list>
#include <vector>

namespace lathe::runtime {

/// Immutable: any number of threads run tasks of it at once.
class LibraryCall {
public:
  /// `kernel` is valid (Validate.h) and outlives this; `weights` is its matrix
  /// or filter, packed here into memory of oneDNN's layout; `resultArg` is the
  /// last argument. Without `weights` nothing is packed: each run finds packed
  /// ones, packedBytes() of them, at the argument for weights. Throws Error.
  LibraryCall(std::shared_ptr<const OneDnn> library, const artifact::LibraryKernel &kernel, uint32_t resultArg,
              const void *weights);

  /// As lathe_kernel_fn.
  int32_t run(void *const *args, int64_t taskBegin, int64_t taskEnd, void *scratch) const;

  int64_t tasks() const;
  uint64_t scratchBytes() const { return mostScratch; }
  /// Memory that packed weights take beside those of the file.
  uint64_t packedBytes() const { return weightsBytes; }

private:
  using Owned = std::unique_ptr<void, OneDnn::Status (*)(void *)>;
  /// Rows of the result that a task computes, and what it reads.
  struct Piece {
    int64_t rows, inputBegin, inputRows, padTop, padBottom;
    bool isLike(const Piece &other) const;
  };
  struct Packed {
    Owned layout;
    std::vector<float> memory;
    float *data;          ///< where its first whole cache line begins; null: not packed here
    uint64_t offsetBytes; ///< in weights that the caller has packed
  };
  struct Primitive {
    Piece piece;
    Owned source, target, scratchpad, primitive;
    size_t packed; ///< number of its weights
  };

  Piece pieceAt(int64_t firstRow) const;
  void makePrimitive(const Piece &piece, const void *weights);
  Owned describe(const Piece &piece, const void *source, const void *target, const void *attributes) const;
  size_t pack(const void *layout, const void *weights);
  void fill(Packed &room, const void *weights) const;
  const Primitive &primitiveOf(const Piece &piece) const;
  int32_t runTask(void *const *args, int64_t task, void *stream, void *scratch) const;
  OneDnn::Status execute(const Primitive &primitive, void *const *args, const void *source, float *target,
                         void *scratch, void *stream) const;
  int64_t pixelsOf(int64_t rows) const;

  int weightsType() const;
  Owned layout(int type, std::initializer_list<int64_t> dims, std::initializer_list<int64_t> strides) const;
  Owned anyLayout(const std::vector<int64_t> &dims) const;
  Owned memory(const void *layout, const void *data) const;
  Owned weightsLayout() const;
  std::vector<int64_t> weightsDims() const;
  template <typename Create> Owned make(OneDnn::Status (*destroy)(void *), Create create) const;

  std::shared_ptr<const OneDnn> dnn;
  const artifact::LibraryKernel &kernel;
  const uint32_t resultArg;
  Owned engine, biasLayout, zeroLayout;
  std::vector<Packed> packed;
  std::vector<Primitive> primitives;
  uint64_t mostScratch = 0, weightsBytes = 0;
  uint64_t sumsOffset = 0; ///< in scratch memory, where the result is of bytes
};

/// Bytes that the arguments of a call must have.
struct LibraryTensor {
  uint32_t arg;
  uint64_t bytes;
};
/// All of them but the result, then the result (`arg` is the last one's).
std::vector<LibraryTensor> libraryTensors(const artifact::LibraryKernel &kernel, uint32_t argCount);

} // namespace lathe::runtime

#endif // LATHE_RUNTIME_LIBRARY_LIBRARYCALL_H
