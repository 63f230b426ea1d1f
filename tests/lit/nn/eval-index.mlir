// RUN: lathe-opt %s --lathe-eval | FileCheck %s

// The meaning of operations that move data by computed indices.

// CHECK-LABEL: @gather
// CHECK: nn.constant dense<{{\[}}[3, 1], [6, 4]]>
func.func @gather() -> tensor<2x2xi32> {
  %a = nn.constant dense<[[1, 2, 3], [4, 5, 6]]> : tensor<2x3xi32>
  %i = nn.constant dense<[2, -3]> : tensor<2xi64>
  %r = nn.gather %a, %i {axis = 1 : i64} : (tensor<2x3xi32>, tensor<2xi64>) -> tensor<2x2xi32>
  return %r : tensor<2x2xi32>
}

// CHECK-LABEL: @gather_scalar
// CHECK: nn.constant dense<[4, 5, 6]>
func.func @gather_scalar() -> tensor<3xi32> {
  %a = nn.constant dense<[[1, 2, 3], [4, 5, 6]]> : tensor<2x3xi32>
  %i = nn.constant dense<1> : tensor<i32>
  %r = nn.gather %a, %i {axis = 0 : i64} : (tensor<2x3xi32>, tensor<i32>) -> tensor<3xi32>
  return %r : tensor<3xi32>
}

// CHECK-LABEL: @gather_elements
// CHECK: nn.constant dense<{{\[}}[3, 3], [4, 5]]>
func.func @gather_elements() -> tensor<2x2xi32> {
  %a = nn.constant dense<[[1, 2, 3], [4, 5, 6]]> : tensor<2x3xi32>
  %i = nn.constant dense<[[2, -1], [0, 1]]> : tensor<2x2xi64>
  %r = nn.gather_elements %a, %i {axis = 1 : i64} : (tensor<2x3xi32>, tensor<2x2xi64>) -> tensor<2x2xi32>
  return %r : tensor<2x2xi32>
}

// CHECK-LABEL: @gather_nd
// CHECK: nn.constant dense<[6, 1]>
func.func @gather_nd() -> tensor<2xi32> {
  %a = nn.constant dense<[[1, 2, 3], [4, 5, 6]]> : tensor<2x3xi32>
  %i = nn.constant dense<[[1, 2], [0, -3]]> : tensor<2x2xi64>
  %r = nn.gather_nd %a, %i {batch_dims = 0 : i64} : (tensor<2x3xi32>, tensor<2x2xi64>) -> tensor<2xi32>
  return %r : tensor<2xi32>
}

// CHECK-LABEL: @gather_nd_slices
// CHECK: nn.constant dense<{{\[}}[4, 5, 6]]>
func.func @gather_nd_slices() -> tensor<1x3xi32> {
  %a = nn.constant dense<[[1, 2, 3], [4, 5, 6]]> : tensor<2x3xi32>
  %i = nn.constant dense<[[1]]> : tensor<1x1xi64>
  %r = nn.gather_nd %a, %i {batch_dims = 0 : i64} : (tensor<2x3xi32>, tensor<1x1xi64>) -> tensor<1x3xi32>
  return %r : tensor<1x3xi32>
}

// CHECK-LABEL: @gather_nd_batch
// CHECK: nn.constant dense<[3, 4]>
func.func @gather_nd_batch() -> tensor<2xi32> {
  %a = nn.constant dense<[[1, 2, 3], [4, 5, 6]]> : tensor<2x3xi32>
  %i = nn.constant dense<[[2], [0]]> : tensor<2x1xi64>
  %r = nn.gather_nd %a, %i {batch_dims = 1 : i64} : (tensor<2x3xi32>, tensor<2x1xi64>) -> tensor<2xi32>
  return %r : tensor<2xi32>
}

// CHECK-LABEL: @scatter_elements_none
// CHECK: nn.constant dense<[15, 20, 3]>
func.func @scatter_elements_none() -> tensor<3xi32> {
  %a = nn.constant dense<[10, 20, 30]> : tensor<3xi32>
  %i = nn.constant dense<[2, 0, 2]> : tensor<3xi64>
  %u = nn.constant dense<[1, 15, 3]> : tensor<3xi32>
  %r = nn.scatter_elements %a, %i, %u {axis = 0 : i64, reduction = #nn<scatter_reduction none>} : (tensor<3xi32>, tensor<3xi64>, tensor<3xi32>) -> tensor<3xi32>
  return %r : tensor<3xi32>
}

// CHECK-LABEL: @scatter_elements_scatter_add
// CHECK: nn.constant dense<[25, 20, 34]>
func.func @scatter_elements_scatter_add() -> tensor<3xi32> {
  %a = nn.constant dense<[10, 20, 30]> : tensor<3xi32>
  %i = nn.constant dense<[2, 0, 2]> : tensor<3xi64>
  %u = nn.constant dense<[1, 15, 3]> : tensor<3xi32>
  %r = nn.scatter_elements %a, %i, %u {axis = 0 : i64, reduction = #nn<scatter_reduction scatter_add>} : (tensor<3xi32>, tensor<3xi64>, tensor<3xi32>) -> tensor<3xi32>
  return %r : tensor<3xi32>
}

// CHECK-LABEL: @scatter_elements_scatter_mul
// CHECK: nn.constant dense<[150, 20, 90]>
func.func @scatter_elements_scatter_mul() -> tensor<3xi32> {
  %a = nn.constant dense<[10, 20, 30]> : tensor<3xi32>
  %i = nn.constant dense<[2, 0, 2]> : tensor<3xi64>
  %u = nn.constant dense<[1, 15, 3]> : tensor<3xi32>
  %r = nn.scatter_elements %a, %i, %u {axis = 0 : i64, reduction = #nn<scatter_reduction scatter_mul>} : (tensor<3xi32>, tensor<3xi64>, tensor<3xi32>) -> tensor<3xi32>
  return %r : tensor<3xi32>
}

// CHECK-LABEL: @scatter_elements_scatter_max
// CHECK: nn.constant dense<[15, 20, 30]>
func.func @scatter_elements_scatter_max() -> tensor<3xi32> {
  %a = nn.constant dense<[10, 20, 30]> : tensor<3xi32>
  %i = nn.constant dense<[2, 0, 2]> : tensor<3xi64>
  %u = nn.constant dense<[1, 15, 3]> : tensor<3xi32>
  %r = nn.scatter_elements %a, %i, %u {axis = 0 : i64, reduction = #nn<scatter_reduction scatter_max>} : (tensor<3xi32>, tensor<3xi64>, tensor<3xi32>) -> tensor<3xi32>
  return %r : tensor<3xi32>
}

// CHECK-LABEL: @scatter_elements_scatter_min
// CHECK: nn.constant dense<[10, 20, 1]>
func.func @scatter_elements_scatter_min() -> tensor<3xi32> {
  %a = nn.constant dense<[10, 20, 30]> : tensor<3xi32>
  %i = nn.constant dense<[2, 0, 2]> : tensor<3xi64>
  %u = nn.constant dense<[1, 15, 3]> : tensor<3xi32>
  %r = nn.scatter_elements %a, %i, %u {axis = 0 : i64, reduction = #nn<scatter_reduction scatter_min>} : (tensor<3xi32>, tensor<3xi64>, tensor<3xi32>) -> tensor<3xi32>
  return %r : tensor<3xi32>
}

// CHECK-LABEL: @scatter_elements_axis_1
// CHECK: nn.constant dense<{{\[}}[0, 5, 0], [0, 0, 6]]>
func.func @scatter_elements_axis_1() -> tensor<2x3xi32> {
  %a = nn.constant dense<[[0, 0, 0], [0, 0, 0]]> : tensor<2x3xi32>
  %i = nn.constant dense<[[1], [2]]> : tensor<2x1xi64>
  %u = nn.constant dense<[[5], [6]]> : tensor<2x1xi32>
  %r = nn.scatter_elements %a, %i, %u {axis = 1 : i64, reduction = #nn<scatter_reduction none>} : (tensor<2x3xi32>, tensor<2x1xi64>, tensor<2x1xi32>) -> tensor<2x3xi32>
  return %r : tensor<2x3xi32>
}

// CHECK-LABEL: @scatter_nd
// CHECK: nn.constant dense<{{\[}}[1, 2, 3], [14, 25, 36]]>
func.func @scatter_nd() -> tensor<2x3xi32> {
  %a = nn.constant dense<[[1, 2, 3], [4, 5, 6]]> : tensor<2x3xi32>
  %i = nn.constant dense<[[1]]> : tensor<1x1xi64>
  %u = nn.constant dense<[[10, 20, 30]]> : tensor<1x3xi32>
  %r = nn.scatter_nd %a, %i, %u {reduction = #nn<scatter_reduction scatter_add>} : (tensor<2x3xi32>, tensor<1x1xi64>, tensor<1x3xi32>) -> tensor<2x3xi32>
  return %r : tensor<2x3xi32>
}

// CHECK-LABEL: @top_k
// CHECK: nn.constant dense<{{\[}}[9, 9, 3]]>
// CHECK: nn.constant dense<{{\[}}[1, 2, 0]]>
func.func @top_k() -> (tensor<1x3xi32>, tensor<1x3xi64>) {
  %a = nn.constant dense<[[3, 9, 9, 1]]> : tensor<1x4xi32>
  %r:2 = nn.top_k %a {axis = 1 : i64, largest = true} : (tensor<1x4xi32>) -> (tensor<1x3xi32>, tensor<1x3xi64>)
  return %r#0, %r#1 : tensor<1x3xi32>, tensor<1x3xi64>
}

// CHECK-LABEL: @top_k_smallest
// CHECK: nn.constant dense<2.000000e+00>
// CHECK: nn.constant dense<1>
func.func @top_k_smallest() -> (tensor<1xf32>, tensor<1xi64>) {
  %a = nn.constant dense<[4.0, 2.0]> : tensor<2xf32>
  %r:2 = nn.top_k %a {axis = 0 : i64, largest = false} : (tensor<2xf32>) -> (tensor<1xf32>, tensor<1xi64>)
  return %r#0, %r#1 : tensor<1xf32>, tensor<1xi64>
}

// CHECK-LABEL: @non_zero
// CHECK: nn.constant dense<{{\[}}[0, 1], [1, 0]]>
func.func @non_zero() -> tensor<2x2xi64> {
  %a = nn.constant dense<[[0, 5], [6, 0]]> : tensor<2x2xi32>
  %r = nn.non_zero %a : (tensor<2x2xi32>) -> tensor<2x2xi64>
  return %r : tensor<2x2xi64>
}

// Box 1 overlaps box 0 by 1/2 (kept boxes may up to 0.5 only), box 2 is apart, box 3 scores too low.
// CHECK-LABEL: @non_max_suppression
// CHECK: nn.constant dense<{{\[}}[0, 0, 0], [0, 0, 2], [0, 0, 0], [0, 0, 0]]>
// CHECK: nn.constant dense<2>
func.func @non_max_suppression() -> (tensor<4x3xi64>, tensor<1xi64>) {
  %b = nn.constant dense<[[[0.0, 0.0, 4.0, 3.0], [4.0, 4.0, 0.0, 1.0], [5.0, 5.0, 6.0, 6.0], [8.0, 8.0, 9.0, 9.0]]]> : tensor<1x4x4xf32>
  %s = nn.constant dense<[[[0.9, 0.8, 0.7, 0.1]]]> : tensor<1x1x4xf32>
  %n = nn.constant dense<4> : tensor<i64>
  %o = nn.constant dense<0.49> : tensor<f32>
  %t = nn.constant dense<0.5> : tensor<1xf32>
  %r:2 = nn.non_max_suppression %b, %s, %n, %o, %t : (tensor<1x4x4xf32>, tensor<1x1x4xf32>, tensor<i64>, tensor<f32>, tensor<1xf32>) -> (tensor<4x3xi64>, tensor<1xi64>)
  return %r#0, %r#1 : tensor<4x3xi64>, tensor<1xi64>
}

// The same boxes by center and size; at most one per class, classes best first.
// CHECK-LABEL: @non_max_suppression_center
// CHECK: nn.constant dense<{{\[}}[0, 0, 0], [0, 1, 1]]>
// CHECK: nn.constant dense<2>
func.func @non_max_suppression_center() -> (tensor<2x3xi64>, tensor<1xi64>) {
  %b = nn.constant dense<[[[1.5, 2.0, 3.0, 4.0], [2.5, 2.0, 3.0, 4.0]]]> : tensor<1x2x4xf32>
  %s = nn.constant dense<[[[0.9, 0.8], [0.1, 0.2]]]> : tensor<1x2x2xf32>
  %n = nn.constant dense<1> : tensor<i64>
  %o = nn.constant dense<0.9> : tensor<f32>
  %r:2 = nn.non_max_suppression %b, %s, %n, %o {center} : (tensor<1x2x4xf32>, tensor<1x2x2xf32>, tensor<i64>, tensor<f32>) -> (tensor<2x3xi64>, tensor<1xi64>)
  return %r#0, %r#1 : tensor<2x3xi64>, tensor<1xi64>
}

// Bytes are indices up to 255.
// CHECK-LABEL: @gather_bytes
// CHECK: nn.constant dense<[4, 200]> : tensor<2xi32>
func.func @gather_bytes() -> tensor<2xi32> {
  %a = nn.iota {axis = 0 : i64} : tensor<256xi32>
  %i = nn.constant dense<[4, 200]> : tensor<2xui8>
  %r = nn.gather %a, %i {axis = 0 : i64} : (tensor<256xi32>, tensor<2xui8>) -> tensor<2xi32>
  return %r : tensor<2xi32>
}
