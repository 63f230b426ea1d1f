// How a plan.kernel becomes code: the table of kernel emitters, and the context in which they emit (see docs/Kernels.md).
#pragma once

#include "backends/Backend.h"
#include "backends/x86/Scalar.h"
#include "dialects/nn/NN.h"
#include "lathe/artifact.h"

namespace lathe::x86 {

using Indices = Values;

/// Value of a tensor's element, as a scalar of its computed type (see computedType).
using ElementFn = std::function<mlir::Value(llvm::ArrayRef<mlir::Value> indices)>;

/// The body of a kernel while it is being emitted. The kernel's ABI (args, dims, tasks) is unpacked already; the insertion
/// point is inside the function; the emitter leaves it where the function goes on to return.
class EmitContext : public Scalar {
public:
  EmitContext(mlir::OpBuilder builder, mlir::Location loc, mlir::Block *entry, plan::KernelOp kernel,
              const Target &target);

  /// A private copy: emitters may rewrite its region.
  plan::KernelOp kernel;
  const Target &target;
  /// To be called once the addresses below are set: loads the scratch pointer, clears the error.
  void prepare();
  /// Addresses (!llvm.ptr, noalias; an in-place pair is one address), in the order of the region's arguments / results.
  llvm::SmallVector<mlir::Value> inputs, outputs;
  mlir::Value taskBegin, taskEnd;                        // i64
  mlir::Value scratch;                                   // !llvm.ptr, aligned to LATHE_BUFFER_ALIGNMENT
  mlir::Value dimsPointer, contextPointer, errorPointer; // used by the members below

  mlir::Block &region() { return kernel.getBody().front(); }
  mlir::OperandRange results() { return region().getTerminator()->getOperands(); }

  /// Value (i64) of an expression over the program's symbols. Call it anywhere: symbols are loaded in the first block.
  mlir::Value dim(mlir::AffineExpr expr);
  Values dims(mlir::RankedTensorType type);
  Values dims(mlir::Value tensor) { return dims(mlir::cast<mlir::RankedTensorType>(tensor.getType())); }
  mlir::Value dimOf(mlir::Value tensor, int64_t axis);
  /// Product of i64 values.
  mlir::Value product(mlir::ValueRange values);

  /// The element of an nn value of this region. A block argument is loaded from its buffer; an operation's result is computed
  /// from the elements of its operands. A binding goes first.
  mlir::Value elementAt(mlir::Value tensor, llvm::ArrayRef<mlir::Value> indices);
  /// From here on elements of `tensor` come from `element`. The GEMM epilogue binds the product to a load from its tile.
  void bind(mlir::Value tensor, ElementFn element);
  void unbind(mlir::Value tensor);
  bool isBound(mlir::Value tensor) const { return bindings.contains(tensor); }

  /// Row-major element number.
  mlir::Value linearize(llvm::ArrayRef<mlir::Value> indices, llvm::ArrayRef<mlir::Value> sizes);
  Indices delinearize(mlir::Value linear, llvm::ArrayRef<mlir::Value> sizes);

  /// Loads an element stored as `elementType` (see computedType for the result); `offset` counts elements.
  mlir::Value load(mlir::Value base, mlir::Type elementType, mlir::Value offset);
  /// Stores a value of the computed type as `elementType`.
  void store(mlir::Value value, mlir::Value base, mlir::Type elementType, mlir::Value offset);
  /// A computed value in the form it has in memory (storageType), and back. For i1 see load and store.
  mlir::Value toStorage(mlir::Value value, mlir::Type elementType);
  mlir::Value fromStorage(mlir::Value raw, mlir::Type elementType);

  /// Ends the run with a lathe_kernel_code where `condition` holds (after this invocation; memory stays valid till then).
  void raise(mlir::Value condition, lathe_kernel_code code);

  /// Calls ctx->api->unary[index] / binary[index] on doubles.
  mlir::Value callUnary(lathe_unary_index index, mlir::Value x);
  mlir::Value callBinary(lathe_binary_index index, mlir::Value x, mlir::Value y);

protected:
  void pushScope() override;
  void popScope() override;

private:
  mlir::Value computeElement(mlir::Value tensor, llvm::ArrayRef<mlir::Value> indices);
  mlir::Value symbol(unsigned position);
  mlir::Value halfToFloat(mlir::Value raw);
  mlir::Value floatToHalf(mlir::Value value);
  mlir::Value floatToBrain(mlir::Value value);
  mlir::Value apiFunction(int64_t tableOffset, int64_t index);

  llvm::DenseMap<mlir::Value, ElementFn> bindings;
  std::map<unsigned, mlir::Value> symbols;
  llvm::DenseMap<mlir::AffineExpr, mlir::Value> expressions;
  using ElementKey = std::pair<void *, llvm::SmallVector<void *, 6>>;
  std::vector<std::map<ElementKey, mlir::Value>> elements;
};

/// Type in which elements are computed: f32 for f16 and bf16, signless integers for all integers, else the type itself.
mlir::Type computedType(mlir::Type elementType);
/// Type of an element in memory, as LLVM knows it: i8 for i1, i16 for f16 and bf16.
mlir::Type storageType(mlir::Type elementType);
inline mlir::RankedTensorType tensorType(mlir::Value tensor) {
  return mlir::cast<mlir::RankedTensorType>(tensor.getType());
}
inline mlir::Type elementType(mlir::Value tensor) { return tensorType(tensor).getElementType(); }
inline bool isUnsigned(mlir::Type elementType) { return elementType.isUnsignedInteger() || elementType.isInteger(1); }

using PlanList = std::vector<KernelPlan>;

/// One way to compute operations. The first entry of the table that accepts an operation takes it; `map`, the last one,
/// computes nearly everything element by element.
struct KernelEmitter {
  llvm::StringRef kind;
  /// nullopt: not for this emitter. `op`: an nn operation or nn.fused. The name in the plan is without the ISA suffix.
  std::optional<KernelPlan> (*plan)(mlir::Operation *op, llvm::ArrayRef<bool> isConstant, const Target &target);
  mlir::LogicalResult (*emit)(EmitContext &context);
  /// Bytes of a packed constant and its packing, for emitters that ask for packed operands; else null.
  int64_t (*packedSizeBytes)(mlir::RankedTensorType type, mlir::DictionaryAttr packing) = nullptr;
  void (*pack)(const reference::Tensor &value, mlir::DictionaryAttr packing, char *out) = nullptr;
  /// Plans that may be faster than the cost model's, for operations whose sizes are known; may give those again. Null: none.
  PlanList (*alternatives)(mlir::Operation *op, llvm::ArrayRef<bool> isConstant, const Target &target) = nullptr;
  /// Are kernels that differ in numbers only as fast with one body (SharedBody.h)?
  bool sharesBodies = false;
};

/// The ordered table. Packing attributes are dictionaries whose entry `kind` names the emitter.
llvm::ArrayRef<KernelEmitter> kernelEmitters();

/// The operations of a kernel to be: those of an nn.fused, or the single operation itself.
llvm::SmallVector<mlir::Operation *> bodyOperations(mlir::Operation *op);
/// Plan with name `f32_<stem>`, row-major operands, no scratch; the caller fills the rest.
KernelPlan makePlan(mlir::Operation *op, llvm::StringRef kind);
/// "f32" etc. of the first result.
std::string typeName(mlir::Type elementType);
/// Rough cost of all of `op` in scalar operations, as an expression over symbols; what KernelPlan::flops wants.
mlir::AffineExpr countFlops(mlir::Operation *op);

} // namespace lathe::x86
