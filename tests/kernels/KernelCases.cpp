#include "tests/kernels/KernelCases.h"

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <nlohmann/json.hpp>
#include <regex>
#include <sstream>

namespace lathe::test {

namespace {
/// Elements of "1x128x768xf32".
int64_t count(const std::string &type) {
  int64_t product = 1;
  std::istringstream parts(type);
  for (std::string part; std::getline(parts, part, 'x');)
    if (!part.empty() && std::isdigit(static_cast<unsigned char>(part[0])))
      product *= std::stoll(part);
  return product;
}

/// "strides = array<i64: 2, 2>" gives "2"; "" if the attribute isn't there.
std::string firstOf(const std::string &op, const std::string &attribute) {
  std::smatch match;
  return std::regex_search(op, match, std::regex(attribute + " = (?:array<i64: )?(\\d+)")) ? match[1].str() : "";
}

std::string sizes(const std::string &type) { return type.substr(0, type.rfind('x')); }
} // namespace

std::string KernelCase::text() const { return oneOp(op, inputs, outputs); }

std::string KernelCase::title() const {
  std::string kind = op.substr(3, op.find(' ', 3) - 3);
  std::string result = kind + " " + sizes(inputs[0]);
  bool hasTwo = kind == "matmul" || kind.starts_with("conv") || kind == "attention" || kind == "recurrent";
  if (hasTwo && inputs.size() > 1)
    result += ", " + sizes(inputs[1]);
  if (kind.starts_with("conv"))
    result += " /" + firstOf(op, "strides") + (firstOf(op, "group") == "1" ? "" : " group " + firstOf(op, "group"));
  if (!hasTwo && sizes(outputs[0]) != sizes(inputs[0]))
    result += " -> " + sizes(outputs[0]);
  return result;
}

int64_t KernelCase::elements() const {
  int64_t sum = 0;
  for (const std::string &type : inputs)
    sum += count(type);
  for (const std::string &type : outputs)
    sum += count(type);
  return sum;
}

std::vector<KernelCase> readKernelCases(const std::string &path) {
  std::ifstream file(path);
  nlohmann::json json = nlohmann::json::parse(file, nullptr, false);
  if (json.is_discarded()) {
    std::fprintf(stderr, "%s: expects kernel cases as tools/kernel-cases writes them\n", path.c_str());
    std::exit(2);
  }
  std::vector<KernelCase> cases;
  for (const auto &entry : json)
    cases.push_back({entry["op"], entry["inputs"], entry["outputs"], entry["constants"], entry["models"]});
  return cases;
}

RunOptions optionsOf(const KernelCase &kernelCase) {
  RunOptions options{.relative = 1e-4, .absolute = 1e-4, .low = -1, .high = 1};
  options.constants = kernelCase.constants;
  return options;
}

} // namespace lathe::test
