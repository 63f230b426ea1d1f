// RUN: lathe-opt %s --split-input-file --lathe-eval --verify-diagnostics | FileCheck %s

// Symbols that are bound while a function runs, and run-time errors.

#count = affine_map<()[s0] -> (1, s0)>

// CHECK-LABEL: @late_symbol
// CHECK: nn.constant dense<{{\[}}[1, 3]]> : tensor<1x2xi64>
func.func @late_symbol() -> tensor<1x?xi64, #count> attributes {
    nn.symbols = [{name = "count", kind = "tensor_value", input = 0 : i64, index = 0 : i64, min = 0 : i64, max = 4 : i64}]} {
  %a = nn.constant dense<[0, 7, 0, 8]> : tensor<4xi64>
  %n = nn.constant dense<2> : tensor<i64>
  nn.late_symbol %n {symbol = 0 : i64, element = 0 : i64} : tensor<i64>
  %r = nn.non_zero %a : (tensor<4xi64>) -> tensor<1x?xi64, #count>
  return %r : tensor<1x?xi64, #count>
}

// -----

// A symbol derived from a late one is computed when that is bound: min(5, 3) = 3.
#size = affine_map<()[s0, s1] -> (s1)>

// CHECK-LABEL: @derived_from_late
// CHECK: nn.constant dense<[0, 1, 2]> : tensor<3xi64>
func.func @derived_from_late() -> tensor<?xi64, #size> attributes {nn.symbols = [
    {name = "late", kind = "tensor_value", input = 0 : i64, index = 0 : i64, min = 0 : i64, max = 9 : i64},
    {name = "least", kind = "derived", derived = "minimum", operands = affine_map<()[s0] -> (s0, 3)>, scale = 1.0 : f64,
     min = 0 : i64, max = 9 : i64}]} {
  %n = nn.constant dense<5> : tensor<i64>
  nn.late_symbol %n {symbol = 0 : i64, element = 0 : i64} : tensor<i64>
  %r = nn.iota {axis = 0 : i64} : tensor<?xi64, #size>
  return %r : tensor<?xi64, #size>
}

// -----

// expected-error @+1 {{expects late to be in [0, 4], got 5}}
func.func @late_symbol_out_of_bounds() attributes {
    nn.symbols = [{name = "late", kind = "tensor_value", input = 0 : i64, index = 0 : i64, min = 0 : i64, max = 4 : i64}]} {
  %n = nn.constant dense<5> : tensor<i64>
  nn.late_symbol %n {symbol = 0 : i64, element = 0 : i64} : tensor<i64>
  return
}

// -----

// expected-error @+1 {{nn.gather: expects indices to be in [-2, 2), got 2}}
func.func @index_out_of_range() -> tensor<1xf32> {
  %a = nn.constant dense<1.0> : tensor<2xf32>
  %i = nn.constant dense<2> : tensor<1xi64>
  %r = nn.gather %a, %i {axis = 0 : i64} : (tensor<2xf32>, tensor<1xi64>) -> tensor<1xf32>
  return %r : tensor<1xf32>
}

// -----

// expected-error @+1 {{nn.non_zero: expects 3 non-zero elements, got 1}}
func.func @wrong_count() -> tensor<1x3xi64> {
  %a = nn.constant dense<[0, 1]> : tensor<2xi64>
  %r = nn.non_zero %a : (tensor<2xi64>) -> tensor<1x3xi64>
  return %r : tensor<1x3xi64>
}

// -----

// expected-error @+1 {{nn.arg_reduce: expects axis 0 not to be empty}}
func.func @extreme_of_nothing() -> tensor<i64> {
  %a = nn.constant dense<> : tensor<0xf32>
  %r = nn.arg_reduce arg_max %a {axis = 0 : i64, keepdims = false, select_last = false} : (tensor<0xf32>) -> tensor<i64>
  return %r : tensor<i64>
}

// -----

// expected-error @+1 {{nn.iota: expects a tensor that fits into memory}}
func.func @gigantic() -> tensor<4000000x4000000xf32> {
  %r = nn.iota {axis = 0 : i64} : tensor<4000000x4000000xf32>
  return %r : tensor<4000000x4000000xf32>
}
