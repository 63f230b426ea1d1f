#include "backends/x86/MatrixEmulation.h"
#include "backends/x86/Emulation.h"
#include "llvm/IR/Intrinsics.h"

using namespace llvm;

namespace lathe::x86 {

namespace {
// Registers in memory: what LDTILECFG was given, then 8 registers of 16 rows of 64 bytes.
constexpr int64_t kRegisters = 8, kRows = 16, kRowBytes = 64, kSetting = 64;
constexpr int64_t kBytes = kSetting + kRegisters * kRows * kRowBytes;

using Body = void (MatrixEmulation::*)(IRBuilder<> &, ArrayRef<Value *>);
} // namespace

void MatrixEmulation::run() {
  constexpr StringLiteral known[] = {"llvm.x86.ldtilecfg",   "llvm.x86.tilerelease",  "llvm.x86.tilezero",
                                     "llvm.x86.tileloadd64", "llvm.x86.tilestored64", "llvm.x86.tdpbusd"};
  for (StringRef name : known)
    if (Function *intrinsic = module.getFunction(name))
      for (User *user : make_early_inc_range(intrinsic->users())) {
        replace(*cast<CallInst>(user));
        cast<CallInst>(user)->eraseFromParent();
      }
}

void MatrixEmulation::replace(CallInst &call) {
  Builder b(&call);
  SmallVector<Value *> operands{registersOf(*call.getFunction())};
  for (Value *argument : call.args()) // numbers of registers are bytes
    operands.push_back(argument->getType()->isIntegerTy() ? b.CreateZExtOrTrunc(argument, b.getInt64Ty()) : argument);
  b.CreateCall(functionFor(call), operands);
}

/// The function's registers, at the start of its stack.
Value *MatrixEmulation::registersOf(Function &function) {
  for (Instruction &instruction : function.getEntryBlock())
    if (auto *slot = dyn_cast<AllocaInst>(&instruction);
        slot && slot->getAllocatedType()->isArrayTy() && slot->getAllocatedType()->getArrayNumElements() == kBytes)
      return slot;
  Builder b(&function.getEntryBlock(), function.getEntryBlock().begin());
  auto *slot = b.CreateAlloca(ArrayType::get(b.getInt8Ty(), kBytes));
  slot->setAlignment(Align(64));
  return slot;
}

Function *MatrixEmulation::functionFor(CallInst &call) {
  StringRef name = call.getCalledFunction()->getName();
  Function *&function = functions[name];
  if (function)
    return function;
  SmallVector<Type *> types{PointerType::getUnqual(context)};
  for (Value *argument : call.args())
    types.push_back(argument->getType()->isPointerTy() ? types.front() : Type::getInt64Ty(context));
  function = Function::Create(FunctionType::get(Type::getVoidTy(context), types, false), Function::InternalLinkage,
                              "emulated." + name.rsplit('.').second, module);
  Builder b(BasicBlock::Create(context, "", function));
  SmallVector<Value *> args(make_pointer_range(function->args()));
  Body body = StringSwitch<Body>(name)
                  .Case("llvm.x86.ldtilecfg", &MatrixEmulation::configure)
                  .Case("llvm.x86.tilerelease", &MatrixEmulation::release)
                  .Case("llvm.x86.tilezero", &MatrixEmulation::clear)
                  .Case("llvm.x86.tileloadd64", &MatrixEmulation::load)
                  .Case("llvm.x86.tilestored64", &MatrixEmulation::store)
                  .Default(&MatrixEmulation::multiply);
  (this->*body)(b, args);
  b.CreateRetVoid();
  return function;
}

//===- instructions -===//

void MatrixEmulation::configure(Builder &b, Arguments args) {
  b.CreateAlignedStore(b.CreateAlignedLoad(vector(), args[1], Align(1)), args[0], Align(64));
  loop(b, b.getInt64(kRegisters), [&](Value *number) { clear(b, {args[0], number}); });
}

void MatrixEmulation::release(Builder &b, Arguments args) {
  b.CreateAlignedStore(Constant::getNullValue(vector()), args[0], Align(64));
}

void MatrixEmulation::clear(Builder &b, Arguments args) {
  loop(b, b.getInt64(kRows), [&](Value *row) {
    b.CreateAlignedStore(Constant::getNullValue(vector()), rowAddress(b, args[0], args[1], row), Align(64));
  });
}

void MatrixEmulation::load(Builder &b, Arguments args) {
  clear(b, args);
  copyRows(b, args[0], args[1], [&](Value *row, Value *word, Value *own) {
    Value *from = b.CreateGEP(b.getInt8Ty(), args[2], b.CreateMul(row, args[3]));
    b.CreateStore(b.CreateAlignedLoad(b.getInt32Ty(), b.CreateGEP(b.getInt32Ty(), from, word), Align(1)), own);
  });
}

void MatrixEmulation::store(Builder &b, Arguments args) {
  copyRows(b, args[0], args[1], [&](Value *row, Value *word, Value *own) {
    Value *to = b.CreateGEP(b.getInt8Ty(), args[2], b.CreateMul(row, args[3]));
    b.CreateAlignedStore(b.CreateLoad(b.getInt32Ty(), own), b.CreateGEP(b.getInt32Ty(), to, word), Align(1));
  });
}

/// TDPBUSD: sums += A (u8) * B (s8).
void MatrixEmulation::multiply(Builder &b, Arguments args) {
  Value *registers = args[0], *sums = args[1], *left = args[2], *right = args[3];
  Value *steps = b.CreateLShr(rowBytes(b, registers, left), 2);
  trapUnlessEqual(b, rows(b, registers, sums), rows(b, registers, left));
  trapUnlessEqual(b, rowBytes(b, registers, sums), rowBytes(b, registers, right));
  trapUnlessEqual(b, steps, rows(b, registers, right));
  loop(b, rows(b, registers, sums), [&](Value *row) {
    Value *to = rowAddress(b, registers, sums, row), *from = rowAddress(b, registers, left, row);
    loop(b, steps, [&](Value *step) {
      Value *a =
          b.CreateVectorSplat(kRowBytes / 4, b.CreateLoad(b.getInt32Ty(), b.CreateGEP(b.getInt32Ty(), from, step)));
      Value *weights = b.CreateAlignedLoad(vector(), rowAddress(b, registers, right, step), Align(64));
      Value *sum = b.CreateAlignedLoad(vector(), to, Align(64));
      b.CreateAlignedStore(b.CreateAdd(sum, dotOfBytes(b, a, weights)), to, Align(64));
    });
  });
}

//===- parts -===//

void MatrixEmulation::loop(Builder &b, Value *count, function_ref<void(Value *)> body) {
  Function *function = b.GetInsertBlock()->getParent();
  auto *head = BasicBlock::Create(context, "", function), *inside = BasicBlock::Create(context, "", function),
       *after = BasicBlock::Create(context, "", function), *before = b.GetInsertBlock();
  b.CreateBr(head);
  b.SetInsertPoint(head);
  PHINode *i = b.CreatePHI(b.getInt64Ty(), 2);
  i->addIncoming(b.getInt64(0), before);
  b.CreateCondBr(b.CreateICmpULT(i, count), inside, after);
  b.SetInsertPoint(inside);
  body(i);
  i->addIncoming(b.CreateAdd(i, b.getInt64(1)), b.GetInsertBlock());
  b.CreateBr(head);
  b.SetInsertPoint(after);
}

/// For each row and word of 4 bytes that a register has.
void MatrixEmulation::copyRows(Builder &b, Value *registers, Value *number,
                               function_ref<void(Value *row, Value *word, Value *own)> copy) {
  Value *words = b.CreateLShr(rowBytes(b, registers, number), 2);
  loop(b, rows(b, registers, number), [&](Value *row) {
    Value *own = rowAddress(b, registers, number, row);
    loop(b, words, [&](Value *word) { copy(row, word, b.CreateGEP(b.getInt32Ty(), own, word)); });
  });
}

void MatrixEmulation::trapUnlessEqual(Builder &b, Value *x, Value *y) {
  loop(b, b.CreateZExt(b.CreateICmpNE(x, y), b.getInt64Ty()),
       [&](Value *) { b.CreateIntrinsic(Intrinsic::trap, {}, {}); });
}

Value *MatrixEmulation::rowAddress(Builder &b, Value *registers, Value *number, Value *row) {
  Value *index = b.CreateAdd(b.CreateMul(number, b.getInt64(kRows)), row);
  Value *offset = b.CreateAdd(b.CreateMul(index, b.getInt64(kRowBytes)), b.getInt64(kSetting));
  return b.CreateGEP(b.getInt8Ty(), registers, offset);
}

Value *MatrixEmulation::rows(Builder &b, Value *registers, Value *number) {
  Value *at = b.CreateGEP(b.getInt8Ty(), registers, b.CreateAdd(number, b.getInt64(48)));
  return b.CreateZExt(b.CreateLoad(b.getInt8Ty(), at), b.getInt64Ty());
}

Value *MatrixEmulation::rowBytes(Builder &b, Value *registers, Value *number) {
  Value *at = b.CreateGEP(b.getInt16Ty(), registers, b.CreateAdd(number, b.getInt64(8)));
  return b.CreateZExt(b.CreateLoad(b.getInt16Ty(), at), b.getInt64Ty());
}

Type *MatrixEmulation::vector() const { return FixedVectorType::get(Type::getInt32Ty(context), kRowBytes / 4); }

} // namespace lathe::x86
