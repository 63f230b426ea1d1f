#pragma once

namespace mlir {
class DialectRegistry;
}

namespace lathe {

/// Every dialect that Lathe's IR is written in, from nn down to llvm.
void registerDialects(mlir::DialectRegistry &registry);

} // namespace lathe
