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

//===- who needs them -===//

/// An intrinsic and the sets of features, any of which has its instruction.
struct Emulated {
  StringLiteral name;
  ArrayRef<StringLiteral> features;
  Expansion expansion;
};

constexpr StringLiteral kVnni[] = {"avx512vnni"}, kAnyVnni[] = {"avx512vnni", "avxvnni"}, kBytes[] = {"avx512bw"};
constexpr Emulated kEmulated[] = {
    {"llvm.x86.avx512.vpdpbusd.512", kVnni, addDotOfBytes},
    {"llvm.x86.avx512.vpdpbusd.256", kAnyVnni, addDotOfBytes},
    {"llvm.x86.avx512.vpdpwssd.512", kVnni, addDotOfWords},
    {"llvm.x86.avx512.vpdpwssd.256", kAnyVnni, addDotOfWords},
    {"llvm.x86.avx512.pmaddw.d.512", kBytes, dotOfWords},
    {"llvm.x86.avx512.pmaddubs.w.512", kBytes, saturatedDotOfBytes},
};

bool isLacking(const Emulated &entry, const Target &carrier) {
  return none_of(entry.features, [&](StringRef feature) { return carrier.has(feature); });
}

/// An empty piece of assembly, which hides a value from the optimizer: nothing is left to hide it from.
bool isEmptyAssembly(const CallInst &call) {
  auto *assembly = dyn_cast<InlineAsm>(call.getCalledOperand());
  return assembly && assembly->getAsmString().empty() && call.arg_size() == 1 &&
         call.getType() == call.getArgOperand(0)->getType();
}

/// Null: the call can stay.
Expected<Value *> replacement(CallInst &call, const Target &carrier) {
  if (isEmptyAssembly(call))
    return call.getArgOperand(0);
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
