// RUN: lathe-opt %s --lathe-smooth-inputs --split-input-file | FileCheck %s

// Both products' weights are scaled. The sum reads x as it was.
// CHECK-LABEL: @two
// CHECK-NOT: lathe.channel_factors
// CHECK: %[[C:.*]] = nn.constant dense<[2.500000e-01, 1.000000e+00]> : tensor<2xf32>
// CHECK: %[[X:.*]] = nn.binary mul %arg0, %[[C]]
// CHECK: %[[V:.*]] = nn.constant dense<{{\[\[}}1.600000e+01, 4.000000e+00], [1.000000e+00, 0.000000e+00]]>
// CHECK: nn.matmul %[[X]], %[[V]]
// CHECK: %[[T:.*]] = nn.constant dense<{{\[\[}}8.000000e+00, 1.000000e+00]]>
// CHECK: nn.matmul %[[X]], %[[T]]
// CHECK: nn.binary add %{{.*}}, %arg0
func.func @two(%x: tensor<3x2xf32> {lathe.channel_factors = array<f64: 4.0, 1.0>}) -> (tensor<3x2xf32>, tensor<3x1xf32>) {
  %w = nn.constant dense<[[4.0, 1.0], [1.0, 0.0]]> : tensor<2x2xf32>
  %m = nn.matmul %x, %w {lathe.precision = "int8"} : (tensor<3x2xf32>, tensor<2x2xf32>) -> tensor<3x2xf32>
  %t = nn.constant dense<[[2.0, 1.0]]> : tensor<1x2xf32>
  %n = nn.matmul %x, %t {trans_rhs, lathe.precision = "int8"} : (tensor<3x2xf32>, tensor<1x2xf32>) -> tensor<3x1xf32>
  %r = nn.binary add %m, %x : (tensor<3x2xf32>, tensor<3x2xf32>) -> tensor<3x2xf32>
  return %r, %n : tensor<3x2xf32>, tensor<3x1xf32>
}

// -----

// Each group of a convolution has channels of its own.
// CHECK-LABEL: @groups
// CHECK: nn.constant dense<{{\[\[\[}}5.000000e-01]], {{\[\[}}2.500000e-01]]]> : tensor<2x1x1xf32>
// CHECK: %[[X:.*]] = nn.binary mul %arg0,
// CHECK: %[[W:.*]] = nn.constant dense<{{\[\[\[\[}}2.000000e+00]]], {{\[\[\[}}4.000000e+00]]]]>
// CHECK: nn.conv %[[X]], %[[W]]
func.func @groups(%x: tensor<1x2x3x3xf32> {lathe.channel_factors = array<f64: 2.0, 4.0>}) -> tensor<1x2x3x3xf32> {
  %w = nn.constant dense<1.0> : tensor<2x1x1x1xf32>
  %r = nn.conv %x, %w {group = 2 : i64, strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>, lathe.precision = "int8"}
      : (tensor<1x2x3x3xf32>, tensor<2x1x1x1xf32>) -> tensor<1x2x3x3xf32>
  return %r : tensor<1x2x3x3xf32>
}

// -----

// A picture that something else reads stays as it is, and so does what is not computed in integers.
// CHECK-LABEL: @others
// CHECK-NOT: nn.binary mul
func.func @others(%x: tensor<1x1x3x3xf32> {lathe.channel_factors = array<f64: 2.0>},
                  %y: tensor<3x2xf32> {lathe.channel_factors = array<f64: 2.0, 1.0>}) -> (tensor<1x1x3x3xf32>, tensor<3x1xf32>) {
  %w = nn.constant dense<1.0> : tensor<1x1x1x1xf32>
  %c = nn.conv %x, %w {group = 1 : i64, strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>, lathe.precision = "int8"}
      : (tensor<1x1x3x3xf32>, tensor<1x1x1x1xf32>) -> tensor<1x1x3x3xf32>
  %r = nn.binary add %c, %x : (tensor<1x1x3x3xf32>, tensor<1x1x3x3xf32>) -> tensor<1x1x3x3xf32>
  %v = nn.constant dense<[[2.0], [0.25]]> : tensor<2x1xf32>
  %m = nn.matmul %y, %v {lathe.precision = "f32"} : (tensor<3x2xf32>, tensor<2x1xf32>) -> tensor<3x1xf32>
  return %r, %m : tensor<1x1x3x3xf32>, tensor<3x1xf32>
}

// -----

// Factors go through a rectifier and a pool into the weights and the bias of the convolution before: nothing is multiplied.
// CHECK-LABEL: @equalized
// CHECK-NOT: nn.binary
// CHECK-DAG: %[[W:.*]] = nn.constant dense<1.000000e+00> : tensor<2x1x1x1xf32>
// CHECK-DAG: %[[B:.*]] = nn.constant dense<[5.000000e-01, 4.000000e+00]> : tensor<2xf32>
// CHECK: nn.conv %arg0, %[[W]] bias %[[B]]
// CHECK: nn.unary relu %{{.*}} {lathe.origin = {axis = 1 : i64, factors = array<f64: 2.000000e+00, 5.000000e-01>, node = "relu"}}
// CHECK: nn.pool pool_max
// CHECK: nn.conv %{{.*}}, %{{.*}} {
func.func @equalized(%x: tensor<1x1x4x4xf32>) -> tensor<1x1x2x2xf32> {
  %w = nn.constant dense<[[[[2.0]]], [[[0.5]]]]> : tensor<2x1x1x1xf32>
  %b = nn.constant dense<[1.0, 2.0]> : tensor<2xf32>
  %c = nn.conv %x, %w bias %b {group = 1 : i64, strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>}
      : (tensor<1x1x4x4xf32>, tensor<2x1x1x1xf32>, tensor<2xf32>) -> tensor<1x2x4x4xf32>
  %r = nn.unary relu %c {lathe.origin = {node = "relu"}} : (tensor<1x2x4x4xf32>) -> tensor<1x2x4x4xf32>
  %p = nn.pool pool_max %r {kernel = array<i64: 2, 2>, strides = array<i64: 2, 2>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>,
      lathe.channel_factors = array<f64: 2.0, 0.5>} : (tensor<1x2x4x4xf32>) -> tensor<1x2x2x2xf32>
  %v = nn.constant dense<1.0> : tensor<1x2x1x1xf32>
  %d = nn.conv %p, %v {group = 1 : i64, strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>, lathe.precision = "int8"}
      : (tensor<1x2x2x2xf32>, tensor<1x2x1x1xf32>) -> tensor<1x1x2x2xf32>
  return %d : tensor<1x1x2x2xf32>
}

// -----

// A gate passes factors of the value that it is multiplied by; a bias is scaled.
// CHECK-LABEL: @gated
// CHECK-DAG: nn.constant dense<1.000000e+00> : tensor<1x2xf32>
// CHECK-DAG: %[[B:.*]] = nn.constant dense<[5.000000e-01, 4.000000e+00]> : tensor<2xf32>
// CHECK: nn.binary add %{{.*}}, %[[B]]
// CHECK: nn.binary mul %{{.*}}, %arg1
func.func @gated(%x: tensor<3x1xf32>, %g: tensor<3x2xf32>) -> tensor<3x1xf32> {
  %w = nn.constant dense<[[2.0, 0.5]]> : tensor<1x2xf32>
  %b = nn.constant dense<[1.0, 2.0]> : tensor<2xf32>
  %m = nn.matmul %x, %w : (tensor<3x1xf32>, tensor<1x2xf32>) -> tensor<3x2xf32>
  %a = nn.binary add %m, %b : (tensor<3x2xf32>, tensor<2xf32>) -> tensor<3x2xf32>
  %p = nn.binary mul %a, %g {lathe.channel_factors = array<f64: 2.0, 0.5>} : (tensor<3x2xf32>, tensor<3x2xf32>) -> tensor<3x2xf32>
  %v = nn.constant dense<1.0> : tensor<2x1xf32>
  %d = nn.matmul %p, %v {lathe.precision = "int8"} : (tensor<3x2xf32>, tensor<2x1xf32>) -> tensor<3x1xf32>
  return %d : tensor<3x1xf32>
}

// -----

// Neither through a sigmoid, nor where something else reads a value on the way.
// CHECK-LABEL: @not_equalized
// CHECK-COUNT-2: nn.binary mul
func.func @not_equalized(%x: tensor<3x1xf32>) -> (tensor<3x1xf32>, tensor<3x1xf32>, tensor<3x2xf32>) {
  %w = nn.constant dense<[[2.0, 0.5]]> : tensor<1x2xf32>
  %v = nn.constant dense<1.0> : tensor<2x1xf32>
  %m = nn.matmul %x, %w : (tensor<3x1xf32>, tensor<1x2xf32>) -> tensor<3x2xf32>
  %s = nn.unary sigmoid %m {lathe.channel_factors = array<f64: 2.0, 0.5>} : (tensor<3x2xf32>) -> tensor<3x2xf32>
  %d = nn.matmul %s, %v {lathe.precision = "int8"} : (tensor<3x2xf32>, tensor<2x1xf32>) -> tensor<3x1xf32>
  %n = nn.matmul %x, %w : (tensor<3x1xf32>, tensor<1x2xf32>) -> tensor<3x2xf32>
  %r = nn.unary relu %n {lathe.channel_factors = array<f64: 2.0, 0.5>} : (tensor<3x2xf32>) -> tensor<3x2xf32>
  %e = nn.matmul %r, %v {lathe.precision = "int8"} : (tensor<3x2xf32>, tensor<2x1xf32>) -> tensor<3x1xf32>
  return %d, %e, %n : tensor<3x1xf32>, tensor<3x1xf32>, tensor<3x2xf32>
}
