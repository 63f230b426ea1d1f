#include "tests/conformance/RunCase.h"
#include "compiler/driver/Driver.h"
#include "lathe/lathe.hpp"
#include "onnx/onnx_pb.h"
#include "tests/conformance/Tensors.h"
#include <algorithm>
#include <fmt/format.h>
#include <fstream>
#include <set>
#include <sys/stat.h>
#include <unistd.h>

namespace lathe::conformance {
namespace {

bool exists(const std::string &path) {
  struct stat info;
  return stat(path.c_str(), &info) == 0;
}

std::vector<std::string> namesOf(const std::vector<TensorInfo> &infos) {
  std::vector<std::string> names;
  for (const TensorInfo &info : infos)
    names.push_back(info.name);
  return names;
}

Result runDataSet(const Artifact &artifact, Session &session, const Interface &interface, const Case &testCase,
                  const std::string &folder) {
  std::vector<Tensor> inputs, wanted;
  std::string problem;
  if (!readTensors(folder + "/input", interface.inputs, namesOf(artifact.inputs()), inputs, problem) ||
      !readTensors(folder + "/output", interface.outputs, namesOf(artifact.outputs()), wanted, problem))
    return {Outcome::Refused, problem};
  std::vector<lathe_tensor_t> views;
  for (Tensor &input : inputs)
    views.push_back(input.view());
  std::vector<lathe_tensor_t> outputs = session.run(views);
  std::vector<TensorInfo> infos = artifact.outputs();
  for (size_t i = 0; i < outputs.size(); ++i) {
    std::string text = difference(outputs[i], wanted[i], testCase.rtol, testCase.atol);
    if (!text.empty())
      return {Outcome::Wrong, fmt::format("output '{}': {}", infos[i].name, text)};
  }
  return {Outcome::Pass, ""};
}

Result runArtifact(const Case &testCase, const std::string &model, const std::string &path) {
  Artifact artifact(path);
  lathe_session_options_t options = LATHE_SESSION_OPTIONS_INIT;
  options.threads = 2;
  Session session(artifact, options);
  Interface interface = interfaceOf(model);
  if (artifact.outputs().size() != interface.outputs.size() || artifact.inputs().size() != interface.inputs.size())
    return {Outcome::Wrong, fmt::format("expects {} inputs and {} outputs, got {} and {}", interface.inputs.size(),
                                        interface.outputs.size(), artifact.inputs().size(), artifact.outputs().size())};
  for (int i = 0; i < testCase.datasets; ++i) {
    Result result =
        runDataSet(artifact, session, interface, testCase, fmt::format("{}/test_data_set_{}", testCase.folder, i));
    if (result.outcome != Outcome::Pass)
      return result;
  }
  return {Outcome::Pass, ""};
}

} // namespace

Interface interfaceOf(const std::string &path) {
  onnx::ModelProto model;
  std::ifstream file(path, std::ios::binary);
  Interface interface;
  if (!model.ParseFromIstream(&file))
    return interface;
  std::set<std::string> weights;
  for (const auto &tensor : model.graph().initializer())
    weights.insert(tensor.name());
  for (const auto &input : model.graph().input())
    if (!weights.count(input.name()))
      interface.inputs.push_back(input.name());
  for (const auto &output : model.graph().output())
    interface.outputs.push_back(output.name());
  return interface;
}

bool readTensors(const std::string &prefix, const std::vector<std::string> &names,
                 const std::vector<std::string> &wanted, std::vector<Tensor> &tensors, std::string &problem) {
  tensors.resize(wanted.size());
  for (size_t i = 0; i < wanted.size(); ++i) {
    size_t position = std::find(names.begin(), names.end(), wanted[i]) - names.begin();
    std::string path = fmt::format("{}_{}.pb", prefix, position);
    std::optional<Tensor> tensor = readTensor(path);
    if (!tensor) {
      problem = fmt::format("test data is no tensor: {}", wanted[i]);
      return false;
    }
    tensors[i] = std::move(*tensor);
  }
  return true;
}

Result runCase(const Case &testCase, const std::string &artifact) {
  if (testCase.isInterpreted)
    return interpretCase(testCase);
  CompileOptions options;
  options.modelPath = testCase.folder + "/model.onnx";
  options.outputPath = artifact;
  CompileStatus status = compileModel(options);
  if (!status.isOk()) {
    bool isSilent = status.messages.find("error") == std::string::npos;
    return {isSilent ? Outcome::Wrong : Outcome::Refused, isSilent ? "refused without a message" : status.messages};
  }
  Result result;
  try {
    result = runArtifact(testCase, options.modelPath, artifact);
  } catch (const Error &error) {
    result = {Outcome::Refused, std::string("run: ") + error.what()};
  }
  if (exists(artifact))
    unlink(artifact.c_str());
  return result;
}

} // namespace lathe::conformance
