/* Uses the C API the way an application does; exits with 1 at the first thing
   that isn't as expected. */
#include "expect.h"
#include <lathe/lathe.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void expect_ok(lathe_status_t *status) {
  if (status) {
    fprintf(stderr, "unexpected: %s\n", lathe_status_message(status));
    exit(1);
  }
}

static void expect_error(lathe_status_t *status, lathe_code_t code, const char *part) {
  if (lathe_status_code(status) != code || !strstr(lathe_status_message(status), part)) {
    fprintf(stderr, "expects code %d with '%s', got %d: %s\n", (int)code, part, (int)lathe_status_code(status),
            lathe_status_message(status));
    exit(1);
  }
  lathe_status_free(status);
}

static void check_version(void) {
  EXPECT(lathe_api_version() >= LATHE_API_VERSION);
  EXPECT(strlen(lathe_version_string()) > 0);
  EXPECT(lathe_status_code(NULL) == LATHE_OK);
  EXPECT(strcmp(lathe_status_message(NULL), "success") == 0);
  lathe_status_free(NULL);
  EXPECT(lathe_dtype_bytes(LATHE_BF16) == 2);
  EXPECT(strcmp(lathe_dtype_name(LATHE_BOOL), "bool") == 0);
  EXPECT(lathe_dtype_bytes((lathe_dtype_t)77) == 0);
}

static void check_info(const lathe_artifact_t *artifact) {
  lathe_tensor_info_t info = LATHE_TENSOR_INFO_INIT;
  size_t index = 9;
  EXPECT(lathe_artifact_input_count(artifact) == 2);
  EXPECT(lathe_artifact_output_count(artifact) == 1);
  expect_ok(lathe_artifact_output_info(artifact, 0, &info));
  EXPECT(strcmp(info.name, "y") == 0 && info.rank == 2 && info.shape[0] == -1 && info.shape[1] == 4);
  expect_ok(lathe_artifact_find_output(artifact, "y", &index));
  EXPECT(index == 0);
  expect_error(lathe_artifact_find_output(artifact, "z", &index), LATHE_INVALID_ARGUMENT, "no output 'z'");
}

static void check_run(lathe_session_t *session) {
  float a[8] = {0, 1, 2, 3, 4, 5, 6, 7}, b[8] = {10, 10, 10, 10, 20, 20, 20, 20}, y[8];
  int64_t shape[2] = {2, 4}, other[2] = {3, 4};
  lathe_tensor_t inputs[2] = {{a, sizeof(a), shape, 2, LATHE_F32, 0}, {b, sizeof(b), shape, 2, LATHE_F32, 0}};
  lathe_tensor_t output = {0};
  int i;
  expect_ok(lathe_session_prepare(session, inputs, 2, &output, 1));
  EXPECT(output.size_bytes == sizeof(y) && output.data == NULL);
  output.data = y;
  output.size_bytes = sizeof(y);
  expect_ok(lathe_session_run(session, inputs, 2, &output, 1));
  for (i = 0; i < 8; ++i)
    EXPECT(y[i] == a[i] + b[i] + (float)(i % 4 + 1));
  inputs[1].shape = other;
  expect_error(lathe_session_run(session, inputs, 2, &output, 1), LATHE_SHAPE_MISMATCH, "input 'b' axis 0");
}

int main(int argc, char **argv) {
  lathe_artifact_t *artifact = NULL;
  lathe_session_t *session = NULL;
  lathe_session_options_t options = LATHE_SESSION_OPTIONS_INIT;
  EXPECT(argc == 2);
  check_version();
  expect_error(lathe_artifact_open("missing.lathe", NULL, &artifact), LATHE_IO_ERROR, "missing.lathe");
  expect_ok(lathe_artifact_open(argv[1], NULL, &artifact));
  check_info(artifact);
  expect_ok(lathe_artifact_verify(artifact));
  options.threads = 2;
  expect_ok(lathe_session_create(artifact, &options, &session));
  lathe_artifact_close(artifact); /* the session keeps what it needs */
  check_run(session);
  check_run(session);
  lathe_session_destroy(session);
  return 0;
}
