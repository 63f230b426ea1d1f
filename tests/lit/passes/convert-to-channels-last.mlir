// RUN: lathe-opt %s --lathe-convert-to-channels-last --split-input-file | FileCheck %s

// CHECK-LABEL: func.func @conv_and_pool
// CHECK-SAME: [[X:%[^:]+]]: tensor<1x3x8x6xf32>, [[W:%.+]]: tensor<5x3x3x3xf32>
// CHECK: [[T:%.+]] = nn.transpose [[X]] {permutation = array<i64: 0, 2, 3, 1>} : (tensor<1x3x8x6xf32>) -> tensor<1x8x6x3xf32>
// CHECK: [[C:%.+]] = nn.conv [[T]], [[W]] {channels_last, {{.*}} -> tensor<1x6x4x5xf32>
// CHECK: [[B:%.+]] = nn.transpose [[C]] {permutation = array<i64: 0, 3, 1, 2>} : (tensor<1x6x4x5xf32>) -> tensor<1x5x6x4xf32>
// CHECK: [[U:%.+]] = nn.transpose [[B]]
// CHECK: [[P:%.+]] = nn.pool pool_max [[U]] {channels_last, {{.*}} -> tensor<1x3x2x5xf32>
// CHECK: nn.transpose [[P]]
func.func @conv_and_pool(%x: tensor<1x3x8x6xf32>, %w: tensor<5x3x3x3xf32>) -> tensor<1x5x3x2xf32> {
  %0 = nn.conv %x, %w {strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>, group = 1 : i64}
      : (tensor<1x3x8x6xf32>, tensor<5x3x3x3xf32>) -> tensor<1x5x6x4xf32>
  %1 = nn.pool pool_max %0 {kernel = array<i64: 2, 2>, strides = array<i64: 2, 2>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>}
      : (tensor<1x5x6x4xf32>) -> tensor<1x5x3x2xf32>
  return %1 : tensor<1x5x3x2xf32>
}

// -----

// One spatial axis; the size is known at run time only.
// CHECK: [[$OUT:#.+]] = affine_map<()[s0] -> (1, s0, 5)>
// CHECK-LABEL: func.func @conv_1d
// CHECK: nn.transpose %{{.+}} {permutation = array<i64: 0, 2, 1>}
// CHECK: nn.conv_transpose %{{.+}}, %{{.+}} {channels_last
// CHECK-SAME: -> tensor<1x?x5xf32, [[$OUT]]>
// CHECK: nn.transpose %{{.+}} {permutation = array<i64: 0, 2, 1>}
func.func @conv_1d(%x: tensor<1x3x?xf32, affine_map<()[s0] -> (1, 3, s0)>>, %w: tensor<3x5x1xf32>)
    -> tensor<1x5x?xf32, affine_map<()[s0] -> (1, 5, s0)>> {
  %0 = nn.conv_transpose %x, %w {strides = array<i64: 1>, pads = array<i64: 0, 0>, dilations = array<i64: 1>, group = 1 : i64}
      : (tensor<1x3x?xf32, affine_map<()[s0] -> (1, 3, s0)>>, tensor<3x5x1xf32>) -> tensor<1x5x?xf32, affine_map<()[s0] -> (1, 5, s0)>>
  return %0 : tensor<1x5x?xf32, affine_map<()[s0] -> (1, 5, s0)>>
}

// -----

// A pool alone gains nothing.
// CHECK-LABEL: func.func @pool_alone
// CHECK-SAME: reason = "channels first: there is no convolution beside it", taken = false
// CHECK-NOT: nn.transpose
func.func @pool_alone(%x: tensor<1x5x6x4xf32>) -> tensor<1x5x3x2xf32> {
  %0 = nn.pool pool_max %x {kernel = array<i64: 2, 2>, strides = array<i64: 2, 2>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>}
      : (tensor<1x5x6x4xf32>) -> tensor<1x5x3x2xf32>
  return %0 : tensor<1x5x3x2xf32>
}

// -----

// CHECK-LABEL: func.func @three_spatial_axes
// CHECK-SAME: there are not one or two spatial axes
// CHECK-NOT: nn.transpose
func.func @three_spatial_axes(%x: tensor<1x2x4x4x4xf32>, %w: tensor<3x2x1x1x1xf32>) -> tensor<1x3x4x4x4xf32> {
  %0 = nn.conv %x, %w {strides = array<i64: 1, 1, 1>, pads = array<i64: 0, 0, 0, 0, 0, 0>, dilations = array<i64: 1, 1, 1>, group = 1 : i64}
      : (tensor<1x2x4x4x4xf32>, tensor<3x2x1x1x1xf32>) -> tensor<1x3x4x4x4xf32>
  return %0 : tensor<1x3x4x4x4xf32>
}

// -----

// CHECK-LABEL: func.func @integers
// CHECK-SAME: the element type is neither floating nor of 8 bits
// CHECK-NOT: nn.transpose
func.func @integers(%x: tensor<1x2x4xi32>, %w: tensor<3x2x1xi32>) -> tensor<1x3x4xi32> {
  %0 = nn.conv %x, %w {strides = array<i64: 1>, pads = array<i64: 0, 0>, dilations = array<i64: 1>, group = 1 : i64}
      : (tensor<1x2x4xi32>, tensor<3x2x1xi32>) -> tensor<1x3x4xi32>
  return %0 : tensor<1x3x4xi32>
}

// -----

// Interpolation, with or without convolutions: vectors run along the channels.
// CHECK-LABEL: func.func @interpolation
// CHECK: [[T:%.+]] = nn.transpose %{{.+}} {permutation = array<i64: 0, 2, 3, 1>}
// CHECK: [[R:%.+]] = nn.resize linear half_pixel round_prefer_floor [[T]] {roi = array<f64>, scales = array<f64: 1.000000e+00, 2.000000e+00, 3.000000e+00, 1.000000e+00>} : (tensor<1x4x6x8xf32>) -> tensor<1x8x18x8xf32>
// CHECK: nn.transpose [[R]] {permutation = array<i64: 0, 3, 1, 2>}
func.func @interpolation(%x: tensor<1x8x4x6xf32>) -> tensor<1x8x8x18xf32> {
  %0 = nn.resize linear half_pixel round_prefer_floor %x {scales = array<f64: 1., 1., 2., 3.>, roi = array<f64>}
      : (tensor<1x8x4x6xf32>) -> tensor<1x8x8x18xf32>
  return %0 : tensor<1x8x8x18xf32>
}

// -----

// CHECK-LABEL: func.func @resized_channels
// CHECK-SAME: batch or channels are resized
// CHECK-NOT: nn.transpose
func.func @resized_channels(%x: tensor<1x8x4x6xf32>) -> tensor<1x16x4x12xf32> {
  %0 = nn.resize cubic half_pixel round_prefer_floor %x {scales = array<f64: 1., 2., 1., 2.>, roi = array<f64>}
      : (tensor<1x8x4x6xf32>) -> tensor<1x16x4x12xf32>
  return %0 : tensor<1x16x4x12xf32>
}

// -----

// CHECK-LABEL: func.func @few_channels
// CHECK-SAME: there are few channels
// CHECK-NOT: nn.transpose
func.func @few_channels(%x: tensor<1x3x4x6xf32>) -> tensor<1x3x8x12xf32> {
  %0 = nn.resize linear half_pixel round_prefer_floor %x {scales = array<f64: 1., 1., 2., 2.>, roi = array<f64>}
      : (tensor<1x3x4x6xf32>) -> tensor<1x3x8x12xf32>
  return %0 : tensor<1x3x8x12xf32>
}

// -----

// CHECK-LABEL: func.func @nearest_stays
// CHECK-NOT: nn.transpose
func.func @nearest_stays(%x: tensor<1x8x4x6xf32>) -> tensor<1x8x8x12xf32> {
  %0 = nn.resize nearest half_pixel round_prefer_floor %x {scales = array<f64: 1., 1., 2., 2.>, roi = array<f64>}
      : (tensor<1x8x4x6xf32>) -> tensor<1x8x8x12xf32>
  return %0 : tensor<1x8x8x12xf32>
}
