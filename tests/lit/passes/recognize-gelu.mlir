// RUN: lathe-opt %s --lathe-recognize-gelu --canonicalize --split-input-file | FileCheck %s

// torch: x * 0.5 * (1 + erf(x / sqrt 2))
// CHECK-LABEL: func.func @torch
// CHECK-SAME: [[X:%.+]]: tensor<4xf32>
// CHECK-NEXT: [[R:%.+]] = nn.unary gelu [[X]]
// CHECK-NEXT: return [[R]]
func.func @torch(%x: tensor<4xf32>) -> tensor<4xf32> {
  %root = nn.constant dense<1.41421354> : tensor<f32>
  %one = nn.constant dense<1.0> : tensor<f32>
  %half = nn.constant dense<0.5> : tensor<f32>
  %0 = nn.binary div %x, %root : (tensor<4xf32>, tensor<f32>) -> tensor<4xf32>
  %1 = nn.unary erf %0 : (tensor<4xf32>) -> tensor<4xf32>
  %2 = nn.binary add %1, %one : (tensor<4xf32>, tensor<f32>) -> tensor<4xf32>
  %3 = nn.binary mul %x, %2 : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %4 = nn.binary mul %3, %half : (tensor<4xf32>, tensor<f32>) -> tensor<4xf32>
  return %4 : tensor<4xf32>
}

// -----

// tf2onnx and others: x * (0.5 * (1 + erf(x * 0.7071)))
// CHECK-LABEL: func.func @half_inside
// CHECK-SAME: [[X:%.+]]: tensor<4xf32>
// CHECK-NEXT: nn.unary gelu [[X]]
func.func @half_inside(%x: tensor<4xf32>) -> tensor<4xf32> {
  %root = nn.constant dense<0.707106769> : tensor<f32>
  %one = nn.constant dense<1.0> : tensor<f32>
  %half = nn.constant dense<0.5> : tensor<f32>
  %0 = nn.binary mul %root, %x : (tensor<f32>, tensor<4xf32>) -> tensor<4xf32>
  %1 = nn.unary erf %0 : (tensor<4xf32>) -> tensor<4xf32>
  %2 = nn.binary add %one, %1 : (tensor<f32>, tensor<4xf32>) -> tensor<4xf32>
  %3 = nn.binary mul %half, %2 : (tensor<f32>, tensor<4xf32>) -> tensor<4xf32>
  %4 = nn.binary mul %3, %x : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  return %4 : tensor<4xf32>
}

// -----

// GPT-2: 0.5 * x * (1 + tanh(0.79788 * (x + 0.044715 * x^3)))
// CHECK-LABEL: func.func @tanh_form
// CHECK-SAME: [[X:%.+]]: tensor<4xf32>
// CHECK-NEXT: nn.unary gelu_tanh [[X]]
func.func @tanh_form(%x: tensor<4xf32>) -> tensor<4xf32> {
  %three = nn.constant dense<3.0> : tensor<f32>
  %a = nn.constant dense<0.044715> : tensor<f32>
  %b = nn.constant dense<0.797884583> : tensor<f32>
  %one = nn.constant dense<1.0> : tensor<f32>
  %half = nn.constant dense<0.5> : tensor<f32>
  %0 = nn.binary mul %x, %half : (tensor<4xf32>, tensor<f32>) -> tensor<4xf32>
  %1 = nn.binary pow %x, %three : (tensor<4xf32>, tensor<f32>) -> tensor<4xf32>
  %2 = nn.binary mul %1, %a : (tensor<4xf32>, tensor<f32>) -> tensor<4xf32>
  %3 = nn.binary add %x, %2 : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %4 = nn.binary mul %3, %b : (tensor<4xf32>, tensor<f32>) -> tensor<4xf32>
  %5 = nn.unary tanh %4 : (tensor<4xf32>) -> tensor<4xf32>
  %6 = nn.binary add %5, %one : (tensor<4xf32>, tensor<f32>) -> tensor<4xf32>
  %7 = nn.binary mul %0, %6 : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  return %7 : tensor<4xf32>
}

// -----

// Megatron: 0.5 * x * (1 + tanh(0.79788 * x * (1 + 0.044715 * x * x)))
// CHECK-LABEL: func.func @tanh_form_taken_out
// CHECK: nn.unary gelu_tanh
func.func @tanh_form_taken_out(%x: tensor<4xf32>) -> tensor<4xf32> {
  %a = nn.constant dense<0.044715> : tensor<f32>
  %b = nn.constant dense<0.797884583> : tensor<f32>
  %one = nn.constant dense<1.0> : tensor<f32>
  %half = nn.constant dense<0.5> : tensor<f32>
  %0 = nn.binary mul %x, %half : (tensor<4xf32>, tensor<f32>) -> tensor<4xf32>
  %1 = nn.binary mul %x, %a : (tensor<4xf32>, tensor<f32>) -> tensor<4xf32>
  %2 = nn.binary mul %1, %x : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %3 = nn.binary add %2, %one : (tensor<4xf32>, tensor<f32>) -> tensor<4xf32>
  %4 = nn.binary mul %x, %b : (tensor<4xf32>, tensor<f32>) -> tensor<4xf32>
  %5 = nn.binary mul %4, %3 : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %6 = nn.unary tanh %5 : (tensor<4xf32>) -> tensor<4xf32>
  %7 = nn.binary add %6, %one : (tensor<4xf32>, tensor<f32>) -> tensor<4xf32>
  %8 = nn.binary mul %0, %7 : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  return %8 : tensor<4xf32>
}

// -----

// Another slope, another function.
// CHECK-LABEL: func.func @other_slope
// CHECK-NOT: gelu
func.func @other_slope(%x: tensor<4xf32>) -> tensor<4xf32> {
  %root = nn.constant dense<1.5> : tensor<f32>
  %one = nn.constant dense<1.0> : tensor<f32>
  %half = nn.constant dense<0.5> : tensor<f32>
  %0 = nn.binary div %x, %root : (tensor<4xf32>, tensor<f32>) -> tensor<4xf32>
  %1 = nn.unary erf %0 : (tensor<4xf32>) -> tensor<4xf32>
  %2 = nn.binary add %1, %one : (tensor<4xf32>, tensor<f32>) -> tensor<4xf32>
  %3 = nn.binary mul %x, %2 : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %4 = nn.binary mul %3, %half : (tensor<4xf32>, tensor<f32>) -> tensor<4xf32>
  return %4 : tensor<4xf32>
}

// -----

// The gate is that of another tensor.
// CHECK-LABEL: func.func @other_input
// CHECK-NOT: gelu
func.func @other_input(%x: tensor<4xf32>, %y: tensor<4xf32>) -> tensor<4xf32> {
  %root = nn.constant dense<1.41421354> : tensor<f32>
  %one = nn.constant dense<1.0> : tensor<f32>
  %half = nn.constant dense<0.5> : tensor<f32>
  %0 = nn.binary div %y, %root : (tensor<4xf32>, tensor<f32>) -> tensor<4xf32>
  %1 = nn.unary erf %0 : (tensor<4xf32>) -> tensor<4xf32>
  %2 = nn.binary add %1, %one : (tensor<4xf32>, tensor<f32>) -> tensor<4xf32>
  %3 = nn.binary mul %x, %2 : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %4 = nn.binary mul %3, %half : (tensor<4xf32>, tensor<f32>) -> tensor<4xf32>
  return %4 : tensor<4xf32>
}
