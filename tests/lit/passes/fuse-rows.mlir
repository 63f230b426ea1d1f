// RUN: lathe-opt %s --lathe-fuse-rows --split-input-file | FileCheck %s

// CHECK-LABEL: func.func @softmax_between
// CHECK-SAME: [[X:%[^:]+]]: tensor<2x8xf32>, [[M:%[^:]+]]: tensor<8xf32>
// CHECK-SAME: reason = "computed along the same rows: add, softmax, mul", taken = true
// CHECK: nn.fused "row"([[X]], [[M]])
// CHECK: nn.binary {{ ?}}add
// CHECK: nn.softmax
// CHECK: nn.binary {{ ?}}mul
// CHECK: nn.yield
func.func @softmax_between(%x: tensor<2x8xf32>, %m: tensor<8xf32>) -> tensor<2x8xf32> {
  %two = nn.constant dense<2.0> : tensor<f32>
  %0 = nn.binary add %x, %m : (tensor<2x8xf32>, tensor<8xf32>) -> tensor<2x8xf32>
  %1 = nn.softmax %0 {axis = 1 : i64} : (tensor<2x8xf32>) -> tensor<2x8xf32>
  %2 = nn.binary mul %1, %two : (tensor<2x8xf32>, tensor<f32>) -> tensor<2x8xf32>
  return %2 : tensor<2x8xf32>
}

// -----

// GPT-2: the sum is normalized, and used again later. Both are written.
// CHECK-LABEL: func.func @sum_used_again
// CHECK: [[F:%.+]]:2 = nn.fused "row"
// CHECK: [[S:%.+]] = nn.binary {{ ?}}add
// CHECK: [[N:%.+]] = nn.layer_norm [[S]]
// CHECK: nn.yield [[S]], [[N]]
// CHECK: [[P:%.+]] = nn.matmul [[F]]#1
// CHECK: nn.binary {{ ?}}add [[P]], [[F]]#0
func.func @sum_used_again(%x: tensor<2x8xf32>, %y: tensor<2x8xf32>, %w: tensor<8x8xf32>) -> tensor<2x8xf32> {
  %0 = nn.binary add %x, %y : (tensor<2x8xf32>, tensor<2x8xf32>) -> tensor<2x8xf32>
  %1 = nn.layer_norm %0 {axis = 1 : i64, epsilon = 1.0e-5 : f64} : (tensor<2x8xf32>) -> tensor<2x8xf32>
  %2 = nn.matmul %1, %w : (tensor<2x8xf32>, tensor<8x8xf32>) -> tensor<2x8xf32>
  %3 = nn.binary add %2, %0 : (tensor<2x8xf32>, tensor<2x8xf32>) -> tensor<2x8xf32>
  return %3 : tensor<2x8xf32>
}

// -----

// Several reductions of the same rows, with values per row between them: mean((x - mean(x))^2)
// CHECK-LABEL: func.func @two_reductions
// CHECK: nn.fused "row"(%{{.+}}) : (tensor<2x8xf32>) -> tensor<2x1xf32>
// CHECK: nn.reduce {{ ?}}mean
// CHECK: nn.binary {{ ?}}sub
// CHECK: nn.binary {{ ?}}mul
// CHECK: nn.reduce {{ ?}}mean
// CHECK: nn.unary {{ ?}}sqrt
// CHECK: nn.yield
func.func @two_reductions(%x: tensor<2x8xf32>) -> tensor<2x1xf32> {
  %0 = nn.reduce mean %x {axes = array<i64: 1>, keepdims = true} : (tensor<2x8xf32>) -> tensor<2x1xf32>
  %1 = nn.binary sub %x, %0 : (tensor<2x8xf32>, tensor<2x1xf32>) -> tensor<2x8xf32>
  %2 = nn.binary mul %1, %1 : (tensor<2x8xf32>, tensor<2x8xf32>) -> tensor<2x8xf32>
  %3 = nn.reduce mean %2 {axes = array<i64: 1>, keepdims = true} : (tensor<2x8xf32>) -> tensor<2x1xf32>
  %4 = nn.unary sqrt %3 : (tensor<2x1xf32>) -> tensor<2x1xf32>
  return %4 : tensor<2x1xf32>
}

// -----

// CHECK-LABEL: func.func @not_the_last_axis
// CHECK-SAME: reason = "softmax is not along the last axes", taken = false
// CHECK-NOT: nn.fused
func.func @not_the_last_axis(%x: tensor<2x8xf32>) -> tensor<2x8xf32> {
  %0 = nn.softmax %x {axis = 0 : i64} : (tensor<2x8xf32>) -> tensor<2x8xf32>
  %1 = nn.unary neg %0 : (tensor<2x8xf32>) -> tensor<2x8xf32>
  return %1 : tensor<2x8xf32>
}

// -----

// BERT: the second sum needs a product of the normalized rows.
// CHECK-LABEL: func.func @depends_on_a_product
// CHECK-SAME: reason = "stays apart from layer_norm: another operand depends on the result of layer_norm"
// CHECK-NOT: nn.fused
func.func @depends_on_a_product(%x: tensor<2x8xf32>, %w: tensor<8x8xf32>) -> tensor<2x8xf32> {
  %0 = nn.layer_norm %x {axis = 1 : i64, epsilon = 1.0e-5 : f64} : (tensor<2x8xf32>) -> tensor<2x8xf32>
  %1 = nn.matmul %0, %w : (tensor<2x8xf32>, tensor<8x8xf32>) -> tensor<2x8xf32>
  %2 = nn.binary add %1, %0 : (tensor<2x8xf32>, tensor<2x8xf32>) -> tensor<2x8xf32>
  return %2 : tensor<2x8xf32>
}

// -----

// A sum that widens the rows is none of them.
// CHECK-LABEL: func.func @wider_sum
// CHECK-NOT: nn.fused
func.func @wider_sum(%x: tensor<2x8xf32>, %y: tensor<3x2x8xf32>) -> tensor<3x2x8xf32> {
  %0 = nn.softmax %x {axis = 1 : i64} : (tensor<2x8xf32>) -> tensor<2x8xf32>
  %1 = nn.binary add %0, %y : (tensor<2x8xf32>, tensor<3x2x8xf32>) -> tensor<3x2x8xf32>
  return %1 : tensor<3x2x8xf32>
}

// -----

// Integers that a norm reads as numbers leave its kernel as integers, for whoever adds them later.
// CHECK-LABEL: func.func @integers_leave
// CHECK: [[R:%.+]]:2 = nn.fused "row"(%arg0) : (tensor<2x8xf32>) -> (tensor<2x8xui8>, tensor<2x8xf32>)
// CHECK: [[D:%.+]] = nn.dequantize [[R]]#0
// CHECK: [[M:%.+]] = nn.matmul [[R]]#1
// CHECK: nn.binary {{ ?}}add [[M]], [[D]]
func.func @integers_leave(%x: tensor<2x8xf32>, %w: tensor<8x8xf32>) -> tensor<2x8xf32> {
  %s = nn.constant dense<0.5> : tensor<f32>
  %q = nn.quantize %x, %s : (tensor<2x8xf32>, tensor<f32>) -> tensor<2x8xui8>
  %d = nn.dequantize %q, %s : (tensor<2x8xui8>, tensor<f32>) -> tensor<2x8xf32>
  %0 = nn.layer_norm %d {axis = 1 : i64, epsilon = 1.0e-5 : f64} : (tensor<2x8xf32>) -> tensor<2x8xf32>
  %1 = nn.matmul %0, %w : (tensor<2x8xf32>, tensor<8x8xf32>) -> tensor<2x8xf32>
  %2 = nn.binary add %1, %d : (tensor<2x8xf32>, tensor<2x8xf32>) -> tensor<2x8xf32>
  return %2 : tensor<2x8xf32>
}
