#include "backends/x86/KernelEmitter.h"

using namespace mlir;

namespace lathe::x86 {

Type computedType(Type elementType) {
  MLIRContext *context = elementType.getContext();
  if (elementType.isF16() || elementType.isBF16())
    return Float32Type::get(context);
  if (auto integer = dyn_cast<IntegerType>(elementType))
    return IntegerType::get(context, integer.getWidth());
  return elementType;
}

Type storageType(Type elementType) {
  MLIRContext *context = elementType.getContext();
  if (elementType.isF16() || elementType.isBF16())
    return IntegerType::get(context, 16);
  if (elementType.isInteger(1))
    return IntegerType::get(context, 8);
  return computedType(elementType);
}

EmitContext::EmitContext(OpBuilder builder, Location loc, Block *entry, plan::KernelOp kernel, const Target &target)
    : Scalar(builder, loc, entry), kernel(kernel), target(target) {
  elements.emplace_back();
}

void EmitContext::prepare() {
  hoist([&] {
    errorPointer = b.create<LLVM::AllocaOp>(loc, ptr(), i32(), index(1));
    storeRaw(integer(LATHE_KERNEL_OK, i32()), errorPointer, index(0));
    Value field = address(contextPointer, i8(), index(offsetof(lathe_kernel_context, scratch)));
    scratch = loadRaw(field, ptr(), index(0));
  });
}

void EmitContext::pushScope() {
  Scalar::pushScope();
  elements.emplace_back();
}

void EmitContext::popScope() {
  Scalar::popScope();
  elements.pop_back();
}

//===- sizes -===//

Value EmitContext::symbol(unsigned position) {
  Value &slot = symbols[position];
  if (!slot) {
    auto *it = llvm::find(kernel.getSymbols(), int64_t(position));
    slot = loadRaw(dimsPointer, i64(), index(it - kernel.getSymbols().begin()));
  }
  return slot;
}

Value EmitContext::dim(AffineExpr expr) {
  if (auto constant = constantDim(expr))
    return index(*constant);
  if (Value value = expressions.lookup(expr))
    return value;
  Value value;
  if (auto leaf = dyn_cast<AffineSymbolExpr>(expr)) {
    hoist([&] { value = symbol(leaf.getPosition()); });
  } else {
    auto binary = cast<AffineBinaryOpExpr>(expr);
    Value lhs = dim(binary.getLHS()), rhs = dim(binary.getRHS());
    hoist([&] {
      switch (expr.getKind()) {
      case AffineExprKind::Add:
        value = add(lhs, rhs);
        break;
      case AffineExprKind::Mul:
        value = mul(lhs, rhs);
        break;
      case AffineExprKind::Mod:
        value = floorMod(lhs, rhs);
        break;
      case AffineExprKind::FloorDiv:
        value = floorDiv(lhs, rhs);
        break;
      default:
        value = ceilDiv(lhs, rhs);
        break;
      }
    });
  }
  expressions[expr] = value;
  return value;
}

Values EmitContext::dims(RankedTensorType type) {
  return llvm::map_to_vector<6>(dimExprs(type), [&](AffineExpr expr) { return dim(expr); });
}

Value EmitContext::dimOf(Value tensor, int64_t axis) { return dim(dimExprs(tensorType(tensor))[axis]); }

Value EmitContext::product(ValueRange values) {
  Value result = index(1);
  for (Value value : values)
    result = mul(result, value);
  return result;
}

//===- elements -===//

void EmitContext::bind(Value tensor, ElementFn element) { bindings[tensor] = std::move(element); }
void EmitContext::unbind(Value tensor) { bindings.erase(tensor); }

Value EmitContext::elementAt(Value tensor, ArrayRef<Value> indices) {
  ElementKey key{tensor.getAsOpaquePointer(), {}};
  for (Value index : indices)
    key.second.push_back(index.getAsOpaquePointer());
  for (auto &scope : llvm::reverse(elements))
    if (auto it = scope.find(key); it != scope.end())
      return it->second;
  Value value;
  if (auto it = bindings.find(tensor); it != bindings.end()) {
    ElementFn element = it->second; // the map may change meanwhile
    value = element(indices);
  } else {
    value = computeElement(tensor, indices);
  }
  elements.back()[key] = value;
  return value;
}

Value EmitContext::linearize(ArrayRef<Value> indices, ArrayRef<Value> sizes) {
  Value linear = index(0);
  for (auto [i, size] : llvm::zip_equal(indices, sizes))
    linear = add(mul(linear, size), i);
  return linear;
}

Indices EmitContext::delinearize(Value linear, ArrayRef<Value> sizes) {
  Indices indices(sizes.size());
  for (size_t axis = sizes.size(); axis-- > 0;) {
    bool isOutermost = true;
    for (size_t outer = 0; outer < axis; ++outer)
      isOutermost &= constantOf(sizes[outer]) == 1;
    if (isOutermost) {
      std::fill(indices.begin(), indices.begin() + axis, index(0));
      indices[axis] = linear;
      break;
    }
    indices[axis] = remU(linear, sizes[axis]);
    linear = divU(linear, sizes[axis]);
  }
  return indices;
}

//===- memory -===//

Value EmitContext::load(Value base, Type elementType, Value offset) {
  Value raw = loadRaw(base, storageType(elementType), offset);
  if (elementType.isInteger(1))
    return neI(raw, integer(0, i8()));
  if (elementType.isBF16())
    return bits(shl(resizeU(raw, i32()), integer(16, i32())), f32());
  if (elementType.isF16())
    return halfToFloat(raw);
  return raw;
}

void EmitContext::store(Value value, Value base, Type elementType, Value offset) {
  storeRaw(toStorage(value, elementType), base, offset);
}

Value EmitContext::toStorage(Value value, Type elementType) {
  if (elementType.isInteger(1))
    return resizeU(value, i8());
  if (elementType.isBF16())
    return floatToBrain(value);
  return elementType.isF16() ? floatToHalf(value) : value;
}

Value EmitContext::fromStorage(Value raw, Type elementType) {
  if (elementType.isBF16())
    return bits(shl(resizeU(raw, i32()), integer(16, i32())), f32());
  return elementType.isF16() ? halfToFloat(raw) : raw;
}

Value EmitContext::floatToBrain(Value value) {
  Value word = bits(value, i32());
  Value odd = andI(shrU(word, integer(16, i32())), integer(1, i32()));
  Value rounded = shrU(add(word, add(odd, integer(0x7fff, i32()))), integer(16, i32()));
  Value quiet = orI(shrU(word, integer(16, i32())), integer(0x40, i32()));
  return resizeU(select(isNan(value), quiet, rounded), b.getI16Type());
}

Value EmitContext::halfToFloat(Value raw) {
  if (target.has("f16c"))
    return resizeF(bits(raw, b.getF16Type()), f32());
  // Shift exponent and mantissa into place, then scale by 2^112: denormals come out right by themselves.
  Value word = resizeU(raw, i32());
  Value magnitude = shl(andI(word, integer(0x7fff, i32())), integer(13, i32()));
  Value scaled = mul(bits(magnitude, f32()), real(0x1p112, f32()));
  Value isSpecial = geS(magnitude, integer(0x7c00 << 13, i32()));
  Value special = bits(orI(magnitude, integer(0x7f800000, i32())), f32());
  Value sign = shl(andI(word, integer(0x8000, i32())), integer(16, i32()));
  return bits(orI(bits(select(isSpecial, special, scaled), i32()), sign), f32());
}

Value EmitContext::floatToHalf(Value value) {
  if (target.has("f16c"))
    return bits(resizeF(value, b.getF16Type()), b.getI16Type());
  Value word = bits(value, i32());
  Value magnitude = andI(word, integer(0x7fffffff, i32()));
  Value sign = shrU(andI(word, integer(int64_t(0x80000000u), i32())), integer(16, i32()));
  // Normal: rebias the exponent, round half to even at bit 13. Denormal: adding 0.5 leaves the rounded value in the low bits.
  Value odd = andI(shrU(magnitude, integer(13, i32())), integer(1, i32()));
  Value rebiased = add(magnitude, add(odd, integer(0xfff - (112 << 23), i32())));
  Value normal = shrU(rebiased, integer(13, i32()));
  Value half = real(0.5, f32());
  Value denormal = sub(bits(add(bits(magnitude, f32()), half), i32()), bits(half, i32()));
  Value finite = select(ltS(magnitude, integer(113 << 23, i32())), denormal, normal);
  Value infinite = select(geS(magnitude, integer(0x47800000, i32())), integer(0x7c00, i32()), finite);
  Value result = select(isNan(value), integer(0x7e00, i32()), infinite);
  return resizeU(orI(result, sign), b.getI16Type());
}

//===- errors and calls -===//

void EmitContext::raise(Value condition, lathe_kernel_code code) {
  when(condition, [&] { storeRaw(integer(code, i32()), errorPointer, index(0)); });
}

Value EmitContext::apiFunction(int64_t tableOffset, int64_t position) {
  Value function;
  hoist([&] {
    auto field = [&](Value base, int64_t offset) {
      return loadRaw(address(base, i8(), index(offset)), ptr(), index(0));
    };
    Value table = field(field(contextPointer, offsetof(lathe_kernel_context, api)), tableOffset);
    function = field(table, position * 8);
  });
  return function;
}

Value EmitContext::callUnary(lathe_unary_index position, Value x) {
  Value function = apiFunction(offsetof(lathe_kernel_api, unary), position);
  auto type = LLVM::LLVMFunctionType::get(f64(), {f64()});
  return b.create<LLVM::CallOp>(loc, type, ValueRange{function, x}).getResult();
}

Value EmitContext::callBinary(lathe_binary_index position, Value x, Value y) {
  Value function = apiFunction(offsetof(lathe_kernel_api, binary), position);
  auto type = LLVM::LLVMFunctionType::get(f64(), {f64(), f64()});
  return b.create<LLVM::CallOp>(loc, type, ValueRange{function, x, y}).getResult();
}

} // namespace lathe::x86
