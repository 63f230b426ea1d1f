// Scalar code: a thin layer over arith/scf/llvm that folds constants, shares equal index computations and keeps loops short to
// write. Everything the emitters of this folder produce goes through it.
#pragma once

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/Builders.h"
#include <functional>
#include <map>

namespace lathe::x86 {

using Values = llvm::SmallVector<mlir::Value, 6>;

/// Emits scalar operations at `b`'s insertion point. Integers are signless (i64 for indices); signedness is in the name of the
/// operation. Floating operations may be contracted to FMA and nothing else, unless `reassociate` is asked for.
class Scalar {
public:
  Scalar(mlir::OpBuilder builder, mlir::Location loc, mlir::Block *constantsBlock);

  mlir::OpBuilder b;
  mlir::Location loc;

  mlir::Type i1() { return widen(b.getI1Type()); }
  mlir::Type i8() { return b.getI8Type(); }
  mlir::Type i32() { return widen(b.getI32Type()); }
  mlir::Type i64() { return widen(b.getI64Type()); }
  mlir::Type f32() { return widen(b.getF32Type()); }
  mlir::Type f64() { return widen(b.getF64Type()); }
  mlir::Type integerType(unsigned width) { return widen(b.getIntegerType(width)); }
  mlir::Type ptr();

  /// While one lives, the types above are vectors: functions of scalars (FloatMath.h) then compute `lanes` values at once.
  /// Not for addresses and loops.
  class Lanes {
  public:
    Lanes(Scalar &scalar, int64_t lanes) : scalar(scalar) { scalar.lanes = lanes; }
    ~Lanes() { scalar.lanes = 0; }
    Lanes(const Lanes &) = delete;

  private:
    Scalar &scalar;
  };

  /// Constants (splats of vector types), unique in a function and placed at its start.
  mlir::Value index(int64_t value) { return integer(value, b.getI64Type()); }
  mlir::Value integer(int64_t value, mlir::Type type);
  mlir::Value real(double value, mlir::Type type);
  /// Constant of an integer or floating type.
  mlir::Value number(double value, mlir::Type type);
  mlir::Value boolean(bool value) { return integer(value, i1()); }

  // Arithmetic on integers or floats, by the operands' type.
  mlir::Value add(mlir::Value x, mlir::Value y);
  mlir::Value sub(mlir::Value x, mlir::Value y);
  mlir::Value mul(mlir::Value x, mlir::Value y);
  /// Like add, free to be reassociated: for sums that loops vectorize.
  mlir::Value accumulate(mlir::Value sum, mlir::Value x);
  mlir::Value accumulateProduct(mlir::Value product, mlir::Value x);
  /// A floating product that is rounded as it is, not contracted with what it is added to.
  mlir::Value mulExact(mlir::Value x, mlir::Value y);
  mlir::Value divF(mlir::Value x, mlir::Value y);
  /// x * y + z in floating point; one FMA where the target has it.
  mlir::Value fma(mlir::Value x, mlir::Value y, mlir::Value z) { return add(mul(x, y), z); }
  mlir::Value neg(mlir::Value x);
  mlir::Value absF(mlir::Value x);
  mlir::Value copySign(mlir::Value magnitude, mlir::Value sign);
  mlir::Value sqrt(mlir::Value x);
  mlir::Value floorF(mlir::Value x);
  mlir::Value ceilF(mlir::Value x);
  /// Half to even.
  mlir::Value roundF(mlir::Value x);
  mlir::Value truncF(mlir::Value x);
  /// NaN if one is NaN, -0 < +0.
  mlir::Value maximumF(mlir::Value x, mlir::Value y);
  mlir::Value minimumF(mlir::Value x, mlir::Value y);
  /// The same for running values of loops, where it doesn't matter which of two zeros is left: three instructions instead of five.
  mlir::Value accumulateMaximum(mlir::Value most, mlir::Value x);
  mlir::Value accumulateMinimum(mlir::Value least, mlir::Value x);

  /// The same integer or vector of integers, as one that LLVM knows nothing of: an empty piece of assembly, no instruction.
  mlir::Value hidden(mlir::Value x);
  /// The same vectors, before which, if they are several, LLVM doesn't load what the code loads after them. No instruction.
  void waitFor(llvm::MutableArrayRef<mlir::Value> vectors);

  // Integers. Divisors must not be zero; no division may overflow.
  mlir::Value divS(mlir::Value x, mlir::Value y);
  mlir::Value remS(mlir::Value x, mlir::Value y);
  mlir::Value divU(mlir::Value x, mlir::Value y);
  mlir::Value remU(mlir::Value x, mlir::Value y);
  /// Rounded towards minus infinity, y > 0.
  mlir::Value floorDiv(mlir::Value x, mlir::Value y);
  mlir::Value ceilDiv(mlir::Value x, mlir::Value y);
  mlir::Value floorMod(mlir::Value x, mlir::Value y);
  mlir::Value minS(mlir::Value x, mlir::Value y);
  mlir::Value maxS(mlir::Value x, mlir::Value y);
  mlir::Value minU(mlir::Value x, mlir::Value y);
  mlir::Value maxU(mlir::Value x, mlir::Value y);
  /// low <= x <= high
  mlir::Value clampS(mlir::Value x, mlir::Value low, mlir::Value high) { return minS(maxS(x, low), high); }
  mlir::Value andI(mlir::Value x, mlir::Value y);
  mlir::Value orI(mlir::Value x, mlir::Value y);
  mlir::Value xorI(mlir::Value x, mlir::Value y);
  mlir::Value shl(mlir::Value x, mlir::Value y);
  mlir::Value shrU(mlir::Value x, mlir::Value y);
  mlir::Value shrS(mlir::Value x, mlir::Value y);
  mlir::Value notB(mlir::Value x) { return xorI(x, boolean(true)); }

  // Comparisons and choice.
  mlir::Value cmp(mlir::arith::CmpIPredicate predicate, mlir::Value x, mlir::Value y);
  mlir::Value cmp(mlir::arith::CmpFPredicate predicate, mlir::Value x, mlir::Value y);
  mlir::Value ltS(mlir::Value x, mlir::Value y) { return cmp(mlir::arith::CmpIPredicate::slt, x, y); }
  mlir::Value geS(mlir::Value x, mlir::Value y) { return cmp(mlir::arith::CmpIPredicate::sge, x, y); }
  mlir::Value eqI(mlir::Value x, mlir::Value y) { return cmp(mlir::arith::CmpIPredicate::eq, x, y); }
  mlir::Value neI(mlir::Value x, mlir::Value y) { return cmp(mlir::arith::CmpIPredicate::ne, x, y); }
  /// Ordered: false if one is NaN.
  mlir::Value ltF(mlir::Value x, mlir::Value y) { return cmp(mlir::arith::CmpFPredicate::OLT, x, y); }
  mlir::Value gtF(mlir::Value x, mlir::Value y) { return cmp(mlir::arith::CmpFPredicate::OGT, x, y); }
  mlir::Value eqF(mlir::Value x, mlir::Value y) { return cmp(mlir::arith::CmpFPredicate::OEQ, x, y); }
  mlir::Value isNan(mlir::Value x) { return cmp(mlir::arith::CmpFPredicate::UNO, x, x); }
  mlir::Value select(mlir::Value condition, mlir::Value x, mlir::Value y);

  // Conversions between computed types.
  mlir::Value toFloatS(mlir::Value x, mlir::Type type);
  mlir::Value toFloatU(mlir::Value x, mlir::Type type);
  /// Signed integer of a number that fits.
  mlir::Value truncateF(mlir::Value x, mlir::Type type);
  /// Extends or truncates floats; extends (with sign or zeros) or truncates integers.
  mlir::Value resizeF(mlir::Value x, mlir::Type type);
  mlir::Value resizeS(mlir::Value x, mlir::Type type);
  mlir::Value resizeU(mlir::Value x, mlir::Type type);
  mlir::Value bits(mlir::Value x, mlir::Type type);

  // Memory. `offset` counts elements of `type` (an LLVM-compatible type, vectors included).
  mlir::Value address(mlir::Value base, mlir::Type type, mlir::Value offset);
  mlir::Value loadRaw(mlir::Value base, mlir::Type type, mlir::Value offset, unsigned alignment = 0);
  void storeRaw(mlir::Value value, mlir::Value base, mlir::Value offset, unsigned alignment = 0);

  /// The value made for this key before, in this scope or one around it; else a new one.
  using Key = std::tuple<llvm::StringRef, int, void *, void *>;
  mlir::Value remember(Key key, llvm::function_ref<mlir::Value()> make);

  // Control. Values computed inside are not reused after.
  void loop(mlir::Value from, mlir::Value to, llvm::function_ref<void(mlir::Value)> body) {
    loop(from, to, index(1), body);
  }
  void loop(mlir::Value from, mlir::Value to, mlir::Value step, llvm::function_ref<void(mlir::Value)> body);
  /// Loop that carries values: the body gives the next ones.
  Values loop(mlir::Value from, mlir::Value to, mlir::ValueRange inits,
              llvm::function_ref<Values(mlir::Value, mlir::ValueRange)> body);
  /// Runs `body` while `condition` holds; both get the carried values.
  Values repeatWhile(mlir::ValueRange inits, llvm::function_ref<mlir::Value(mlir::ValueRange)> condition,
                     llvm::function_ref<Values(mlir::ValueRange)> body);
  void when(mlir::Value condition, llvm::function_ref<void()> body);
  Values when(mlir::Value condition, mlir::TypeRange types, llvm::function_ref<Values()> then,
              llvm::function_ref<Values()> otherwise);

  /// Emits at the start of the function, where only constants, arguments and other hoisted values can be used.
  void hoist(llvm::function_ref<void()> emit);

protected:
  /// A nested scope of remembered values, as long as it lives.
  virtual void pushScope() { known.emplace_back(); }
  virtual void popScope() { known.pop_back(); }

private:
  mlir::Type widen(mlir::Type type) { return lanes ? mlir::VectorType::get({lanes}, type) : type; }
  template <class IntOp> mlir::Value intOp(mlir::Value x, mlir::Value y);
  template <class FloatOp> mlir::Value floatOp(mlir::Value x, mlir::Value y);

  int64_t lanes = 0; // 0: scalars
  mlir::Block *constantsBlock;
  mlir::Operation *hoistPoint = nullptr; // hoisted code stands before it
  std::map<std::pair<void *, int64_t>, mlir::Value> integers;
  std::map<std::pair<void *, uint64_t>, mlir::Value> reals;
  std::vector<std::map<Key, mlir::Value>> known, knownHoisted;
};

/// The constant that an integer SSA value is.
std::optional<int64_t> constantOf(mlir::Value value);

} // namespace lathe::x86
