/* Uses the compiler's C API the way an application does: capi-compile DOUBLE.onnx WORK_FOLDER; exits with 1 at the first thing
   that isn't as expected. */
#define _POSIX_C_SOURCE 200809L
#include "expect.h"
#include <lathe/lathe.h>
#include <lathe/lathe_compile.h>

#include <pthread.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *model_path, *work;

/* A name in the work folder; up to eight at a time. */
static const char *place(const char *name) {
  static char names[8][1024];
  static unsigned next;
  char *result = names[next++ % 8];
  snprintf(result, sizeof names[0], "%s/%s", work, name);
  return result;
}

static void expect_code(const lathe_compile_options_t *options, int code, const char *part) {
  char *messages = NULL;
  int got = lathe_compile(options, &messages);
  EXPECT(messages);
  if (got != code || (part ? !strstr(messages, part) : *messages != 0)) {
    fprintf(stderr, "expects %d with '%s', got %d: %s\n", code, part ? part : "", got, messages);
    exit(1);
  }
  lathe_compile_free(messages);
}

static lathe_compile_options_t good_options(const char *output) {
  lathe_compile_options_t options = LATHE_COMPILE_OPTIONS_INIT;
  options.model_path = model_path;
  options.output_path = output;
  return options;
}

static void *read_file(const char *path, size_t *size) {
  FILE *file = fopen(path, "rb");
  char *data = NULL;
  EXPECT(file && fseek(file, 0, SEEK_END) == 0);
  *size = (size_t)ftell(file);
  rewind(file);
  data = malloc(*size + 1);
  EXPECT(data && fread(data, 1, *size, file) == *size);
  data[*size] = 0;
  fclose(file);
  return data;
}

static void expect_doubles(const char *path) {
  lathe_artifact_t *artifact = NULL;
  lathe_session_t *session = NULL;
  float x[3] = {1, 2, 3}, y[3] = {0, 0, 0};
  int64_t shape[1] = {3};
  lathe_tensor_t input = {x, sizeof x, shape, 1, LATHE_F32, 0}, output = {y, sizeof y, NULL, 0, 0, 0};
  EXPECT(!lathe_artifact_open(path, NULL, &artifact));
  EXPECT(!lathe_session_create(artifact, NULL, &session));
  EXPECT(!lathe_session_run(session, &input, 1, &output, 1));
  EXPECT(y[0] == 2 && y[1] == 4 && y[2] == 6);
  lathe_session_destroy(session);
  lathe_artifact_close(artifact);
}

static void append_phase(void *context, const char *phase) { strcat(strcat(context, phase), " "); }

static void check_file(void) {
  static const char *const cpus[] = {"x86-64-v3", "native"}, *const dims[] = {"n=1..64"};
  char phases[256] = "";
  size_t size;
  char *text;
  lathe_compile_options_t options = good_options(place("file.lathe"));
  expect_code(&options, LATHE_COMPILE_OK, NULL);
  expect_doubles(options.output_path);
  options.cpus = cpus;
  options.cpu_count = 2;
  options.dims = dims;
  options.dim_count = 1;
  options.report_path = place("report.json");
  options.dump_to = place("dump");
  options.progress = append_phase;
  options.progress_context = phases;
  expect_code(&options, LATHE_COMPILE_OK, NULL);
  expect_doubles(options.output_path);
  EXPECT(strcmp(phases, "import canonical quantize layout fuse plan codegen write ") == 0);
  text = read_file(options.report_path, &size);
  EXPECT(strstr(text, "\"phases\"") && strstr(text, "x86-64-v3"));
  free(text);
  EXPECT(access(place("dump/00-import.mlir"), R_OK) == 0);
  EXPECT(lathe_compile(&options, NULL) == LATHE_COMPILE_OK); /* messages may be left out */
}

/* The samples of x: one array of `count` floats, in NumPy's format. */
static const char *write_samples(const char *name, size_t count, float last) {
  const char *path = place(name);
  char header[128];
  FILE *file = fopen(path, "wb");
  EXPECT(file && count > 0);
  memset(header, ' ', sizeof header);
  memcpy(header, "\x93NUMPY\1\0\x76\0", 10);
  header[10 + sprintf(header + 10, "{'descr': '<f4', 'fortran_order': False, 'shape': (%u,)}", (unsigned)count)] = ' ';
  header[sizeof header - 1] = '\n';
  EXPECT(fwrite(header, 1, sizeof header, file) == sizeof header);
  for (size_t i = 0; i < count; ++i) {
    float value = i + 1 < count ? (float)i : last;
    EXPECT(fwrite(&value, sizeof value, 1, file) == 1);
  }
  EXPECT(fclose(file) == 0);
  return path;
}

static void check_diff(void) {
  lathe_compile_options_t options = good_options(place("compared.lathe"));
  lathe_diff_options_t diff = LATHE_DIFF_OPTIONS_INIT;
  char *json = NULL, *messages = NULL;
  expect_code(&options, LATHE_COMPILE_OK, NULL);
  EXPECT(lathe_diff(NULL, &json, &messages) == LATHE_COMPILE_BAD_OPTIONS && !json && strstr(messages, "struct_size"));
  lathe_compile_free(messages);
  diff.model_path = model_path;
  diff.artifact_path = options.output_path;
  EXPECT(lathe_diff(&diff, NULL, NULL) == LATHE_COMPILE_BAD_OPTIONS);
  diff.data_path = write_samples("compared.npy", 4, 3);
  diff.html_path = place("none/page.html");
  EXPECT(lathe_diff(&diff, &json, &messages) == LATHE_COMPILE_BAD_ENVIRONMENT && !json &&
         strstr(messages, "can't write"));
  lathe_compile_free(messages);
  diff.html_path = place("page.html");
  EXPECT(lathe_diff(&diff, &json, &messages) == LATHE_COMPILE_OK && !*messages);
  EXPECT(strstr(json, "\"layers\"") && strstr(json, "\"f32_cost\""));
  EXPECT(access(diff.html_path, R_OK) == 0);
  lathe_compile_free(messages);
  lathe_compile_free(json);
}

static void check_quantizing(void) {
  static const double mean[] = {0.5};
  lathe_compile_options_t options = good_options(place("quantized.lathe"));
  options.quantize = "int3";
  expect_code(&options, LATHE_COMPILE_BAD_OPTIONS, "got 'int3'");
  options.quantize = "int8";
  expect_code(&options, LATHE_COMPILE_BAD_OPTIONS, "--calibrate");
  options.calibrate = write_samples("samples.npy", 4, 3);
  options.calibrate_method = "guess";
  expect_code(&options, LATHE_COMPILE_BAD_OPTIONS, "got 'guess'");
  options.calibrate_method = "min-max";
  options.keep = "(";
  expect_code(&options, LATHE_COMPILE_BAD_OPTIONS, "--keep");
  options.keep = "nothing";
  expect_code(&options, LATHE_COMPILE_OK, NULL);
  expect_doubles(options.output_path);
  options.quantize = "int4";
  options.group_size = 3;
  expect_code(&options, LATHE_COMPILE_BAD_OPTIONS, "power of two");
  options.group_size = 64;
  options.int4_method = "guess";
  expect_code(&options, LATHE_COMPILE_BAD_OPTIONS, "got 'guess'");
  options.int4_method = "awq";
  options.int4_activations = "int4";
  expect_code(&options, LATHE_COMPILE_BAD_OPTIONS, "got 'int4'");
  options.int4_activations = "f32";
  expect_code(&options, LATHE_COMPILE_OK, NULL);
  options.int4_activations = NULL;
  options.quantize = "int8";
  options.int4_method = NULL;
  options.group_size = 0;
  options.precisions = place("absent.json");
  expect_code(&options, LATHE_COMPILE_BAD_ENVIRONMENT, "absent.json");
  options.precisions = NULL;
  options.image_mean_count = 1;
  expect_code(&options, LATHE_COMPILE_BAD_OPTIONS, "image_mean");
  options.image_mean = mean;
  options.quantize = "int8-dynamic";
  options.calibrate = NULL;
  options.struct_size = offsetof(lathe_compile_options_t, quantize); /* of a caller who knows nothing of it */
  expect_code(&options, LATHE_COMPILE_OK, NULL);
  expect_doubles(options.output_path);
}

static void check_quantized_onnx(void) {
  char *messages = NULL;
  lathe_compile_options_t options = good_options(place("quantized.onnx"));
  options.quantize = "int8";
  EXPECT(lathe_quantize(&options, &messages) == LATHE_COMPILE_BAD_OPTIONS && strstr(messages, "--calibrate"));
  lathe_compile_free(messages);
  options.calibrate = write_samples("samples.npy", 4, 3);
  EXPECT(lathe_quantize(&options, &messages) == LATHE_COMPILE_OK);
  lathe_compile_free(messages);
  options.quantize = "auto";
  options.pareto_path = place("absent/list.json");
  EXPECT(lathe_quantize(&options, &messages) == LATHE_COMPILE_BAD_ENVIRONMENT && strstr(messages, "list.json"));
  lathe_compile_free(messages);
  options.pareto_path = place("list.json");
  EXPECT(lathe_quantize(&options, &messages) == LATHE_COMPILE_OK && access(options.pareto_path, R_OK) == 0);
  lathe_compile_free(messages);
  options = good_options(place("of-quantized.lathe"));
  options.model_path = place("quantized.onnx");
  expect_code(&options, LATHE_COMPILE_OK, NULL);
  expect_doubles(options.output_path);
}

static void check_tuning(void) {
  size_t size;
  char *text;
  lathe_compile_options_t options = good_options(place("tuned.lathe"));
  options.tune_db = place("tuned.txt");
  unlink(options.tune_db);
  expect_code(&options, LATHE_COMPILE_BAD_ENVIRONMENT, "tuned.txt");
  options.tune = 1;
  options.tune_threads = 2;
  expect_code(&options, LATHE_COMPILE_OK, NULL);
  expect_doubles(options.output_path);
  text = read_file(options.tune_db, &size);
  EXPECT(strncmp(text, "lathe tuning database", 21) == 0);
  free(text);
  options.tune_threads = 100000;
  expect_code(&options, LATHE_COMPILE_BAD_OPTIONS, "--tune-threads");
  options = good_options(place("tuned.lathe"));
  options.struct_size = offsetof(lathe_compile_options_t, tune); /* of a caller who knows nothing of it */
  expect_code(&options, LATHE_COMPILE_OK, NULL);
}

static void check_provider(void) {
  lathe_compile_options_t options = good_options(place("provided.lathe"));
  options.provider = "onednn"; /* which takes no element-wise operation: the file needs no library */
  expect_code(&options, LATHE_COMPILE_OK, NULL);
  expect_doubles(options.output_path);
  options.provider = "auto";
  expect_code(&options, LATHE_COMPILE_OK, NULL);
  expect_doubles(options.output_path);
  setenv("LATHE_ONEDNN_LIBRARY", "/nowhere/libdnnl.so.3", 1);
  options.tune = 1; /* goes on without the library, and says so */
  expect_code(&options, LATHE_COMPILE_OK, "--provider auto needs oneDNN 3, but '/nowhere/libdnnl.so.3' can't be used");
  expect_doubles(options.output_path);
  unsetenv("LATHE_ONEDNN_LIBRARY");
  options.provider = "mkl";
  expect_code(&options, LATHE_COMPILE_BAD_OPTIONS, "--provider");
}

static void check_memory(void) {
  static const char broken[] = "no model";
  char *report, expected[64];
  size_t size, report_size;
  void *model = read_file(model_path, &size);
  lathe_compile_options_t options = good_options(place("memory.lathe"));
  options.model_path = NULL;
  options.model_data = model;
  options.model_size = size;
  options.report_path = place("memory.json");
  expect_code(&options, LATHE_COMPILE_OK, NULL);
  expect_doubles(options.output_path);
  report = read_file(options.report_path, &report_size);
  snprintf(expected, sizeof expected, "\"model_bytes\": %zu", size);
  EXPECT(strstr(report, expected));
  free(report);
  options.model_data = broken;
  options.model_size = sizeof broken;
  options.model_path = "given name";
  expect_code(&options, LATHE_COMPILE_BAD_MODEL, "given name: error: ");
  options.model_size = 0;
  expect_code(&options, LATHE_COMPILE_BAD_OPTIONS, "expects model_data and model_size together");
  free(model);
}

static void check_bad_options(void) {
  static const char *const unknown[] = {"x86-64-v9"}, *const none[] = {NULL}, *const wrong[] = {"n=2..1"};
  struct {
    lathe_compile_options_t known;
    void *added;
  } newer = {good_options(place("newer.lathe")), NULL};
  lathe_compile_options_t options = good_options(place("bad.lathe"));
  expect_code(NULL, LATHE_COMPILE_BAD_OPTIONS, "expects options with struct_size set");
  options.struct_size = 8;
  expect_code(&options, LATHE_COMPILE_BAD_OPTIONS, "expects options with struct_size set");
  options = good_options(NULL);
  expect_code(&options, LATHE_COMPILE_BAD_OPTIONS, "expects an output_path");
  options = good_options(place("bad.lathe"));
  options.model_path = NULL;
  expect_code(&options, LATHE_COMPILE_BAD_OPTIONS, "expects a model_path or model_data");
  options = good_options(place("bad.lathe"));
  options.cpus = unknown;
  options.cpu_count = 1;
  expect_code(&options, LATHE_COMPILE_BAD_OPTIONS, "x86-64-v9");
  options.cpus = none;
  expect_code(&options, LATHE_COMPILE_BAD_OPTIONS, "expects a text for each of cpus and dims");
  options.cpu_count = 0;
  options.dim_count = 1;
  expect_code(&options, LATHE_COMPILE_BAD_OPTIONS, "expects a text for each of cpus and dims");
  options.dims = wrong;
  expect_code(&options, LATHE_COMPILE_BAD_OPTIONS, "expects --dim name=size or name=low..high, got 'n=2..1'");
  newer.known.struct_size = sizeof newer;
  expect_code(&newer.known, LATHE_COMPILE_OK, NULL);
  newer.added = &newer;
  expect_code(&newer.known, LATHE_COMPILE_BAD_OPTIONS, "doesn't know");
}

static void check_failures(void) {
  lathe_compile_options_t options = good_options(place("failed.lathe"));
  options.model_path = place("missing.onnx");
  expect_code(&options, LATHE_COMPILE_BAD_ENVIRONMENT, "missing.onnx");
  options.model_path = place("file.lathe"); /* no model */
  expect_code(&options, LATHE_COMPILE_BAD_MODEL, "file.lathe");
  options = good_options(place("nowhere/failed.lathe"));
  expect_code(&options, LATHE_COMPILE_BAD_ENVIRONMENT, "No such file or directory");
  options = good_options(place("failed.lathe"));
  options.report_path = place("nowhere/report.json");
  expect_code(&options, LATHE_COMPILE_BAD_ENVIRONMENT, "nowhere/report.json': No such file or directory");
  options.report_path = work;
  expect_code(&options, LATHE_COMPILE_BAD_ENVIRONMENT, "s a directory");
  options.report_path = NULL;
  options.dump_to = model_path;
  expect_code(&options, LATHE_COMPILE_BAD_ENVIRONMENT, "Not a directory");
  EXPECT(access(options.output_path, F_OK) != 0);
}

static void *compile_some(void *output) {
  lathe_compile_options_t options = good_options(output);
  int i;
  for (i = 0; i < 5; ++i)
    expect_code(&options, LATHE_COMPILE_OK, NULL);
  return NULL;
}

static void check_threads(void) {
  pthread_t threads[4];
  char names[4][1024];
  int i;
  for (i = 0; i < 4; ++i) {
    snprintf(names[i], sizeof names[i], "%s/thread-%d.lathe", work, i);
    EXPECT(!pthread_create(&threads[i], NULL, compile_some, names[i]));
  }
  for (i = 0; i < 4; ++i) {
    pthread_join(threads[i], NULL);
    expect_doubles(names[i]);
  }
}

int main(int argc, char **argv) {
  EXPECT(argc == 3);
  model_path = argv[1];
  work = argv[2];
  mkdir(work, 0777);
  EXPECT(strcmp(lathe_compile_version(), lathe_version_string()) == 0);
  lathe_compile_free(NULL);
  check_file();
  check_memory();
  check_quantizing();
  check_quantized_onnx();
  check_diff();
  check_tuning();
  check_provider();
  check_bad_options();
  check_failures();
  check_threads();
  return 0;
}
