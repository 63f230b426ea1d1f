//===- Inspect.cpp - lathe inspect ----------------------------------------===//
//
// Part of Lathe, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "tools/lathe/Commands.h"
#include "tools/lathe/Html.h"
#include "tools/lathe/InspectJson.h"
#include "tools/lathe/Output.h"

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <map>

namespace lathe::cli {
namespace {

using Json = nlohmann::ordered_json;

std::string shapeText(const Json &tensor) {
  std::string text;
  for (const Json &size : tensor["shape"])
    text += (text.empty() ? "" : ", ") + (size.is_string() ? size.get<std::string>() : size.dump());
  return fmt::format("{}: {} [{}]", tensor["name"].get<std::string>(), tensor["dtype"].get<std::string>(), text);
}

std::string bytesText(const Json &bytes) {
  return bytes.is_null() ? "unknown" : fmt::format("{:.3f} MB", 1e-6 * bytes.get<double>());
}

void printBorders(const Json &model) {
  for (const char *side : {"inputs", "outputs"}) {
    fmt::print("{}\n", side);
    for (const Json &tensor : model[side])
      fmt::print("  {}\n", shapeText(tensor));
  }
}

void printTargets(const Json &model) {
  fmt::print("targets\n");
  for (const Json &target : model["targets"]) {
    std::string features;
    for (const Json &feature : target["features"])
      features += " " + feature.get<std::string>();
    fmt::print("  {} {}:{} ({} kernels, {} calls, {} bytes of code)\n", target["arch"].get<std::string>(),
               target["cpu"].get<std::string>(), features.empty() ? " no special features" : features,
               target["kernels"].dump(), target["calls"].dump(), target["code_bytes"].dump());
  }
}

void printMemory(const Json &model) {
  std::string at;
  for (const auto &[name, value] : model["at"].items())
    at += fmt::format("{}{} = {}", at.empty() ? " at " : ", ", name, value.dump());
  const Json &memory = model["memory"];
  fmt::print("memory{}\n  arena {}, lower bound {}, without reuse {}, weights {}\n", at,
             bytesText(memory["arena_bytes"]), bytesText(memory["lower_bound_bytes"]),
             bytesText(memory["no_reuse_bytes"]), bytesText(memory["weights_bytes"]));
}

void printKernels(const Json &model) {
  std::map<std::string, size_t> calls;
  for (const Json &call : model["calls"])
    ++calls[call["kernel"].get<std::string>()];
  fmt::print("kernels\n");
  for (const Json &kernel : model["kernels"])
    fmt::print("  {:4} x {}  {}\n", calls[kernel["name"].get<std::string>()], kernel["name"].get<std::string>(),
               kernel["description"].get<std::string>());
}

void printDecisions(const Json &model) {
  fmt::print("decisions\n");
  for (const Json &decision : model["decisions"])
    fmt::print("  {} {} {}: {}\n", decision["taken"].get<bool>() ? "+" : "-", decision["what"].get<std::string>(),
               decision["node"].get<std::string>(), decision["reason"].get<std::string>());
}

void print(const Json &model) {
  fmt::print("{} ({})\n", model["model"].get<std::string>(), model["producer"].get<std::string>());
  printBorders(model);
  printTargets(model);
  printMemory(model);
  printKernels(model);
  printDecisions(model);
}

/// The part of a benchmark's result that the page shows.
Json readProfile(const std::string &path) {
  std::ifstream file(path);
  if (!file)
    fail(Exit::Environment, "can't open '{}': {}", path, strerror(errno));
  Json result = Json::parse(file, nullptr, false);
  if (!result.is_object() || !result.contains("kernels") || !result["kernels"].is_array())
    fail(Exit::BadData, "{}: expects the result of lathe bench --profile --json", path);
  return result;
}

/// The sizes that the user gives, else those that were measured.
SizeOptions sizesOf(const Json &profile, const SizeOptions &given) {
  if (!given.shapes.empty() || !given.dims.empty() || !profile.contains("shapes"))
    return given;
  SizeOptions measured;
  for (const auto &[name, shape] : profile["shapes"].items())
    if (auto sizes = shape.get<std::vector<int64_t>>(); !sizes.empty())
      measured.shapes.push_back(fmt::format("{}={}", name, fmt::join(sizes, "x")));
  return measured;
}

} // namespace

Json describeMeasured(const std::string &path, const Json &profile, const SizeOptions &sizes) {
  Model model(path, LATHE_OPEN_INSPECT);
  Json json = describe(model, chooseSizes(model, sizesOf(profile, sizes), {}));
  json["file"] = std::filesystem::path(path).filename();
  if (!profile.is_null())
    json["profile"] = profile;
  return json;
}

Exit inspectModel(const InspectOptions &options) {
  Json profile = options.profile.empty() ? Json() : readProfile(options.profile);
  Json json = describeMeasured(options.model, profile, options.sizes);
  if (!options.json.empty())
    writeOutput(options.json, dumpJson(json, 2) + "\n");
  if (!options.html.empty())
    writeOutput(options.html, makePage(json));
  if (options.json.empty() && options.html.empty())
    print(json);
  return Exit::Ok;
}

} // namespace lathe::cli
