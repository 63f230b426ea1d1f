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
  RuleReader(const llvm::json::Value &value, std::string place) : value(value), place(std::move(place)) {}

  llvm::Expected<PrecisionRule> read() {
    const llvm::json::Object *object = value.getAsObject();
    if (!object)
      return failed(place + ": expects an object with 'nodes' and 'precision'");
    for (const auto &entry : *object)
      if (!llvm::is_contained({"nodes", "precision"}, entry.first.str()))
        return failed(place + ": expects keys nodes and precision, got '" + entry.first.str() + "'");
    auto nodes = object->getString("nodes"), precision = object->getString("precision");
    if (!nodes || !precision)
      return failed(place + ": expects a text for each of 'nodes' and 'precision'");
    std::string problem;
    if (!llvm::Regex(*nodes).isValid(problem))
      return failed(place + ": expects a regular expression, got '" + *nodes + "': " + problem);
    auto parsed = nn::parsePrecision(*precision);
    if (!parsed)
      return failed(place + ": expects precision to be f32, int8 or int8-dynamic, got '" + *precision + "'");
    return PrecisionRule{nodes->str(), {*parsed, *parsed == nn::Precision::f32 ? "kept in f32 by --precisions" : ""}};
  }

private:
  const llvm::json::Value &value;
  std::string place;
};

} // namespace

llvm::Expected<std::vector<PrecisionRule>> readPrecisionRules(StringRef path) {
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
    auto rule = RuleReader(value, ("'" + path + "': rule " + llvm::Twine(number)).str()).read();
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
      nn::setPrecision(node.op, nn::nearestPrecision(node, wanted ? *wanted : choice.general));
  }
  for (const auto &[rule, used] : llvm::zip_equal(choice.rules, isUsed))
    if (!used)
      return failed("expects each rule of --precisions to match a node with constant weights, got none for '" +
                    rule.nodes + "'");
  return llvm::Error::success();
}

} // namespace lathe
