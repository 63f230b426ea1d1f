// Instructions that a processor lacks, replaced by others that compute the same bits: code for any target runs on any machine, so
// that its tests can, too. Applied after LLVM's optimizer, so that all but the choice of instructions is what the target gets.
#pragma once

#include "backends/Target.h"
#include "llvm/IR/IRBuilder.h"
#include "llvm/IR/Module.h"

namespace lathe::x86 {

/// Replaces what `carrier` can't run: the intrinsics of AVX-512, VNNI and AMX that kernels use, as Intel's Software Developer's Manual
/// (volume 2) defines them. An intrinsic that is not known here is an error that names it. Vectors that are too wide are left
/// to the code generator.
llvm::Error emulate(llvm::Module &module, const Target &carrier);

/// Per lane of i32: the sum of the 4 products of bytes, `left` unsigned, `right` signed.
llvm::Value *dotOfBytes(llvm::IRBuilder<> &b, llvm::Value *left, llvm::Value *right);

} // namespace lathe::x86
