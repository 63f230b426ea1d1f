// The registers of AMX as memory, and its instructions as functions that work on it.
#pragma once

#include "llvm/ADT/STLFunctionalExtras.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/IR/IRBuilder.h"
#include "llvm/IR/Module.h"

namespace lathe::x86 {

/// Replaces the calls of one module. A product whose registers' sizes don't belong together traps, as the instruction does.
class MatrixEmulation {
public:
  explicit MatrixEmulation(llvm::Module &module) : module(module), context(module.getContext()) {}

  void run();

private:
  void replace(llvm::CallInst &call);
  using Builder = llvm::IRBuilder<>;
  using Arguments = llvm::ArrayRef<llvm::Value *>;

  llvm::Function *functionFor(llvm::CallInst &call);
  llvm::Value *registersOf(llvm::Function &function);

  // Bodies of the functions; args[0] are the registers.
  void configure(Builder &b, Arguments args);
  void release(Builder &b, Arguments args);
  void clear(Builder &b, Arguments args);
  void load(Builder &b, Arguments args);
  void store(Builder &b, Arguments args);
  void multiply(Builder &b, Arguments args);

  void loop(Builder &b, llvm::Value *count, llvm::function_ref<void(llvm::Value *)> body);
  void copyRows(Builder &b, llvm::Value *registers, llvm::Value *number,
                llvm::function_ref<void(llvm::Value *row, llvm::Value *word, llvm::Value *own)> copy);
  void trapUnlessEqual(Builder &b, llvm::Value *x, llvm::Value *y);
  llvm::Value *rowAddress(Builder &b, llvm::Value *registers, llvm::Value *number, llvm::Value *row);
  llvm::Value *rows(Builder &b, llvm::Value *registers, llvm::Value *number);
  llvm::Value *rowBytes(Builder &b, llvm::Value *registers, llvm::Value *number);
  llvm::Type *vector() const;

  llvm::Module &module;
  llvm::LLVMContext &context;
  llvm::StringMap<llvm::Function *> functions;
};

} // namespace lathe::x86
