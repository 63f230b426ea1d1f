// RUN: lathe-opt %s --lathe-expand-conv-transpose --split-input-file | FileCheck %s

// Windows side by side: a pointwise convolution to 2 * 2 * 3 channels, and nothing to cut off.
// CHECK-LABEL: func.func @side_by_side
// CHECK: [[C:%.+]] = nn.conv %arg0, %{{.+}} pads = array<i64: 0, 0, 0, 0>{{.*}} -> tensor<1x4x5x12xf32>
// CHECK: [[S:%.+]] = nn.reshape [[C]] : (tensor<1x4x5x12xf32>) -> tensor<1x4x5x2x2x3xf32>
// CHECK: [[T:%.+]] = nn.transpose [[S]] {permutation = array<i64: 0, 1, 3, 2, 4, 5>}
// CHECK: [[R:%.+]] = nn.reshape [[T]] : {{.*}} -> tensor<1x8x10x3xf32>
// CHECK: return [[R]]
func.func @side_by_side(%x: tensor<1x4x5x2xf32>) -> tensor<1x8x10x3xf32> {
  %w = nn.constant dense<0.5> : tensor<2x3x2x2xf32>
  %0 = nn.conv_transpose %x, %w {channels_last, strides = array<i64: 2, 2>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>, group = 1 : i64}
      : (tensor<1x4x5x2xf32>, tensor<2x3x2x2xf32>) -> tensor<1x8x10x3xf32>
  return %0 : tensor<1x8x10x3xf32>
}

// -----

// Overlapping windows: kernel 3 at stride 2 has two taps per phase; pads are cut off afterwards.
// CHECK-LABEL: func.func @overlapping
// CHECK: nn.conv %arg0, %{{.+}} bias %{{.+}} pads = array<i64: 1, 1>{{.*}} -> tensor<1x?x2xf32
// CHECK: [[D:%.+]] = nn.reshape %{{.+}} -> tensor<1x?x1xf32
// CHECK: nn.slice [[D]] {starts = {{.+}}, steps = array<i64: 1, 1, 1>}
func.func @overlapping(%x: tensor<1x?x2xf32, affine_map<()[s0] -> (1, s0, 2)>>) -> tensor<1x?x1xf32, affine_map<()[s0] -> (1, s0 * 2 - 1, 1)>> {
  %w = nn.constant dense<0.5> : tensor<2x1x3xf32>
  %b = nn.constant dense<1.0> : tensor<1xf32>
  %0 = nn.conv_transpose %x, %w bias %b {channels_last, strides = array<i64: 2>, pads = array<i64: 1, 1>, dilations = array<i64: 1>, group = 1 : i64}
      : (tensor<1x?x2xf32, affine_map<()[s0] -> (1, s0, 2)>>, tensor<2x1x3xf32>, tensor<1xf32>) -> tensor<1x?x1xf32, affine_map<()[s0] -> (1, s0 * 2 - 1, 1)>>
  return %0 : tensor<1x?x1xf32, affine_map<()[s0] -> (1, s0 * 2 - 1, 1)>>
}

// -----

// CHECK-LABEL: func.func @groups_stay
// CHECK: nn.conv_transpose
func.func @groups_stay(%x: tensor<1x4x2xf32>) -> tensor<1x8x2xf32> {
  %w = nn.constant dense<0.5> : tensor<2x1x2xf32>
  %0 = nn.conv_transpose %x, %w {channels_last, strides = array<i64: 2>, pads = array<i64: 0, 0>, dilations = array<i64: 1>, group = 2 : i64}
      : (tensor<1x4x2xf32>, tensor<2x1x2xf32>) -> tensor<1x8x2xf32>
  return %0 : tensor<1x8x2xf32>
}
