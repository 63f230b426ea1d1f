#include "compiler/export/GraphEdit.h"
#include "llvm/ADT/STLExtras.h"
#include <functional>

namespace lathe::exporter {

namespace {

using Visit = std::function<void(const std::string &)>;

/// Names that the subgraphs of a node mention.
void forInnerNames(const onnx::NodeProto &node, const Visit &visit) {
  auto inGraph = [&](const onnx::GraphProto &graph) {
    for (const onnx::NodeProto &inner : graph.node()) {
      llvm::for_each(inner.input(), visit);
      llvm::for_each(inner.output(), visit);
      forInnerNames(inner, visit);
    }
    for (const auto &output : graph.output())
      visit(output.name());
    for (const auto &tensor : graph.initializer())
      visit(tensor.name());
  };
  for (const auto &attribute : node.attribute()) {
    if (attribute.has_g())
      inGraph(attribute.g());
    llvm::for_each(attribute.graphs(), inGraph);
  }
}

} // namespace

const onnx::AttributeProto *attributeOf(const onnx::NodeProto &node, llvm::StringRef name) {
  for (const auto &attribute : node.attribute())
    if (attribute.name() == name)
      return &attribute;
  return nullptr;
}

double numberOf(const onnx::NodeProto &node, llvm::StringRef name, double missing) {
  const onnx::AttributeProto *attribute = attributeOf(node, name);
  return attribute ? (attribute->type() == onnx::AttributeProto::INT ? double(attribute->i()) : attribute->f())
                   : missing;
}

GraphEdit::GraphEdit(onnx::GraphProto &graph) : proto(graph) {
  for (const auto &input : proto.input())
    names.insert(input.name());
  for (const auto &tensor : proto.initializer()) {
    initializers[tensor.name()] = &tensor;
    names.insert(tensor.name());
  }
  for (const auto &output : proto.output())
    readElsewhere.insert(output.name());
  for (onnx::NodeProto &node : *proto.mutable_node()) {
    for (const std::string &output : node.output()) {
      producers[output] = &node;
      names.insert(output);
    }
    for (const std::string &input : node.input()) {
      auto &known = readersOf[input];
      if (known.empty() || known.back() != &node)
        known.push_back(&node);
    }
    forInnerNames(node, [&](const std::string &name) {
      names.insert(name);
      readElsewhere.insert(name);
    });
  }
}

llvm::ArrayRef<onnx::NodeProto *> GraphEdit::readers(llvm::StringRef tensor) const {
  auto found = readersOf.find(tensor);
  return found == readersOf.end() ? llvm::ArrayRef<onnx::NodeProto *>() : llvm::ArrayRef(found->second);
}

std::string GraphEdit::newName(const llvm::Twine &wanted) {
  std::string name = wanted.str();
  for (unsigned number = 1; !names.insert(name).second; ++number)
    name = wanted.str() + "_" + std::to_string(number);
  return name;
}

onnx::TensorProto &GraphEdit::addInitializer(const std::string &name, int32_t type, llvm::ArrayRef<int64_t> dims) {
  onnx::TensorProto &tensor = *proto.add_initializer();
  tensor.set_name(name);
  tensor.set_data_type(type);
  for (int64_t dim : dims)
    tensor.add_dims(dim);
  return tensor;
}

onnx::NodeProto &GraphEdit::add(onnx::NodeProto &before, const char *op, llvm::ArrayRef<std::string> inputs) {
  auto node = std::make_unique<onnx::NodeProto>();
  node->set_op_type(op);
  for (const std::string &input : inputs)
    node->add_input(input);
  this->before[&before].push_back(std::move(node));
  return *this->before[&before].back();
}

std::string GraphEdit::insert(onnx::NodeProto &before, const char *op, llvm::ArrayRef<std::string> inputs,
                              const llvm::Twine &wanted, llvm::ArrayRef<IntAttribute> attributes) {
  onnx::NodeProto &node = add(before, op, inputs);
  std::string name = newName(wanted);
  node.set_name(name);
  node.add_output(name);
  for (const IntAttribute &attribute : attributes) {
    auto *made = node.add_attribute();
    made->set_name(attribute.name);
    made->set_type(onnx::AttributeProto::INT);
    made->set_i(attribute.value);
  }
  return name;
}

std::vector<std::string> GraphEdit::insertMany(onnx::NodeProto &before, const char *op,
                                               llvm::ArrayRef<std::string> inputs, llvm::ArrayRef<std::string> wanted) {
  onnx::NodeProto &node = add(before, op, inputs);
  std::vector<std::string> outputs;
  for (const std::string &name : wanted)
    outputs.push_back(newName(name));
  node.set_name(outputs.front());
  for (const std::string &name : outputs)
    node.add_output(name);
  return outputs;
}

//===- the new order -===//

/// Backwards: nodes all of whose outputs nobody reads any more were there for what was replaced. Gives the names that are read.
llvm::StringSet<> GraphEdit::dropUnreadNodes() {
  llvm::StringSet<> read;
  for (const auto &entry : readElsewhere)
    read.insert(entry.getKey());
  google::protobuf::RepeatedPtrField<onnx::NodeProto> kept;
  std::vector<onnx::NodeProto *> living;
  for (onnx::NodeProto &node : llvm::reverse(*proto.mutable_node())) {
    // Of the user's nodes only those that something read before.
    bool wasRead = llvm::any_of(node.output(), [&](const std::string &name) { return !readers(name).empty(); });
    bool isRead = llvm::any_of(node.output(), [&](const std::string &name) { return read.contains(name); });
    if (wasRead && !isRead)
      continue;
    living.push_back(&node);
    for (const std::string &input : node.input())
      read.insert(input);
  }
  for (onnx::NodeProto *node : llvm::reverse(living))
    kept.Add()->Swap(node);
  proto.mutable_node()->Swap(&kept);
  return read;
}

void GraphEdit::dropUnreadTensors(const llvm::StringSet<> &read) {
  auto isGone = [&](const onnx::TensorProto &tensor) {
    return !read.contains(tensor.name()) && (!initializer(tensor.name()) || !readers(tensor.name()).empty());
  };
  auto &tensors = *proto.mutable_initializer();
  llvm::StringSet<> gone;
  int size = 0;
  for (int i = 0; i < tensors.size(); ++i)
    if (isGone(tensors.Get(i)))
      gone.insert(tensors.Get(i).name());
    else
      tensors.SwapElements(size++, i);
  tensors.DeleteSubrange(size, tensors.size() - size);
  // Models of old declare their initializers as inputs.
  auto &inputs = *proto.mutable_input();
  for (int i = inputs.size() - 1; i >= 0; --i)
    if (gone.contains(inputs.Get(i).name()))
      inputs.DeleteSubrange(i, 1);
}

void GraphEdit::finish() {
  google::protobuf::RepeatedPtrField<onnx::NodeProto> nodes;
  for (onnx::NodeProto &node : *proto.mutable_node()) {
    auto made = before.find(&node);
    if (made != before.end())
      for (auto &other : made->second)
        nodes.Add()->Swap(other.get());
    if (!removed.contains(&node))
      nodes.Add()->Swap(&node);
  }
  proto.mutable_node()->Swap(&nodes);
  dropUnreadTensors(dropUnreadNodes());
  dropDescriptions();
}

/// Of tensors that are no more.
void GraphEdit::dropDescriptions() {
  llvm::StringSet<> made;
  for (const onnx::NodeProto &node : proto.node())
    for (const std::string &output : node.output())
      made.insert(output);
  for (const auto &input : proto.input())
    made.insert(input.name());
  for (const auto &tensor : proto.initializer())
    made.insert(tensor.name());
  auto &described = *proto.mutable_value_info();
  for (int i = described.size() - 1; i >= 0; --i)
    if (!made.contains(described.Get(i).name()))
      described.DeleteSubrange(i, 1);
}

} // namespace lathe::exporter
