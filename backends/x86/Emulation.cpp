#include "backends/x86/Emulation.h"
#include "backends/x86/MatrixEmulation.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/IR/IRBuilder.h"
#include "llvm/IR/InlineAsm.h"
#include "llvm/IR/InstIterator.h"

using namespace llvm;

namespace lathe::x86 {

namespace {
using Expansion = Value *(*)(IRBuilder<> &b, CallInst &call);

//===- integers in the lanes of others -===//

Type *vectorOf(Value *like, unsigned width) {
  auto *type = cast<FixedVectorType>(like->getType());
  unsigned bits = type->getNumElements() * type->getScalarSizeInBits();
  return FixedVectorType::get(Type::getIntNTy(type->getContext(), width), bits / width);
}

/// Number `i` of the integers of `width` bits in each lane of x, widened to the lane.
Value *part(IRBuilder<> &b, Value *x, unsigned i, unsigned width, bool isSigned) {
  unsigned lane = x->getType()->getScalarSizeInBits(), above = lane - width * (i + 1);
  auto count = [&](unsigned bits) { return ConstantInt::get(x->getType(), bits); };
  Value *top = b.CreateShl(x, count(above));
  return isSigned ? b.CreateAShr(top, count(lane - width)) : b.CreateLShr(top, count(lane - width));
}

/// Sum of the products of the 32 / width integers in each lane of a and b.
Value *dotProduct(IRBuilder<> &b, Value *left, Value *right, unsigned width, bool isLeftSigned) {
  Value *sum = nullptr;
  for (unsigned i = 0; i < 32 / width; ++i) {
    Value *product = b.CreateMul(part(b, left, i, width, isLeftSigned), part(b, right, i, width, true));
    sum = sum ? b.CreateAdd(sum, product) : product;
  }
  return sum;
}

//===- instructions -===//

/// VPDPBUSD: acc + 4 products u8 x s8.
Value *addDotOfBytes(IRBuilder<> &b, CallInst &call) {
  return b.CreateAdd(call.getArgOperand(0), dotOfBytes(b, call.getArgOperand(1), call.getArgOperand(2)));
}

/// VPDPWSSD: acc + 2 products s16 x s16.
Value *addDotOfWords(IRBuilder<> &b, CallInst &call) {
  return b.CreateAdd(call.getArgOperand(0),
                     dotProduct(b, call.getArgOperand(1), call.getArgOperand(2), 16, /*isLeftSigned=*/true));
}

/// VPMADDWD: 2 products s16 x s16.
Value *dotOfWords(IRBuilder<> &b, CallInst &call) {
  auto lanes = [&](unsigned i) { return b.CreateBitCast(call.getArgOperand(i), vectorOf(&call, 32)); };
  return dotProduct(b, lanes(0), lanes(1), 16, /*isLeftSigned=*/true);
}

/// VPMADDUBSW: 2 products u8 x s8, which fit i16, added with saturation.
Value *saturatedDotOfBytes(IRBuilder<> &b, CallInst &call) {
  auto product = [&](unsigned i) {
    auto of = [&](unsigned operand, bool isSigned) {
      return part(b, b.CreateBitCast(call.getArgOperand(operand), vectorOf(&call, 16)), i, 8, isSigned);
    };
    return b.CreateMul(of(0, false), of(1, true));
  };
  return b.CreateBinaryIntrinsic(Intrinsic::sadd_sat, product(0), product(1));
}

/// VCVTPS2DQ of all lanes, to nearest even: the least integer where there is none.
Value *nearestIntegers(IRBuilder<> &b, CallInst &call) {
  Value *x = b.CreateUnaryIntrinsic(Intrinsic::roundeven, call.getArgOperand(0));
  Value *isHigh = b.CreateFCmpOGE(x, ConstantFP::get(x->getType(), -0x1p31));
  Value *isLow = b.CreateFCmpOLT(x, ConstantFP::get(x->getType(), 0x1p31));
  return b.CreateSelect(b.CreateAnd(isHigh, isLow), b.CreateFPToSI(x, call.getType()),
                        ConstantInt::get(call.getType(), APInt::getSignedMinValue(32)));
}

/// PACKSSDW, PACKSSWB and PACKUSWB: 128 bits of one operand, 128 of the other, and so on, as integers of half the width.
Value *packed(IRBuilder<> &b, CallInst &call, bool areUnsigned) {
  Type *type = call.getArgOperand(0)->getType();
  unsigned lanes = cast<FixedVectorType>(type)->getNumElements(), bits = type->getScalarSizeInBits(),
           piece = 128 / bits;
  SmallVector<int> order;
  for (unsigned i = 0; i < 2 * lanes; ++i)
    order.push_back(int(i / piece % 2 * lanes + i / (2 * piece) * piece + i % piece));
  Value *all = b.CreateShuffleVector(call.getArgOperand(0), call.getArgOperand(1), order);
  auto bound = [&](const APInt &value) { return ConstantInt::get(all->getType(), value.sext(bits)); };
  APInt most = areUnsigned ? APInt::getLowBitsSet(bits, bits / 2) : APInt::getSignedMaxValue(bits / 2);
  APInt least = areUnsigned ? APInt(bits, 0) : APInt::getSignedMinValue(bits / 2);
  all = b.CreateBinaryIntrinsic(Intrinsic::smin, all, bound(most));
  all = b.CreateBinaryIntrinsic(Intrinsic::smax, all, bound(least));
  return b.CreateTrunc(all, call.getType());
}

Value *packedSigned(IRBuilder<> &b, CallInst &call) { return packed(b, call, /*areUnsigned=*/false); }
Value *packedUnsigned(IRBuilder<> &b, CallInst &call) { return packed(b, call, /*areUnsigned=*/true); }

//===- who needs them -===//

/// An intrinsic and the sets of features, any of which has its instruction.
struct Emulated {
  StringLiteral name;
  ArrayRef<StringLiteral> features;
  Expansion expansion;
};

constexpr StringLiteral kVnni[] = {"avx512vnni"}, kAnyVnni[] = {"avx512vnni", "avxvnni"}, kBytes[] = {"avx512bw"},
                        kFoundation[] = {"avx512f"};
constexpr Emulated kEmulated[] = {
    {"llvm.x86.avx512.vpdpbusd.512", kVnni, addDotOfBytes},
    {"llvm.x86.avx512.vpdpbusd.256", kAnyVnni, addDotOfBytes},
    {"llvm.x86.avx512.vpdpwssd.512", kVnni, addDotOfWords},
    {"llvm.x86.avx512.vpdpwssd.256", kAnyVnni, addDotOfWords},
    {"llvm.x86.avx512.pmaddw.d.512", kBytes, dotOfWords},
    {"llvm.x86.avx512.pmaddubs.w.512", kBytes, saturatedDotOfBytes},
    {"llvm.x86.avx512.mask.cvtps2dq.512", kFoundation, nearestIntegers},
    {"llvm.x86.avx512.packssdw.512", kBytes, packedSigned},
    {"llvm.x86.avx512.packsswb.512", kBytes, packedSigned},
    {"llvm.x86.avx512.packuswb.512", kBytes, packedUnsigned},
};

bool isLacking(const Emulated &entry, const Target &carrier) {
  return none_of(entry.features, [&](StringRef feature) { return carrier.has(feature); });
}

/// An empty piece of assembly, which hides values from the optimizer: nothing is left to hide them from.
bool isEmptyAssembly(const CallInst &call) {
  auto *assembly = dyn_cast<InlineAsm>(call.getCalledOperand());
  return assembly && assembly->getAsmString().empty() && call.arg_size() > 0;
}

/// What empty assembly gives: its operand, or all of them.
Value *operandsOf(CallInst &call) {
  if (call.arg_size() == 1)
    return call.getArgOperand(0);
  IRBuilder<> b(&call);
  Value *all = PoisonValue::get(call.getType());
  for (auto [i, operand] : enumerate(call.args()))
    all = b.CreateInsertValue(all, operand, unsigned(i));
  return all;
}

/// Null: the call can stay.
Expected<Value *> replacement(CallInst &call, const Target &carrier) {
  if (isEmptyAssembly(call))
    return operandsOf(call);
  StringRef name = call.getCalledFunction() ? call.getCalledFunction()->getName() : "";
  const auto *entry = find_if(kEmulated, [&](const Emulated &e) { return e.name == name; });
  if (entry == std::end(kEmulated)) {
    bool mayBeLacking = name.starts_with("llvm.x86.avx512");
    return mayBeLacking ? createStringError("internal: no emulation of " + name) : Expected<Value *>(nullptr);
  }
  if (!isLacking(*entry, carrier))
    return nullptr;
  IRBuilder<> b(&call);
  return entry->expansion(b, call);
}
} // namespace

Value *dotOfBytes(IRBuilder<> &b, Value *left, Value *right) {
  return dotProduct(b, left, right, 8, /*isLeftSigned=*/false);
}

Error emulate(Module &module, const Target &carrier) {
  if (!carrier.has("amx-int8"))
    MatrixEmulation(module).run();
  for (Function &function : module)
    for (Instruction &instruction : make_early_inc_range(instructions(function))) {
      auto *call = dyn_cast<CallInst>(&instruction);
      if (!call)
        continue;
      Expected<Value *> value = replacement(*call, carrier);
      if (!value)
        return value.takeError();
      if (!*value)
        continue;
      call->replaceAllUsesWith(*value);
      call->eraseFromParent();
    }
  return Error::success();
}

} // namespace lathe::x86
