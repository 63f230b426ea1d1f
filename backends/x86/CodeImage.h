// From object files to one flat image: sections laid out one after the other, relocations applied, nothing left to resolve.
#pragma once

#include "backends/Backend.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/Support/Error.h"

namespace lathe::x86 {

/// One relocatable ELF object and the symbols of the kernels that it defines.
struct KernelObject {
  std::vector<std::string> symbols;
  llvm::SmallVector<char, 0> elf;
};

/// Lays out code and constants of all objects in order; an unresolved symbol or a relocation that depends on the load address is an
/// error that names the symbol.
llvm::Expected<CodeImage> linkImage(llvm::ArrayRef<KernelObject> objects);

} // namespace lathe::x86
