// RUN: lathe-opt %s --split-input-file --verify-diagnostics \
// RUN:   --lathe-verify-phase="dialects=func,nn removed=nn.transpose,nn.tile"

#s = affine_map<()[s0] -> (s0)>
#s2 = affine_map<()[s0, s1] -> (s1)>

// Nothing to report.
func.func @fine(%a: tensor<?xf32, #s>) -> tensor<?xf32, #s> attributes {nn.symbols = [
    {name = "n", kind = "input_dim", input = 0 : i64, index = 0 : i64, min = 0 : i64, max = 9 : i64}]} {
  %r = nn.unary exp %a : (tensor<?xf32, #s>) -> tensor<?xf32, #s>
  return %r : tensor<?xf32, #s>
}

// -----

// expected-error @+1 {{V1: expects every dynamic axis to have a symbolic size, got 'tensor<?xf32>'}}
func.func @v1(%a: tensor<?xf32>) {
  return
}

// -----

#s2 = affine_map<()[s0, s1] -> (s1)>
// expected-error @+1 {{V2: expects symbols below 1, got}}
func.func @v2_type(%a: tensor<?xf32, #s2>) attributes {nn.symbols = [
    {name = "n", kind = "input_dim", input = 0 : i64, index = 0 : i64, min = 0 : i64, max = 9 : i64}]} {
  return
}

// -----

func.func @v2_attribute() -> tensor<1xi64> {
  // expected-error @+1 {{V2: expects symbols below 0, got}}
  %r = nn.dim_values {values = affine_map<()[s0] -> (s0)>} : tensor<1xi64>
  return %r : tensor<1xi64>
}

// -----

func.func @v3() {
  // expected-error @+1 {{'arith.constant' op V3: expects no operation of dialect arith after this phase}}
  %c = arith.constant 1 : i64
  return
}

// -----

// All violations are reported.
func.func @v4(%a: tensor<2x2xf32>) {
  // expected-error @+1 {{'nn.transpose' op V4: expects no nn.transpose after this phase}}
  %t = nn.transpose %a {permutation = array<i64: 1, 0>} : (tensor<2x2xf32>) -> tensor<2x2xf32>
  // expected-error @+1 {{'nn.tile' op V4: expects no nn.tile after this phase}}
  %r = nn.tile %a : (tensor<2x2xf32>) -> tensor<4x4xf32>
  return
}

// -----

// expected-error @+1 {{V5: expects symbol least to use earlier symbols only}}
func.func @v5() attributes {nn.symbols = [
    {name = "least", kind = "derived", derived = "minimum", operands = affine_map<()[s0, s1] -> (s1, 3)>, scale = 1.0 : f64,
     min = 0 : i64, max = 9 : i64},
    {name = "n", kind = "input_dim", input = 0 : i64, index = 0 : i64, min = 0 : i64, max = 9 : i64}]} {
  return
}
