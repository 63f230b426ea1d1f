#include "compiler/export/QuantizeGraph.h"
#include "llvm/ADT/StringExtras.h"

using namespace mlir;

namespace lathe::exporter {

GraphQuantizer::GraphQuantizer(importer::ModelFile &file, MLIRContext *context)
    : file(file), context(context), edit(*file.mutableModel().mutable_graph()), rewriter(edit, file, context),
      outputs(edit.graph().output_size()) {
  for (onnx::NodeProto &node : *edit.graph().mutable_node()) {
    bool isTable = node.op_type() == "Gather" && node.input_size() == 2;
    if (isTable || isProductWithWeights(edit, node))
      candidates.push_back({&node, isTable ? "" : node.input(0)});
  }
}

void GraphQuantizer::expose() {
  llvm::StringMap<unsigned> counts;
  for (onnx::NodeProto &node : *edit.graph().mutable_node())
    if (node.name().empty()) { // as in Importer::nodeName
      node.set_name(node.op_type() + "_" + std::to_string(counts[node.op_type()]++));
      unnamed.push_back(&node);
    }
  llvm::StringSet<> seen;
  for (const Candidate &candidate : candidates)
    if (!candidate.input.empty() && seen.insert(candidate.input).second) {
      exposed.push_back(candidate.input);
      edit.graph().add_output()->set_name(candidate.input);
    }
}

void GraphQuantizer::hide() {
  auto &all = *edit.graph().mutable_output();
  all.DeleteSubrange(outputs, all.size() - outputs);
}

const QuantizedOperation *GraphQuantizer::operationFor(const Candidate &candidate, Value input) const {
  auto found = operationsOf.find(candidate.node->name());
  if (found == operationsOf.end())
    return nullptr;
  for (size_t index : found->second) // with the node's own input if there is one
    if (haveSameElements(input, operations[index].input) || factorsBetween(input, operations[index].input))
      return &operations[index];
  return &operations[found->second.front()];
}

void GraphQuantizer::match(ArrayRef<QuantizedOperation> found, func::FuncOp function) {
  hide();
  operations = found;
  for (auto [index, operation] : llvm::enumerate(operations))
    for (const std::string &node : operation.nodes)
      operationsOf[node].push_back(index);
  Operation *end = function.getBody().front().getTerminator();
  for (auto [i, tensor] : llvm::enumerate(exposed))
    values[tensor] = end->getOperand(unsigned(outputs) + unsigned(i));
  for (const Candidate &candidate : candidates) {
    const QuantizedOperation *operation = operationFor(candidate, values.lookup(candidate.input));
    if (!operation || operation->kind != QuantizedOperation::fixedRange || inputs.contains(candidate.input))
      continue;
    Value value = values.lookup(candidate.input);
    if (!value || !cast<RankedTensorType>(value.getType()).getElementType().isF32())
      continue;
    auto factors = factorsBetween(value, operation->input);
    bool isSame = factors || haveSameElements(value, operation->input);
    auto range = isSame ? rangeOf(operation->input) : std::nullopt;
    inputs[candidate.input] = {range.value_or(nn::ByteGrid()), factors.value_or(std::vector<float>())};
    if (!range) {
      unknown.push_back(value);
      unknownTensors.push_back(candidate.input);
    }
  }
}

void GraphQuantizer::setRanges(ArrayRef<nn::ByteGrid> measured) {
  for (auto [tensor, range] : llvm::zip_equal(unknownTensors, measured))
    inputs[tensor].range = range;
}

std::optional<NodeChange> GraphQuantizer::changeFor(const Candidate &candidate) {
  Value input = values.lookup(candidate.input);
  const QuantizedOperation *operation = operationFor(candidate, input);
  if (!operation)
    return std::nullopt;
  taken.insert(operation);
  auto own = ownWeights(edit, file, *candidate.node, context);
  bool hasRange = operation->kind != QuantizedOperation::fixedRange || inputs.contains(candidate.input);
  if (!own || !own->isFinite() || !hasRange) {
    leftNodes.push_back(candidate.node->name());
    return std::nullopt;
  }
  rewriter.foldNormalization(*candidate.node, *own);
  // What was multiplied into the weights of another input is no factor of outputs.
  auto factors = factorsBetween(input, operation->input);
  if (operation->kind == QuantizedOperation::fixedRange)
    for (float factor : inputs[candidate.input].factors)
      own->depthFactors.push_back(1.0 / factor);
  bool isSameInput = haveSameElements(input, operation->input) || factors;
  auto first = isSameInput ? findOutputs(*own, operation->weights) : std::nullopt;
  if (!first && operation->kind == QuantizedOperation::asFloat && !candidate.input.empty()) {
    leftNodes.push_back(candidate.node->name());
    return std::nullopt;
  }
  NodeChange change{candidate.node, operation->kind, inputs.lookup(candidate.input), *own, {}};
  change.weights = first ? storedIntegers(*own, operation->weights, *first) : roundedIntegers(*own);
  return change;
}

size_t GraphQuantizer::rewrite() {
  std::vector<NodeChange> changes;
  for (const Candidate &candidate : candidates)
    if (auto change = changeFor(candidate))
      changes.push_back(std::move(*change));
  for (const QuantizedOperation &operation : operations)
    if (!taken.contains(&operation))
      leftNodes.push_back(llvm::join(operation.nodes, " + "));
  // Pictures are large: all that read one read its integers.
  for (const NodeChange &change : changes)
    if (change.node->op_type() == "Conv" && change.kind == QuantizedOperation::fixedRange &&
        !rewriter.isQuantized(change.node->input(0)))
      rewriter.quantizeForAll(change.node->input(0), change.input);
  size_t count = 0;
  for (const NodeChange &change : changes) {
    bool isTable = change.node->op_type() == "Gather";
    if (isTable)
      rewriter.changeTable(change);
    if (isTable || rewriter.changeProduct(change))
      ++count;
    else
      leftNodes.push_back(change.node->name());
  }
  for (onnx::NodeProto *node : unnamed)
    node->clear_name();
  edit.finish();
  return count;
}

} // namespace lathe::exporter
