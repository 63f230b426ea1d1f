// What the compiler asks of a code generator. The driver owns the flow:
//   for each nn operation left after fusion: planKernel -> one plan.kernel + plan.call (lowering to plan)
//   for each constant input: packedSizeBytes / pack (artifact writer)
//   for the finished plan.program: generate -> CodeImage
#pragma once

#include "backends/Target.h"
#include "dialects/plan/Plan.h"
#include "dialects/reference/Tensor.h"
#include "mlir/IR/Operation.h"
#include <memory>
#include <string>
#include <vector>

namespace lathe {

/// How one operation will be computed. Attributes as in plan.kernel.
struct KernelPlan {
  std::string name;            // readable stem: f32_gemm_bias_gelu_6x16__avx2 (made unique by the caller)
  std::string kind;            // the emitter: map, row, gemm, conv, depthwise, pool, recurrent, ...
  mlir::DictionaryAttr config; // the emitter's parameters
  llvm::SmallVector<mlir::Attribute> packing; // per operand; unit attribute: row-major as is
  mlir::AffineExpr tasks, scratchBytes;       // over symbols
  mlir::AffineExpr rounds;                    // of `tasks` tasks each, one after the other; null: one
  mlir::AffineExpr flops;
};

/// What tells a plan from others for the same operation, for people and for the tuning database:
/// "conv blocking=120,4 tile=6,2,8".
std::string choiceText(const KernelPlan &plan);

/// The value of a constant that becomes part of the kernels that read it, since it is one element or a splat; null for others, and
/// if `value` is null.
mlir::DenseElementsAttr inlineValue(mlir::ElementsAttr value);

/// Are all sizes of operands and results numbers?
bool hasFixedSizes(mlir::Operation *op);

/// Kernels that a library computes at run time: no code is generated for them. `kind` may be a choiceText, which begins with it.
inline bool isLibraryKind(llvm::StringRef kind) { return kind.starts_with("onednn_"); }

/// Machine code of all kernels of a program: one position-independent image without relocations or imports, mapped
/// read + execute at any page-aligned address.
struct CodeImage {
  std::vector<char> bytes;
  std::vector<std::pair<std::string, uint64_t>> entries; // kernel symbol -> offset in bytes
  std::string assembly;                                  // filled only when asked for (--dump-to)
};

/// What a product with constant weights is expected to take, in ns of one thread, by how it is computed.
struct ProductTimes {
  double real; ///< in f32
  double integers7,
      integers;      ///< in 8-bit integers with weights of 7 and of 8 bits, without making integers of its input
  double conversion; ///< making integers of its input
};

/// The same of a matrix product whose weights may be integers of 4 bits in groups along the depth.
struct GroupedTimes {
  double real;     ///< in f32
  double floats;   ///< 4-bit weights, rows of f32
  double integers; ///< 4-bit weights, rows of 8-bit integers in the same groups, without making them
  double rounding; ///< making them
};

class Backend {
public:
  virtual ~Backend() = default;

  /// Chooses the kernel for `op` (an nn operation or nn.fused). `isConstant[i]`: operand i is known at compile time and may
  /// be packed. Failure: emits a diagnostic at the op that says why no kernel exists.
  virtual mlir::FailureOr<KernelPlan> planKernel(mlir::Operation *op, llvm::ArrayRef<bool> isConstant,
                                                 const Target &target) = 0;
  /// All plans for `op` that are worth measuring: first what planKernel gives, then others that compute the same within the same
  /// limits of error, a library's last, no two with one choiceText. Just the first where there is no choice, or a size is not
  /// known.
  virtual mlir::FailureOr<std::vector<KernelPlan>> kernelPlans(mlir::Operation *op, llvm::ArrayRef<bool> isConstant,
                                                               const Target &target);
  /// Of an nn.matmul or nn.conv of f32 with constant weights, in any layout, for these values of the function's symbols. nullopt: there
  /// is no model of it.
  virtual std::optional<ProductTimes> productTimes(mlir::Operation *op, llvm::ArrayRef<int64_t> symbols,
                                                   const Target &target) {
    return std::nullopt;
  }
  /// Of an nn.matmul as above, with groups of this size.
  virtual std::optional<GroupedTimes> groupedTimes(mlir::Operation *op, int64_t group, llvm::ArrayRef<int64_t> symbols,
                                                   const Target &target) {
    return std::nullopt;
  }
  /// Bytes that a packed constant takes.
  virtual int64_t packedSizeBytes(mlir::RankedTensorType type, mlir::Attribute packing) = 0;
  /// Writes the packed form of `value` to `out` (packedSizeBytes long, zero-filled before).
  virtual void pack(const reference::Tensor &value, mlir::Attribute packing, char *out) = 0;
  /// Generates code for every plan.kernel of `program`; deterministic.
  virtual mlir::FailureOr<CodeImage> generate(plan::ProgramOp program, const Target &target, bool wantAssembly) = 0;
};

std::unique_ptr<Backend> createX86Backend();

} // namespace lathe
