//===- main.cpp - the lathe command ---------------------------------------===//
//
// Part of Lathe, under the Apache License v2.0. See LICENSE.
//
// Running, measuring and looking at compiled models needs the runtime only and
// is done here; compile and check are done by lathe-compile, a program in the
// same folder that takes this one's place, and zoo by tools/zoo of the sources.
//
//===----------------------------------------------------------------------===//
#include "tools/lathe/Commands.h"

#include <CLI/CLI.hpp>
#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <functional>
#include <iostream>
#include <unistd.h>

using namespace lathe;
using namespace lathe::cli;

namespace {

struct OtherCommand {
  const char *name, *description;
  void (*become)(char **argv); ///< doesn't return
};

/// Replaces this process by another program with the same arguments.
[[noreturn]] void become(std::string program, char **argv, const char *hint) {
  argv[0] = program.data();
  execv(program.c_str(), argv);
  fmt::print(stderr, "lathe: error: can't start '{}': {}; {}\n", program, strerror(errno), hint);
  _exit(static_cast<int>(Exit::Environment));
}

std::filesystem::path ownPath() {
  std::error_code error;
  return std::filesystem::read_symlink("/proc/self/exe", error);
}

[[noreturn]] void becomeCompiler(char **argv) {
  become(ownPath().parent_path() / "lathe-compile", argv, "was lathe built without its compiler?");
}

/// The script takes the arguments behind "zoo", and measures this program.
[[noreturn]] void becomeZoo(char **argv) {
  setenv("LATHE", ownPath().c_str(), 1);
  become(LATHE_ZOO_SCRIPT, argv + 1, "the zoo needs the sources that lathe was built from");
}

constexpr std::array<OtherCommand, 6> otherCommands = {{
    {"compile", "Compile an ONNX model to a .lathe file", becomeCompiler},
    {"quantize", "Write a quantized model as ONNX", becomeCompiler},
    {"check", "Say what would be compiled how, node by node", becomeCompiler},
    {"diff", "Say what a compiled model lost, where, why and what helps", becomeCompiler},
    {"tune-db", "Merge what `lathe compile --tune` has measured", becomeCompiler},
    {"zoo", "Compile, check and measure the models of the zoo", becomeZoo},
}};

void addSizes(CLI::App &command, SizeOptions &sizes) {
  command.add_option("--shape", sizes.shapes, "Shape of an input: NAME=1x128")->type_name("NAME=SHAPE");
  command.add_option("--dim", sizes.dims, "Value of a symbol in shapes: NAME=128")->type_name("NAME=SIZE");
}

void addRun(CLI::App &app, RunOptions &options) {
  CLI::App &run = *app.add_subcommand("run", "Run a model on .npy files");
  run.add_option("model", options.model, "The .lathe file")->required();
  run.add_option("--input", options.inputs, "An input: NAME=FILE.npy")->type_name("NAME=FILE");
  run.add_option("--output-dir", options.outputFolder, "Write each output to DIR/NAME.npy")->type_name("DIR");
  run.add_option("--random", options.seed, "Make up the inputs that are not given, from this seed")->type_name("SEED");
  run.add_option("--threads", options.threads, "Threads; default: one per CPU");
  run.add_option("--expect", options.expects, "Compare an output: NAME=FILE.npy")->type_name("NAME=FILE");
  run.add_option("--rtol", options.rtol, "Difference allowed, relative to the largest magnitude expected")
      ->capture_default_str();
  run.add_option("--atol", options.atol, "Difference allowed on top of it")->capture_default_str();
  addSizes(run, options.sizes);
}

void addBench(CLI::App &app, BenchOptions &options) {
  CLI::App &bench = *app.add_subcommand("bench", "Measure the time of a model on made-up inputs");
  bench.add_option("model", options.model, "The .lathe file")->required();
  bench.add_option("--threads", options.threads, "Threads; default: one per CPU");
  bench.add_option("--seconds", options.seconds, "How long to measure")
      ->capture_default_str()
      ->check(CLI::NonNegativeNumber);
  bench.add_flag("--profile", options.profile, "Measure each kernel too, and the machine's limits");
  bench.add_option("--limits", options.limits, "Limits to compare with: what machine-limits wrote")->type_name("FILE");
  bench.add_option("--trace", options.trace, "Write what threads did in some runs, for chrome://tracing or Perfetto")
      ->type_name("FILE");
  bench.add_option("--html", options.html, "Write the page of inspect, with the profile and its roofline")
      ->type_name("FILE");
  bench.add_option("--json", options.json, "Write the result there; - is the standard output")->type_name("FILE");
  addSizes(bench, options.sizes);
}

void addInspect(CLI::App &app, InspectOptions &options) {
  CLI::App &inspect = *app.add_subcommand("inspect", "Show what a compiled model is made of, and why");
  inspect.add_option("model", options.model, "The .lathe file")->required();
  inspect.add_option("--json", options.json, "Write everything there; - is the standard output")->type_name("FILE");
  inspect.add_option("--html", options.html, "Write a page to look at in a browser")->type_name("FILE");
  inspect.add_option("--profile", options.profile, "Show times: what bench --profile --json wrote")->type_name("FILE");
  addSizes(inspect, options.sizes);
}

Exit dispatch(int argc, char **argv) {
  CLI::App app("Lathe compiles ONNX models to native programs and runs them.", "lathe");
  app.set_version_flag("--version", lathe_version_string());
  app.require_subcommand(1);
  RunOptions run;
  BenchOptions bench;
  InspectOptions inspect;
  for (const OtherCommand &command : otherCommands)
    app.add_subcommand(command.name, command.description);
  addRun(app, run);
  addBench(app, bench);
  addInspect(app, inspect);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError &error) {
    int code = app.exit(error);
    return code == 0 ? Exit::Ok : Exit::Usage;
  }
  if (app.got_subcommand("run")) {
    run.isRandom = app.get_subcommand("run")->count("--random") > 0;
    return runModel(run);
  }
  return app.got_subcommand("bench") ? benchModel(bench) : inspectModel(inspect);
}

int report(Exit exit, const std::string &message) {
  fmt::print(stderr, "lathe: error: {}\n", message);
  return static_cast<int>(exit);
}

} // namespace

int main(int argc, char **argv) {
  if (argc > 1)
    for (const OtherCommand &command : otherCommands)
      if (strcmp(argv[1], command.name) == 0)
        command.become(argv);
  try {
    return static_cast<int>(dispatch(argc, argv));
  } catch (const Failure &failure) {
    return report(failure.exit, failure.message);
  } catch (const lathe::Error &error) {
    return report(exitOf(error.code()), error.what());
  } catch (const std::bad_alloc &) {
    return report(Exit::Environment, "out of memory");
  } catch (const std::exception &error) {
    return report(Exit::Environment, error.what());
  }
}
