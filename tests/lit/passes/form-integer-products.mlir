// RUN: lathe-opt %s --lathe-form-integer-products --canonicalize | FileCheck %s

// CHECK-LABEL: @matmul
// CHECK-SAME: %[[A:.*]]: tensor<4x3xui8>, %[[S:.*]]: tensor<f32>, %[[Z:.*]]: tensor<ui8>, %[[T:.*]]: tensor<1x2xf32>
func.func @matmul(%a: tensor<4x3xui8>, %s: tensor<f32>, %z: tensor<ui8>, %t: tensor<1x2xf32>) -> tensor<4x2xf32> {
  // CHECK: %[[W:.*]] = nn.constant
  %w = nn.constant dense<[[1, 2], [3, 4], [5, -6]]> : tensor<3x2xi8>
  %x = nn.dequantize %a, %s zero %z : (tensor<4x3xui8>, tensor<f32>, tensor<ui8>) -> tensor<4x3xf32>
  %y = nn.dequantize %w, %t : (tensor<3x2xi8>, tensor<1x2xf32>) -> tensor<3x2xf32>
  // CHECK: %[[M:.*]] = nn.matmul %[[A]], %[[W]] lhs_zero %[[Z]] : (tensor<4x3xui8>, tensor<3x2xi8>, tensor<ui8>) -> tensor<4x2xi32>
  // CHECK: %[[C:.*]] = nn.reshape %[[T]] : (tensor<1x2xf32>) -> tensor<2xf32>
  // CHECK: %[[P:.*]] = nn.binary mul %[[S]], %[[C]]
  // CHECK: %[[R:.*]] = nn.dequantize %[[M]], %[[P]] : (tensor<4x2xi32>, tensor<2xf32>) -> tensor<4x2xf32>
  %r = nn.matmul %x, %y : (tensor<4x3xf32>, tensor<3x2xf32>) -> tensor<4x2xf32>
  // CHECK: return %[[R]]
  return %r : tensor<4x2xf32>
}

// Scales per output channel of the filter; the bias is added to what is dequantized.
// CHECK-LABEL: @conv
func.func @conv(%a: tensor<1x2x5xi8>, %s: tensor<f32>, %t: tensor<3x1x1xf32>, %b: tensor<3xf32>) -> tensor<1x3x5xf32> {
  %w = nn.constant dense<1> : tensor<3x2x3xi8>
  %z = nn.constant dense<[[[1]], [[2]], [[3]]]> : tensor<3x1x1xi8>
  %x = nn.dequantize %a, %s : (tensor<1x2x5xi8>, tensor<f32>) -> tensor<1x2x5xf32>
  %y = nn.dequantize %w, %t zero %z : (tensor<3x2x3xi8>, tensor<3x1x1xf32>, tensor<3x1x1xi8>) -> tensor<3x2x3xf32>
  // CHECK: nn.conv %arg0, %{{.*}} filter_zero %{{.*}} {{.*}}pads = array<i64: 1, 1>{{.*}} : (tensor<1x2x5xi8>, tensor<3x2x3xi8>, tensor<3xi8>) -> tensor<1x3x5xi32>
  // CHECK: nn.dequantize %{{.*}} : (tensor<1x3x5xi32>, tensor<3x1xf32>) -> tensor<1x3x5xf32>
  // CHECK: nn.binary add
  %r = nn.conv %x, %y bias %b {strides = array<i64: 1>, pads = array<i64: 1, 1>, dilations = array<i64: 1>, group = 1 : i64}
      : (tensor<1x2x5xf32>, tensor<3x2x3xf32>, tensor<3xf32>) -> tensor<1x3x5xf32>
  return %r : tensor<1x3x5xf32>
}

// CHECK-LABEL: @refused
// CHECK-SAME: computed in f32: the right operand is not quantized
// CHECK-SAME: computed in f32: the right operand is not of 8-bit integers
// CHECK-SAME: computed in f32: the scales of the right operand differ along what is summed over
// CHECK-SAME: computed in f32: no operand is constant
func.func @refused(%a: tensor<4x2xui8>, %s: tensor<f32>, %f: tensor<2x2xf32>, %t: tensor<2x1xf32>) -> (tensor<4x2xf32>, tensor<4x2xf32>, tensor<4x2xf32>, tensor<4x4xf32>) {
  %w = nn.constant dense<1> : tensor<2x2xi16>
  %v = nn.constant dense<1> : tensor<2x2xi8>
  %x = nn.dequantize %a, %s : (tensor<4x2xui8>, tensor<f32>) -> tensor<4x2xf32>
  %y = nn.dequantize %w, %s : (tensor<2x2xi16>, tensor<f32>) -> tensor<2x2xf32>
  %u = nn.dequantize %v, %t : (tensor<2x2xi8>, tensor<2x1xf32>) -> tensor<2x2xf32>
  // CHECK-NOT: xi32>
  %0 = nn.matmul %x, %f : (tensor<4x2xf32>, tensor<2x2xf32>) -> tensor<4x2xf32>
  %1 = nn.matmul %x, %y : (tensor<4x2xf32>, tensor<2x2xf32>) -> tensor<4x2xf32>
  %2 = nn.matmul %x, %u : (tensor<4x2xf32>, tensor<2x2xf32>) -> tensor<4x2xf32>
  %3 = nn.matmul %x, %x {trans_rhs} : (tensor<4x2xf32>, tensor<4x2xf32>) -> tensor<4x4xf32>
  return %0, %1, %2, %3 : tensor<4x2xf32>, tensor<4x2xf32>, tensor<4x2xf32>, tensor<4x4xf32>
}
