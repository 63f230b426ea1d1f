//===- lathe.h - run a compiled model: the C API --------------------------===//
//
// Part of Lathe, under the Apache License v2.0. See LICENSE.
//
// Opens .lathe files and runs them. Three objects, from long- to short-lived:
//
//   artifact  a file: weights and code. Immutable; any number of threads and
//             sessions use it at once. Stays alive while a session uses it.
//   session   the memory and threads to run it. One thread at a time; different
//             sessions run at once. Cheap: weights are not copied.
//   status    null for success, else a code and a text that the caller frees.
//
//   lathe_artifact_t *artifact;
//   lathe_session_t *session;
//   lathe_status_t *status = lathe_artifact_open("m.lathe", NULL, &artifact);
//   if (!status) status = lathe_session_create(artifact, NULL, &session);
//   if (!status) status = lathe_session_run(session, in, 1, out, 1);
//   if (status) puts(lathe_status_message(status));
//
// A compiled model is native code: open files from sources you trust only.
// Digests find damage, not intent. Strings are UTF-8. Functions never throw,
// abort or print. Structs that start with `struct_size` are set up by setting
// it to sizeof(the struct) and the rest to zero, or by their _INIT macro.
//
//===----------------------------------------------------------------------===//
#ifndef LATHE_LATHE_H
#define LATHE_LATHE_H

#include <stddef.h>
#include <stdint.h>

#if defined(__GNUC__)
#define LATHE_API __attribute__((visibility("default")))
#else
#define LATHE_API
#endif

#ifdef __cplusplus
extern "C" {
#endif

//===----------------------------------------------------------------------===//
// Version and status
//===----------------------------------------------------------------------===//

/// Of this header. Raised when something is added; nothing is ever taken away
/// within one library name (liblathe_runtime.so.0).
#define LATHE_API_VERSION 3

/// LATHE_API_VERSION of the library in use; a program built with a newer header
/// than that may miss functions.
LATHE_API uint32_t lathe_api_version(void);
/// For people: "0.1.0".
LATHE_API const char *lathe_version_string(void);

typedef enum lathe_code {
  LATHE_OK = 0,
  LATHE_INVALID_ARGUMENT = 1, ///< null pointer, unknown name, bad option
  LATHE_IO_ERROR = 2,         ///< the file can't be opened or mapped
  LATHE_BAD_ARTIFACT = 3,     ///< not a .lathe file, truncated or damaged
  LATHE_INCOMPATIBLE = 4,     ///< newer format, or CPU features are missing
  LATHE_SHAPE_MISMATCH = 5,   ///< inputs don't fit the model (dtype, rank, size)
  LATHE_OUT_OF_MEMORY = 6,
  LATHE_KERNEL_FAILED = 7, ///< the data is at fault: index out of range, ...
  LATHE_INTERNAL = 8
} lathe_code_t;

/// Null stands for success.
typedef struct lathe_status lathe_status_t;

LATHE_API lathe_code_t lathe_status_code(const lathe_status_t *status);
/// Lives as long as the status; "success" for null.
LATHE_API const char *lathe_status_message(const lathe_status_t *status);
/// Accepts null.
LATHE_API void lathe_status_free(lathe_status_t *status);

//===----------------------------------------------------------------------===//
// Tensors
//===----------------------------------------------------------------------===//

typedef enum lathe_dtype {
  LATHE_F32 = 1,
  LATHE_F64 = 2,
  LATHE_F16 = 3,
  LATHE_BF16 = 4,
  LATHE_I8 = 5,
  LATHE_I16 = 6,
  LATHE_I32 = 7,
  LATHE_I64 = 8,
  LATHE_U8 = 9,
  LATHE_U16 = 10,
  LATHE_U32 = 11,
  LATHE_U64 = 12,
  LATHE_BOOL = 13 ///< one byte, 0 or 1
} lathe_dtype_t;

/// Bytes of one element; 0 for an unknown dtype.
LATHE_API size_t lathe_dtype_bytes(lathe_dtype_t dtype);
/// "f32", "bool", ...; "?" for an unknown dtype.
LATHE_API const char *lathe_dtype_name(lathe_dtype_t dtype);

/// A dense row-major tensor that somebody else owns. `data` must be aligned to
/// its element; 64 bytes are best.
typedef struct lathe_tensor {
  void *data;
  size_t size_bytes;    ///< of the memory at `data`
  const int64_t *shape; ///< `rank` sizes; may be null when rank is 0
  uint32_t rank;
  int32_t dtype; ///< lathe_dtype_t
  uint64_t reserved;
} lathe_tensor_t;

/// An input or output as the model declares it; strings and arrays live as long
/// as the artifact.
typedef struct lathe_tensor_info {
  size_t struct_size;
  const char *name;
  int32_t dtype; ///< lathe_dtype_t
  uint32_t rank;
  const int64_t *shape;         ///< -1 for a size that is known at run time only
  const char *const *dim_names; ///< "batch", "2*seq", "768"
} lathe_tensor_info_t;
#define LATHE_TENSOR_INFO_INIT {sizeof(lathe_tensor_info_t), NULL, 0, 0, NULL, NULL}

//===----------------------------------------------------------------------===//
// Artifact
//===----------------------------------------------------------------------===//

typedef struct lathe_artifact lathe_artifact_t;

enum {
  /// Check the weights' digests when opening, not in the first run.
  LATHE_OPEN_VERIFY_WEIGHTS = 1,
  /// Open for looking only, whatever the CPU; no session can be created.
  LATHE_OPEN_INSPECT = 2,
  /// Never check the weights' digests (for files just written or checked).
  LATHE_OPEN_TRUST_WEIGHTS = 4
};

typedef struct lathe_artifact_options {
  size_t struct_size;
  uint64_t flags; ///< LATHE_OPEN_*
} lathe_artifact_options_t;
#define LATHE_ARTIFACT_OPTIONS_INIT {sizeof(lathe_artifact_options_t), 0}

/// Maps and checks a file. `options` may be null. The file may be deleted or
/// replaced by rename afterwards, but not changed in place.
LATHE_API lathe_status_t *lathe_artifact_open(const char *path, const lathe_artifact_options_t *options,
                                              lathe_artifact_t **out_artifact);
/// Opens the bytes of a file in memory, which must be aligned to 64 bytes and
/// stay unchanged while the artifact or a session of it lives.
LATHE_API lathe_status_t *lathe_artifact_open_memory(const void *data, size_t size,
                                                     const lathe_artifact_options_t *options,
                                                     lathe_artifact_t **out_artifact);
/// Gives up this handle; sessions keep what they need. Accepts null.
LATHE_API void lathe_artifact_close(lathe_artifact_t *artifact);

LATHE_API size_t lathe_artifact_input_count(const lathe_artifact_t *artifact);
LATHE_API size_t lathe_artifact_output_count(const lathe_artifact_t *artifact);
LATHE_API lathe_status_t *lathe_artifact_input_info(const lathe_artifact_t *artifact, size_t index,
                                                    lathe_tensor_info_t *out_info);
LATHE_API lathe_status_t *lathe_artifact_output_info(const lathe_artifact_t *artifact, size_t index,
                                                     lathe_tensor_info_t *out_info);
/// Position of the input or output of that name.
LATHE_API lathe_status_t *lathe_artifact_find_input(const lathe_artifact_t *artifact, const char *name,
                                                    size_t *out_index);
LATHE_API lathe_status_t *lathe_artifact_find_output(const lathe_artifact_t *artifact, const char *name,
                                                     size_t *out_index);
/// The verified FlatBuffers manifest (schema in the artifact's documentation)
/// and the position in it of the program that the CPU runs. Lives as long as
/// the artifact. Each out-parameter may be null.
LATHE_API lathe_status_t *lathe_artifact_manifest(const lathe_artifact_t *artifact, const void **out_data,
                                                  size_t *out_size, uint32_t *out_program);
/// Checks the digests of all weights now.
LATHE_API lathe_status_t *lathe_artifact_verify(const lathe_artifact_t *artifact);

typedef struct lathe_memory_needs {
  size_t struct_size;
  uint64_t arena_bytes;   ///< intermediate tensors
  uint64_t scratch_bytes; ///< per thread
  uint64_t output_bytes;  ///< outputs, where the session owns them
  uint64_t weights_bytes; ///< mapped once per machine, shared; and what oneDNN packs of them, once per artifact
  int32_t is_exact;       ///< 0 when more is allocated for sizes that depend on computed values
} lathe_memory_needs_t;
#define LATHE_MEMORY_NEEDS_INIT {sizeof(lathe_memory_needs_t), 0, 0, 0, 0, 0}

/// What a run with these inputs takes. Only dtype and shape are read, and the
/// data of those integer inputs that decide about shapes.
LATHE_API lathe_status_t *lathe_artifact_memory(const lathe_artifact_t *artifact, const lathe_tensor_t *inputs,
                                                size_t input_count, lathe_memory_needs_t *out_needs);

//===----------------------------------------------------------------------===//
// Session
//===----------------------------------------------------------------------===//

typedef struct lathe_session lathe_session_t;

/// One share of a parallel job.
typedef void (*lathe_task_fn)(void *context, size_t index);

/// How a session gets memory, threads and time. Zero everywhere is the default.
typedef struct lathe_session_options {
  size_t struct_size;
  /// Threads of a run, the caller's included; 0: one per CPU it may use.
  uint32_t threads;
  /// Nonzero: measure each call (lathe_session_profile).
  uint32_t profile;

  /// Memory from the host: both or none. `allocate` gives `size` bytes aligned
  /// to `alignment`, or null. Called from the thread that calls the session.
  void *allocator_context;
  void *(*allocate)(void *context, size_t size, size_t alignment);
  void (*deallocate)(void *context, void *memory, size_t size);

  /// Threads from the host: calls task(context, i) for all i < count, on any
  /// threads, and returns when all are done. The session then starts none.
  void *pool_context;
  void (*parallel_for)(void *pool_context, size_t count, lathe_task_fn task, void *context);

  /// The arena from the host, aligned to 64 bytes; a run that needs more fails
  /// with LATHE_OUT_OF_MEMORY. Null: the session allocates it.
  void *arena;
  size_t arena_bytes;
} lathe_session_options_t;
#define LATHE_SESSION_OPTIONS_INIT {sizeof(lathe_session_options_t), 0, 0, NULL, NULL, NULL, NULL, NULL, NULL, 0}

/// `options` may be null. No large memory is taken before the first run.
LATHE_API lathe_status_t *lathe_session_create(const lathe_artifact_t *artifact, const lathe_session_options_t *options,
                                               lathe_session_t **out_session);
/// Accepts null.
LATHE_API void lathe_session_destroy(lathe_session_t *session);

/// Runs the model. Tensors are in the order of the artifact's inputs and
/// outputs, all of them.
///
/// Inputs are read in place. An output with `data` null is put into memory of
/// the session, valid until its next run; otherwise it is written to `data`,
/// whose size_bytes must suffice, and which must not overlap any other tensor.
/// All fields of the outputs are set; `shape` points into the session.
///
/// The first run checks the weights, and each first run at a shape allocates;
/// later ones don't.
LATHE_API lathe_status_t *lathe_session_run(lathe_session_t *session, const lathe_tensor_t *inputs, size_t input_count,
                                            lathe_tensor_t *outputs, size_t output_count);

/// Does all of lathe_session_run but running: checks inputs (their data as in
/// lathe_artifact_memory), allocates, and sets dtype, rank, shape and size_bytes
/// of `outputs`. Sizes that depend on computed values are -1, and size_bytes 0.
LATHE_API lathe_status_t *lathe_session_prepare(lathe_session_t *session, const lathe_tensor_t *inputs,
                                                size_t input_count, lathe_tensor_t *outputs, size_t output_count);

/// Threads that a run uses.
LATHE_API uint32_t lathe_session_threads(const lathe_session_t *session);

/// Time of one call of a kernel, over all runs since profiling was switched on.
typedef struct lathe_call_profile {
  size_t struct_size;
  const char *kernel;
  const char *const *nodes; ///< names of the ONNX nodes that it computes
  size_t node_count;
  uint64_t runs;
  uint64_t total_ns;
  uint64_t min_ns;
  double flops; ///< of the last run
  double bytes; ///< memory traffic of the last run
  /// Of `bytes`, how many are weights (since version 2). Unlike what the call
  /// before has just written, they come from as far as all weights need.
  double weight_bytes;
  uint32_t threads; ///< that shared the call in the last run (since version 2)
} lathe_call_profile_t;
#define LATHE_CALL_PROFILE_INIT {sizeof(lathe_call_profile_t), NULL, NULL, 0, 0, 0, 0, 0, 0, 0, 0}

/// Switches profiling on (from zero) or off; off costs nothing.
LATHE_API lathe_status_t *lathe_session_set_profile(lathe_session_t *session, int enabled);
LATHE_API size_t lathe_session_call_count(const lathe_session_t *session);
/// Strings live as long as the session.
LATHE_API lathe_status_t *lathe_session_profile(const lathe_session_t *session, size_t call,
                                                lathe_call_profile_t *out_profile);

/// What a thread did from one time to another: tasks of a call, or waiting for
/// other threads at the end of one.
typedef struct lathe_trace_event {
  size_t struct_size;
  uint64_t begin_ns; ///< of CLOCK_MONOTONIC
  uint64_t end_ns;
  uint64_t run;    ///< from 0, since tracing was switched on
  uint64_t tasks;  ///< that it did; 0: it waited
  uint32_t call;   ///< as in lathe_session_profile
  uint32_t round;  ///< of the call's rounds
  uint32_t thread; ///< 0: the caller's; of a host's pool: the number of the share
} lathe_trace_event_t;
#define LATHE_TRACE_EVENT_INIT {sizeof(lathe_trace_event_t), 0, 0, 0, 0, 0, 0, 0}

/// Records events of later runs, at most so many (the first ones) of all
/// threads together; forgets those before. 0 switches tracing off, which then
/// costs nothing. Since version 2.
LATHE_API lathe_status_t *lathe_session_set_trace(lathe_session_t *session, size_t max_events);
LATHE_API size_t lathe_session_trace_count(const lathe_session_t *session);
/// Events of a thread follow each other in time, threads in their order.
LATHE_API lathe_status_t *lathe_session_trace(const lathe_session_t *session, size_t index,
                                              lathe_trace_event_t *out_event);

/// A tensor among the arguments of a call, right after the call.
typedef struct lathe_call_value {
  size_t struct_size;
  /// ONNX node, or input of the graph, whose value the call has written here;
  /// null where that is not known (or it is only read). Lives as long as the
  /// session.
  const char *node;
  /// May be overwritten where `node` is not null: later calls read it.
  void *data;
  size_t size_bytes; ///< from `data` to the end of its buffer: at least the tensor
  int32_t dtype;     ///< with a node: LATHE_F32, LATHE_I8 or LATHE_U8; else 0
  /// value = (number or integer - zero_point) * scale.
  int32_t zero_point;
  double scale;
  /// Axis i in memory is axis order[i] of the model's value; null: as in the
  /// model, maybe reshaped.
  const uint8_t *order;
  uint32_t rank; ///< length of `order`
  uint32_t axis; ///< of the model's value, that `factors` lie along
  /// Not null: value = (number or integer - zero_point) * scale * factors[i],
  /// i the index of `axis`.
  const double *factors;
  size_t factor_count;
} lathe_call_value_t;
#define LATHE_CALL_VALUE_INIT {sizeof(lathe_call_value_t), NULL, NULL, 0, 0, 0, 0, NULL, 0, 0, NULL, 0}

/// Told of each call of a run in order, on the thread that runs it, when the
/// call is done and before any later one starts: `call` as in
/// lathe_session_profile, and its arguments. Must not use the session.
typedef void (*lathe_observer_fn)(void *context, size_t call, const lathe_call_value_t *values, size_t count);

/// Looks into later runs: what is computed stays the same, one call after the
/// other. Null: no longer; then it costs nothing. Since version 3.
LATHE_API lathe_status_t *lathe_session_set_observer(lathe_session_t *session, lathe_observer_fn observer,
                                                     void *context);

#ifdef __cplusplus
} // extern "C"
#endif

#endif // LATHE_LATHE_H
