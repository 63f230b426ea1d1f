// RUN: lathe-opt %s --lathe-fold-scale-into-weights --lathe-fold-constants --canonicalize --split-input-file | FileCheck %s

// Batch normalization: w * [2, 3], (b = none) * s + [1, -1]
// CHECK-LABEL: func.func @conv_scale_shift
// CHECK-SAME: [[X:%.+]]: tensor<1x1x2x2xf32>
// CHECK-DAG: [[W:%.+]] = nn.constant dense<{{\[\[\[\[}}8.000000e+00]]], {{\[\[\[}}1.500000e+01]]]]>
// CHECK-DAG: [[B:%.+]] = nn.constant dense<[1.000000e+00, -1.000000e+00]>
// CHECK: [[R:%.+]] = nn.conv [[X]], [[W]] bias [[B]]
// CHECK-NEXT: return [[R]]
func.func @conv_scale_shift(%x: tensor<1x1x2x2xf32>) -> tensor<1x2x2x2xf32> {
  %w = nn.constant dense<[[[[4.0]]], [[[5.0]]]]> : tensor<2x1x1x1xf32>
  %s = nn.constant dense<[[[2.0]], [[3.0]]]> : tensor<2x1x1xf32>
  %t = nn.constant dense<[[[1.0]], [[-1.0]]]> : tensor<2x1x1xf32>
  %0 = nn.conv %x, %w {strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>, group = 1 : i64}
      : (tensor<1x1x2x2xf32>, tensor<2x1x1x1xf32>) -> tensor<1x2x2x2xf32>
  %1 = nn.binary mul %0, %s : (tensor<1x2x2x2xf32>, tensor<2x1x1xf32>) -> tensor<1x2x2x2xf32>
  %2 = nn.binary add %1, %t : (tensor<1x2x2x2xf32>, tensor<2x1x1xf32>) -> tensor<1x2x2x2xf32>
  return %2 : tensor<1x2x2x2xf32>
}

// -----

// A bias is scaled, too: [1, 2] / 2 + 1 = [1.5, 2]
// CHECK-LABEL: func.func @conv_bias
// CHECK-DAG: nn.constant dense<[1.500000e+00, 2.000000e+00]>
// CHECK-DAG: nn.constant dense<2.000000e+00> : tensor<2x1x1x1xf32>
// CHECK: nn.conv
// CHECK-NEXT: return
func.func @conv_bias(%x: tensor<1x1x2x2xf32>) -> tensor<1x2x2x2xf32> {
  %w = nn.constant dense<4.0> : tensor<2x1x1x1xf32>
  %b = nn.constant dense<[1.0, 2.0]> : tensor<2xf32>
  %two = nn.constant dense<2.0> : tensor<f32>
  %one = nn.constant dense<1.0> : tensor<f32>
  %0 = nn.conv %x, %w bias %b {strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>, group = 1 : i64}
      : (tensor<1x1x2x2xf32>, tensor<2x1x1x1xf32>, tensor<2xf32>) -> tensor<1x2x2x2xf32>
  %1 = nn.binary div %0, %two : (tensor<1x2x2x2xf32>, tensor<f32>) -> tensor<1x2x2x2xf32>
  %2 = nn.binary add %1, %one : (tensor<1x2x2x2xf32>, tensor<f32>) -> tensor<1x2x2x2xf32>
  return %2 : tensor<1x2x2x2xf32>
}

// -----

// Filter [C, M / group]: outputs 0, 1 come from group 0, outputs 2, 3 from group 1.
// CHECK-LABEL: func.func @conv_transpose_groups
// CHECK: nn.constant dense<{{\[\[\[}}2.000000e+00], [3.000000e+00]], {{\[\[}}4.000000e+00], [5.000000e+00]]]> : tensor<2x2x1xf32>
// CHECK-NEXT: nn.conv_transpose
// CHECK-NEXT: return
func.func @conv_transpose_groups(%x: tensor<1x2x3xf32>) -> tensor<1x4x3xf32> {
  %w = nn.constant dense<1.0> : tensor<2x2x1xf32>
  %s = nn.constant dense<[[[2.0], [3.0], [4.0], [5.0]]]> : tensor<1x4x1xf32>
  %0 = nn.conv_transpose %x, %w {strides = array<i64: 1>, pads = array<i64: 0, 0>, dilations = array<i64: 1>, group = 2 : i64}
      : (tensor<1x2x3xf32>, tensor<2x2x1xf32>) -> tensor<1x4x3xf32>
  %1 = nn.binary mul %0, %s : (tensor<1x4x3xf32>, tensor<1x4x1xf32>) -> tensor<1x4x3xf32>
  return %1 : tensor<1x4x3xf32>
}

// -----

// (x * w + t) * s -> x * (w * s) + t * s
// CHECK-LABEL: func.func @matmul_shift_scale
// CHECK-DAG: [[W:%.+]] = nn.constant dense<{{\[\[}}2.000000e+00, 6.000000e+00], [2.000000e+00, 6.000000e+00]]>
// CHECK-DAG: [[T:%.+]] = nn.constant dense<[1.000000e+01, 6.000000e+01]>
// CHECK: [[P:%.+]] = nn.matmul %{{.+}}, [[W]]
// CHECK: nn.binary add [[P]], [[T]]
// CHECK-NEXT: return
func.func @matmul_shift_scale(%x: tensor<3x2xf32>) -> tensor<3x2xf32> {
  %w = nn.constant dense<2.0> : tensor<2x2xf32>
  %t = nn.constant dense<[10.0, 20.0]> : tensor<2xf32>
  %s = nn.constant dense<[1.0, 3.0]> : tensor<2xf32>
  %0 = nn.matmul %x, %w : (tensor<3x2xf32>, tensor<2x2xf32>) -> tensor<3x2xf32>
  %1 = nn.binary add %0, %t : (tensor<3x2xf32>, tensor<2xf32>) -> tensor<3x2xf32>
  %2 = nn.binary mul %1, %s : (tensor<3x2xf32>, tensor<2xf32>) -> tensor<3x2xf32>
  return %2 : tensor<3x2xf32>
}

// -----

// (x * s) w with rhs transposed: columns of w are scaled
// CHECK-LABEL: func.func @scale_before_matmul
// CHECK-SAME: [[X:%.+]]: tensor<3x2xf32>
// CHECK: nn.constant dense<{{\[\[}}2.000000e+00, 6.000000e+00], [2.000000e+00, 6.000000e+00]]>
// CHECK-NEXT: nn.matmul [[X]]
// CHECK-NEXT: return
func.func @scale_before_matmul(%x: tensor<3x2xf32>) -> tensor<3x2xf32> {
  %w = nn.constant dense<2.0> : tensor<2x2xf32>
  %s = nn.constant dense<[1.0, 3.0]> : tensor<2xf32>
  %0 = nn.binary mul %x, %s : (tensor<3x2xf32>, tensor<2xf32>) -> tensor<3x2xf32>
  %1 = nn.matmul %0, %w {trans_rhs} : (tensor<3x2xf32>, tensor<2x2xf32>) -> tensor<3x2xf32>
  return %1 : tensor<3x2xf32>
}

// -----

// Scales pass zero padding, shifts don't.
// CHECK-LABEL: func.func @before_padded_conv
// CHECK: [[S:%.+]] = nn.binary add
// CHECK: nn.conv [[S]]
// CHECK: return
func.func @before_padded_conv(%x: tensor<1x2x4xf32>) -> tensor<1x1x4xf32> {
  %w = nn.constant dense<[[[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]]> : tensor<1x2x3xf32>
  %s = nn.constant dense<[[2.0], [3.0]]> : tensor<2x1xf32>
  %t = nn.constant dense<1.0> : tensor<f32>
  %0 = nn.binary add %x, %t : (tensor<1x2x4xf32>, tensor<f32>) -> tensor<1x2x4xf32>
  %1 = nn.binary mul %0, %s : (tensor<1x2x4xf32>, tensor<2x1xf32>) -> tensor<1x2x4xf32>
  %2 = nn.conv %1, %w {strides = array<i64: 1>, pads = array<i64: 1, 1>, dilations = array<i64: 1>, group = 1 : i64}
      : (tensor<1x2x4xf32>, tensor<1x2x3xf32>) -> tensor<1x1x4xf32>
  return %2 : tensor<1x1x4xf32>
}

// -----

// bias = sum(w * [1, 10]) = (1 + 2) + (4 + 5) * 10
// CHECK-LABEL: func.func @shift_before_conv
// CHECK-SAME: [[X:%.+]]: tensor<1x2x4xf32>
// CHECK: [[B:%.+]] = nn.constant dense<9.300000e+01> : tensor<1xf32>
// CHECK: nn.conv [[X]], %{{.+}} bias [[B]]
func.func @shift_before_conv(%x: tensor<1x2x4xf32>) -> tensor<1x1x3xf32> {
  %w = nn.constant dense<[[[1.0, 2.0], [4.0, 5.0]]]> : tensor<1x2x2xf32>
  %t = nn.constant dense<[[1.0], [10.0]]> : tensor<2x1xf32>
  %0 = nn.binary add %x, %t : (tensor<1x2x4xf32>, tensor<2x1xf32>) -> tensor<1x2x4xf32>
  %1 = nn.conv %0, %w {strides = array<i64: 1>, pads = array<i64: 0, 0>, dilations = array<i64: 1>, group = 1 : i64}
      : (tensor<1x2x4xf32>, tensor<1x2x2xf32>) -> tensor<1x1x3xf32>
  return %1 : tensor<1x1x3xf32>
}

// -----

// Not per channel; used elsewhere; not constant.
// CHECK-LABEL: func.func @refused
// CHECK: nn.conv
// CHECK: nn.binary mul
// CHECK: nn.conv
// CHECK: nn.binary mul
// CHECK: nn.conv
// CHECK: nn.binary mul
func.func @refused(%x: tensor<1x2x4xf32>, %y: tensor<2x1xf32>) -> (tensor<1x2x4xf32>, tensor<1x2x4xf32>, tensor<1x2x4xf32>, tensor<1x2x4xf32>) {
  %w = nn.constant dense<1.0> : tensor<2x2x1xf32>
  %s = nn.constant dense<[2.0, 3.0, 4.0, 5.0]> : tensor<4xf32>
  %two = nn.constant dense<2.0> : tensor<f32>
  %0 = nn.conv %x, %w {strides = array<i64: 1>, pads = array<i64: 0, 0>, dilations = array<i64: 1>, group = 1 : i64}
      : (tensor<1x2x4xf32>, tensor<2x2x1xf32>) -> tensor<1x2x4xf32>
  %1 = nn.binary mul %0, %s : (tensor<1x2x4xf32>, tensor<4xf32>) -> tensor<1x2x4xf32>
  %2 = nn.conv %1, %w {strides = array<i64: 1>, pads = array<i64: 0, 0>, dilations = array<i64: 1>, group = 1 : i64}
      : (tensor<1x2x4xf32>, tensor<2x2x1xf32>) -> tensor<1x2x4xf32>
  %3 = nn.binary mul %2, %two : (tensor<1x2x4xf32>, tensor<f32>) -> tensor<1x2x4xf32>
  %4 = nn.conv %3, %w {strides = array<i64: 1>, pads = array<i64: 0, 0>, dilations = array<i64: 1>, group = 1 : i64}
      : (tensor<1x2x4xf32>, tensor<2x2x1xf32>) -> tensor<1x2x4xf32>
  %5 = nn.binary mul %4, %y : (tensor<1x2x4xf32>, tensor<2x1xf32>) -> tensor<1x2x4xf32>
  return %1, %2, %3, %5 : tensor<1x2x4xf32>, tensor<1x2x4xf32>, tensor<1x2x4xf32>, tensor<1x2x4xf32>
}
