// RUN: lathe-opt %s --canonicalize | FileCheck %s

// Operations that do nothing disappear, pairs become one. Values are folded by --lathe-fold-constants.

#s = affine_map<()[s0] -> (s0, 3)>
#t = affine_map<()[s0] -> (3, s0)>

// CHECK-LABEL: @reshape_identity
// CHECK-NEXT: return %arg0
func.func @reshape_identity(%a: tensor<?x3xf32, #s>) -> tensor<?x3xf32, #s> {
  %r = nn.reshape %a : (tensor<?x3xf32, #s>) -> tensor<?x3xf32, #s>
  return %r : tensor<?x3xf32, #s>
}

// CHECK-LABEL: @reshape_of_reshape
// CHECK-NEXT: %[[R:.*]] = nn.reshape %arg0 : (tensor<2x6xf32>) -> tensor<3x4xf32>
// CHECK-NEXT: return %[[R]]
func.func @reshape_of_reshape(%a: tensor<2x6xf32>) -> tensor<3x4xf32> {
  %x = nn.reshape %a : (tensor<2x6xf32>) -> tensor<12xf32>
  %r = nn.reshape %x : (tensor<12xf32>) -> tensor<3x4xf32>
  return %r : tensor<3x4xf32>
}

// CHECK-LABEL: @transpose_identity
// CHECK-NEXT: return %arg0
func.func @transpose_identity(%a: tensor<2x3xf32>) -> tensor<2x3xf32> {
  %r = nn.transpose %a {permutation = array<i64: 0, 1>} : (tensor<2x3xf32>) -> tensor<2x3xf32>
  return %r : tensor<2x3xf32>
}

// CHECK-LABEL: @transpose_back
// CHECK-NEXT: return %arg0
func.func @transpose_back(%a: tensor<?x3xf32, #s>) -> tensor<?x3xf32, #s> {
  %x = nn.transpose %a {permutation = array<i64: 1, 0>} : (tensor<?x3xf32, #s>) -> tensor<3x?xf32, #t>
  %r = nn.transpose %x {permutation = array<i64: 1, 0>} : (tensor<3x?xf32, #t>) -> tensor<?x3xf32, #s>
  return %r : tensor<?x3xf32, #s>
}

// Output axis i of the pair is input axis p[q[i]]: p = (1, 2, 0), q = (0, 2, 1) give (1, 0, 2).
// CHECK-LABEL: @transpose_of_transpose
// CHECK-NEXT: nn.transpose %arg0 {permutation = array<i64: 1, 0, 2>} : (tensor<2x3x4xf32>) -> tensor<3x2x4xf32>
func.func @transpose_of_transpose(%a: tensor<2x3x4xf32>) -> tensor<3x2x4xf32> {
  %x = nn.transpose %a {permutation = array<i64: 1, 2, 0>} : (tensor<2x3x4xf32>) -> tensor<3x4x2xf32>
  %r = nn.transpose %x {permutation = array<i64: 0, 2, 1>} : (tensor<3x4x2xf32>) -> tensor<3x2x4xf32>
  return %r : tensor<3x2x4xf32>
}

// CHECK-LABEL: @no_change
// CHECK-NEXT: return %arg0, %arg0, %arg0, %arg0, %arg0, %arg0
func.func @no_change(%a: tensor<2x3xf32>) -> (tensor<2x3xf32>, tensor<2x3xf32>, tensor<2x3xf32>, tensor<2x3xf32>, tensor<2x3xf32>, tensor<2x3xf32>) {
  %0 = nn.broadcast %a : (tensor<2x3xf32>) -> tensor<2x3xf32>
  %1 = nn.tile %a : (tensor<2x3xf32>) -> tensor<2x3xf32>
  %2 = nn.slice %a {starts = affine_map<() -> (0, 0)>, steps = array<i64: 1, 1>} : (tensor<2x3xf32>) -> tensor<2x3xf32>
  %3 = nn.pad edge %a {low = affine_map<() -> (0, 0)>} : (tensor<2x3xf32>) -> tensor<2x3xf32>
  %4 = nn.concat %a {axis = 0 : i64} : (tensor<2x3xf32>) -> tensor<2x3xf32>
  %5 = nn.cast %a : (tensor<2x3xf32>) -> tensor<2x3xf32>
  return %0, %1, %2, %3, %4, %5 : tensor<2x3xf32>, tensor<2x3xf32>, tensor<2x3xf32>, tensor<2x3xf32>, tensor<2x3xf32>, tensor<2x3xf32>
}

// A slice that reads backward has the input's type but not its order.
// CHECK-LABEL: @reversal_stays
// CHECK: nn.slice
func.func @reversal_stays(%a: tensor<3xf32>) -> tensor<3xf32> {
  %r = nn.slice %a {starts = affine_map<() -> (2)>, steps = array<i64: -1>} : (tensor<3xf32>) -> tensor<3xf32>
  return %r : tensor<3xf32>
}

// CHECK-LABEL: @concat_drops_empty
// CHECK-NEXT: nn.concat %arg0, %arg0 {axis = 0 : i64}
func.func @concat_drops_empty(%a: tensor<2xf32>, %b: tensor<0xf32>) -> tensor<4xf32> {
  %r = nn.concat %a, %b, %a {axis = 0 : i64} : (tensor<2xf32>, tensor<0xf32>, tensor<2xf32>) -> tensor<4xf32>
  return %r : tensor<4xf32>
}

// CHECK-LABEL: @static_shape
// CHECK-NEXT: nn.constant dense<[2, 3]>
func.func @static_shape(%a: tensor<2x3xf32>) -> tensor<2xi64> {
  %r = nn.shape_of %a : (tensor<2x3xf32>) -> tensor<2xi64>
  return %r : tensor<2xi64>
}

// CHECK-LABEL: @symbolic_shape_stays
// CHECK-NEXT: nn.shape_of
func.func @symbolic_shape_stays(%a: tensor<?x3xf32, #s>) -> tensor<2xi64> {
  %r = nn.shape_of %a : (tensor<?x3xf32, #s>) -> tensor<2xi64>
  return %r : tensor<2xi64>
}

// CHECK-LABEL: @constant_values
// CHECK-NEXT: nn.constant dense<[4, 8]>
func.func @constant_values() -> tensor<2xi64> {
  %r = nn.dim_values {values = affine_map<() -> (4, 8)>} : tensor<2xi64>
  return %r : tensor<2xi64>
}
