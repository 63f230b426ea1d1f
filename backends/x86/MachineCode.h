// LLVM's optimizer and code generator, set up for kernels.
#pragma once

#include "backends/Target.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/IR/Module.h"

namespace lathe::x86 {

/// Optimizes `module` and writes an ELF object, whose code is position-independent and calls nothing outside of the module,
/// to `elf`; its text to `assembly` unless null.
llvm::Error generateObject(llvm::Module &module, const Target &target, llvm::SmallVector<char, 0> &elf,
                           std::string *assembly);
/// Registers LLVM's x86 target; to be called before.
void initializeLlvm();

} // namespace lathe::x86
