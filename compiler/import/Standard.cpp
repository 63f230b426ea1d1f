#include "compiler/import/Standard.h"

using namespace mlir;

namespace lathe::importer {

Values applyStandard(Node &n, StringRef op, ArrayRef<Value> inputs, int64_t version) {
  onnx::NodeProto proto;
  proto.set_op_type(op.str());
  *proto.mutable_attribute() = n.proto.attribute();
  *proto.mutable_output() = n.proto.output();
  Scope scope;
  for (auto [i, input] : llvm::enumerate(inputs)) {
    std::string name = input ? std::to_string(i) : "";
    proto.add_input(name);
    if (input)
      scope.values[name].value = input;
  }
  const ConverterEntry *converter = findConverter("", op, version);
  Node standard(n.importer, proto, version, scope, n, n.contents);
  return converter ? converter->convert(standard) : Values{n.refuse("expects " + op + " to be known")};
}

Value movedChannels(Node &n, Value x, bool isToEnd) {
  if (!x || rankOf(x) < 3)
    return x ? n.refuse("expects rank 3 or more with the channels last") : Value();
  Ints order{0};
  for (int64_t i = 1; i < rankOf(x); ++i)
    order.push_back(isToEnd ? (i + 1 < rankOf(x) ? i + 1 : 1) : (i == 1 ? rankOf(x) - 1 : i - 1));
  return n.transpose(x, order);
}

Value layerNorm(Node &n, Value x, Value scale, Value bias, int64_t axis, double epsilon, bool isRms) {
  if (!x)
    return {};
  SmallVector<Value> operands{x};
  for (Value value : {scale, bias})
    if (value)
      operands.push_back(value);
  SmallVector<NamedAttribute> attributes{n.intAttr("axis", axis), n.floatAttr("epsilon", epsilon),
                                         n.segmentsAttr({1, scale ? 1 : 0, bias ? 1 : 0})};
  if (isRms)
    attributes.push_back(n.unitAttr("rms"));
  return n.infer("nn.layer_norm", operands, attributes);
}

} // namespace lathe::importer
