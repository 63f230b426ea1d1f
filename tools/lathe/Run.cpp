//===- Run.cpp - lathe run ------------------------------------------------===//
//
// Part of Lathe, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "tools/lathe/Commands.h"
#include "tools/lathe/Compare.h"
#include "tools/lathe/Output.h"

#include <cstdio>
#include <fmt/ranges.h>

namespace lathe::cli {
namespace {

std::map<size_t, HostTensor> readInputs(const Model &model, const std::vector<std::string> &options) {
  std::map<size_t, HostTensor> inputs;
  for (const std::string &option : options) {
    auto [name, file] = splitAssignment(option, "--input");
    size_t index = model.artifact().findInput(name);
    if (!inputs.emplace(index, readNpy(file)).second)
      fail(Exit::Usage, "input '{}' is given twice", name);
  }
  return inputs;
}

/// Given inputs, and random ones for the rest if that is wanted.
std::vector<HostTensor> gatherInputs(const Model &model, const RunOptions &options) {
  std::map<size_t, HostTensor> given = readInputs(model, options.inputs);
  std::vector<TensorInfo> infos = model.artifact().inputs();
  std::string missing;
  for (size_t i = 0; i < infos.size(); ++i)
    if (!given.count(i))
      missing += fmt::format("{}'{}'", missing.empty() ? "" : ", ", infos[i].name);
  if (!missing.empty() && !options.isRandom)
    fail(Exit::Usage, "no --input for {} (or use --random SEED)", missing);
  std::vector<HostTensor> inputs(infos.size());
  if (!missing.empty())
    inputs = makeInputs(model, chooseSizes(model, options.sizes, given), options.seed);
  for (auto &[index, tensor] : given)
    inputs[index] = std::move(tensor);
  return inputs;
}

/// Names may hold anything; file names better don't.
std::string fileName(std::string name) {
  for (char &c : name)
    if (c == '/' || c == '\0')
      c = '_';
  return name + ".npy";
}

void writeOutputs(const std::vector<TensorInfo> &infos, const std::vector<lathe_tensor_t> &outputs,
                  const std::string &folder) {
  makeFolder(folder);
  for (size_t i = 0; i < outputs.size(); ++i)
    writeOutput(folder + "/" + fileName(infos[i].name), formatNpy(outputs[i]));
}

Exit compareOutputs(const Model &model, const std::vector<lathe_tensor_t> &outputs, const RunOptions &options) {
  Exit exit = Exit::Ok;
  for (const std::string &option : options.expects) {
    auto [name, file] = splitAssignment(option, "--expect");
    size_t index = model.artifact().findOutput(name);
    HostTensor expected = readNpy(file);
    Difference difference = compare(outputs[index], expected.view(), options.rtol, options.atol);
    fmt::print("{} {}: {}\n", difference.isGood ? "same" : "DIFFERENT", name, difference.text);
    if (!difference.isGood)
      exit = Exit::BadData;
  }
  return exit;
}

void printOutputs(const std::vector<TensorInfo> &infos, const std::vector<lathe_tensor_t> &outputs) {
  for (size_t i = 0; i < outputs.size(); ++i)
    fmt::print("{}: {} [{}]\n", infos[i].name, lathe_dtype_name(static_cast<lathe_dtype_t>(outputs[i].dtype)),
               fmt::join(outputs[i].shape, outputs[i].shape + outputs[i].rank, ", "));
}

} // namespace

Exit runModel(const RunOptions &options) {
  Model model(options.model);
  for (const std::string &option : options.expects) // before the long part
    model.artifact().findOutput(splitAssignment(option, "--expect").first);
  std::vector<HostTensor> inputs = gatherInputs(model, options);
  lathe_session_options_t sessionOptions = LATHE_SESSION_OPTIONS_INIT;
  sessionOptions.threads = options.threads;
  Session session(model.artifact(), sessionOptions);
  std::vector<lathe_tensor_t> views = viewsOf(inputs);
  std::vector<lathe_tensor_t> outputs = session.run(views);
  std::vector<TensorInfo> infos = model.artifact().outputs();
  if (!options.outputFolder.empty())
    writeOutputs(infos, outputs, options.outputFolder);
  else if (options.expects.empty())
    printOutputs(infos, outputs);
  return compareOutputs(model, outputs, options);
}

} // namespace lathe::cli
