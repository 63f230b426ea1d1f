// Kahn, Topological sorting of large networks, 1962; of the nodes that are ready, the one that stood first goes first.
#include "compiler/import/SortNodes.h"
#include "llvm/ADT/StringMap.h"
#include <functional>
#include <queue>
#include <vector>

namespace lathe::importer {

namespace {

/// What a node reads: its inputs, and whatever the nodes and outputs of its subgraphs name. Names that a subgraph defines itself
/// are among them; they have no producer outside.
void forEachRead(const onnx::NodeProto &node, const std::function<void(const std::string &)> &visit) {
  for (const std::string &input : node.input())
    visit(input);
  auto visitGraph = [&](const onnx::GraphProto &graph) {
    for (const onnx::NodeProto &inner : graph.node())
      forEachRead(inner, visit);
    for (const onnx::ValueInfoProto &output : graph.output())
      visit(output.name());
  };
  for (const onnx::AttributeProto &attribute : node.attribute()) {
    if (attribute.has_g())
      visitGraph(attribute.g());
    for (const onnx::GraphProto &graph : attribute.graphs())
      visitGraph(graph);
  }
}

/// Per node the nodes that read it, once per reading; `pending` counts for each node what it reads.
std::vector<std::vector<int>> findReaders(const onnx::GraphProto &graph, std::vector<int> &pending) {
  llvm::StringMap<int> producers;
  for (int i = 0; i < graph.node_size(); ++i)
    for (const std::string &output : graph.node(i).output())
      if (!output.empty())
        producers.try_emplace(output, i);
  std::vector<std::vector<int>> readers(size_t(graph.node_size()));
  pending.assign(size_t(graph.node_size()), 0);
  for (int i = 0; i < graph.node_size(); ++i)
    forEachRead(graph.node(i), [&](const std::string &name) {
      auto producer = producers.find(name);
      if (producer == producers.end())
        return;
      readers[size_t(producer->second)].push_back(i);
      ++pending[size_t(i)];
    });
  return readers;
}

std::vector<int> computeOrder(const onnx::GraphProto &graph) {
  std::vector<int> pending, order;
  std::vector<std::vector<int>> readers = findReaders(graph, pending);
  std::priority_queue<int, std::vector<int>, std::greater<>> ready;
  for (int i = 0; i < graph.node_size(); ++i)
    if (pending[size_t(i)] == 0)
      ready.push(i);
  while (!ready.empty()) {
    order.push_back(ready.top());
    ready.pop();
    for (int reader : readers[size_t(order.back())])
      if (--pending[size_t(reader)] == 0)
        ready.push(reader);
  }
  return order;
}

} // namespace

void sortNodes(onnx::GraphProto &graph) {
  std::vector<int> order = computeOrder(graph);
  if (int(order.size()) != graph.node_size() || std::is_sorted(order.begin(), order.end()))
    return;
  google::protobuf::RepeatedPtrField<onnx::NodeProto> sorted;
  for (int i : order)
    sorted.Add()->Swap(graph.mutable_node(i));
  graph.mutable_node()->Swap(&sorted);
}

} // namespace lathe::importer
