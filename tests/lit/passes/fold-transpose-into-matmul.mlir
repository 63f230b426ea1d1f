// RUN: lathe-opt %s --lathe-fold-transpose-into-matmul --split-input-file | FileCheck %s

// CHECK-LABEL: func.func @both_sides
// CHECK-SAME: [[X:%[^:]+]]: tensor<2x4x3xf32>, [[Y:%.+]]: tensor<2x5x4xf32>
// CHECK-NEXT: nn.matmul [[X]], [[Y]] {trans_lhs, trans_rhs}
func.func @both_sides(%x: tensor<2x4x3xf32>, %y: tensor<2x5x4xf32>) -> tensor<2x3x5xf32> {
  %0 = nn.transpose %x {permutation = array<i64: 0, 2, 1>} : (tensor<2x4x3xf32>) -> tensor<2x3x4xf32>
  %1 = nn.transpose %y {permutation = array<i64: 0, 2, 1>} : (tensor<2x5x4xf32>) -> tensor<2x4x5xf32>
  %2 = nn.matmul %0, %1 : (tensor<2x3x4xf32>, tensor<2x4x5xf32>) -> tensor<2x3x5xf32>
  return %2 : tensor<2x3x5xf32>
}

// -----

// Other axes move as well.
// CHECK-LABEL: func.func @other_permutation
// CHECK: nn.transpose
func.func @other_permutation(%x: tensor<2x3x4xf32>, %y: tensor<5x2x4xf32>) -> tensor<2x3x5xf32> {
  %0 = nn.transpose %y {permutation = array<i64: 1, 2, 0>} : (tensor<5x2x4xf32>) -> tensor<2x4x5xf32>
  %1 = nn.matmul %x, %0 : (tensor<2x3x4xf32>, tensor<2x4x5xf32>) -> tensor<2x3x5xf32>
  return %1 : tensor<2x3x5xf32>
}

// -----

// Constants are transposed at compile time.
// CHECK-LABEL: func.func @constant
// CHECK: nn.transpose
// CHECK-NOT: trans_rhs
func.func @constant(%x: tensor<3x4xf32>) -> tensor<3x5xf32> {
  %w = nn.constant dense<2.0> : tensor<5x4xf32>
  %0 = nn.transpose %w {permutation = array<i64: 1, 0>} : (tensor<5x4xf32>) -> tensor<4x5xf32>
  %1 = nn.matmul %x, %0 : (tensor<3x4xf32>, tensor<4x5xf32>) -> tensor<3x5xf32>
  return %1 : tensor<3x5xf32>
}

// -----

// GPT-2's Conv1D: rows are merged, multiplied, shifted, activated, and split again.
// CHECK-LABEL: func.func @product_of_rows
// CHECK-SAME: [[X:%[^:]+]]: tensor<2x3x4xf32>, [[W:%[^:]+]]: tensor<4x5xf32>, [[B:%[^:]+]]: tensor<5xf32>
// CHECK-NEXT: [[P:%.+]] = nn.matmul [[X]], [[W]] : (tensor<2x3x4xf32>, tensor<4x5xf32>) -> tensor<2x3x5xf32>
// CHECK-NEXT: [[S:%.+]] = nn.binary add [[P]], [[B]] : (tensor<2x3x5xf32>, tensor<5xf32>) -> tensor<2x3x5xf32>
// CHECK-NEXT: nn.unary gelu [[S]]
func.func @product_of_rows(%x: tensor<2x3x4xf32>, %w: tensor<4x5xf32>, %b: tensor<5xf32>) -> tensor<2x3x5xf32> {
  %0 = nn.reshape %x : (tensor<2x3x4xf32>) -> tensor<6x4xf32>
  %1 = nn.matmul %0, %w : (tensor<6x4xf32>, tensor<4x5xf32>) -> tensor<6x5xf32>
  %2 = nn.binary add %1, %b : (tensor<6x5xf32>, tensor<5xf32>) -> tensor<6x5xf32>
  %3 = nn.unary gelu %2 : (tensor<6x5xf32>) -> tensor<6x5xf32>
  %4 = nn.reshape %3 : (tensor<6x5xf32>) -> tensor<2x3x5xf32>
  return %4 : tensor<2x3x5xf32>
}

// -----

// The same with sizes that are known at run time only.
// CHECK-LABEL: func.func @symbolic_rows
// CHECK-NOT: nn.reshape
// CHECK: nn.matmul
// CHECK-NOT: nn.reshape
func.func @symbolic_rows(%x: tensor<?x?x4xf32, affine_map<()[s0, s1] -> (s0, s1, 4)>>, %w: tensor<4x5xf32>)
    -> tensor<?x?x5xf32, affine_map<()[s0, s1] -> (s0, s1, 5)>> {
  %0 = nn.reshape %x : (tensor<?x?x4xf32, affine_map<()[s0, s1] -> (s0, s1, 4)>>) -> tensor<?x4xf32, affine_map<()[s0, s1] -> (s0 * s1, 4)>>
  %1 = nn.matmul %0, %w : (tensor<?x4xf32, affine_map<()[s0, s1] -> (s0 * s1, 4)>>, tensor<4x5xf32>) -> tensor<?x5xf32, affine_map<()[s0, s1] -> (s0 * s1, 5)>>
  %2 = nn.reshape %1 : (tensor<?x5xf32, affine_map<()[s0, s1] -> (s0 * s1, 5)>>) -> tensor<?x?x5xf32, affine_map<()[s0, s1] -> (s0, s1, 5)>>
  return %2 : tensor<?x?x5xf32, affine_map<()[s0, s1] -> (s0, s1, 5)>>
}

// -----

// The rows are split in another way than they were merged: one reshape, before the product.
// CHECK-LABEL: func.func @other_split
// CHECK: [[R:%.+]] = nn.reshape %{{.+}} : (tensor<2x3x4xf32>) -> tensor<3x2x4xf32>
// CHECK: [[P:%.+]] = nn.matmul [[R]]
// CHECK: return [[P]]
func.func @other_split(%x: tensor<2x3x4xf32>, %w: tensor<4x5xf32>) -> tensor<3x2x5xf32> {
  %0 = nn.reshape %x : (tensor<2x3x4xf32>) -> tensor<6x4xf32>
  %1 = nn.matmul %0, %w : (tensor<6x4xf32>, tensor<4x5xf32>) -> tensor<6x5xf32>
  %2 = nn.reshape %1 : (tensor<6x5xf32>) -> tensor<3x2x5xf32>
  return %2 : tensor<3x2x5xf32>
}

// -----

// The columns are split, too; the product is used elsewhere; its rows are columns of the left side.
// CHECK-LABEL: func.func @rows_refused
// CHECK: nn.reshape %{{.+}} : (tensor<6x4xf32>) -> tensor<3x8xf32>
// CHECK: nn.reshape %{{.+}} : (tensor<6x4xf32>) -> tensor<3x2x4xf32>
// CHECK: nn.reshape %{{.+}} : (tensor<4x4xf32>) -> tensor<2x2x4xf32>
func.func @rows_refused(%x: tensor<6x4xf32>, %w: tensor<4x4xf32>, %v: tensor<6x4xf32>)
    -> (tensor<3x8xf32>, tensor<6x4xf32>, tensor<3x2x4xf32>, tensor<2x2x4xf32>) {
  %0 = nn.matmul %x, %w : (tensor<6x4xf32>, tensor<4x4xf32>) -> tensor<6x4xf32>
  %1 = nn.reshape %0 : (tensor<6x4xf32>) -> tensor<3x8xf32>
  %2 = nn.matmul %v, %w : (tensor<6x4xf32>, tensor<4x4xf32>) -> tensor<6x4xf32>
  %3 = nn.reshape %2 : (tensor<6x4xf32>) -> tensor<3x2x4xf32>
  %4 = nn.matmul %x, %v {trans_lhs} : (tensor<6x4xf32>, tensor<6x4xf32>) -> tensor<4x4xf32>
  %5 = nn.reshape %4 : (tensor<4x4xf32>) -> tensor<2x2x4xf32>
  return %1, %2, %3, %5 : tensor<3x8xf32>, tensor<6x4xf32>, tensor<3x2x4xf32>, tensor<2x2x4xf32>
}

// -----

// What is added differs from row to row: it is split as the rows are.
// CHECK-LABEL: func.func @residual
// CHECK-SAME: [[R:%[^:]+]]: tensor<6x5xf32>
// CHECK-DAG: [[P:%.+]] = nn.matmul %{{.+}}, %{{.+}} : (tensor<2x3x4xf32>, tensor<4x5xf32>) -> tensor<2x3x5xf32>
// CHECK-DAG: [[S:%.+]] = nn.reshape [[R]] : (tensor<6x5xf32>) -> tensor<2x3x5xf32>
// CHECK: nn.binary add [[P]], [[S]]
func.func @residual(%x: tensor<2x3x4xf32>, %w: tensor<4x5xf32>, %r: tensor<6x5xf32>) -> tensor<2x3x5xf32> {
  %0 = nn.reshape %x : (tensor<2x3x4xf32>) -> tensor<6x4xf32>
  %1 = nn.matmul %0, %w : (tensor<6x4xf32>, tensor<4x5xf32>) -> tensor<6x5xf32>
  %2 = nn.binary add %1, %r : (tensor<6x5xf32>, tensor<6x5xf32>) -> tensor<6x5xf32>
  %3 = nn.reshape %2 : (tensor<6x5xf32>) -> tensor<2x3x5xf32>
  return %3 : tensor<2x3x5xf32>
}
