/* Serves a compiled model over standard input and output, in plain C.
 *
 *   serve MODEL.lathe < requests > answers
 *
 * A request has, for each input of the model in order, a line with its sizes ("1 128"; an empty line for a scalar) and then its
 * raw elements. An answer has, for each output, a line "NAME DTYPE SIZES" and its raw elements. Ends at the end of input.
 */
#include <lathe/lathe.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_RANK = 8, MAX_LINE = 256 };

typedef struct {
  lathe_tensor_t tensor;
  int64_t shape[MAX_RANK];
  size_t capacity;
} buffer_t;

static int fail(lathe_status_t *status) {
  fprintf(stderr, "serve: %s\n", lathe_status_message(status));
  lathe_status_free(status);
  return 1;
}

/* Reads one tensor. 1: done, 0: end of input, -1: malformed. */
static int read_tensor(buffer_t *buffer, int32_t dtype) {
  char line[MAX_LINE];
  if (!fgets(line, sizeof line, stdin))
    return 0;
  buffer->tensor.rank = 0;
  buffer->tensor.dtype = dtype;
  buffer->tensor.shape = buffer->shape;
  size_t bytes = lathe_dtype_bytes((lathe_dtype_t)dtype);
  char *next = line, *end;
  for (long long size; size = strtoll(next, &end, 10), end != next; next = end) {
    if (buffer->tensor.rank == MAX_RANK || size < 0 || (size > 0 && bytes > SIZE_MAX / (size_t)size))
      return -1;
    buffer->shape[buffer->tensor.rank++] = size;
    bytes *= (size_t)size;
  }
  if (bytes > buffer->capacity) {
    void *grown = realloc(buffer->tensor.data, bytes);
    if (!grown)
      return -1;
    buffer->tensor.data = grown;
    buffer->capacity = bytes;
  }
  buffer->tensor.size_bytes = bytes;
  return fread(buffer->tensor.data, 1, bytes, stdin) == bytes ? 1 : -1;
}

static void write_tensor(const char *name, const lathe_tensor_t *tensor) {
  printf("%s %s", name, lathe_dtype_name((lathe_dtype_t)tensor->dtype));
  for (uint32_t axis = 0; axis < tensor->rank; ++axis)
    printf(" %lld", (long long)tensor->shape[axis]);
  putchar('\n');
  fwrite(tensor->data, 1, tensor->size_bytes, stdout);
}

static int serve(const lathe_artifact_t *artifact, lathe_session_t *session) {
  size_t input_count = lathe_artifact_input_count(artifact), output_count = lathe_artifact_output_count(artifact);
  buffer_t *buffers = calloc(input_count, sizeof *buffers);
  lathe_tensor_t *inputs = calloc(input_count, sizeof *inputs), *outputs = calloc(output_count, sizeof *outputs);
  int result = buffers && inputs && outputs ? 0 : 1;
  for (int more = 1; more && !result;) {
    for (size_t i = 0; i < input_count && more && !result; ++i) {
      lathe_tensor_info_t info = LATHE_TENSOR_INFO_INIT;
      lathe_status_free(lathe_artifact_input_info(artifact, i, &info));
      int got = read_tensor(&buffers[i], info.dtype);
      more = got == 1;
      if (got < 0 || (got == 0 && i > 0)) {
        fprintf(stderr, "serve: input '%s' of the request is cut short or malformed\n", info.name);
        result = 1;
      }
      inputs[i] = buffers[i].tensor;
    }
    if (!more || result)
      break;
    memset(outputs, 0, output_count * sizeof *outputs); /* the session owns the outputs */
    lathe_status_t *status = lathe_session_run(session, inputs, input_count, outputs, output_count);
    if (status) {
      result = fail(status);
      break;
    }
    for (size_t i = 0; i < output_count; ++i) {
      lathe_tensor_info_t info = LATHE_TENSOR_INFO_INIT;
      lathe_status_free(lathe_artifact_output_info(artifact, i, &info));
      write_tensor(info.name, &outputs[i]);
    }
    fflush(stdout);
  }
  for (size_t i = 0; buffers && i < input_count; ++i)
    free(buffers[i].tensor.data);
  free(buffers);
  free(inputs);
  free(outputs);
  return result;
}

int main(int argc, char **argv) {
  if (argc != 2) {
    fprintf(stderr, "usage: serve MODEL.lathe < requests > answers\n");
    return 2;
  }
  lathe_artifact_t *artifact = NULL;
  lathe_session_t *session = NULL;
  lathe_status_t *status = lathe_artifact_open(argv[1], NULL, &artifact);
  if (!status)
    status = lathe_session_create(artifact, NULL, &session);
  int result = status ? fail(status) : serve(artifact, session);
  lathe_session_destroy(session);
  lathe_artifact_close(artifact);
  return result;
}
