#include "compiler/quantize/PrecisionRules.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/Support/JSON.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Regex.h"

using namespace mlir;

namespace lathe {

namespace {

llvm::Error failed(const llvm::Twine &message) {
  return llvm::createStringError(std::errc::invalid_argument, "%s", message.str().c_str());
}

/// One rule of a file.
class RuleReader {
public:
  RuleReader(const llvm::json::Value &value, const nn::NodePrecision &usual, std::string place)
      : value(value), usual(usual), place(std::move(place)) {}

  llvm::Expected<PrecisionRule> read() {
    const llvm::json::Object *object = value.getAsObject();
    if (!object)
      return failed(place + ": expects an object with 'nodes' and 'precision'");
    for (const auto &entry : *object)
      if (!llvm::is_contained({"nodes", "precision", "group_size", "method"}, entry.first.str()))
        return failed(place + ": expects keys nodes, precision, group_size and method, got '" + entry.first.str() +
                      "'");
    auto nodes = object->getString("nodes"), precision = object->getString("precision");
    if (!nodes || !precision)
      return failed(place + ": expects a text for each of 'nodes' and 'precision'");
    std::string problem;
    if (!llvm::Regex(*nodes).isValid(problem))
      return failed(place + ": expects a regular expression, got '" + *nodes + "': " + problem);
    auto parsed = nn::parsePrecision(*precision);
    if (!parsed)
      return failed(place + ": expects precision to be f32, int8, int8-dynamic or int4, got '" + *precision + "'");
    PrecisionRule rule{nodes->str(), {*parsed, *parsed == nn::Precision::f32 ? "kept in f32 by --precisions" : ""}};
    rule.wanted.isFixed = true;
    if (llvm::Error error = readInt4(*object, rule.wanted))
      return std::move(error);
    return rule;
  }

private:
  llvm::Error readInt4(const llvm::json::Object &object, nn::NodePrecision &wanted) {
    wanted.groupSize = usual.groupSize;
    wanted.int4Method = usual.int4Method;
    const llvm::json::Value *size = object.get("group_size"), *method = object.get("method");
    if ((size || method) && wanted.precision != nn::Precision::int4)
      return failed(place + ": expects precision int4 with group_size and method");
    if (size) {
      auto number = size->getAsInteger();
      std::string problem = number ? nn::groupSizeProblem(*number) : "expects a whole number for group_size";
      if (!problem.empty())
        return failed(place + ": " + problem);
      wanted.groupSize = *number;
    }
    if (!method)
      return llvm::Error::success();
    auto parsed = nn::parseInt4Method(method->getAsString().value_or(""));
    if (!parsed)
      return failed(place + ": expects method to be rtn, gptq, awq or adaround");
    wanted.int4Method = *parsed;
    return llvm::Error::success();
  }

  const llvm::json::Value &value;
  const nn::NodePrecision &usual;
  std::string place;
};

} // namespace

llvm::Expected<std::vector<PrecisionRule>> readPrecisionRules(StringRef path, const nn::NodePrecision &usual) {
  auto buffer = llvm::MemoryBuffer::getFile(path, /*IsText=*/true);
  if (!buffer)
    return llvm::createStringError(buffer.getError(), "can't open '%s': %s", path.str().c_str(),
                                   buffer.getError().message().c_str());
  llvm::Expected<llvm::json::Value> root = llvm::json::parse((*buffer)->getBuffer());
  if (!root)
    return failed("'" + path + "': " + llvm::toString(root.takeError()));
  const llvm::json::Array *list = root->getAsArray();
  if (!list)
    return failed("'" + path + "': expects a list of rules");
  std::vector<PrecisionRule> rules;
  for (const auto &[number, value] : llvm::enumerate(*list)) {
    auto rule = RuleReader(value, usual, ("'" + path + "': rule " + llvm::Twine(number)).str()).read();
    if (!rule)
      return rule.takeError();
    rules.push_back(std::move(*rule));
  }
  return rules;
}

llvm::Error assignPrecisions(func::FuncOp function, const PrecisionChoice &choice) {
  std::vector<llvm::Regex> expressions;
  for (const PrecisionRule &rule : choice.rules)
    expressions.emplace_back(rule.nodes);
  std::vector<bool> isUsed(choice.rules.size());
  llvm::Regex keep(choice.keep);
  for (const nn::QuantizableNode &node : nn::quantizableNodes(function)) {
    const nn::NodePrecision *wanted = nullptr;
    for (const auto &[number, expression] : llvm::enumerate(expressions))
      if (expression.match(node.name)) {
        isUsed[number] = true;
        wanted = wanted ? wanted : &choice.rules[number].wanted;
      }
    if (!choice.keep.empty() && keep.match(node.name))
      nn::setPrecision(node.op, {nn::Precision::f32, "kept in f32 by --keep"});
    else
      nn::setPrecision(node.op, nn::nearestPrecision(node, wanted ? *wanted : choice.general, choice.hasSamples));
  }
  for (const auto &[rule, used] : llvm::zip_equal(choice.rules, isUsed))
    if (!used)
      return failed("expects each rule of --precisions to match a node with constant weights, got none for '" +
                    rule.nodes + "'");
  return llvm::Error::success();
}

} // namespace lathe
