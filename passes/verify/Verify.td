// Checks between phases: what may still be alive.
#ifndef LATHE_PASSES_VERIFY_TD
#define LATHE_PASSES_VERIFY_TD

include "mlir/Pass/PassBase.td"

def VerifyPhase : Pass<"lathe-verify-phase", "::mlir::ModuleOp"> {
  let summary = "fail if anything is alive that the phase should have removed";
  let description = [{
    V1: every dynamic axis has a symbolic size. V2: a size uses symbols that nn.symbols defines only. V3: operations belong to
    `dialects`. V4: none of the operations in `removed` is left. V5: derived symbols use earlier symbols only. All
    violations are reported.
  }];
  let options = [
    ListOption<"dialects", "dialects", "std::string", "dialects that may be alive; empty: any">,
    ListOption<"removed", "removed", "std::string", "operations that must be gone, as nn.transpose">];
}

#endif
