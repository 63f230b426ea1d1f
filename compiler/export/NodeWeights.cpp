#include "compiler/export/NodeWeights.h"
#include "compiler/import/Tensors.h"
#include "llvm/ADT/STLExtras.h"
#include <cmath>

using namespace mlir;

namespace lathe::exporter {

namespace {

bool isStandard(const onnx::NodeProto &node) { return node.domain().empty() || node.domain() == "ai.onnx"; }

/// The tensor of an initializer or a Constant; null for what is computed or given.
const onnx::TensorProto *constantOf(const GraphEdit &edit, StringRef name) {
  if (const onnx::TensorProto *tensor = edit.initializer(name))
    return tensor;
  const onnx::NodeProto *node = edit.producer(name);
  if (!node || node->op_type() != "Constant" || !isStandard(*node))
    return nullptr;
  const onnx::AttributeProto *value = attributeOf(*node, "value");
  return value && value->has_t() ? &value->t() : nullptr;
}

/// A Transpose of a matrix.
const onnx::NodeProto *transposeOf(const GraphEdit &edit, StringRef name) {
  const onnx::NodeProto *node = edit.producer(name);
  return node && node->op_type() == "Transpose" && isStandard(*node) && node->input_size() == 1 ? node : nullptr;
}

/// Where the weights come from: the name, and whether a Transpose lies between.
struct Source {
  std::string name;
  const onnx::TensorProto *tensor;
  bool isTransposed;
};

std::optional<Source> sourceOf(const GraphEdit &edit, const std::string &name) {
  if (const onnx::TensorProto *tensor = constantOf(edit, name))
    return Source{name, tensor, false};
  const onnx::NodeProto *transpose = transposeOf(edit, name);
  const onnx::TensorProto *tensor = transpose ? constantOf(edit, transpose->input(0)) : nullptr;
  if (!tensor || tensor->dims_size() != 2)
    return std::nullopt;
  const onnx::AttributeProto *order = attributeOf(*transpose, "perm");
  bool isSwap = !order || (order->ints_size() == 2 && order->ints(0) == 1 && order->ints(1) == 0);
  return isSwap ? std::optional(Source{transpose->input(0), tensor, true}) : std::nullopt;
}

/// The least-squares factor between what the integers say and the own weights of an output.
double factorOf(const OwnWeights &own, const IntegerMatrix &matrix, int64_t output, int64_t first) {
  double product = 0, square = 0;
  for (int64_t d = 0; d < own.depth; ++d) {
    double value = matrix.valueAt(first + output, d);
    product += value * own.at(output, d);
    square += value * value;
  }
  return square > 0 ? product / square : 1;
}

/// Squares of what is left of an output's weights, and of the weights themselves.
std::pair<double, double> errorOf(const OwnWeights &own, const IntegerMatrix &matrix, int64_t output, int64_t first) {
  double factor = factorOf(own, matrix, output, first), error = 0, square = 0;
  for (int64_t d = 0; d < own.depth; ++d) {
    double value = own.at(output, d), left = value - factor * matrix.valueAt(first + output, d);
    error += left * left;
    square += value * value;
  }
  return {error, square};
}

/// Less than half of the magnitude may be left: 4-bit integers leave a tenth, weights of other nodes all of it.
bool isNear(std::pair<double, double> error) { return error.first <= 0.25 * error.second; }

bool isSame(const OwnWeights &own, const IntegerMatrix &matrix, int64_t first) {
  std::pair<double, double> all;
  for (int64_t o = 0; o < own.outputs; ++o) {
    auto [error, square] = errorOf(own, matrix, o, first);
    all.first += error;
    all.second += square;
  }
  return isNear(all);
}

StoredIntegers emptyIntegers(const OwnWeights &own, int32_t type) {
  StoredIntegers stored{type, std::vector<int8_t>(size_t(own.values.size())), {}, {}, {}, {}, own.outputAxis, 0};
  stored.dims.assign(own.values.shape().begin(), own.values.shape().end());
  stored.scaleDims = {own.outputs};
  return stored;
}

/// The narrowest type that has room for all.
int32_t typeOf(const StoredIntegers &stored, bool isUnsigned, bool isBlocked) {
  using T = onnx::TensorProto;
  auto fits = [&](int8_t value) { return isUnsigned ? uint8_t(value) < 16 : value >= -8 && value < 8; };
  bool isNarrow = isBlocked && llvm::all_of(stored.integers, fits) && llvm::all_of(stored.zeros, fits);
  return isUnsigned ? (isNarrow ? T::UINT4 : T::UINT8) : isNarrow ? T::INT4 : T::INT8;
}

} // namespace

double OwnWeights::at(int64_t output, int64_t depth) const {
  double value = values.data<float>()[output * outputStride + depth * depthStride];
  double factor = factors.empty() ? 1 : factors[size_t(output)];
  return value * (depthFactors.empty() ? factor : factor * depthFactors[size_t(depth)]);
}

bool OwnWeights::isFinite() const {
  return llvm::all_of(ArrayRef(values.data<float>(), size_t(values.size())), [](float x) { return std::isfinite(x); });
}

bool isProductWithWeights(const GraphEdit &edit, const onnx::NodeProto &node) {
  StringRef op = node.op_type();
  if (!isStandard(node) || node.input_size() < 2 || (op != "Conv" && op != "MatMul" && op != "Gemm"))
    return false;
  return sourceOf(edit, node.input(1)) && !sourceOf(edit, node.input(0));
}

std::optional<reference::Tensor> floatsOf(const GraphEdit &edit, importer::ModelFile &file, StringRef name,
                                          MLIRContext *context) {
  const onnx::TensorProto *tensor = constantOf(edit, name);
  if (!tensor || tensor->data_type() != onnx::TensorProto::FLOAT)
    return std::nullopt;
  auto attribute = importer::convertTensorProto(*tensor, file, context);
  auto values = attribute ? reference::Tensor::fromAttribute(*attribute) : attribute.takeError();
  if (values)
    return *values;
  llvm::consumeError(values.takeError());
  return std::nullopt;
}

std::optional<OwnWeights> ownWeights(const GraphEdit &edit, importer::ModelFile &file, const onnx::NodeProto &node,
                                     MLIRContext *context) {
  bool isTable = node.op_type() == "Gather";
  auto source = sourceOf(edit, node.input(isTable ? 0 : 1));
  auto values = source ? floatsOf(edit, file, source->name, context) : std::nullopt;
  if (!values || values->rank() < 2 || values->size() == 0)
    return std::nullopt;
  OwnWeights own{source->name, source->isTransposed, std::move(*values)};
  bool isMatrix = node.op_type() == "MatMul" || node.op_type() == "Gemm";
  if ((isMatrix || isTable) && own.values.rank() != 2)
    return std::nullopt;
  if (isMatrix)
    own.outputAxis = (numberOf(node, "transB", 0) != 0) == own.isTransposed ? 1 : 0;
  else if (own.isTransposed)
    return std::nullopt;
  own.outputs = own.values.dim(own.outputAxis);
  own.depth = own.values.size() / own.outputs;
  own.outputStride = own.outputAxis == 0 ? own.depth : 1;
  own.depthStride = own.outputAxis == 0 ? 1 : own.outputs;
  return own;
}

std::optional<int64_t> findOutputs(const OwnWeights &own, const IntegerMatrix &matrix) {
  if (own.depth != matrix.depth)
    return std::nullopt;
  for (int64_t first = 0; first + own.outputs <= matrix.outputs; ++first)
    if (isNear(errorOf(own, matrix, 0, first)) && isSame(own, matrix, first))
      return first;
  return std::nullopt;
}

StoredIntegers storedIntegers(const OwnWeights &own, const IntegerMatrix &matrix, int64_t first) {
  StoredIntegers stored = emptyIntegers(own, 0);
  // Noise of rounding is no factor.
  constexpr double noise = 0.03;
  int64_t groups = matrix.block ? (own.depth + matrix.block - 1) / matrix.block : 1;
  stored.scales.resize(size_t(own.outputs * groups));
  if (matrix.zeros.type())
    stored.zeros.resize(stored.scales.size());
  bool isOutputFirst = own.outputAxis == 0;
  for (int64_t o = 0; o < own.outputs; ++o) {
    double factor = factorOf(own, matrix, o, first);
    factor = std::abs(factor - 1) < noise ? 1 : factor;
    for (int64_t d = 0; d < own.depth; ++d)
      stored.integers[size_t(o * own.outputStride + d * own.depthStride)] = int8_t(matrix.integerAt(first + o, d));
    for (int64_t g = 0; g < groups; ++g) {
      auto entry = size_t(isOutputFirst ? o * groups + g : g * own.outputs + o);
      stored.scales[entry] = float(factor * matrix.scaleAt(first + o, g * matrix.block));
      if (!stored.zeros.empty())
        stored.zeros[entry] = int8_t(matrix.zeroAt(first + o, g * matrix.block));
    }
  }
  stored.type = typeOf(stored, matrix.isUnsigned(), matrix.block != 0);
  if (matrix.block) {
    stored.scaleDims = isOutputFirst ? std::vector{own.outputs, groups} : std::vector{groups, own.outputs};
    stored.axis = 1 - own.outputAxis;
    stored.block = matrix.block;
  }
  return stored;
}

StoredIntegers roundedIntegers(const OwnWeights &own) {
  StoredIntegers stored = emptyIntegers(own, onnx::TensorProto::INT8);
  for (int64_t o = 0; o < own.outputs; ++o) {
    double magnitude = 0;
    for (int64_t d = 0; d < own.depth; ++d)
      magnitude = std::max(magnitude, std::abs(own.at(o, d)));
    float scale = std::max(float(magnitude / 127), std::numeric_limits<float>::min());
    stored.scales.push_back(scale);
    for (int64_t d = 0; d < own.depth; ++d)
      stored.integers[size_t(o * own.outputStride + d * own.depthStride)] =
          int8_t(std::clamp(std::nearbyint(own.at(o, d) / scale), -128.0, 127.0));
  }
  return stored;
}

} // namespace lathe::exporter
