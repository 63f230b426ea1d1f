// Passes that bring a function into the form that later passes expect, without deciding how it is computed.
#ifndef LATHE_PASSES_CANONICAL_TD
#define LATHE_PASSES_CANONICAL_TD

include "mlir/Pass/PassBase.td"

def FoldConstants : Pass<"lathe-fold-constants", "::mlir::func::FuncOp"> {
  let summary = "compute at compile time what depends on constants only";
  let description = [{
    Runs nn operations whose operands are all constants through the reference interpreter. An operation whose result is larger
    than its operands is left alone above `max-growth-bytes`: storing it would cost more memory than computing it.
  }];
  let options = [
    Option<"maxGrowthBytes", "max-growth-bytes", "int64_t", "65536", "bytes that results may have more than operands">];
}

def RefineShapes : Pass<"lathe-refine-shapes", "::mlir::func::FuncOp"> {
  let summary = "fix or bound symbols and infer all types again";
  let description = [{
    `dims` lists name=constant or name=low..high for entries of nn.symbols. A fixed symbol is replaced by its constant in every
    type and attribute, and every type is inferred again in program order. Symbols keep their numbers.
  }];
  let options = [
    ListOption<"dims", "dims", "std::string", "name=constant or name=low..high">];
}

#endif
