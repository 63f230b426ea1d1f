//===- lathe_compile.h - compile a model: the C API of the compiler -------===//
//
// Part of Lathe, under the Apache License v2.0. See LICENSE.
//
// liblathe_compiler.so is large (it brings LLVM); programs that only run
// compiled models use liblathe_runtime.so and lathe.h instead.
//
//===----------------------------------------------------------------------===//
#ifndef LATHE_COMPILE_H
#define LATHE_COMPILE_H

#include <stddef.h>
#include <stdint.h>

#if defined(__GNUC__)
#define LATHE_COMPILE_API __attribute__((visibility("default")))
#else
#define LATHE_COMPILE_API
#endif

#ifdef __cplusplus
extern "C" {
#endif

/// How a compilation ended: the exit codes of `lathe compile`.
typedef enum lathe_compile_code {
  LATHE_COMPILE_OK = 0,
  LATHE_COMPILE_BAD_MODEL = 1,      ///< the model is at fault
  LATHE_COMPILE_BAD_OPTIONS = 2,    ///< the caller is at fault
  LATHE_COMPILE_BAD_ENVIRONMENT = 3 ///< a file that can't be read or written, no memory
} lathe_compile_code_t;

/// What to compile: one model, from a file or from memory. Start from LATHE_COMPILE_OPTIONS_INIT, then set what is needed.
/// Strings are UTF-8. Nothing is kept after the call.
typedef struct lathe_compile_options {
  size_t struct_size;
  const char *model_path;  ///< .onnx file, or nn operations as text (.mlir)
  const char *output_path; ///< .lathe file to write; its folder must exist
  const char *const *cpus; ///< "native", "x86-64-v3", ...; one program each; null: native
  size_t cpu_count;
  const char *const *dims; ///< "batch=1", "seq=1..512"; may be null
  size_t dim_count;
  const char *report_path; ///< JSON report; null: none
  const char *dump_to;     ///< folder for the IR of each phase and the assembly, made if missing; null: none
  /// Called on the calling thread when a phase starts ("import", "canonical", "quantize", "layout", "fuse", "plan", "codegen",
  /// "write"); may be null. Must not throw.
  void (*progress)(void *context, const char *phase);
  void *progress_context;
  /// A serialized ModelProto instead of a file: then `model_path` is its name in messages only (or null), and weights
  /// outside of the model are refused.
  const void *model_data;
  size_t model_size;
  /// Not 0: measure several plans for each product and convolution of fixed sizes on this machine, and take the fastest.
  int tune;
  /// Tuning database, lines of text: read, and with `tune` written (made if missing); null: none.
  const char *tune_db;
  /// Threads to measure with and to look up in the database; 0: 1.
  uint32_t tune_threads;
  /// After so many seconds no other operation is measured; 0: 45. With the same database, the next `tune` goes on.
  uint32_t tune_seconds;
  /// Who computes products and convolutions: "lathe"; "onednn" wherever it can; "auto": oneDNN where `tune` or the database
  /// says that it is faster; null: lathe.
  const char *provider;
  /// "int8": compute in 8-bit integers, with ranges from `calibrate`; "int8-dynamic": matrix products only, without samples; "auto":
  /// "int8" or "int4" for those nodes where that is faster, while the outputs stay within `max_error`;
  /// "int4": weights of matrix products in 4 bits;
  /// null: as the model says.
  const char *quantize;
  /// Samples of the inputs: .npz or .npy, or a folder of them, of ONNX test data or of pictures; null: none.
  const char *calibrate;
  const char *calibrate_method; ///< "mse", "percentile", "entropy" or "min-max"; null: mse
  const char *keep;             ///< regular expression of node names that stay as they are; null: none
  /// For samples that are pictures: (pixel / 255 - mean) / std, with one number for all channels or one each; null: 0 and 1.
  const double *image_mean;
  size_t image_mean_count;
  const double *image_std;
  size_t image_std_count;
  uint32_t image_height, image_width; ///< in pixels; 0: as the input has it
  /// JSON file with precisions of single nodes (docs/Quantization.md); null: none.
  const char *precisions;
  /// Of "int4": weights along the depth that share a scale, a power of two from 16 to 1024; 0: 32.
  uint32_t group_size;
  /// Of "int4": "rtn", or "gptq", "awq", "adaround", which need samples; null: gptq with samples, rtn without.
  const char *int4_method;
  /// Of "auto": how far the outputs may be from those of f32, by `error_metric`; 0: 0.01.
  double max_error;
  /// "relative": root mean square of differences to that of the outputs; "cosine": 1 - cosine; "kl": of softmax over the last axis;
  /// null: relative.
  const char *error_metric;
  uint32_t search_seconds; ///< after which no other artifact is tried; 0: 600
  const char *pareto_path; ///< JSON list of what was tried; null: `output_path` with .pareto.json
  /// The error of an artifact instead of `error_metric`, 0 or more, called on the calling thread; a NaN ends the search with an error. May
  /// be null. Must not throw.
  double (*artifact_error)(void *context, const char *artifact_path);
  void *artifact_error_context;
  uint32_t weight_bits;  ///< of weights in 8-bit integers: 7 or 8; 0: 7 where all CPUs are faster with them
  uint32_t quantize_all; ///< not 0: quantize nodes that are expected to be faster in f32, too
  /// Of "int4": what products read: "int8", rounded in groups at run time, or "f32"; null: int8.
  const char *int4_activations;
} lathe_compile_options_t;
// clang-format off
#define LATHE_COMPILE_OPTIONS_INIT                                                                                     \
  {sizeof(lathe_compile_options_t), NULL, NULL, NULL, 0, NULL, 0, NULL, NULL, NULL, NULL, NULL, 0, 0, NULL, 0, 0,      \
   NULL, NULL, NULL, NULL, NULL, NULL, 0, NULL, 0, 0, 0, NULL, 0, NULL,  \
   0, NULL, 0, NULL, NULL, NULL, 0, 0, NULL}
// clang-format on

/// Compiles one model; gives a lathe_compile_code_t. `out_messages`, if not null, gets lines of errors and warnings, empty
/// if there are none, to be freed with lathe_compile_free. On failure nothing is written but what
/// `dump_to` asked for (and the artifact, if the report alone can't be finished: full disk). May be called from several threads
/// at once; never throws, prints or exits.
LATHE_COMPILE_API int lathe_compile(const lathe_compile_options_t *options, char **out_messages);
/// Writes a model in ONNX with the nodes quantized that lathe_compile would quantize, with the same integers, to `output_path` (and
/// OUTPUT_PATH.data, if it would exceed 2 GiB). Of the options those of model, output, progress, quantization and its search count;
/// without `quantize` it is int8 if there are samples, else int8-dynamic. Otherwise as lathe_compile.
LATHE_COMPILE_API int lathe_quantize(const lathe_compile_options_t *options, char **out_messages);
/// What to compare: an artifact with the model that it was compiled from. Start from LATHE_DIFF_OPTIONS_INIT. Nothing is kept after
/// the call.
typedef struct lathe_diff_options {
  size_t struct_size;
  const char *model_path;    ///< .onnx: what the artifact should compute
  const char *artifact_path; ///< .lathe, for this machine
  const char *data_path;     ///< samples of the inputs, as `calibrate` of a compilation
  uint32_t samples;          ///< how many of them, from the first; 0: 16
  int no_speed;              ///< not 0: don't compile the model in f32 to compare size, latency and memory
  const char *const *dims;   ///< sizes of symbols in the model; null: as the artifact was compiled
  size_t dim_count;
  const char *html_path; ///< page to write; null: none
  /// For samples that are pictures, as of a compilation.
  const double *image_mean;
  size_t image_mean_count;
  const double *image_std;
  size_t image_std_count;
  uint32_t image_height, image_width;
} lathe_diff_options_t;
// clang-format off
#define LATHE_DIFF_OPTIONS_INIT                                                                                        \
  {sizeof(lathe_diff_options_t), NULL, NULL, NULL, 0, 0, NULL, 0, NULL, NULL, 0, NULL, 0, 0, 0}
// clang-format on

/// Says what the artifact lost, where, why and what would help; gives a lathe_compile_code_t. `out_json`, if not null, gets the text
/// of `lathe diff --json`, or null on failure; `out_messages` as of lathe_compile; both to be freed with lathe_compile_free.
/// May be called from several threads at once; never throws, prints or exits.
LATHE_COMPILE_API int lathe_diff(const lathe_diff_options_t *options, char **out_json, char **out_messages);
/// Accepts null.
LATHE_COMPILE_API void lathe_compile_free(char *messages);
/// "0.1.0".
LATHE_COMPILE_API const char *lathe_compile_version(void);

#ifdef __cplusplus
} // extern "C"
#endif

#endif // LATHE_COMPILE_H
