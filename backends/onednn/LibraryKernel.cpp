#include "backends/onednn/LibraryKernel.h"
#include "backends/onednn/ExactSums.h"
#include "backends/x86/IntegerPlan.h"
#include "backends/x86/Window.h"

using namespace mlir;

namespace lathe::onednn {

using artifact::LibraryStepKind;

namespace {

/// An f32 number, or an integer.
std::optional<float> numberOf(ElementsAttr value) {
  DenseElementsAttr number = inlineValue(value);
  if (!number || !(number.getElementType().isF32() || number.getElementType().isInteger(8)))
    return std::nullopt;
  if (number.getElementType().isF32())
    return number.getSplatValue<float>();
  auto integer = number.getSplatValue<APInt>();
  return float(x86::isUnsigned(number.getElementType()) ? int64_t(integer.getZExtValue()) : integer.getSExtValue());
}

bool haveSameShape(Value lhs, Value rhs) { return x86::tensorType(lhs).getShape() == x86::tensorType(rhs).getShape(); }

/// Describes the body of an operation, or of a plan.kernel made of it: that has fewer arguments, since constants of one number
/// are in the region.
class Description {
public:
  /// `owner`: nn operation, nn.fused, or plan.kernel.
  Description(Operation *owner, ArrayRef<Operation *> operations) : owner(owner), operations(operations) {}

  std::unique_ptr<artifact::LibraryKernelT> convolution(nn::ConvOp op) {
    auto window = x86::windowOf(op);
    if (!op.getChannelsLast() || !setOperands(op) || !hasFixedSizes(op) || !window)
      return nullptr;
    ArrayRef<int64_t> in = x86::tensorType(op.getInput()).getShape(), out = x86::tensorType(op.getOutput()).getShape();
    auto plane = [](ArrayRef<int64_t> sizes) {
      return std::make_unique<artifact::Plane>(sizes.size() == 3 ? 1 : sizes[1], sizes.drop_back().back());
    };
    auto pair = [](const int64_t(&sizes)[2]) { return std::make_unique<artifact::Plane>(sizes[0], sizes[1]); };
    kernel->images = in.front();
    kernel->groups = op.getGroup();
    kernel->in_channels = in.back();
    kernel->out_channels = out.back();
    kernel->input = plane(in);
    kernel->output = plane(out);
    kernel->kernel = pair(window->kernel);
    kernel->stride = pair(window->stride);
    kernel->dilation = pair(window->dilation);
    kernel->pad = pair(window->padBegin);
    if (!hasPictureInEachWindow())
      return nullptr;
    return finish(op, op.getInput(), op.getFilter(), op.getBias(), op.getInputZero());
  }

  std::unique_ptr<artifact::LibraryKernelT> product(nn::MatmulOp op) {
    RankedTensorType lhs = x86::tensorType(op.getLhs()), rhs = x86::tensorType(op.getRhs());
    if (!setOperands(op) || !hasFixedSizes(op) || op.getTransLhs() || rhs.getRank() != 2)
      return nullptr;
    auto rows = [&](int64_t height) { return std::make_unique<artifact::Plane>(height, 1); };
    kernel->is_product = true;
    kernel->is_transposed = op.getTransRhs();
    kernel->images = kernel->groups = 1;
    kernel->in_channels = lhs.getShape().back();
    kernel->out_channels = x86::tensorType(op.getOutput()).getShape().back();
    kernel->input = rows(lhs.getNumElements() / std::max<int64_t>(1, kernel->in_channels));
    kernel->output = rows(kernel->input->height());
    kernel->kernel = rows(1);
    kernel->stride = rows(1);
    kernel->dilation = rows(1);
    kernel->pad = std::make_unique<artifact::Plane>(0, 0);
    return finish(op, op.getLhs(), op.getRhs(), Value(), op.getLhsZero());
  }

private:
  /// f32, or unsigned bytes times signed ones without a zero point.
  bool setOperands(Operation *op) {
    x86::IntegerRoot root = x86::IntegerRoot::of(operations);
    kernel->is_integer = root.op == op && root.hasUnsignedSource() && x86::elementType(root.weights).isInteger(8) &&
                         !root.hasUnsignedWeights() && !root.weightsZero && !root.bias &&
                         (!root.sourceZero || x86::tensorType(root.sourceZero).getNumElements() == 1);
    return kernel->is_integer || x86::isFloat32(op);
  }

  /// As the loader wants it: no window lies in the padding alone.
  bool hasPictureInEachWindow() const {
    auto isGood = [](int64_t in, int64_t out, int64_t size, int64_t stride, int64_t dilation, int64_t pad) {
      return pad <= (size - 1) * dilation && (out - 1) * stride - pad < in;
    };
    return isGood(kernel->input->height(), kernel->output->height(), kernel->kernel->height(), kernel->stride->height(),
                  kernel->dilation->height(), kernel->pad->height()) &&
           isGood(kernel->input->width(), kernel->output->width(), kernel->kernel->width(), kernel->stride->width(),
                  kernel->dilation->width(), kernel->pad->width());
  }

  std::unique_ptr<artifact::LibraryKernelT> finish(Operation *root, Value input, Value weights, Value bias,
                                                   Value zero) {
    kernel->library = "onednn";
    auto inputArg = argument(input), weightsArg = argument(weights);
    if (x86::tensorType(root->getResult(0)).getNumElements() == 0 || kernel->in_channels == 0 || !inputArg ||
        !weightsArg || !addSteps(root))
      return nullptr;
    kernel->input_arg = *inputArg;
    kernel->weights_arg = *weightsArg;
    if (bias) {
      auto biasArg = argument(bias);
      if (!biasArg)
        return nullptr;
      kernel->bias_arg = biasArg;
    }
    if (zero) {
      auto zeroArg = argument(zero);
      if (!zeroArg)
        return nullptr;
      kernel->zero_arg = zeroArg;
    }
    return std::move(kernel);
  }

  bool addSteps(Operation *root) {
    Value value = root->getResult(0);
    left = size_t(llvm::count_if(operations, [](Operation *op) { return !isa<nn::ConstantOp>(op); })) - 1;
    while (left > 0) {
      if (!value.hasOneUse())
        return false;
      Operation *next = *value.getUsers().begin();
      if (!llvm::is_contained(operations, next) || next->getNumResults() != 1 ||
          !haveSameShape(next->getResult(0), value) || isContracted(value, next) || !addStep(next, value))
        return false;
      --left;
      value = next->getResult(0);
    }
    bool isQuantized = !kernel->steps.empty() && kernel->steps.back()->kind == LibraryStepKind::Quantize;
    return owner->getNumResults() <= 1 && (root == owner || value.hasOneUse()) &&
           (isQuantized || x86::elementType(value).isF32());
  }

  /// Own kernels make one FMA of a product and what it is added to.
  static bool isContracted(Value value, Operation *next) {
    auto product = value.getDefiningOp<nn::BinaryOp>(), sum = dyn_cast<nn::BinaryOp>(next);
    return product && product.getKind() == nn::BinaryKind::mul && sum && sum.getKind() == nn::BinaryKind::add;
  }

  /// Sums of integers become numbers first, and a quantization is the last.
  bool addStep(Operation *op, Value value) {
    auto step = std::make_unique<artifact::LibraryStepT>();
    if (auto dequantize = dyn_cast<nn::DequantizeOp>(op)) {
      if (!x86::elementType(value).isInteger(32) || dequantize.getZero() || dequantize.getBlock() != 0 ||
          !setFactors(*step, dequantize.getScale()))
        return false;
    } else if (!x86::elementType(value).isF32()) {
      return false;
    } else if (auto quantize = dyn_cast<nn::QuantizeOp>(op)) {
      step->kind = LibraryStepKind::Quantize;
      if (left != 1 || !setGrid(*step, quantize.getOutput(), quantize.getScale(), quantize.getZero()))
        return false;
    } else if (auto unary = dyn_cast<nn::UnaryOp>(op); unary && unary.getKind() == nn::UnaryKind::relu)
      step->kind = LibraryStepKind::Relu;
    else if (auto binary = dyn_cast<nn::BinaryOp>(op);
             !binary || !setStep(*step, binary.getKind(), binary.getLhs() == value ? binary.getRhs() : binary.getLhs()))
      return false;
    kernel->steps.push_back(std::move(step));
    return true;
  }

  bool setFactors(artifact::LibraryStepT &step, Value factors) {
    if (auto number = constant(factors)) {
      step.kind = LibraryStepKind::MultiplyNumber;
      step.value = *number;
      return true;
    }
    auto position = argument(factors);
    step.arg = position.value_or(0);
    bool isOne = x86::tensorType(factors).getNumElements() == 1;
    step.kind = isOne ? LibraryStepKind::Multiply : LibraryStepKind::MultiplyColumns;
    return position && x86::elementType(factors).isF32() && (isOne || isPerColumn(factors));
  }

  /// Bytes with one scale and zero point that are known.
  bool setGrid(artifact::LibraryStepT &step, Value bytes, Value scale, Value zero) {
    auto factor = constant(scale), shift = zero ? constant(zero) : std::optional(0.0F);
    if (!x86::elementType(bytes).isInteger(8) || !factor || !shift)
      return false;
    step.value = *factor;
    step.zero = int32_t(*shift);
    step.is_signed = !x86::isUnsigned(x86::elementType(bytes));
    return true;
  }

  bool isPerColumn(Value value) const {
    RankedTensorType type = x86::tensorType(value);
    return type.getRank() > 0 && type.getShape().back() == kernel->out_channels &&
           type.getNumElements() == kernel->out_channels;
  }

  /// What is added has been bytes; that operation is done with this one.
  bool setBytes(artifact::LibraryStepT &step, nn::DequantizeOp op) {
    auto position = argument(op.getInput());
    if (!position || !op.getOutput().hasOneUse() || !setGrid(step, op.getInput(), op.getScale(), op.getZero()))
      return false;
    step.kind = LibraryStepKind::AddBytes;
    step.arg = *position;
    --left;
    return isWhole(op.getInput());
  }

  bool isWhole(Value value) const {
    int64_t pixels = kernel->images * kernel->output->height() * kernel->output->width();
    return x86::tensorType(value).getNumElements() == pixels * kernel->out_channels;
  }

  bool setStep(artifact::LibraryStepT &step, nn::BinaryKind kind, Value other) {
    auto dequantize = other.getDefiningOp<nn::DequantizeOp>();
    if (dequantize && kind == nn::BinaryKind::add && llvm::is_contained(operations, dequantize))
      return setBytes(step, dequantize);
    if (kind == nn::BinaryKind::mul)
      return setFactors(step, other);
    if (auto number = constant(other); number && (kind == nn::BinaryKind::max || kind == nn::BinaryKind::min)) {
      step.kind = kind == nn::BinaryKind::max ? LibraryStepKind::Max : LibraryStepKind::Min;
      step.value = *number;
      return !std::isnan(*number);
    }
    auto position = argument(other);
    if (kind != nn::BinaryKind::add || !position || constant(other))
      return false;
    step.arg = *position;
    step.kind = isPerColumn(other) ? LibraryStepKind::AddColumns : LibraryStepKind::Add;
    return x86::elementType(other).isF32() && (isPerColumn(other) || isWhole(other));
  }

  std::optional<unsigned> argument(Value value) const {
    if (auto block = dyn_cast<BlockArgument>(value); block && isa<plan::KernelOp>(owner))
      return block.getArgNumber();
    return isa<plan::KernelOp>(owner) ? std::nullopt : x86::inputIndex(owner, value);
  }

  /// The number that all elements are, where it becomes part of the kernel.
  std::optional<float> constant(Value value) const {
    if (auto block = dyn_cast<BlockArgument>(value); block && isa<nn::FusedOp>(owner))
      value = owner->getOperand(block.getArgNumber());
    auto op = value.getDefiningOp<nn::ConstantOp>();
    return op ? numberOf(op.getValue()) : std::nullopt;
  }

  Operation *owner;
  ArrayRef<Operation *> operations;
  size_t left = 0; // of the operations that no step stands for yet
  std::unique_ptr<artifact::LibraryKernelT> kernel = std::make_unique<artifact::LibraryKernelT>();
};

std::unique_ptr<artifact::LibraryKernelT> describeBody(Operation *owner, ArrayRef<Operation *> operations) {
  if (auto conv = x86::contractionRoot<nn::ConvOp>(operations))
    return Description(owner, operations).convolution(conv);
  if (auto matmul = x86::contractionRoot<nn::MatmulOp>(operations))
    return Description(owner, operations).product(matmul);
  return nullptr;
}

} // namespace

std::unique_ptr<artifact::LibraryKernelT> describe(Operation *op, ArrayRef<bool> isConstant, const Target &target) {
  SmallVector<Operation *> operations = x86::bodyOperations(op);
  auto kernel = describeBody(op, operations);
  if (!kernel || !isConstant[kernel->weights_arg] || target.vectorBits() < 256 ||
      (kernel->is_integer && !hasExactSums(op, x86::IntegerRoot::of(operations), target)))
    return nullptr;
  return kernel;
}

FailureOr<std::unique_ptr<artifact::LibraryKernelT>> describe(plan::KernelOp op) {
  SmallVector<Operation *> operations;
  for (Operation &inner : op.getBody().front().without_terminator())
    operations.push_back(&inner);
  auto kernel = describeBody(op, operations);
  auto rows = op.getConfig().getAs<IntegerAttr>("rows");
  if (!kernel || !rows)
    return op.emitError("internal: oneDNN can't compute kernel ") << op.getSymName();
  kernel->rows = rows.getInt();
  return std::move(kernel);
}

static KernelPlan planWith(Operation *op, const artifact::LibraryKernelT &kernel, int64_t rows) {
  Builder b(op->getContext());
  KernelPlan plan = x86::makePlan(op, kernel.is_product ? "onednn_matmul" : "onednn_conv");
  plan.name += "__onednn";
  plan.config = b.getDictionaryAttr(b.getNamedAttr("rows", b.getI64IntegerAttr(rows)));
  plan.tasks = dimConstant(op->getContext(), kernel.images * llvm::divideCeil(kernel.output->height(), rows));
  return plan;
}

std::vector<KernelPlan> plansFor(Operation *op, ArrayRef<bool> isConstant, const Target &target) {
  // Tasks at least: few threads want few, since each one reads the weights.
  constexpr int64_t fewestTasks[] = {8, 4, 16, 32};
  auto kernel = describe(op, isConstant, target);
  if (!kernel)
    return {};
  int64_t height = kernel->output->height();
  SmallVector<int64_t> rows;
  std::vector<KernelPlan> plans;
  for (int64_t tasks : fewestTasks) {
    int64_t pieces = std::clamp<int64_t>(llvm::divideCeil(tasks, kernel->images), 1, height);
    if (int64_t size = llvm::divideCeil(height, pieces); !llvm::is_contained(rows, size)) {
      rows.push_back(size);
      plans.push_back(planWith(op, *kernel, size));
    }
  }
  return plans;
}

} // namespace lathe::onednn
