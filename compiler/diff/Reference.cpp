#include "compiler/diff/Reference.h"
#include "compiler/calibrate/Taps.h"
#include "compiler/calibrate/TemporaryArtifact.h"
#include "compiler/driver/LoadModel.h"
#include "dialects/support/Decisions.h"
#include "mlir/Pass/PassManager.h"
#include "passes/Pipelines.h"
#include "passes/support/QuantizedOrigin.h"

using namespace mlir;

namespace lathe::diff {

Reference::Reference(StringRef modelPath, ArrayRef<char> data)
    : modelPath(modelPath), data(data), messages(&context, modelPath), backend(createX86Backend()) {
  prepareContext(context);
}

func::FuncOp Reference::function() { return *module->getOps<func::FuncOp>().begin(); }
std::vector<InputSpec> Reference::inputs() { return inputSpecs(function()); }

bool Reference::load(ArrayRef<std::string> dims) {
  ImportOptions options;
  for (const std::string &dim : dims)
    parseDimOption(dim, options);
  options.hasUnknownDim = &unknownDim;
  module = loadModel(modelPath, data, options, context, messages);
  if (!module)
    return false;
  PassManager passes(&context);
  buildCanonicalPipeline(passes);
  if (failed(passes.run(*module)) || messages.hasErrors())
    return false;
  collectValues();
  return true;
}

namespace {
bool isProduct(Operation *op) {
  return isa<nn::MatmulOp, nn::ConvOp>(op) && nn::tensorType(op->getResult(0)).getElementType().isF32();
}

/// The last product that the value comes from by element-wise operations on tensors of its sizes; null: none.
class Products {
public:
  Operation *behind(Value value) {
    Operation *op = value.getDefiningOp();
    if (!op || isProduct(op) || !nn::isElementwise(op))
      return op && isProduct(op) ? op : nullptr;
    auto [it, isNew] = known.try_emplace(op, nullptr);
    if (!isNew)
      return it->second;
    Operation *last = nullptr;
    for (Value operand : op->getOperands())
      if (Operation *product = nn::haveEqualDims(operand, value) ? behind(operand) : nullptr)
        if (!last || last->isBeforeInBlock(product))
          last = product;
    return known[op] = last;
  }

private:
  llvm::DenseMap<Operation *, Operation *> known;
};

/// Finds what bounds the value, if it has one reader.
void findBounds(ReferenceValue &entry) {
  Value value = entry.value;
  entry.isOnlyQuantized =
      !value.use_empty() && llvm::all_of(value.getUsers(), [](Operation *user) { return isa<nn::QuantizeOp>(user); });
  if (!value.hasOneUse() || (*value.user_begin())->getNumResults() != 1)
    return;
  Value result = (*value.user_begin())->getResult(0);
  if (auto relu = dyn_cast<nn::UnaryOp>(*value.user_begin()); relu && relu.getKind() == nn::UnaryKind::relu)
    entry.low = 0;
  Value last = result.hasOneUse() && (*result.user_begin())->getNumResults() == 1 ? (*result.user_begin())->getResult(0)
                                                                                  : result;
  if (auto clip = nn::matchClip(last); clip && clip->input == value) {
    entry.low = clip->low;
    entry.high = clip->high;
  }
}

/// Convolutions have channels as axis 1, and what keeps their sizes, too.
bool isOfPicture(Value value) {
  for (int depth = 0; depth < 64; ++depth) {
    Operation *op = value.getDefiningOp();
    if (!op)
      return nn::tensorType(value).getRank() == 4;
    if (isa<nn::ConvOp, nn::ConvTransposeOp, nn::PoolOp>(op))
      return true;
    if (op->getNumOperands() == 0 || nn::tensorType(value).getRank() < 3 ||
        nn::tensorType(op->getOperand(0)).getRank() != nn::tensorType(value).getRank() ||
        isa<nn::MatmulOp, nn::LayerNormOp, nn::TransposeOp, nn::SoftmaxOp>(op))
      return false;
    value = op->getOperand(0);
  }
  return false;
}

int64_t channelAxisOf(Value value) {
  int64_t rank = nn::tensorType(value).getRank();
  return rank > 2 && isOfPicture(value) ? 1 : std::max<int64_t>(rank - 1, 0);
}
} // namespace

void Reference::collectValues() {
  Products products;
  auto add = [&](StringRef name, Value value) {
    if (!nn::tensorType(value).getElementType().isF32())
      return;
    Operation *product = products.behind(value);
    ReferenceValue entry{value, channelAxisOf(value), product ? nodeName(product->getLoc()) : ""};
    findBounds(entry);
    values.try_emplace(name, std::move(entry));
  };
  for (BlockArgument argument : function().getArguments())
    if (auto origin = nn::originOf(argument))
      add(origin->node, argument);
  for (Operation &op : function().front())
    if (auto origin = lathe::originOf(&op); origin && origin->scale == 0 && op.getNumResults() == 1)
      add(origin->node, op.getResult(0));
}

const ReferenceValue *Reference::find(StringRef name) const {
  auto it = values.find(name);
  return it == values.end() ? nullptr : &it->second;
}

std::vector<std::string> Reference::productsReading(StringRef name) const {
  std::vector<std::string> names;
  const ReferenceValue *value = find(name);
  SmallVector<Value> work;
  if (value)
    work.push_back(value->value);
  for (size_t i = 0; i < work.size() && i < 16; ++i)
    for (Operation *user : work[i].getUsers())
      if (isProduct(user))
        names.push_back(nodeName(user->getLoc()));
      else if (isa<nn::ReshapeOp, nn::TransposeOp, nn::PoolOp>(user))
        work.push_back(user->getResult(0));
  return names;
}

std::vector<std::string> Reference::outputNames() {
  std::vector<std::string> names;
  for (unsigned i = 0; i < function().getNumResults(); ++i) {
    auto name = function().getResultAttrOfType<StringAttr>(i, "nn.name");
    names.push_back(name ? name.str() : "output" + std::to_string(i));
  }
  return names;
}

llvm::Expected<std::unique_ptr<ObservedProgram>> Reference::compile(ArrayRef<std::string> names,
                                                                    const OpenObserved &open) {
  SmallVector<Value> points(function().front().getTerminator()->getOperands());
  for (const std::string &name : names)
    points.push_back(find(name)->value);
  TemporaryArtifact artifact;
  if (llvm::Error error = artifact.make("lathe-diff"))
    return std::move(error);
  if (llvm::Error error = writeTaps(artifact.path(), function(), points, *backend))
    return std::move(error);
  return open(artifact.path());
}

} // namespace lathe::diff
