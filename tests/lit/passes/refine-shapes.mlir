// RUN: lathe-opt %s --split-input-file --lathe-refine-shapes="dims=batch=4 dims=seq=1..512" --verify-diagnostics | FileCheck %s

// A fixed symbol becomes a constant in types and attributes; a bounded one gets bounds.

#in = affine_map<()[s0, s1] -> (s0, s1 + 1, 8)>
#flat = affine_map<()[s0, s1] -> (s0 * (s1 + 1), 8)>

// CHECK-DAG: #[[$IN:.*]] = affine_map<()[s0, s1] -> (4, s1 + 1, 8)>
// CHECK-DAG: #[[$FLAT:.*]] = affine_map<()[s0, s1] -> (s1 * 4 + 4, 8)>
// CHECK-DAG: #[[$VALUES:.*]] = affine_map<()[s0, s1] -> (4, s1)>
// CHECK-LABEL: @fix
// CHECK-SAME: %arg0: tensor<4x?x8xf32, #[[$IN]]>
// CHECK-SAME: max = 4 : i64, min = 4 : i64, name = "batch"
// CHECK-SAME: max = 512 : i64, min = 1 : i64, name = "seq"
// CHECK: nn.reshape %arg0 : (tensor<4x?x8xf32, #[[$IN]]>) -> tensor<?x8xf32, #[[$FLAT]]>
// CHECK: nn.dim_values {values = #[[$VALUES]]}
func.func @fix(%a: tensor<?x?x8xf32, #in>) -> (tensor<?x8xf32, #flat>, tensor<2xi64>) attributes {nn.symbols = [
    {name = "batch", kind = "input_dim", input = 0 : i64, index = 0 : i64, min = 0 : i64, max = 1000 : i64},
    {name = "seq", kind = "input_dim", input = 0 : i64, index = 1 : i64, min = 0 : i64, max = 9000 : i64}]} {
  %r = nn.reshape %a : (tensor<?x?x8xf32, #in>) -> tensor<?x8xf32, #flat>
  %d = nn.dim_values {values = affine_map<()[s0, s1] -> (s0, s1)>} : tensor<2xi64>
  return %r, %d : tensor<?x8xf32, #flat>, tensor<2xi64>
}

// -----

// Derived symbols and symbols under a constraint follow: min(4, 3) = 3, other = 4 + 2.
#batch = affine_map<()[s0] -> (s0)>
#other = affine_map<()[s0, s1, s2] -> (s2)>
#least = affine_map<()[s0, s1, s2] -> (s1)>

// CHECK-LABEL: @follow
// CHECK-SAME: %arg0: tensor<4xf32>, %arg1: tensor<6xf32>, %arg2: tensor<1xf32>
// CHECK-SAME: -> (tensor<3xi64>, tensor<6xf32>)
func.func @follow(%a: tensor<?xf32, #batch>, %b: tensor<?xf32, #other>, %c: tensor<1xf32>)
    -> (tensor<?xi64, #least>, tensor<?xf32, #other>) attributes {
    nn.symbols = [
    {name = "batch", kind = "input_dim", input = 0 : i64, index = 0 : i64, min = 0 : i64, max = 1000 : i64},
    {name = "least", kind = "derived", derived = "minimum", operands = affine_map<()[s0] -> (s0, 3)>, scale = 1.0 : f64,
     min = 0 : i64, max = 1000 : i64},
    {name = "seq", kind = "input_dim", input = 1 : i64, index = 0 : i64, min = 0 : i64, max = 1000 : i64}],
    nn.constraints = [{equal = affine_map<()[s0, s1, s2] -> (s0 + 2, s2)>, reason = "Add_1"}]} {
  %i = nn.iota {axis = 0 : i64} : tensor<?xi64, #least>
  %r = nn.binary add %b, %c : (tensor<?xf32, #other>, tensor<1xf32>) -> tensor<?xf32, #other>
  return %i, %r : tensor<?xi64, #least>, tensor<?xf32, #other>
}

// -----

// expected-error @+1 {{Concat_7: expects equal sizes, got 4 and 5}}
func.func @contradiction() attributes {
    nn.symbols = [
    {name = "batch", kind = "input_dim", input = 0 : i64, index = 0 : i64, min = 0 : i64, max = 1000 : i64},
    {name = "seq", kind = "input_dim", input = 1 : i64, index = 0 : i64, min = 0 : i64, max = 1000 : i64}],
    nn.constraints = [{equal = affine_map<()[s0] -> (s0, 5)>, reason = "Concat_7"}]} {
  return
}

// -----

// expected-error @+1 {{expects the name of a dynamic size, got batch}}
func.func @unknown_name() {
  return
}

// -----

// expected-error @+1 {{expects bounds of batch to meet, got 4..4}}
func.func @outside_bounds() attributes {
    nn.symbols = [{name = "batch", kind = "input_dim", input = 0 : i64, index = 0 : i64, min = 5 : i64, max = 9 : i64}]} {
  return
}
