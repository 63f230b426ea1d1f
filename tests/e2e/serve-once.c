/* A serving program at its smallest, to be looked at from outside: serve-once MODEL.lathe SHAPE...
 *
 * Opens the model, runs it once on ones of the shapes given ("1x128", one per input), then prints one line of JSON and keeps
 * its session until its input ends. What it says: load_ms (open and create the session), arena_bytes, scratch_bytes (of all
 * threads), weights_bytes, input_bytes, output_bytes (memory of the session).
 */
#define _POSIX_C_SOURCE 200809L
#include <lathe/lathe.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { MAX_TENSORS = 16, MAX_RANK = 8, THREADS = 2 };

static double now_ms(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return 1e3 * (double)time.tv_sec + 1e-6 * (double)time.tv_nsec;
}

static void expect_ok(lathe_status_t *status) {
  if (!status)
    return;
  fprintf(stderr, "serve-once: %s\n", lathe_status_message(status));
  exit(1);
}

/* Ones where they are numbers that models take as an index or a mask; zeros otherwise. */
static void fill(lathe_tensor_t *tensor) {
  size_t i;
  memset(tensor->data, 0, tensor->size_bytes);
  if (tensor->dtype == LATHE_I64)
    for (i = 0; i < tensor->size_bytes / sizeof(int64_t); ++i)
      ((int64_t *)tensor->data)[i] = 1;
}

static void make_input(lathe_tensor_t *tensor, int64_t *shape, int32_t dtype, const char *text) {
  size_t bytes = lathe_dtype_bytes((lathe_dtype_t)dtype);
  char *end = NULL;
  tensor->rank = 0;
  do {
    shape[tensor->rank] = strtoll(text, &end, 10);
    bytes *= (size_t)shape[tensor->rank++];
    text = end + 1;
  } while (*end == 'x' && tensor->rank < MAX_RANK);
  tensor->shape = shape;
  tensor->dtype = dtype;
  tensor->size_bytes = bytes;
  tensor->data = malloc(bytes);
  if (!tensor->data)
    exit(1);
  fill(tensor);
}

static size_t sum_bytes(const lathe_tensor_t *tensors, size_t count) {
  size_t sum = 0, i;
  for (i = 0; i < count; ++i)
    sum += tensors[i].size_bytes;
  return sum;
}

int main(int argc, char **argv) {
  static lathe_tensor_t inputs[MAX_TENSORS], outputs[MAX_TENSORS];
  static int64_t shapes[MAX_TENSORS][MAX_RANK];
  lathe_artifact_t *artifact = NULL;
  lathe_session_t *session = NULL;
  lathe_session_options_t options = LATHE_SESSION_OPTIONS_INIT;
  lathe_memory_needs_t needs = LATHE_MEMORY_NEEDS_INIT;
  size_t i, input_count = (size_t)argc - 2, output_count;
  double start = now_ms(), load_ms;

  options.threads = THREADS;
  expect_ok(lathe_artifact_open(argv[1], NULL, &artifact));
  expect_ok(lathe_session_create(artifact, &options, &session));
  load_ms = now_ms() - start;

  output_count = lathe_artifact_output_count(artifact);
  if (input_count != lathe_artifact_input_count(artifact) || input_count > MAX_TENSORS || output_count > MAX_TENSORS) {
    fprintf(stderr, "serve-once: expects %zu shapes, got %zu\n", lathe_artifact_input_count(artifact), input_count);
    return 2;
  }
  for (i = 0; i < input_count; ++i) {
    lathe_tensor_info_t info = LATHE_TENSOR_INFO_INIT;
    expect_ok(lathe_artifact_input_info(artifact, i, &info));
    make_input(&inputs[i], shapes[i], info.dtype, argv[i + 2]);
  }
  expect_ok(lathe_session_run(session, inputs, input_count, outputs, output_count));
  expect_ok(lathe_artifact_memory(artifact, inputs, input_count, &needs));
  printf("{\"load_ms\": %.3f, \"arena_bytes\": %llu, \"scratch_bytes\": %llu, \"weights_bytes\": %llu, "
         "\"input_bytes\": %zu, \"output_bytes\": %zu}\n",
         load_ms, (unsigned long long)needs.arena_bytes, (unsigned long long)(THREADS * needs.scratch_bytes),
         (unsigned long long)needs.weights_bytes, sum_bytes(inputs, input_count), sum_bytes(outputs, output_count));
  fflush(stdout);
  while (getchar() != EOF)
    continue;
  lathe_session_destroy(session);
  lathe_artifact_close(artifact);
  return 0;
}
