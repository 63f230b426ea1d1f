#include "compiler/report/GraphNodes.h"
#include "dialects/nn/NN.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/SetVector.h"

using namespace mlir;

namespace lathe {

namespace {
/// "conv"; for the families of element-wise operations what they compute: "add".
std::string opName(Operation &op) {
  if (auto unary = dyn_cast<nn::UnaryOp>(op))
    return nn::stringifyUnaryKind(unary.getKind()).str();
  if (auto binary = dyn_cast<nn::BinaryOp>(op))
    return nn::stringifyBinaryKind(binary.getKind()).str();
  return op.getName().stripDialect().str();
}
} // namespace

std::vector<GraphNode> graphNodes(func::FuncOp function) {
  struct Entry {
    uint32_t number = 0;
    llvm::SetVector<uint32_t> producers;
    std::string op;
  };
  llvm::MapVector<StringRef, Entry> entries;
  std::vector<std::string> names; // keeps the keys alive
  llvm::DenseMap<Operation *, uint32_t> numbers;
  auto ops = function.front().without_terminator();
  names.reserve(std::distance(ops.begin(), ops.end()));
  for (Operation &op : ops) {
    if (isa<nn::ConstantOp>(op))
      continue;
    names.push_back(nodeName(op.getLoc()));
    auto [it, isNew] = entries.try_emplace(names.back());
    if (isNew)
      it->second.number = entries.size() - 1;
    it->second.op = opName(op);
    numbers[&op] = it->second.number;
    for (Value operand : op.getOperands())
      if (auto found = numbers.find(operand.getDefiningOp());
          found != numbers.end() && found->second != it->second.number)
        it->second.producers.insert(found->second);
  }
  std::vector<GraphNode> nodes;
  for (auto &[name, entry] : entries)
    nodes.push_back({name.str(), entry.op, {entry.producers.begin(), entry.producers.end()}});
  return nodes;
}

} // namespace lathe
