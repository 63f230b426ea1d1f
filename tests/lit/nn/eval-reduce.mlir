// RUN: lathe-opt %s --lathe-eval | FileCheck %s

// The meaning of reductions, running reductions and norms.

// CHECK-LABEL: @sum
// CHECK: nn.constant dense<[5.000000e+00, 3.000000e+00, -3.000000e+00]>
func.func @sum() -> tensor<3xf32> {
  %a = nn.constant dense<[[1.0, -2.0, 3.0], [4.0, 5.0, -6.0]]> : tensor<2x3xf32>
  %r = nn.reduce sum %a {axes = array<i64: 0>, keepdims = false} : (tensor<2x3xf32>) -> tensor<3xf32>
  return %r : tensor<3xf32>
}

// CHECK-LABEL: @mean
// CHECK: nn.constant dense<{{\[}}[0.6666{{.*}}], [1.000000e+00]]>
func.func @mean() -> tensor<2x1xf32> {
  %a = nn.constant dense<[[1.0, -2.0, 3.0], [4.0, 5.0, -6.0]]> : tensor<2x3xf32>
  %r = nn.reduce mean %a {axes = array<i64: 1>, keepdims = true} : (tensor<2x3xf32>) -> tensor<2x1xf32>
  return %r : tensor<2x1xf32>
}

// CHECK-LABEL: @mean_integer_truncates
// CHECK: nn.constant dense<-1>
func.func @mean_integer_truncates() -> tensor<i32> {
  %a = nn.constant dense<[1, -4]> : tensor<2xi32>
  %r = nn.reduce mean %a {axes = array<i64: 0>, keepdims = false} : (tensor<2xi32>) -> tensor<i32>
  return %r : tensor<i32>
}

// CHECK-LABEL: @max
// CHECK: nn.constant dense<5.000000e+00>
func.func @max() -> tensor<f32> {
  %a = nn.constant dense<[[1.0, -2.0, 3.0], [4.0, 5.0, -6.0]]> : tensor<2x3xf32>
  %r = nn.reduce max %a {axes = array<i64: 0, 1>, keepdims = false} : (tensor<2x3xf32>) -> tensor<f32>
  return %r : tensor<f32>
}

// CHECK-LABEL: @min
// CHECK: nn.constant dense<-6.000000e+00>
func.func @min() -> tensor<1x1xf32> {
  %a = nn.constant dense<[[1.0, -2.0, 3.0], [4.0, 5.0, -6.0]]> : tensor<2x3xf32>
  %r = nn.reduce min %a {axes = array<i64: 0, 1>, keepdims = true} : (tensor<2x3xf32>) -> tensor<1x1xf32>
  return %r : tensor<1x1xf32>
}

// CHECK-LABEL: @prod
// CHECK: nn.constant dense<[-6.000000e+00, -1.200000e+02]>
func.func @prod() -> tensor<2xf32> {
  %a = nn.constant dense<[[1.0, -2.0, 3.0], [4.0, 5.0, -6.0]]> : tensor<2x3xf32>
  %r = nn.reduce prod %a {axes = array<i64: 1>, keepdims = false} : (tensor<2x3xf32>) -> tensor<2xf32>
  return %r : tensor<2xf32>
}

// CHECK-LABEL: @l1
// CHECK: nn.constant dense<[6.000000e+00, 1.500000e+01]>
func.func @l1() -> tensor<2xf32> {
  %a = nn.constant dense<[[1.0, -2.0, 3.0], [4.0, 5.0, -6.0]]> : tensor<2x3xf32>
  %r = nn.reduce l1 %a {axes = array<i64: 1>, keepdims = false} : (tensor<2x3xf32>) -> tensor<2xf32>
  return %r : tensor<2xf32>
}

// CHECK-LABEL: @l2
// CHECK: nn.constant dense<5.000000e+00>
func.func @l2() -> tensor<f32> {
  %a = nn.constant dense<[3.0, -4.0]> : tensor<2xf32>
  %r = nn.reduce l2 %a {axes = array<i64: 0>, keepdims = false} : (tensor<2xf32>) -> tensor<f32>
  return %r : tensor<f32>
}

// CHECK-LABEL: @sum_square
// CHECK: nn.constant dense<[1.400000e+01, 7.700000e+01]>
func.func @sum_square() -> tensor<2xf32> {
  %a = nn.constant dense<[[1.0, -2.0, 3.0], [4.0, 5.0, -6.0]]> : tensor<2x3xf32>
  %r = nn.reduce sum_square %a {axes = array<i64: 1>, keepdims = false} : (tensor<2x3xf32>) -> tensor<2xf32>
  return %r : tensor<2xf32>
}

// CHECK-LABEL: @max_of_nothing
// CHECK: nn.constant dense<0xFF800000>
func.func @max_of_nothing() -> tensor<2xf32> {
  %a = nn.constant dense<> : tensor<0x2xf32>
  %r = nn.reduce max %a {axes = array<i64: 0>, keepdims = false} : (tensor<0x2xf32>) -> tensor<2xf32>
  return %r : tensor<2xf32>
}

// CHECK-LABEL: @no_axes
// CHECK: nn.constant dense<[1, 2]>
func.func @no_axes() -> tensor<2xi32> {
  %a = nn.constant dense<[1, 2]> : tensor<2xi32>
  %r = nn.reduce sum %a {axes = array<i64>, keepdims = false} : (tensor<2xi32>) -> tensor<2xi32>
  return %r : tensor<2xi32>
}

// CHECK-LABEL: @max_keeps_nan
// CHECK: nn.constant dense<0x7FC00000>
func.func @max_keeps_nan() -> tensor<f32> {
  %a = nn.constant dense<[1.0, 0x7FC00000, 2.0]> : tensor<3xf32>
  %r = nn.reduce max %a {axes = array<i64: 0>, keepdims = false} : (tensor<3xf32>) -> tensor<f32>
  return %r : tensor<f32>
}

// CHECK-LABEL: @arg_max_first
// CHECK: nn.constant dense<[1, 0]>
func.func @arg_max_first() -> tensor<2xi64> {
  %a = nn.constant dense<[[2, 9, 9], [1, 0, 0]]> : tensor<2x3xi32>
  %r = nn.arg_reduce arg_max %a {axis = 1 : i64, keepdims = false, select_last = false} : (tensor<2x3xi32>) -> tensor<2xi64>
  return %r : tensor<2xi64>
}

// CHECK-LABEL: @arg_max_last
// CHECK: nn.constant dense<{{\[}}[2], [0]]>
func.func @arg_max_last() -> tensor<2x1xi64> {
  %a = nn.constant dense<[[2, 9, 9], [1, 0, 0]]> : tensor<2x3xi32>
  %r = nn.arg_reduce arg_max %a {axis = 1 : i64, keepdims = true, select_last = true} : (tensor<2x3xi32>) -> tensor<2x1xi64>
  return %r : tensor<2x1xi64>
}

// CHECK-LABEL: @arg_min
// CHECK: nn.constant dense<1>
func.func @arg_min() -> tensor<3xi64> {
  %a = nn.constant dense<[[2, 9, 9], [1, 0, 0]]> : tensor<2x3xi32>
  %r = nn.arg_reduce arg_min %a {axis = 0 : i64, keepdims = false, select_last = false} : (tensor<2x3xi32>) -> tensor<3xi64>
  return %r : tensor<3xi64>
}

// CHECK-LABEL: @cum_sum
// CHECK: nn.constant dense<{{\[}}[1, 3, 6], [4, 9, 15]]>
func.func @cum_sum() -> tensor<2x3xi32> {
  %a = nn.constant dense<[[1, 2, 3], [4, 5, 6]]> : tensor<2x3xi32>
  %r = nn.cumulative cum_sum %a {axis = 1 : i64, exclusive = false, reverse = false} : (tensor<2x3xi32>) -> tensor<2x3xi32>
  return %r : tensor<2x3xi32>
}

// CHECK-LABEL: @cum_sum_exclusive
// CHECK: nn.constant dense<{{\[}}[0, 1, 3], [0, 4, 9]]>
func.func @cum_sum_exclusive() -> tensor<2x3xi32> {
  %a = nn.constant dense<[[1, 2, 3], [4, 5, 6]]> : tensor<2x3xi32>
  %r = nn.cumulative cum_sum %a {axis = 1 : i64, exclusive = true, reverse = false} : (tensor<2x3xi32>) -> tensor<2x3xi32>
  return %r : tensor<2x3xi32>
}

// CHECK-LABEL: @cum_sum_reverse
// CHECK: nn.constant dense<{{\[}}[6, 5, 3], [15, 11, 6]]>
func.func @cum_sum_reverse() -> tensor<2x3xi32> {
  %a = nn.constant dense<[[1, 2, 3], [4, 5, 6]]> : tensor<2x3xi32>
  %r = nn.cumulative cum_sum %a {axis = 1 : i64, exclusive = false, reverse = true} : (tensor<2x3xi32>) -> tensor<2x3xi32>
  return %r : tensor<2x3xi32>
}

// CHECK-LABEL: @cum_sum_exclusive_reverse
// CHECK: nn.constant dense<{{\[}}[4, 5, 6], [0, 0, 0]]>
func.func @cum_sum_exclusive_reverse() -> tensor<2x3xi32> {
  %a = nn.constant dense<[[1, 2, 3], [4, 5, 6]]> : tensor<2x3xi32>
  %r = nn.cumulative cum_sum %a {axis = 0 : i64, exclusive = true, reverse = true} : (tensor<2x3xi32>) -> tensor<2x3xi32>
  return %r : tensor<2x3xi32>
}

// CHECK-LABEL: @cum_prod
// CHECK: nn.constant dense<{{\[}}[1, 2, 6], [4, 20, 120]]>
func.func @cum_prod() -> tensor<2x3xi32> {
  %a = nn.constant dense<[[1, 2, 3], [4, 5, 6]]> : tensor<2x3xi32>
  %r = nn.cumulative cum_prod %a {axis = 1 : i64, exclusive = false, reverse = false} : (tensor<2x3xi32>) -> tensor<2x3xi32>
  return %r : tensor<2x3xi32>
}

// CHECK-LABEL: @softmax
// CHECK: nn.constant dense<{{\[}}[5.000000e-01, 5.000000e-01], [0.000000e+00, 1.000000e+00]]>
func.func @softmax() -> tensor<2x2xf32> {
  %a = nn.constant dense<[[0.0, 0.0], [0.0, 1000.0]]> : tensor<2x2xf32>
  %r = nn.softmax %a {axis = 1 : i64} : (tensor<2x2xf32>) -> tensor<2x2xf32>
  return %r : tensor<2x2xf32>
}

// CHECK-LABEL: @softmax_axis_0
// CHECK: nn.constant dense<5.000000e-01>
func.func @softmax_axis_0() -> tensor<2x2xf32> {
  %a = nn.constant dense<[[0.0, 1.0], [0.0, 1.0]]> : tensor<2x2xf32>
  %r = nn.softmax %a {axis = 0 : i64} : (tensor<2x2xf32>) -> tensor<2x2xf32>
  return %r : tensor<2x2xf32>
}

// CHECK-LABEL: @log_softmax
// CHECK: nn.constant dense<-0.693147{{.*}}>
func.func @log_softmax() -> tensor<2xf32> {
  %a = nn.constant dense<[3.0, 3.0]> : tensor<2xf32>
  %r = nn.softmax %a {axis = 0 : i64, log} : (tensor<2xf32>) -> tensor<2xf32>
  return %r : tensor<2xf32>
}

// CHECK-LABEL: @layer_norm
// CHECK: nn.constant dense<{{\[}}[-1.500000e+00, 5.000000e+00], [-1.500000e+00, 5.000000e+00]]>
func.func @layer_norm() -> tensor<2x2xf32> {
  %a = nn.constant dense<[[1.0, 3.0], [-2.0, 2.0]]> : tensor<2x2xf32>
  %s = nn.constant dense<[2.0, 4.0]> : tensor<2xf32>
  %b = nn.constant dense<[0.5, 1.0]> : tensor<2xf32>
  // rows have mean 2 and 0, deviation 1 and 2
  %r = nn.layer_norm %a scale %s bias %b {axis = 1 : i64, epsilon = 0.0 : f64} : (tensor<2x2xf32>, tensor<2xf32>, tensor<2xf32>) -> tensor<2x2xf32>
  return %r : tensor<2x2xf32>
}

// CHECK-LABEL: @layer_norm_epsilon
// CHECK: nn.constant dense<[-5.000000e-01, 5.000000e-01]>
func.func @layer_norm_epsilon() -> tensor<2xf32> {
  %a = nn.constant dense<[1.0, 3.0]> : tensor<2xf32>
  // variance 1, epsilon 3: (x - 2) / 2
  %r = nn.layer_norm %a {axis = 0 : i64, epsilon = 3.0 : f64} : (tensor<2xf32>) -> tensor<2xf32>
  return %r : tensor<2xf32>
}

// CHECK-LABEL: @rms_norm
// CHECK: nn.constant dense<[3.000000e+00, 4.000000e+00]>
func.func @rms_norm() -> tensor<2xf32> {
  %a = nn.constant dense<[3.0, 4.0]> : tensor<2xf32>
  %s = nn.constant dense<5.0> : tensor<1xf32>
  // mean square 12.5, epsilon 12.5: x / 5 * 5
  %r = nn.layer_norm %a scale %s {axis = 0 : i64, epsilon = 12.5 : f64, rms} : (tensor<2xf32>, tensor<1xf32>) -> tensor<2xf32>
  return %r : tensor<2xf32>
}

// CHECK-LABEL: @lrn
// CHECK: nn.constant dense<{{\[\[}}[0.16666{{.*}}], [0.13333{{.*}}], [0.21428{{.*}}]]]>
func.func @lrn() -> tensor<1x3x1xf32> {
  %a = nn.constant dense<[[[1.0], [2.0], [3.0]]]> : tensor<1x3x1xf32>
  // windows {1,2}, {1,2,3}, {2,3}: 1 + 3/3 * (5, 14, 13)
  %r = nn.lrn %a {size = 3 : i64, alpha = 3.0 : f64, beta = 1.0 : f64, bias = 1.0 : f64} : (tensor<1x3x1xf32>) -> tensor<1x3x1xf32>
  return %r : tensor<1x3x1xf32>
}
