// RUN: lathe-opt %s --lathe-eval | FileCheck %s

// The meaning of operations that move data by shape.

// CHECK-LABEL: @reshape
// CHECK: nn.constant dense<{{\[}}[1, 2], [3, 4], [5, 6]]>
func.func @reshape() -> tensor<3x2xi32> {
  %a = nn.constant dense<[[1, 2, 3], [4, 5, 6]]> : tensor<2x3xi32>
  %r = nn.reshape %a : (tensor<2x3xi32>) -> tensor<3x2xi32>
  return %r : tensor<3x2xi32>
}

// CHECK-LABEL: @transpose
// CHECK: nn.constant dense<{{\[}}[1, 4], [2, 5], [3, 6]]>
func.func @transpose() -> tensor<3x2xi32> {
  %a = nn.constant dense<[[1, 2, 3], [4, 5, 6]]> : tensor<2x3xi32>
  %r = nn.transpose %a {permutation = array<i64: 1, 0>} : (tensor<2x3xi32>) -> tensor<3x2xi32>
  return %r : tensor<3x2xi32>
}

// CHECK-LABEL: @transpose_bool
// CHECK: nn.constant dense<{{\[}}[true, true], [false, false]]>
func.func @transpose_bool() -> tensor<2x2xi1> {
  %a = nn.constant dense<[[true, false], [true, false]]> : tensor<2x2xi1>
  %r = nn.transpose %a {permutation = array<i64: 1, 0>} : (tensor<2x2xi1>) -> tensor<2x2xi1>
  return %r : tensor<2x2xi1>
}

// CHECK-LABEL: @broadcast
// CHECK: nn.constant dense<{{\[\[}}[1, 1, 1], [2, 2, 2]], {{\[}}[1, 1, 1], [2, 2, 2]]]>
func.func @broadcast() -> tensor<2x2x3xi32> {
  %a = nn.constant dense<[[1], [2]]> : tensor<2x1xi32>
  %r = nn.broadcast %a : (tensor<2x1xi32>) -> tensor<2x2x3xi32>
  return %r : tensor<2x2x3xi32>
}

// CHECK-LABEL: @tile
// CHECK: nn.constant dense<{{\[}}[1, 2, 3, 1], [4, 5, 6, 4], [1, 2, 3, 1]]>
func.func @tile() -> tensor<3x4xi32> {
  %a = nn.constant dense<[[1, 2, 3], [4, 5, 6]]> : tensor<2x3xi32>
  %r = nn.tile %a : (tensor<2x3xi32>) -> tensor<3x4xi32>
  return %r : tensor<3x4xi32>
}

// CHECK-LABEL: @slice
// CHECK: nn.constant dense<{{\[}}[2, 3], [5, 6]]>
func.func @slice() -> tensor<2x2xi32> {
  %a = nn.constant dense<[[1, 2, 3], [4, 5, 6]]> : tensor<2x3xi32>
  %r = nn.slice %a {starts = affine_map<() -> (0, 1)>, steps = array<i64: 1, 1>} : (tensor<2x3xi32>) -> tensor<2x2xi32>
  return %r : tensor<2x2xi32>
}

// CHECK-LABEL: @slice_backward
// CHECK: nn.constant dense<{{\[}}[6, 4], [3, 1]]>
func.func @slice_backward() -> tensor<2x2xi32> {
  %a = nn.constant dense<[[1, 2, 3], [4, 5, 6]]> : tensor<2x3xi32>
  %r = nn.slice %a {starts = affine_map<() -> (1, 2)>, steps = array<i64: -1, -2>} : (tensor<2x3xi32>) -> tensor<2x2xi32>
  return %r : tensor<2x2xi32>
}

// CHECK-LABEL: @concat
// CHECK: nn.constant dense<{{\[}}[1, 2, 3, 7], [4, 5, 6, 8]]>
func.func @concat() -> tensor<2x4xi32> {
  %a = nn.constant dense<[[1, 2, 3], [4, 5, 6]]> : tensor<2x3xi32>
  %b = nn.constant dense<[[7], [8]]> : tensor<2x1xi32>
  %r = nn.concat %a, %b {axis = 1 : i64} : (tensor<2x3xi32>, tensor<2x1xi32>) -> tensor<2x4xi32>
  return %r : tensor<2x4xi32>
}

// CHECK-LABEL: @pad_constant
// CHECK: nn.constant dense<[0, 0, 1, 2, 3, 0]>
func.func @pad_constant() -> tensor<6xi32> {
  %a = nn.constant dense<[1, 2, 3]> : tensor<3xi32>
  %r = nn.pad constant %a {low = affine_map<() -> (2)>} : (tensor<3xi32>) -> tensor<6xi32>
  return %r : tensor<6xi32>
}

// CHECK-LABEL: @pad_value
// CHECK: nn.constant dense<[9, 9, 1, 2, 3, 9]>
func.func @pad_value() -> tensor<6xi32> {
  %a = nn.constant dense<[1, 2, 3]> : tensor<3xi32>
  %v = nn.constant dense<9> : tensor<i32>
  %r = nn.pad constant %a, %v {low = affine_map<() -> (2)>} : (tensor<3xi32>, tensor<i32>) -> tensor<6xi32>
  return %r : tensor<6xi32>
}

// CHECK-LABEL: @pad_reflect
// CHECK: nn.constant dense<[3, 2, 1, 2, 3, 2, 1]>
func.func @pad_reflect() -> tensor<7xi32> {
  %a = nn.constant dense<[1, 2, 3]> : tensor<3xi32>
  %r = nn.pad reflect %a {low = affine_map<() -> (2)>} : (tensor<3xi32>) -> tensor<7xi32>
  return %r : tensor<7xi32>
}

// CHECK-LABEL: @pad_edge
// CHECK: nn.constant dense<[1, 1, 1, 2, 3, 3]>
func.func @pad_edge() -> tensor<6xi32> {
  %a = nn.constant dense<[1, 2, 3]> : tensor<3xi32>
  %r = nn.pad edge %a {low = affine_map<() -> (2)>} : (tensor<3xi32>) -> tensor<6xi32>
  return %r : tensor<6xi32>
}

// CHECK-LABEL: @pad_wrap
// CHECK: nn.constant dense<[2, 3, 1, 2, 3, 1]>
func.func @pad_wrap() -> tensor<6xi32> {
  %a = nn.constant dense<[1, 2, 3]> : tensor<3xi32>
  %r = nn.pad wrap %a {low = affine_map<() -> (2)>} : (tensor<3xi32>) -> tensor<6xi32>
  return %r : tensor<6xi32>
}

// CHECK-LABEL: @pad_negative
// CHECK: nn.constant dense<2>
func.func @pad_negative() -> tensor<1xi32> {
  %a = nn.constant dense<[1, 2, 3]> : tensor<3xi32>
  %r = nn.pad constant %a {low = affine_map<() -> (-1)>} : (tensor<3xi32>) -> tensor<1xi32>
  return %r : tensor<1xi32>
}

// CHECK-LABEL: @iota
// CHECK: nn.constant dense<{{\[}}[0.000000e+00, 1.000000e+00, 2.000000e+00], [0.000000e+00, 1.000000e+00, 2.000000e+00]]>
func.func @iota() -> tensor<2x3xf32> {
  %r = nn.iota {axis = 1 : i64} : tensor<2x3xf32>
  return %r : tensor<2x3xf32>
}

// CHECK-LABEL: @shape_of
// CHECK: nn.constant dense<[2, 3]>
func.func @shape_of() -> tensor<2xi64> {
  %a = nn.constant dense<[[1, 2, 3], [4, 5, 6]]> : tensor<2x3xi32>
  %r = nn.shape_of %a : (tensor<2x3xi32>) -> tensor<2xi64>
  return %r : tensor<2xi64>
}

// CHECK-LABEL: @dim_values
// CHECK: nn.constant dense<[7, 9]>
func.func @dim_values() -> tensor<2xi64> {
  %r = nn.dim_values {values = affine_map<() -> (7, 9)>} : tensor<2xi64>
  return %r : tensor<2xi64>
}

// CHECK-LABEL: @fused
// CHECK: nn.constant dense<[0.000000e+00, 4.000000e+00]>
func.func @fused() -> tensor<2xf32> {
  %a = nn.constant dense<[-1.0, 2.0]> : tensor<2xf32>
  %r = nn.fused "map"(%a) : (tensor<2xf32>) -> tensor<2xf32> {
  ^bb0(%x: tensor<2xf32>):
    %y = nn.unary relu %x : (tensor<2xf32>) -> tensor<2xf32>
    %z = nn.binary add %y, %y : (tensor<2xf32>, tensor<2xf32>) -> tensor<2xf32>
    nn.yield %z : tensor<2xf32>
  }
  return %r : tensor<2xf32>
}
