// Passes that decide which operations one kernel computes.
#ifndef LATHE_PASSES_FUSE_TD
#define LATHE_PASSES_FUSE_TD

include "mlir/Pass/PassBase.td"

def FuseAttention : Pass<"lathe-fuse-attention", "::mlir::func::FuncOp"> {
  let summary = "fuse attention with transposes around it and with the cache of keys and values that it reads";
}

def FormLookupTables : Pass<"lathe-form-lookup-tables", "::mlir::func::FuncOp"> {
  let summary = "look functions of an 8-bit integer up in tables of 256 entries";
  let description = [{
    Where element-wise operations make 8-bit integers of a tensor of 8-bit integers and of single numbers, and take longer than a look-up.
  }];
}

def FuseEpilogue : Pass<"lathe-fuse-epilogue", "::mlir::func::FuncOp"> {
  let summary = "fuse contractions with the element-wise operations on their results";
}

def FuseRows : Pass<"lathe-fuse-rows", "::mlir::func::FuncOp"> {
  let summary = "fuse softmax, norms and reductions along rows with the element-wise operations around them";
}

def FuseElementwise : Pass<"lathe-fuse-elementwise", "::mlir::func::FuncOp"> {
  let summary = "fuse chains of element-wise operations and data movement";
}

#endif
