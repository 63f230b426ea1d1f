/* Runs an artifact with fixed sizes on one thread, for callgrind: only what measured_run does is counted.
 *
 *   measured ARTIFACT
 *
 * Inputs are filled with small numbers that repeat. Two runs before the counted one allocate and fill tables.
 */
#include <lathe/lathe.h>

#include <stdio.h>
#include <stdlib.h>

enum { kMaxTensors = 8 };

static void check(lathe_status_t *status) {
  if (!status)
    return;
  fprintf(stderr, "measured: error: %s\n", lathe_status_message(status));
  exit(1);
}

/* Open sizes are 1. */
static lathe_tensor_t make_input(const lathe_artifact_t *artifact, size_t index) {
  lathe_tensor_info_t info = LATHE_TENSOR_INFO_INIT;
  check(lathe_artifact_input_info(artifact, index, &info));
  size_t count = 1;
  int64_t *shape = malloc((info.rank + 1) * sizeof(int64_t));
  for (uint32_t axis = 0; axis < info.rank; ++axis) {
    shape[axis] = info.shape[axis] < 0 ? 1 : info.shape[axis];
    count *= (size_t)shape[axis];
  }
  size_t bytes = count * lathe_dtype_bytes((lathe_dtype_t)info.dtype);
  void *data = aligned_alloc(64, (bytes + 63) / 64 * 64);
  for (size_t i = 0; i < count && info.dtype == LATHE_F32; ++i)
    ((float *)data)[i] = (float)(i % 13) * 0.1f - 0.6f;
  lathe_tensor_t tensor = {data, bytes, shape, info.rank, info.dtype, 0};
  return tensor;
}

__attribute__((noinline)) lathe_status_t *measured_run(lathe_session_t *session, const lathe_tensor_t *inputs,
                                                       size_t input_count, lathe_tensor_t *outputs,
                                                       size_t output_count) {
  lathe_status_t *status = lathe_session_run(session, inputs, input_count, outputs, output_count);
  __asm__ volatile(""); /* no tail call: the function must be left by its own return */
  return status;
}

int main(int argc, char **argv) {
  if (argc != 2) {
    fprintf(stderr, "usage: measured ARTIFACT\n");
    return 2;
  }
  lathe_artifact_t *artifact;
  check(lathe_artifact_open(argv[1], NULL, &artifact));
  lathe_session_options_t options = LATHE_SESSION_OPTIONS_INIT;
  options.threads = 1;
  lathe_session_t *session;
  check(lathe_session_create(artifact, &options, &session));
  lathe_tensor_t inputs[kMaxTensors], outputs[kMaxTensors];
  size_t input_count = lathe_artifact_input_count(artifact), output_count = lathe_artifact_output_count(artifact);
  if (input_count > kMaxTensors || output_count > kMaxTensors)
    return 2;
  for (size_t i = 0; i < input_count; ++i)
    inputs[i] = make_input(artifact, i);
  for (int run = 0; run < 3; ++run) {
    for (size_t i = 0; i < output_count; ++i)
      outputs[i] = (lathe_tensor_t){0};
    check(run < 2 ? lathe_session_run(session, inputs, input_count, outputs, output_count)
                  : measured_run(session, inputs, input_count, outputs, output_count));
  }
  for (size_t i = 0; i < input_count; ++i)
    free(inputs[i].data);
  lathe_session_destroy(session);
  lathe_artifact_close(artifact);
  return 0;
}
