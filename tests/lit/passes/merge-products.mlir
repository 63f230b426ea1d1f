// RUN: lathe-opt %s --lathe-merge-products --split-input-file | FileCheck %s

// Query, key and value of one token: one product, whose parts are slices.
// CHECK-DAG: [[S0:#map[0-9]*]] = affine_map<() -> (0, 0, 0)>
// CHECK-DAG: [[S6:#map[0-9]*]] = affine_map<() -> (0, 0, 6)>
// CHECK-DAG: [[S8:#map[0-9]*]] = affine_map<() -> (0, 0, 8)>
// CHECK: func.func @one_token
// CHECK-SAME: [[X:%[^:]+]]: tensor<1x1x4xf32>
// CHECK-DAG: [[Q:%.+]] = nn.constant dense<1.000000e+00> : tensor<4x6xf32>
// CHECK-DAG: [[K:%.+]] = nn.constant dense<2.000000e+00> : tensor<4x2xf32>
// CHECK-DAG: [[V:%.+]] = nn.constant dense<3.000000e+00> : tensor<4x2xf32>
// CHECK: [[W:%.+]] = nn.concat [[Q]], [[K]], [[V]] {axis = 1 : i64}
// CHECK: [[M:%.+]] = nn.matmul [[X]], [[W]] : (tensor<1x1x4xf32>, tensor<4x10xf32>) -> tensor<1x1x10xf32>
// CHECK: [[A:%.+]] = nn.slice [[M]] {starts = [[S0]]
// CHECK: [[B:%.+]] = nn.slice [[M]] {starts = [[S6]]
// CHECK: [[C:%.+]] = nn.slice [[M]] {starts = [[S8]]
// CHECK: return [[A]], [[B]], [[C]]
func.func @one_token(%x: tensor<1x1x4xf32>) -> (tensor<1x1x6xf32>, tensor<1x1x2xf32>, tensor<1x1x2xf32>) {
  %q = nn.constant dense<1.0> : tensor<4x6xf32>
  %0 = nn.matmul %x, %q : (tensor<1x1x4xf32>, tensor<4x6xf32>) -> tensor<1x1x6xf32>
  %k = nn.constant dense<2.0> : tensor<4x2xf32>
  %1 = nn.matmul %x, %k : (tensor<1x1x4xf32>, tensor<4x2xf32>) -> tensor<1x1x2xf32>
  %v = nn.constant dense<3.0> : tensor<4x2xf32>
  %2 = nn.matmul %x, %v : (tensor<1x1x4xf32>, tensor<4x2xf32>) -> tensor<1x1x2xf32>
  return %0, %1, %2 : tensor<1x1x6xf32>, tensor<1x1x2xf32>, tensor<1x1x2xf32>
}

// -----

// Biases are merged with their products; the transposed weights along their rows.
// CHECK-LABEL: func.func @biased
// CHECK: nn.concat %{{.+}}, %{{.+}} {axis = 0 : i64} : (tensor<3x4xf32>, tensor<3x4xf32>) -> tensor<6x4xf32>
// CHECK: nn.matmul %{{.+}}, %{{.+}} {trans_rhs} : (tensor<1x4xf32>, tensor<6x4xf32>) -> tensor<1x6xf32>
// CHECK: nn.concat {{.+}} : (tensor<3xf32>, tensor<3xf32>) -> tensor<6xf32>
// CHECK: nn.binary {{ ?}}add {{.+}} : (tensor<1x6xf32>, tensor<6xf32>) -> tensor<1x6xf32>
// CHECK-NOT: nn.matmul
func.func @biased(%x: tensor<1x4xf32>) -> (tensor<1x3xf32>, tensor<1x3xf32>) {
  %q = nn.constant dense<1.0> : tensor<3x4xf32>
  %k = nn.constant dense<2.0> : tensor<3x4xf32>
  %b = nn.constant dense<3.0> : tensor<3xf32>
  %c = nn.constant dense<4.0> : tensor<3xf32>
  %0 = nn.matmul %x, %q {trans_rhs} : (tensor<1x4xf32>, tensor<3x4xf32>) -> tensor<1x3xf32>
  %1 = nn.binary add %0, %b : (tensor<1x3xf32>, tensor<3xf32>) -> tensor<1x3xf32>
  %2 = nn.matmul %x, %k {trans_rhs} : (tensor<1x4xf32>, tensor<3x4xf32>) -> tensor<1x3xf32>
  %3 = nn.binary add %2, %c : (tensor<1x3xf32>, tensor<3xf32>) -> tensor<1x3xf32>
  return %1, %3 : tensor<1x3xf32>, tensor<1x3xf32>
}

// -----

// Several rows stay apart.
// CHECK-LABEL: func.func @rows
// CHECK-SAME: reason = "stays apart from products of the same rows: parts of more than one row would be copied, and nothing is gained", taken = false
// CHECK-COUNT-2: nn.matmul
func.func @rows(%x: tensor<2x4xf32>) -> (tensor<2x6xf32>, tensor<2x2xf32>) {
  %q = nn.constant dense<1.0> : tensor<4x6xf32>
  %k = nn.constant dense<2.0> : tensor<4x2xf32>
  %0 = nn.matmul %x, %q : (tensor<2x4xf32>, tensor<4x6xf32>) -> tensor<2x6xf32>
  %1 = nn.matmul %x, %k : (tensor<2x4xf32>, tensor<4x2xf32>) -> tensor<2x2xf32>
  return %0, %1 : tensor<2x6xf32>, tensor<2x2xf32>
}

// -----

// The gate of an MLP and its other branch: the second product's epilogue multiplies them.
// CHECK-LABEL: func.func @gated
// CHECK-SAME: reason = "stays apart from products of the same row: what follows is computed with it", taken = false
// CHECK-COUNT-2: nn.matmul
func.func @gated(%x: tensor<1x4xf32>) -> tensor<1x6xf32> {
  %g = nn.constant dense<1.0> : tensor<4x6xf32>
  %u = nn.constant dense<2.0> : tensor<4x6xf32>
  %0 = nn.matmul %x, %g : (tensor<1x4xf32>, tensor<4x6xf32>) -> tensor<1x6xf32>
  %1 = nn.unary sigmoid %0 : (tensor<1x6xf32>) -> tensor<1x6xf32>
  %2 = nn.matmul %x, %u : (tensor<1x4xf32>, tensor<4x6xf32>) -> tensor<1x6xf32>
  %3 = nn.binary mul %1, %2 : (tensor<1x6xf32>, tensor<1x6xf32>) -> tensor<1x6xf32>
  return %3 : tensor<1x6xf32>
}
