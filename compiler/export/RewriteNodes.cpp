#include "compiler/export/RewriteNodes.h"
#include "compiler/import/NarrowTypes.h"
#include <cmath>

using namespace mlir;

namespace lathe::exporter {

namespace {
using T = onnx::TensorProto;

template <typename E> void setElements(onnx::TensorProto &tensor, ArrayRef<E> elements) {
  tensor.set_raw_data(elements.data(), elements.size() * sizeof(E));
}

/// Integers as they are, or two to a byte, the first in the lower half.
void setIntegers(onnx::TensorProto &tensor, ArrayRef<int8_t> integers) {
  if (importer::narrowBits(tensor.data_type()) != 4)
    return setElements(tensor, integers);
  std::string bytes((integers.size() + 1) / 2, '\0');
  for (auto [i, integer] : llvm::enumerate(integers))
    bytes[i / 2] = char(uint8_t(bytes[i / 2]) | (uint8_t(integer & 15) << (i % 2 * 4)));
  tensor.set_raw_data(bytes);
}

void replaceInput(onnx::NodeProto &node, const std::string &from, const std::string &to) {
  for (std::string &input : *node.mutable_input())
    if (input == from)
      input = to;
}

void setInput(onnx::NodeProto &node, int index, const std::string &name) {
  while (node.input_size() <= index)
    node.add_input();
  node.set_input(index, name);
}

} // namespace

std::string NodeRewriter::addFloats(const llvm::Twine &name, ArrayRef<float> values, ArrayRef<int64_t> dims) {
  std::string unique = edit.newName(name);
  setElements(edit.addInitializer(unique, T::FLOAT, dims), values);
  return unique;
}

//===- inputs -===//

std::string NodeRewriter::dequantizedInput(onnx::NodeProto &before, const std::string &tensor,
                                           const QuantizedInput &input) {
  std::string &known = dequantized[tensor];
  if (!known.empty())
    return known;
  std::string floats = tensor;
  if (!input.factors.empty()) {
    std::string factors = addFloats(tensor + "_factors", input.factors, int64_t(input.factors.size()));
    floats = edit.insert(before, "Mul", {tensor, factors}, tensor + "_smooth");
  }
  const nn::ByteGrid &range = input.range;
  std::string scale = addFloats(tensor + "_scale", range.scale, {}), zero = edit.newName(tensor + "_zero_point");
  setElements(edit.addInitializer(zero, T::UINT8, {}), ArrayRef(range.zero));
  std::string integers = edit.insert(before, "QuantizeLinear", {floats, scale, zero}, tensor + "_quantized");
  known = edit.insert(before, "DequantizeLinear", {integers, scale, zero}, tensor + "_dequantized");
  made.insert(known);
  return known;
}

void NodeRewriter::quantizeForAll(const std::string &tensor, const QuantizedInput &input) {
  std::vector<onnx::NodeProto *> readers = edit.readers(tensor);
  std::string replaced = dequantizedInput(*readers.front(), tensor, input);
  for (onnx::NodeProto *reader : readers)
    replaceInput(*reader, tensor, replaced);
}

const std::vector<std::string> &NodeRewriter::measuredInput(onnx::NodeProto &before, const std::string &tensor) {
  auto &known = measured[tensor];
  if (known.empty())
    known = edit.insertMany(before, "DynamicQuantizeLinear", tensor,
                            {tensor + "_quantized", tensor + "_scale", tensor + "_zero_point"});
  return known;
}

//===- weights -===//

NodeRewriter::WeightNames &NodeRewriter::storeWeights(const std::string &source, const StoredIntegers &weights) {
  auto &known = stored[source];
  for (auto &entry : known)
    if (entry->weights == weights)
      return *entry;
  auto made = std::make_unique<WeightNames>();
  made->integers = edit.newName(source + "_quantized");
  setIntegers(edit.addInitializer(made->integers, weights.type, weights.dims), weights.integers);
  made->scales = addFloats(source + "_scale", weights.scales, weights.scaleDims);
  made->zeros = edit.newName(source + "_zero_point");
  std::vector<int8_t> zeros = weights.zeros;
  zeros.resize(weights.scales.size());
  setIntegers(edit.addInitializer(made->zeros, weights.type, weights.scaleDims), zeros);
  made->weights = weights;
  known.push_back(std::move(made));
  return *known.back();
}

/// The integers of the source, dequantized, transposed where the source was.
std::string NodeRewriter::dequantizedWeights(const NodeChange &change) {
  WeightNames &names = storeWeights(change.own.source, change.weights);
  SmallVector<IntAttribute> attributes = {{"axis", change.weights.axis}};
  if (change.weights.block)
    attributes.push_back({"block_size", change.weights.block});
  if (names.dequantized.empty())
    names.dequantized = edit.insert(*change.node, "DequantizeLinear", {names.integers, names.scales, names.zeros},
                                    change.own.source + "_dequantized", attributes);
  return change.own.isTransposed
             ? edit.insert(*change.node, "Transpose", names.dequantized, change.own.source + "_transposed")
             : names.dequantized;
}

//===- products -===//

/// As integers of the product's own scales, which runtimes add to its sums; none where that would not be exact to half a step.
static std::optional<std::vector<int32_t>> integerBias(ArrayRef<float> values, ArrayRef<float> scales) {
  std::vector<int32_t> integers;
  for (auto [value, scale] : llvm::zip_equal(values, scales)) {
    double integer = std::nearbyint(double(value) / scale);
    if (!std::isnormal(scale) || !(std::abs(integer) < INT32_MAX))
      return std::nullopt;
    integers.push_back(int32_t(integer));
  }
  return integers;
}

void NodeRewriter::setBias(const NodeChange &change) {
  onnx::NodeProto &node = *change.node;
  bool hasBias = node.input_size() > 2 && !node.input(2).empty();
  auto own = hasBias ? floatsOf(edit, file, node.input(2), context) : std::nullopt;
  auto folded = biases.find(&node);
  bool isFolded = folded != biases.end();
  if (!isFolded && !own)
    return;
  auto values = isFolded ? ArrayRef(folded->second) : ArrayRef(own->data<float>(), size_t(own->size()));
  std::vector<float> scales = change.weights.scales;
  for (float &scale : scales)
    scale *= change.input.range.scale;
  auto integers = change.kind == QuantizedOperation::fixedRange && values.size() == scales.size()
                      ? integerBias(values, scales)
                      : std::nullopt;
  auto count = int64_t(values.size());
  std::string base = hasBias ? node.input(2) : node.output(0) + "_bias";
  if (integers) {
    std::string name = edit.newName(base + "_quantized");
    setElements(edit.addInitializer(name, T::INT32, count), ArrayRef(*integers));
    std::string scale = addFloats(base + "_scale", scales, count);
    setInput(node, 2,
             edit.insert(node, "DequantizeLinear", {name, scale}, base + "_dequantized", IntAttribute{"axis", 0}));
  } else if (isFolded) {
    setInput(node, 2, addFloats(base, values, count));
  }
}

/// x, w -> DynamicQuantizeLinear(x), MatMulInteger, Cast, Mul by both scales; Gemm: Add the third operand.
void NodeRewriter::integerProduct(const NodeChange &change) {
  onnx::NodeProto &node = *change.node;
  std::string output = node.output(0), integers;
  std::vector<std::string> input = measuredInput(node, node.input(0));
  WeightNames &names = storeWeights(change.own.source, change.weights);
  integers = names.integers;
  bool isTransposed = change.own.outputAxis == 0;
  if (isTransposed)
    integers = edit.insert(node, "Transpose", integers, change.own.source + "_transposed");
  std::vector<float> scales = change.weights.scales;
  for (float &scale : scales)
    scale = float(scale * numberOf(node, "alpha", 1));
  std::string sums = edit.insert(node, "MatMulInteger", {input[0], integers, input[2]}, output + "_sums");
  std::string floats = edit.insert(node, "Cast", sums, output + "_cast", IntAttribute{"to", T::FLOAT});
  std::string columns = names.scales;
  if (scales != change.weights.scales)
    columns = addFloats(output + "_scale", scales, change.own.outputs);
  std::string factor = edit.insert(node, "Mul", {input[1], columns}, output + "_factor");
  std::string bias = node.input_size() > 2 ? node.input(2) : "";
  if (!bias.empty())
    floats = edit.insert(node, "Mul", {floats, factor}, output + "_scaled");
  node.clear_input();
  node.clear_attribute();
  node.set_op_type(bias.empty() ? "Mul" : "Add");
  node.add_input(floats);
  node.add_input(bias.empty() ? factor : bias);
}

bool NodeRewriter::changeProduct(const NodeChange &change) {
  onnx::NodeProto &node = *change.node;
  if (change.kind == QuantizedOperation::measuredRange) {
    bool hasBias = node.input_size() > 2 && !node.input(2).empty();
    if (node.op_type() == "Conv" || numberOf(node, "transA", 0) != 0 || (hasBias && numberOf(node, "beta", 1) != 1) ||
        change.weights.block)
      return false;
    integerProduct(change);
    return true;
  }
  if (change.kind == QuantizedOperation::fixedRange && !isQuantized(node.input(0)))
    node.set_input(0, dequantizedInput(node, node.input(0), change.input));
  node.set_input(1, dequantizedWeights(change));
  if (node.op_type() == "Conv")
    setBias(change);
  return true;
}

//===- tables -===//

/// rows = Gather(table, i)  ->  Mul(Cast(Gather(integers, i)), Gather(scales, i)): reads no more than these rows.
void NodeRewriter::changeTable(const NodeChange &change) {
  onnx::NodeProto &node = *change.node;
  WeightNames &names = storeWeights(change.own.source, change.weights);
  std::string output = node.output(0), indices = node.input(1);
  std::string scales = addFloats(change.own.source + "_row_scale", change.weights.scales, {change.own.outputs, 1});
  std::string rows = edit.insert(node, "Gather", {names.integers, indices}, output + "_quantized");
  std::string floats = edit.insert(node, "Cast", rows, output + "_cast", IntAttribute{"to", T::FLOAT});
  std::string factors = edit.insert(node, "Gather", {scales, indices}, output + "_scale");
  node.clear_input();
  node.clear_attribute();
  node.set_op_type("Mul");
  node.add_input(floats);
  node.add_input(factors);
}

//===- batch normalization -===//

void NodeRewriter::foldNormalization(onnx::NodeProto &conv, OwnWeights &own) {
  const std::string &output = conv.output(0);
  ArrayRef<onnx::NodeProto *> readers = edit.readers(output);
  if (readers.size() != 1 || edit.isReadElsewhere(output) || conv.op_type() != "Conv")
    return;
  onnx::NodeProto &norm = *readers.front();
  if (norm.op_type() != "BatchNormalization" || norm.input_size() != 5 || norm.input(0) != output ||
      numberOf(norm, "training_mode", 0) != 0 || (norm.output_size() > 1 && !norm.output(1).empty()))
    return;
  SmallVector<reference::Tensor> vectors;
  for (const std::string &input : llvm::drop_begin(norm.input())) {
    auto values = floatsOf(edit, file, input, context);
    if (!values || values->size() != own.outputs)
      return;
    vectors.push_back(*values);
  }
  bool hasBias = conv.input_size() > 2 && !conv.input(2).empty();
  auto bias = hasBias ? floatsOf(edit, file, conv.input(2), context) : std::nullopt;
  if (hasBias && (!bias || bias->size() != own.outputs))
    return;
  double epsilon = numberOf(norm, "epsilon", 1e-5);
  std::vector<float> &folded = biases[&conv];
  for (int64_t o = 0; o < own.outputs; ++o) {
    auto entry = [&](size_t i) { return double(vectors[i].data<float>()[o]); };
    double factor = entry(0) / std::sqrt(entry(3) + epsilon), before = bias ? double(bias->data<float>()[o]) : 0;
    own.factors.push_back(factor);
    folded.push_back(float((before - entry(2)) * factor + entry(1)));
  }
  conv.set_output(0, norm.output(0));
  edit.remove(norm);
}

} // namespace lathe::exporter
