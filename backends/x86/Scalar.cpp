#include "backends/x86/Scalar.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;

namespace lathe::x86 {

std::optional<int64_t> constantOf(Value value) {
  APInt constant;
  if (matchPattern(value, m_ConstantInt(&constant)))
    return constant.getSExtValue();
  return std::nullopt;
}

static arith::FastMathFlagsAttr flags(OpBuilder &b, bool isReassociated = false) {
  auto value = arith::FastMathFlags::contract;
  if (isReassociated)
    value = value | arith::FastMathFlags::reassoc;
  return arith::FastMathFlagsAttr::get(b.getContext(), value);
}

Scalar::Scalar(OpBuilder builder, Location loc, Block *constantsBlock)
    : b(builder), loc(loc), constantsBlock(constantsBlock) {
  known.emplace_back();
  knownHoisted.emplace_back();
  OpBuilder front = OpBuilder::atBlockBegin(constantsBlock);
  hoistPoint = front.create<arith::ConstantOp>(loc, front.getI64IntegerAttr(0));
}

void Scalar::hoist(llvm::function_ref<void()> emit) {
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPoint(hoistPoint);
  std::swap(known, knownHoisted);
  emit();
  std::swap(known, knownHoisted);
}

Type Scalar::ptr() { return LLVM::LLVMPointerType::get(b.getContext()); }

//===- constants -===//

/// `element` as a constant of the scalar or vector type.
static Value createConstant(Block *block, Location loc, Type type, TypedAttr element) {
  OpBuilder front = OpBuilder::atBlockBegin(block);
  if (auto vector = dyn_cast<VectorType>(type))
    return front.create<arith::ConstantOp>(loc, DenseElementsAttr::get(vector, Attribute(element)));
  return front.create<arith::ConstantOp>(loc, element);
}

Value Scalar::integer(int64_t value, Type type) {
  Value &slot = integers[{const_cast<void *>(type.getAsOpaquePointer()), value}];
  if (!slot)
    slot = createConstant(constantsBlock, loc, type, b.getIntegerAttr(getElementTypeOrSelf(type), value));
  return slot;
}

Value Scalar::real(double value, Type type) {
  Value &slot = reals[{const_cast<void *>(type.getAsOpaquePointer()), llvm::bit_cast<uint64_t>(value)}];
  if (!slot)
    slot = createConstant(constantsBlock, loc, type, b.getFloatAttr(getElementTypeOrSelf(type), value));
  return slot;
}

Value Scalar::number(double value, Type type) {
  return isa<FloatType>(getElementTypeOrSelf(type)) ? real(value, type) : integer(int64_t(value), type);
}

Value Scalar::remember(Key key, llvm::function_ref<Value()> make) {
  for (auto &scope : llvm::reverse(known))
    if (auto it = scope.find(key); it != scope.end())
      return it->second;
  Value made = make();
  known.back()[key] = made;
  return made;
}

//===- arithmetic -===//

template <class IntOp> Value Scalar::intOp(Value x, Value y) {
  Key key{IntOp::getOperationName(), 0, x.getAsOpaquePointer(), y.getAsOpaquePointer()};
  return remember(key, [&] { return b.create<IntOp>(loc, x, y).getResult(); });
}

template <class FloatOp> Value Scalar::floatOp(Value x, Value y) { return b.create<FloatOp>(loc, x, y, flags(b)); }

static bool isFloat(Value value) { return isa<FloatType>(getElementTypeOrSelf(value.getType())); }

Value Scalar::add(Value x, Value y) {
  if (isFloat(x))
    return floatOp<arith::AddFOp>(x, y);
  auto cx = constantOf(x), cy = constantOf(y);
  if (cx && cy)
    return integer(int64_t(uint64_t(*cx) + uint64_t(*cy)), x.getType());
  if (cx == 0)
    return y;
  return cy == 0 ? x : intOp<arith::AddIOp>(x, y);
}

Value Scalar::sub(Value x, Value y) {
  if (isFloat(x))
    return floatOp<arith::SubFOp>(x, y);
  auto cx = constantOf(x), cy = constantOf(y);
  if (cx && cy)
    return integer(int64_t(uint64_t(*cx) - uint64_t(*cy)), x.getType());
  return cy == 0 ? x : intOp<arith::SubIOp>(x, y);
}

Value Scalar::mul(Value x, Value y) {
  if (isFloat(x))
    return floatOp<arith::MulFOp>(x, y);
  auto cx = constantOf(x), cy = constantOf(y);
  if (cx && cy)
    return integer(int64_t(uint64_t(*cx) * uint64_t(*cy)), x.getType());
  if (cx == 0 || cy == 0)
    return cx == 0 ? x : y;
  if (cx == 1)
    return y;
  return cy == 1 ? x : intOp<arith::MulIOp>(x, y);
}

Value Scalar::accumulate(Value sum, Value x) {
  return isFloat(sum) ? Value(b.create<arith::AddFOp>(loc, sum, x, flags(b, true))) : add(sum, x);
}
Value Scalar::accumulateProduct(Value product, Value x) {
  return isFloat(product) ? Value(b.create<arith::MulFOp>(loc, product, x, flags(b, true))) : mul(product, x);
}
Value Scalar::mulExact(Value x, Value y) { return b.create<arith::MulFOp>(loc, x, y); }
Value Scalar::divF(Value x, Value y) { return floatOp<arith::DivFOp>(x, y); }
Value Scalar::neg(Value x) {
  if (isFloat(x))
    return b.create<arith::NegFOp>(loc, x, flags(b));
  return sub(integer(0, x.getType()), x);
}
Value Scalar::absF(Value x) { return b.create<math::AbsFOp>(loc, x); }
Value Scalar::copySign(Value magnitude, Value sign) { return b.create<math::CopySignOp>(loc, magnitude, sign); }
Value Scalar::sqrt(Value x) { return b.create<math::SqrtOp>(loc, x); }
Value Scalar::floorF(Value x) { return b.create<math::FloorOp>(loc, x); }
Value Scalar::ceilF(Value x) { return b.create<math::CeilOp>(loc, x); }
Value Scalar::roundF(Value x) { return b.create<math::RoundEvenOp>(loc, x); }
Value Scalar::truncF(Value x) { return b.create<math::TruncOp>(loc, x); }
Value Scalar::maximumF(Value x, Value y) { return b.create<arith::MaximumFOp>(loc, x, y); }
Value Scalar::minimumF(Value x, Value y) { return b.create<arith::MinimumFOp>(loc, x, y); }
Value Scalar::accumulateMaximum(Value most, Value x) {
  return b.create<arith::MaximumFOp>(loc, most, x, arith::FastMathFlags::nsz);
}
Value Scalar::accumulateMinimum(Value least, Value x) {
  return b.create<arith::MinimumFOp>(loc, least, x, arith::FastMathFlags::nsz);
}

//===- integers -===//

Value Scalar::hidden(Value x) {
  const char *registers = isa<VectorType>(x.getType()) ? "=v,0" : "=r,0";
  return b
      .create<LLVM::InlineAsmOp>(loc, x.getType(), ValueRange{x}, "", registers, /*has_side_effects=*/false,
                                 /*is_align_stack=*/false, LLVM::AsmDialectAttr(), ArrayAttr())
      .getResult(0);
}

void Scalar::waitFor(MutableArrayRef<Value> vectors) {
  if (vectors.size() < 2)
    return;
  SmallVector<Type> types(ValueRange(vectors).getTypes());
  std::string constraints;
  for (size_t i = 0; i < vectors.size(); ++i)
    constraints += "=v,";
  for (size_t i = 0; i < vectors.size(); ++i)
    constraints += std::to_string(i) + ",";
  Type all = LLVM::LLVMStructType::getLiteral(b.getContext(), types);
  Value results = b.create<LLVM::InlineAsmOp>(loc, all, ValueRange(vectors), "", constraints + "~{memory}",
                                              /*has_side_effects=*/true, /*is_align_stack=*/false,
                                              LLVM::AsmDialectAttr(), ArrayAttr())
                      .getResult(0);
  for (auto [i, vector] : llvm::enumerate(vectors))
    vector = b.create<LLVM::ExtractValueOp>(loc, results, int64_t(i));
}

Value Scalar::divS(Value x, Value y) {
  auto cx = constantOf(x), cy = constantOf(y);
  if (cx && cy && *cy != 0 && *cy != -1)
    return integer(*cx / *cy, x.getType());
  return cy == 1 ? x : intOp<arith::DivSIOp>(x, y);
}
Value Scalar::remS(Value x, Value y) {
  auto cx = constantOf(x), cy = constantOf(y);
  if (cx && cy && *cy != 0 && *cy != -1)
    return integer(*cx % *cy, x.getType());
  return cy == 1 ? integer(0, x.getType()) : intOp<arith::RemSIOp>(x, y);
}
Value Scalar::divU(Value x, Value y) {
  auto cx = constantOf(x), cy = constantOf(y);
  if (cx && cy && *cx >= 0 && *cy > 0)
    return integer(*cx / *cy, x.getType());
  return cy == 1 ? x : intOp<arith::DivUIOp>(x, y);
}
Value Scalar::remU(Value x, Value y) {
  auto cx = constantOf(x), cy = constantOf(y);
  if (cx && cy && *cx >= 0 && *cy > 0)
    return integer(*cx % *cy, x.getType());
  return cy == 1 ? integer(0, x.getType()) : intOp<arith::RemUIOp>(x, y);
}

Value Scalar::floorMod(Value x, Value y) {
  Value remainder = remS(x, y);
  Value zero = integer(0, x.getType());
  return select(ltS(remainder, zero), add(remainder, y), remainder);
}
Value Scalar::floorDiv(Value x, Value y) {
  if (constantOf(y) == 1)
    return x;
  Value quotient = divS(x, y);
  Value isInexact = ltS(sub(x, mul(quotient, y)), integer(0, x.getType()));
  return select(isInexact, sub(quotient, integer(1, x.getType())), quotient);
}
Value Scalar::ceilDiv(Value x, Value y) { return floorDiv(add(x, sub(y, integer(1, x.getType()))), y); }

Value Scalar::minS(Value x, Value y) {
  auto cx = constantOf(x), cy = constantOf(y);
  return cx && cy ? (*cx < *cy ? x : y) : intOp<arith::MinSIOp>(x, y);
}
Value Scalar::maxS(Value x, Value y) {
  auto cx = constantOf(x), cy = constantOf(y);
  return cx && cy ? (*cx > *cy ? x : y) : intOp<arith::MaxSIOp>(x, y);
}
Value Scalar::minU(Value x, Value y) { return intOp<arith::MinUIOp>(x, y); }
Value Scalar::maxU(Value x, Value y) { return intOp<arith::MaxUIOp>(x, y); }

Value Scalar::andI(Value x, Value y) {
  if (x.getType().isInteger(1)) {
    if (auto c = constantOf(x))
      return *c ? y : x;
    if (auto c = constantOf(y))
      return *c ? x : y;
  }
  return intOp<arith::AndIOp>(x, y);
}
Value Scalar::orI(Value x, Value y) {
  if (x.getType().isInteger(1)) {
    if (auto c = constantOf(x))
      return *c ? x : y;
    if (auto c = constantOf(y))
      return *c ? y : x;
  }
  return intOp<arith::OrIOp>(x, y);
}
Value Scalar::xorI(Value x, Value y) { return intOp<arith::XOrIOp>(x, y); }
Value Scalar::shl(Value x, Value y) { return intOp<arith::ShLIOp>(x, y); }
Value Scalar::shrU(Value x, Value y) { return intOp<arith::ShRUIOp>(x, y); }
Value Scalar::shrS(Value x, Value y) { return intOp<arith::ShRSIOp>(x, y); }

//===- comparisons -===//

Value Scalar::cmp(arith::CmpIPredicate predicate, Value x, Value y) {
  auto cx = constantOf(x), cy = constantOf(y);
  if (cx && cy) {
    unsigned width = getElementTypeOrSelf(x).getIntOrFloatBitWidth();
    return boolean(arith::applyCmpPredicate(predicate, APInt(width, *cx, true), APInt(width, *cy, true)));
  }
  Key key{arith::CmpIOp::getOperationName(), int(predicate), x.getAsOpaquePointer(), y.getAsOpaquePointer()};
  return remember(key, [&] { return b.create<arith::CmpIOp>(loc, predicate, x, y).getResult(); });
}

Value Scalar::cmp(arith::CmpFPredicate predicate, Value x, Value y) {
  return b.create<arith::CmpFOp>(loc, predicate, x, y);
}

Value Scalar::select(Value condition, Value x, Value y) {
  if (x == y)
    return x;
  if (auto c = constantOf(condition))
    return *c ? x : y;
  return b.create<arith::SelectOp>(loc, condition, x, y);
}

//===- conversions -===//

Value Scalar::toFloatS(Value x, Type type) { return b.create<arith::SIToFPOp>(loc, type, x); }
Value Scalar::truncateF(Value x, Type type) { return b.create<arith::FPToSIOp>(loc, type, x); }
Value Scalar::toFloatU(Value x, Type type) { return b.create<arith::UIToFPOp>(loc, type, x); }

static int compareWidths(Type from, Type to) {
  return int(getElementTypeOrSelf(to).getIntOrFloatBitWidth()) -
         int(getElementTypeOrSelf(from).getIntOrFloatBitWidth());
}

Value Scalar::resizeF(Value x, Type type) {
  int change = compareWidths(x.getType(), type);
  if (change == 0)
    return x;
  return change > 0 ? Value(b.create<arith::ExtFOp>(loc, type, x)) : Value(b.create<arith::TruncFOp>(loc, type, x));
}
Value Scalar::resizeS(Value x, Type type) {
  if (auto c = constantOf(x); c && !x.getType().isInteger(1))
    return integer(*c, type);
  int change = compareWidths(x.getType(), type);
  if (change == 0)
    return x;
  return change > 0 ? Value(b.create<arith::ExtSIOp>(loc, type, x)) : Value(b.create<arith::TruncIOp>(loc, type, x));
}
Value Scalar::resizeU(Value x, Type type) {
  int change = compareWidths(x.getType(), type);
  if (change == 0)
    return x;
  return change > 0 ? Value(b.create<arith::ExtUIOp>(loc, type, x)) : Value(b.create<arith::TruncIOp>(loc, type, x));
}
Value Scalar::bits(Value x, Type type) {
  return x.getType() == type ? x : Value(b.create<arith::BitcastOp>(loc, type, x));
}

//===- memory -===//

Value Scalar::address(Value base, Type type, Value offset) {
  if (constantOf(offset) == 0)
    return base;
  return b.create<LLVM::GEPOp>(loc, ptr(), type, base, ValueRange{offset}, /*inbounds=*/true);
}
Value Scalar::loadRaw(Value base, Type type, Value offset, unsigned alignment) {
  return b.create<LLVM::LoadOp>(loc, type, address(base, type, offset), alignment);
}
void Scalar::storeRaw(Value value, Value base, Value offset, unsigned alignment) {
  b.create<LLVM::StoreOp>(loc, value, address(base, value.getType(), offset), alignment);
}

//===- control -===//

void Scalar::loop(Value from, Value to, Value step, llvm::function_ref<void(Value)> body) {
  if (auto low = constantOf(from), high = constantOf(to), by = constantOf(step);
      low && high && by && *high - *low <= *by) {
    if (*high > *low)
      body(from);
    return;
  }
  auto loop = b.create<scf::ForOp>(loc, from, to, step);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(loop.getBody());
  pushScope();
  body(loop.getInductionVar());
  popScope();
}

Values Scalar::loop(Value from, Value to, ValueRange inits, llvm::function_ref<Values(Value, ValueRange)> body) {
  if (inits.empty()) {
    loop(from, to, [&](Value i) { body(i, {}); });
    return {};
  }
  auto loop = b.create<scf::ForOp>(loc, from, to, index(1), inits);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(loop.getBody());
  pushScope();
  Values next = body(loop.getInductionVar(), loop.getRegionIterArgs());
  popScope();
  b.create<scf::YieldOp>(loc, next);
  return Values(loop.getResults());
}

Values Scalar::repeatWhile(ValueRange inits, llvm::function_ref<Value(ValueRange)> condition,
                           llvm::function_ref<Values(ValueRange)> body) {
  auto inScope = [&](auto emit) {
    pushScope();
    emit();
    popScope();
  };
  auto loop = b.create<scf::WhileOp>(
      loc, inits.getTypes(), inits,
      [&](OpBuilder &nested, Location, ValueRange carried) {
        OpBuilder::InsertionGuard guard(b);
        b.setInsertionPoint(nested.getInsertionBlock(), nested.getInsertionPoint());
        inScope([&] { b.create<scf::ConditionOp>(loc, condition(carried), carried); });
      },
      [&](OpBuilder &nested, Location, ValueRange carried) {
        OpBuilder::InsertionGuard guard(b);
        b.setInsertionPoint(nested.getInsertionBlock(), nested.getInsertionPoint());
        inScope([&] { b.create<scf::YieldOp>(loc, body(carried)); });
      });
  return Values(loop.getResults());
}

void Scalar::when(Value condition, llvm::function_ref<void()> body) {
  if (auto c = constantOf(condition)) {
    if (*c)
      body();
    return;
  }
  auto branch = b.create<scf::IfOp>(loc, condition);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(branch.thenBlock());
  pushScope();
  body();
  popScope();
}

Values Scalar::when(Value condition, TypeRange types, llvm::function_ref<Values()> then,
                    llvm::function_ref<Values()> otherwise) {
  auto branch = b.create<scf::IfOp>(loc, types, condition, /*withElseRegion=*/true);
  OpBuilder::InsertionGuard guard(b);
  auto fill = [&](Block *block, llvm::function_ref<Values()> body) {
    b.setInsertionPointToStart(block);
    pushScope();
    Values values = body();
    popScope();
    b.create<scf::YieldOp>(loc, values);
  };
  fill(branch.thenBlock(), then);
  fill(branch.elseBlock(), otherwise);
  return Values(branch.getResults());
}

} // namespace lathe::x86
