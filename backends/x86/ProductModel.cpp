// Times are sums of what was measured on a Zen 4 with AVX2 (docs/Performance.md); where a processor is faster at all of it, what is
// compared stays the same. Wider vectors and dot products count by how much more they do per instruction.
#include "backends/x86/ProductModel.h"
#include "backends/x86/IntegerTile.h"
#include "backends/x86/IntegerWinograd.h"
#include "backends/x86/WeightOnlyPlan.h"
#include "backends/x86/Window.h"
#include "backends/x86/WinogradKernel.h"

using namespace mlir;

namespace lathe::x86 {

namespace {
// ns.
constexpr double kFma = 0.186;         // of a vector
constexpr double kPair = 0.246;        // a step of pairs of i16 for a vector of sums
constexpr double kChained = 0.7;       // of the time of pairs, with some extra steps
constexpr double kQuad = 0.2;          // vpdpbusd
constexpr double kByte = 1.0 / 30;     // of weights that don't stay in L2
constexpr double kNearByte = 1.0 / 88; // of those in L2
constexpr double kNearest = 32 << 10;  // bytes of L1
constexpr double kRealResult = 0.05;   // bias, activation, store; per element
constexpr double kIntegerResult = 1.2; // the same with dequantize and quantize, for a vector
constexpr double kConversion = 1.2;    // read f32, write bytes; for a vector
constexpr double kWindowed = 0.12;     // depthwise convolutions, per multiplication
// 4-bit weights, for a vector of columns.
constexpr double kWordStep = 0.164,
                 kWordNumber = 0.181; // a few rows of f32: a row's step, and a weight made a number for all
constexpr double kPanelNumber = 0.56; // a weight made a number in memory
constexpr double kByteStep = 0.078, kGroupEnd = 0.97; // rows of bytes: a row's step, and its group's sum
constexpr double kSingleRow = 1.2;                    // of that, where rows aren't multiplied four at once
constexpr double kRoundedGroup = 6, kRounded = 0.2;   // making bytes: a group, an element

/// Sizes of a product: `rows` times `depth` times `columns`, `inputs` elements read and `weights` of them constant.
struct Sizes {
  double rows, depth, columns, inputs, weights;
  double multiplications() const { return rows * depth * columns; }
};

double elementsOf(ArrayRef<AffineExpr> dims, ArrayRef<int64_t> symbols) {
  double product = 1;
  for (AffineExpr dim : dims)
    product *= double(std::max<int64_t>(evaluateDim(dim, symbols).value_or(1), 0));
  return product;
}

/// A convolution with the axes that kernels take, on nothing: for their cost models.
class ChannelsLast {
public:
  explicit ChannelsLast(nn::ConvOp op) {
    OpBuilder b(op.getContext());
    b.setInsertionPointToStart(&block);
    Value input = block.addArgument(turned(op, op.getInput()), op.getLoc());
    Value filter = block.addArgument(op.getFilter().getType(), op.getLoc());
    conv = b.create<nn::ConvOp>(op.getLoc(), turned(op, op.getOutput()), input, filter, Value(), Value(), Value(),
                                op.getStrides(), op.getPads(), op.getDilations(), op.getGroup(),
                                /*channels_last=*/true);
  }
  nn::ConvOp operator*() const { return conv; }

private:
  static Type turned(nn::ConvOp op, Value value) {
    DimExprs dims = dimExprs(tensorType(value));
    if (!op.getChannelsLast())
      std::rotate(dims.begin() + 1, dims.begin() + 2, dims.end());
    return makeTensorType(dims, elementType(value));
  }

  Block block;
  nn::ConvOp conv;
};

class Model {
public:
  Model(Sizes sizes, const Target &target) : sizes(sizes), target(target), lanes(target.vectorBits() / 32) {}

  double real(std::optional<double> fmas) const {
    double products = kFma * fmas.value_or(sizes.multiplications() / lanes);
    return std::max(products, reading(4)) + kRealResult * sizes.rows * sizes.columns;
  }
  /// `part`: of the time of pairs; `form`: of the weights, whose columns are filled up to whole tiles.
  double integers(double part, PanelForm form) const {
    double perStep = hasDotProducts(target) ? kQuad / 2 : kPair * part;
    int64_t columns = int64_t(sizes.columns), tile = chooseIntegerTile(target, columns, {}, form).columns();
    double computed = double(llvm::alignTo(columns, tile)) / double(std::max<int64_t>(columns, 1));
    double products = perStep * computed * sizes.multiplications() / (2 * lanes);
    return std::max(products, reading(1)) + kIntegerResult / lanes * sizes.rows * sizes.columns;
  }
  /// Depthwise and the like: as fast either way.
  ProductTimes windowed() const {
    double products = kWindowed * sizes.multiplications() * 8 / lanes, results = sizes.rows * sizes.columns;
    double bytes = products + 0.5 * kIntegerResult / lanes * results;
    return {products + kRealResult * results, bytes, bytes, conversion()};
  }
  double conversion() const { return kConversion / lanes * sizes.inputs; }

  GroupedTimes grouped(double group) const {
    const double steps = sizes.depth * std::ceil(sizes.columns / lanes),
                 bytes = 0.5 + 5 / group; // a scale and a zero point
    const double results = kRealResult * sizes.rows * sizes.columns;
    const double floats = sizes.rows <= kFewRows ? (kWordStep * sizes.rows + kWordNumber) * steps
                                                 : kFma * sizes.rows * steps + kPanelNumber * steps;
    const double step = hasDotProducts(target) ? kQuad / 4 : kByteStep;
    const double sums = (step + kGroupEnd / group) * (sizes.rows < kFewRows ? kSingleRow : 1) * sizes.rows * steps;
    const double rounding = sizes.inputs * (kRounded + kRoundedGroup / group);
    return {real({}), std::max(floats, reading(bytes)) + results, std::max(sums, reading(bytes)) + results, rounding};
  }

private:
  double reading(double bytes) const {
    double all = sizes.weights * bytes;
    return all <= kNearest ? 0 : (all > double(target.l2Bytes) / 2 ? kByte : kNearByte) * all;
  }

  Sizes sizes;
  const Target &target;
  int lanes;
};

ProductTimes timesOf(nn::ConvOp op, ArrayRef<int64_t> symbols, const Target &target) {
  RankedTensorType filter = tensorType(op.getFilter());
  ChannelsLast turned(op);
  double columns = double(filter.getDimSize(0)), depth = double(filter.getNumElements()) / columns;
  double rows = elementsOf(dimExprs(tensorType(op.getOutput())), symbols) / columns;
  Model model({rows, depth, columns, elementsOf(dimExprs(tensorType(op.getInput())), symbols), depth * columns},
              target);
  if (op.getGroup() > 1 && filter.getDimSize(1) <= 8)
    return model.windowed();
  double real = model.real(winogradFmas(*turned, symbols, target));
  auto integers = [&](double direct, PanelForm form) {
    if (auto part = filteredPart(*turned, symbols, target, direct))
      return model.integers(*part, PanelForm::words);
    return model.integers(direct, form);
  };
  return {real, integers(kChained, PanelForm::chains), integers(1, PanelForm::words), model.conversion()};
}

Model modelOf(nn::MatmulOp op, ArrayRef<int64_t> symbols, const Target &target) {
  RankedTensorType weights = tensorType(op.getRhs());
  double elements = double(weights.getNumElements());
  DimExprs out = dimExprs(tensorType(op.getOutput()));
  double rows = elementsOf(ArrayRef(out).drop_back(), symbols),
         columns = elementsOf(ArrayRef(out).take_back(), symbols);
  double depth = elements / columns;
  return Model({rows, depth, columns, rows * depth, elements}, target);
}

ProductTimes timesOf(nn::MatmulOp op, ArrayRef<int64_t> symbols, const Target &target) {
  Model model = modelOf(op, symbols, target);
  return {model.real({}), model.integers(kChained, PanelForm::chains), model.integers(1, PanelForm::words),
          model.conversion()};
}
} // namespace

std::optional<ProductTimes> timesOfProduct(Operation *op, ArrayRef<int64_t> symbols, const Target &target) {
  if (target.vectorBits() < 256)
    return std::nullopt;
  if (auto conv = dyn_cast<nn::ConvOp>(op); conv && tensorType(conv.getFilter()).hasStaticShape())
    return timesOf(conv, symbols, target);
  if (auto matmul = dyn_cast<nn::MatmulOp>(op); matmul && tensorType(matmul.getRhs()).hasStaticShape())
    return timesOf(matmul, symbols, target);
  return std::nullopt;
}

std::optional<GroupedTimes> timesOfGrouped(Operation *op, int64_t group, ArrayRef<int64_t> symbols,
                                           const Target &target) {
  auto matmul = dyn_cast<nn::MatmulOp>(op);
  if (!matmul || target.vectorBits() < 256 || !tensorType(matmul.getRhs()).hasStaticShape())
    return std::nullopt;
  return modelOf(matmul, symbols, target).grouped(double(group));
}

} // namespace lathe::x86
