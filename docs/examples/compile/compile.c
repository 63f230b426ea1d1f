/* Compiles a model from inside a program, in plain C.
 *
 *   compile MODEL.onnx MODEL.lathe [NAME=SIZE...]
 *
 * The program has LLVM inside then; what only runs models is linked with lathe::runtime and stays small (../c/serve.c).
 */
#include <lathe/lathe_compile.h>
#include <stdio.h>

static void show(void *context, const char *phase) {
  (void)context;
  fprintf(stderr, "%s\n", phase);
}

int main(int argc, char **argv) {
  if (argc < 3) {
    fprintf(stderr, "usage: compile MODEL.onnx MODEL.lathe [NAME=SIZE...]\n");
    return LATHE_COMPILE_BAD_OPTIONS;
  }
  lathe_compile_options_t options = LATHE_COMPILE_OPTIONS_INIT;
  options.model_path = argv[1];
  options.output_path = argv[2];
  options.dims = (const char *const *)(argv + 3);
  options.dim_count = (size_t)argc - 3;
  options.progress = show;
  char *messages = NULL;
  int code = lathe_compile(&options, &messages);
  if (messages)
    fputs(messages, stderr);
  lathe_compile_free(messages);
  return code;
}
