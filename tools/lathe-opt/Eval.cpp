#include "tools/lathe-opt/Eval.h"
#include "dialects/nn/NN.h"
#include "dialects/reference/Evaluate.h"
#include "mlir/Pass/Pass.h"

using namespace mlir;

namespace lathe {

namespace {

/// Values of any size inline, so that a test can read them.
ElementsAttr inlineAttribute(const reference::Tensor &tensor) {
  if (tensor.elementType().isInteger(1))
    return DenseElementsAttr::get(tensor.type(), ArrayRef(tensor.data<bool>(), size_t(tensor.size())));
  return DenseElementsAttr::getFromRawBuffer(tensor.type(), tensor.rawBytes());
}

struct EvalPass : PassWrapper<EvalPass, OperationPass<func::FuncOp>> {
  MLIR_DEFINE_EXPLICIT_INTERNAL_INLINE_TYPE_ID(EvalPass)

  StringRef getArgument() const override { return "lathe-eval"; }
  StringRef getDescription() const override { return "run functions without arguments by the reference interpreter"; }

  void runOnOperation() override {
    func::FuncOp function = getOperation();
    if (function.isDeclaration() || function.getNumArguments() != 0)
      return;
    auto results = reference::evaluateFunction(function, {});
    if (!results) {
      function.emitError(llvm::toString(results.takeError()));
      return signalPassFailure();
    }
    replaceBody(function, *results);
  }

  static void replaceBody(func::FuncOp function, ArrayRef<reference::Tensor> results) {
    SmallVector<ElementsAttr> values(llvm::map_range(results, inlineAttribute));
    Block &body = function.getBody().front();
    body.clear();
    auto builder = OpBuilder::atBlockEnd(&body);
    SmallVector<Value> constants;
    SmallVector<Type> types;
    for (ElementsAttr value : values) {
      constants.push_back(builder.create<nn::ConstantOp>(function.getLoc(), value.getShapedType(), value));
      types.push_back(value.getShapedType());
    }
    builder.create<func::ReturnOp>(function.getLoc(), constants);
    function.setType(builder.getFunctionType({}, types));
  }
};

} // namespace

void registerEvalPass() { PassRegistration<EvalPass>(); }

} // namespace lathe
