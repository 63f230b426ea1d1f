//===- artifact.h - file layout and kernel ABI of a compiled model --------===//
//
// Part of Lathe, under the Apache License v2.0. See LICENSE.
//
// The one header that the compiler and the runtime share (with the schema
// runtime/src/artifact/manifest.fbs). Plain C, no dependencies. The bytes are
// little-endian. The layout of a file:
//
//   0                  lathe_artifact_header
//   weights_offset     constant tensors of all programs, mapped read-only
//   code_offset        machine code of each program, packed
//   manifest_offset    FlatBuffers manifest (manifest.fbs), packed
//
// Packed: one Zstandard frame (RFC 8878), or the bytes as they are where they
// take as much room as what they stand for.
//
//===----------------------------------------------------------------------===//
#ifndef LATHE_ARTIFACT_H
#define LATHE_ARTIFACT_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

//===----------------------------------------------------------------------===//
// File
//===----------------------------------------------------------------------===//

#define LATHE_ARTIFACT_MAGIC "LATHE\r\n\x1a"
#define LATHE_ARTIFACT_MAGIC_BYTES 8
/// Raised when an older runtime can't read newer files.
#define LATHE_ARTIFACT_VERSION 6u
/// The manifest, and a program's code, take no more than this when unpacked.
#define LATHE_UNPACKED_BYTES_MAX (1u << 30)
/// Arena and weight buffers, segments of weights in the file, own allocations
/// and scratch start at multiples of it. The tensors of the caller (Input,
/// Output) have the alignment of their element only.
#define LATHE_BUFFER_ALIGNMENT 64u
/// Weights are digested in chunks of this size; the last one may be shorter.
/// A chunk fits the L2 cache of a core beside other data, so that a kernel finds
/// there what was digested right before.
#define LATHE_WEIGHTS_CHUNK_BYTES (1u << 18)

/// First bytes of a file.
///
/// `digest` is XXH3-128 (canonical, that is big-endian, form) of: this header
/// with `digest` zeroed, then the packed manifest, then the code region.
/// Weights have digests of their own in the manifest, so that opening a file
/// doesn't read them.
typedef struct lathe_artifact_header {
  uint8_t magic[LATHE_ARTIFACT_MAGIC_BYTES];
  uint32_t version;      ///< LATHE_ARTIFACT_VERSION of the writer
  uint32_t header_bytes; ///< sizeof(lathe_artifact_header)
  uint32_t alignment;    ///< LATHE_BUFFER_ALIGNMENT
  uint32_t kernel_abi;   ///< LATHE_KERNEL_ABI_VERSION of the writer
  uint64_t file_bytes;   ///< size of the whole file
  uint64_t weights_offset;
  uint64_t weights_bytes;
  uint64_t code_offset;
  uint64_t code_bytes; ///< packed, of all programs
  uint64_t manifest_offset;
  uint64_t manifest_bytes; ///< packed
  uint64_t manifest_unpacked_bytes;
  uint8_t digest[16];
  uint8_t reserved[24]; ///< zeros
} lathe_artifact_header;

//===----------------------------------------------------------------------===//
// Kernels
//===----------------------------------------------------------------------===//

/// Raised when a function is added to the tables of lathe_kernel_api; a file
/// that asks for a higher one than the runtime has is refused.
#define LATHE_KERNEL_ABI_VERSION 1u

/// double -> double; index into lathe_kernel_api::unary.
typedef enum lathe_unary_index {
  LATHE_UNARY_EXP = 0,
  LATHE_UNARY_EXP2,
  LATHE_UNARY_EXPM1,
  LATHE_UNARY_LOG,
  LATHE_UNARY_LOG2,
  LATHE_UNARY_LOG10,
  LATHE_UNARY_LOG1P,
  LATHE_UNARY_SIN,
  LATHE_UNARY_COS,
  LATHE_UNARY_TAN,
  LATHE_UNARY_ASIN,
  LATHE_UNARY_ACOS,
  LATHE_UNARY_ATAN,
  LATHE_UNARY_SINH,
  LATHE_UNARY_COSH,
  LATHE_UNARY_TANH,
  LATHE_UNARY_ASINH,
  LATHE_UNARY_ACOSH,
  LATHE_UNARY_ATANH,
  LATHE_UNARY_ERF,
  LATHE_UNARY_ERFC,
  LATHE_UNARY_TGAMMA,
  LATHE_UNARY_LGAMMA,
  LATHE_UNARY_CBRT,
  LATHE_UNARY_COUNT
} lathe_unary_index;

/// (double, double) -> double; index into lathe_kernel_api::binary.
typedef enum lathe_binary_index {
  LATHE_BINARY_POW = 0,
  LATHE_BINARY_FMOD,
  LATHE_BINARY_REMAINDER,
  LATHE_BINARY_ATAN2,
  LATHE_BINARY_COUNT
} lathe_binary_index;

typedef double (*lathe_unary_fn)(double);
typedef double (*lathe_binary_fn)(double, double);

/// What a kernel may call. Meant for the rare operations on doubles: code for
/// f32 inlines its own vector polynomials.
typedef struct lathe_kernel_api {
  uint32_t struct_size;
  uint32_t abi_version; ///< LATHE_KERNEL_ABI_VERSION of the runtime
  const lathe_unary_fn *unary;
  const lathe_binary_fn *binary;
} lathe_kernel_api;

/// Given to each invocation of a kernel; belongs to the runtime.
typedef struct lathe_kernel_context {
  uint32_t struct_size;
  uint32_t reserved;
  /// Uninitialized memory of this thread for this invocation, of at least the
  /// size that the call asks for, aligned to LATHE_BUFFER_ALIGNMENT; null when
  /// the call asks for none.
  void *scratch;
  const lathe_kernel_api *api;
} lathe_kernel_context;

/// What a kernel returns; zero is success. Anything else ends the run with the
/// text of lathe_kernel_code_text and the names of the ONNX nodes of the call.
typedef enum lathe_kernel_code {
  LATHE_KERNEL_OK = 0,
  LATHE_KERNEL_INDEX_OUT_OF_RANGE = 1,
  LATHE_KERNEL_DIVISION_BY_ZERO = 2,
  LATHE_KERNEL_INVALID_SHAPE = 3,
  LATHE_KERNEL_INVALID_VALUE = 4,
  LATHE_KERNEL_TOO_MANY_ELEMENTS = 5,
  LATHE_KERNEL_LIBRARY_FAILED = 6
} lathe_kernel_code;

/// Text of a lathe_kernel_code, for messages.
static inline const char *lathe_kernel_code_text(int32_t code) {
  switch (code) {
  case LATHE_KERNEL_OK:
    return "success";
  case LATHE_KERNEL_INDEX_OUT_OF_RANGE:
    return "index out of range";
  case LATHE_KERNEL_DIVISION_BY_ZERO:
    return "integer division by zero";
  case LATHE_KERNEL_INVALID_SHAPE:
    return "shapes of the operands do not fit";
  case LATHE_KERNEL_INVALID_VALUE:
    return "operand has an invalid value";
  case LATHE_KERNEL_TOO_MANY_ELEMENTS:
    return "more elements than the result has room for";
  case LATHE_KERNEL_LIBRARY_FAILED:
    return "the library that computes it reports a failure";
  default:
    return "unknown kernel error";
  }
}

/// A compiled kernel (System V x86-64 calling convention).
///
/// `args` are the addresses of the tensors that the call lists (inputs, then
/// outputs; dense, row-major); `dims` the integers that the call lists. The
/// tasks [task_begin, task_end) of the call are done; tasks are independent
/// and may run at once on several threads in any grouping, with the same bits
/// as result. In a call with rounds of n tasks, task i belongs to round i / n:
/// only tasks of one round are independent, and a range over several rounds is
/// done round by round. Code is position-independent, without relocations and imports.
typedef int32_t (*lathe_kernel_fn)(void *const *args, const int64_t *dims, int64_t task_begin, int64_t task_end,
                                   const lathe_kernel_context *ctx);

#ifdef __cplusplus
} // extern "C"

static_assert(sizeof(lathe_artifact_header) == 128, "the header of a file has a fixed size");
#endif

#endif // LATHE_ARTIFACT_H
