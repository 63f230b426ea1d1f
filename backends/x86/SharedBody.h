// Kernels that differ in numbers only share their code: layers of a network are often alike but for their sizes and scales.
//
//   entry a: args -> body(.., numbers of a)      body: loads each number that is not the same in all of its kernels
//   entry b: args -> body(.., numbers of b)            from the table that the entry passes
//
// Numbers are those that arithmetic, bounds of loops and addresses read. What is divided in inner loops by another number has another
// body, since processors divide by numbers that are known by multiplications.
#pragma once

#include "mlir/IR/BuiltinOps.h"

namespace lathe::x86 {

/// Name of the function that does the work of a kernel, with its addresses as parameters.
inline std::string bodyName(llvm::StringRef kernel) { return kernel.str() + ".body"; }

/// `modules[i]` has the entry and the body of kernel `names[i]`, as emitted. Entries whose body is that of a kernel before become part
/// of its module, and their own module null.
void shareBodies(llvm::MutableArrayRef<mlir::OwningOpRef<mlir::ModuleOp>> modules, llvm::ArrayRef<std::string> names);

} // namespace lathe::x86
