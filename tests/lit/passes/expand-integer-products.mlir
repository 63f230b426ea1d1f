// RUN: lathe-opt %s --lathe-expand-integer-products --canonicalize | FileCheck %s

// 300 products of 255 * 255 exceed 2^24; 258 don't.
// CHECK-LABEL: @computed
// CHECK-SAME: %[[A:.*]]: tensor<4x300xui8>, %[[B:.*]]: tensor<300x5xui8>, %[[Z:.*]]: tensor<ui8>
func.func @computed(%a: tensor<4x300xui8>, %b: tensor<300x5xui8>, %z: tensor<ui8>) -> tensor<4x5xi32> {
  // CHECK: %[[X:.*]] = nn.cast %[[A]]
  // CHECK: %[[ZF:.*]] = nn.cast %[[Z]]
  // CHECK: %[[C:.*]] = nn.binary sub %[[X]], %[[ZF]]
  // CHECK: %[[Y:.*]] = nn.cast %[[B]]
  // CHECK: %[[L:.*]] = nn.slice %[[C]]{{.*}} -> tensor<4x258xf32>
  // CHECK: %[[R:.*]] = nn.slice %[[Y]]{{.*}} -> tensor<258x5xf32>
  // CHECK: %[[P:.*]] = nn.matmul %[[L]], %[[R]] : (tensor<4x258xf32>, tensor<258x5xf32>) -> tensor<4x5xf32>
  // CHECK: %[[I:.*]] = nn.cast %[[P]] : (tensor<4x5xf32>) -> tensor<4x5xi32>
  // CHECK: nn.matmul {{.*}} : (tensor<4x42xf32>, tensor<42x5xf32>) -> tensor<4x5xf32>
  // CHECK: nn.binary add %[[I]],
  %r = nn.matmul %a, %b lhs_zero %z : (tensor<4x300xui8>, tensor<300x5xui8>, tensor<ui8>) -> tensor<4x5xi32>
  return %r : tensor<4x5xi32>
}

// Signed integers without zero points: up to 1024.
// CHECK-LABEL: @signed
func.func @signed(%a: tensor<4x1024xi8>, %b: tensor<1024x5xi8>) -> tensor<4x5xi32> {
  // CHECK-COUNT-1: nn.matmul {{.*}} -> tensor<4x5xf32>
  // CHECK-NOT: nn.binary add
  %r = nn.matmul %a, %b : (tensor<4x1024xi8>, tensor<1024x5xi8>) -> tensor<4x5xi32>
  return %r : tensor<4x5xi32>
}

// CHECK-LABEL: @constant
func.func @constant(%a: tensor<4x3xui8>, %z: tensor<ui8>) -> tensor<4x2xi32> {
  %w = nn.constant dense<[[1, 2], [3, 4], [5, -6]]> : tensor<3x2xi8>
  // CHECK: nn.matmul {{.*}} -> tensor<4x2xi32>
  %r = nn.matmul %a, %w lhs_zero %z : (tensor<4x3xui8>, tensor<3x2xi8>, tensor<ui8>) -> tensor<4x2xi32>
  return %r : tensor<4x2xi32>
}

// A zero point per row has no kernel.
// CHECK-LABEL: @rows
func.func @rows(%a: tensor<4x3xui8>, %z: tensor<4x1xui8>) -> tensor<4x2xi32> {
  %w = nn.constant dense<[[1, 2], [3, 4], [5, -6]]> : tensor<3x2xi8>
  // CHECK: nn.matmul {{.*}} -> tensor<4x2xf32>
  %r = nn.matmul %a, %w lhs_zero %z : (tensor<4x3xui8>, tensor<3x2xi8>, tensor<4x1xui8>) -> tensor<4x2xi32>
  return %r : tensor<4x2xi32>
}

// 9 taps of 16 channels are 144 products; 32 channels are cut into 28 and 4.
// CHECK-LABEL: @conv
func.func @conv(%a: tensor<1x32x8x8xui8>, %w: tensor<6x32x3x3xui8>, %z: tensor<ui8>) -> tensor<1x6x6x6xi32> {
  // CHECK: nn.conv {{.*}} : (tensor<1x28x8x8xf32>, tensor<6x28x3x3xf32>) -> tensor<1x6x6x6xf32>
  // CHECK: nn.conv {{.*}} : (tensor<1x4x8x8xf32>, tensor<6x4x3x3xf32>) -> tensor<1x6x6x6xf32>
  %r = nn.conv %a, %w input_zero %z {strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>, group = 1 : i64}
      : (tensor<1x32x8x8xui8>, tensor<6x32x3x3xui8>, tensor<ui8>) -> tensor<1x6x6x6xi32>
  return %r : tensor<1x6x6x6xi32>
}
