// RUN: lathe-opt %s --lathe-recognize-activation --canonicalize --split-input-file | FileCheck %s

// CHECK-LABEL: func.func @relu
// CHECK-NEXT: nn.unary relu
func.func @relu(%x: tensor<4xf32>) -> tensor<4xf32> {
  %zero = nn.constant dense<0.0> : tensor<f32>
  %0 = nn.binary max %zero, %x : (tensor<f32>, tensor<4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// -----

// Integers have no relu here, and a maximum with 1 is none.
// CHECK-LABEL: func.func @no_relu
// CHECK: nn.binary max
// CHECK: nn.binary max
func.func @no_relu(%x: tensor<4xi32>, %y: tensor<4xf32>) -> (tensor<4xi32>, tensor<4xf32>) {
  %zero = nn.constant dense<0> : tensor<i32>
  %one = nn.constant dense<1.0> : tensor<f32>
  %0 = nn.binary max %x, %zero : (tensor<4xi32>, tensor<i32>) -> tensor<4xi32>
  %1 = nn.binary max %y, %one : (tensor<4xf32>, tensor<f32>) -> tensor<4xf32>
  return %0, %1 : tensor<4xi32>, tensor<4xf32>
}

// -----

// CHECK-LABEL: func.func @leaky_relu
// CHECK-NEXT: nn.unary leaky_relu %{{.+}} {alpha = 2.500000e-01 : f64}
// CHECK-NEXT: nn.unary leaky_relu %{{.+}} {alpha = 3.000000e+00 : f64}
func.func @leaky_relu(%x: tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>) {
  %zero = nn.constant dense<0.0> : tensor<f32>
  %slope = nn.constant dense<0.25> : tensor<f32>
  %steep = nn.constant dense<3.0> : tensor<f32>
  %0 = nn.binary mul %x, %slope : (tensor<4xf32>, tensor<f32>) -> tensor<4xf32>
  %1 = nn.binary max %x, %0 : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %2 = nn.binary less %x, %zero : (tensor<4xf32>, tensor<f32>) -> tensor<4xi1>
  %3 = nn.binary mul %x, %steep : (tensor<4xf32>, tensor<f32>) -> tensor<4xf32>
  %4 = nn.select %2, %3, %x : (tensor<4xi1>, tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  return %1, %4 : tensor<4xf32>, tensor<4xf32>
}

// -----

// clip(x / 6 + 0.5, 0, 1) and clip(x + 3, 0, 6) / 6
// CHECK-LABEL: func.func @hard_sigmoid
// CHECK-SAME: [[X:%.+]]: tensor<4xf32>
// CHECK-NEXT: nn.unary hard_sigmoid [[X]] {alpha = 2.000000e-01 : f64, beta = 5.000000e-01 : f64}
// CHECK-NEXT: nn.unary hard_sigmoid [[X]] {alpha = 0.16{{[0-9]+}} : f64, beta = 5.000000e-01 : f64}
func.func @hard_sigmoid(%x: tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>) {
  %five = nn.constant dense<5.0> : tensor<f32>
  %half = nn.constant dense<0.5> : tensor<f32>
  %zero = nn.constant dense<0.0> : tensor<f32>
  %one = nn.constant dense<1.0> : tensor<f32>
  %three = nn.constant dense<3.0> : tensor<f32>
  %six = nn.constant dense<6.0> : tensor<f32>
  %0 = nn.binary div %x, %five : (tensor<4xf32>, tensor<f32>) -> tensor<4xf32>
  %1 = nn.binary add %0, %half : (tensor<4xf32>, tensor<f32>) -> tensor<4xf32>
  %2 = nn.binary max %1, %zero : (tensor<4xf32>, tensor<f32>) -> tensor<4xf32>
  %3 = nn.binary min %2, %one : (tensor<4xf32>, tensor<f32>) -> tensor<4xf32>
  %4 = nn.binary add %x, %three : (tensor<4xf32>, tensor<f32>) -> tensor<4xf32>
  %5 = nn.binary min %4, %six : (tensor<4xf32>, tensor<f32>) -> tensor<4xf32>
  %6 = nn.binary max %5, %zero : (tensor<4xf32>, tensor<f32>) -> tensor<4xf32>
  %7 = nn.binary div %6, %six : (tensor<4xf32>, tensor<f32>) -> tensor<4xf32>
  return %3, %7 : tensor<4xf32>, tensor<4xf32>
}

// -----

// x * clip(x + 3, 0, 6) / 6, as torch's MobileNetV3 has it
// CHECK-LABEL: func.func @hard_swish
// CHECK-SAME: [[X:%.+]]: tensor<4xf32>
// CHECK-NEXT: [[R:%.+]] = nn.unary hard_swish [[X]]
// CHECK-NEXT: return [[R]]
func.func @hard_swish(%x: tensor<4xf32>) -> tensor<4xf32> {
  %zero = nn.constant dense<0.0> : tensor<f32>
  %three = nn.constant dense<3.0> : tensor<f32>
  %six = nn.constant dense<6.0> : tensor<f32>
  %0 = nn.binary add %x, %three : (tensor<4xf32>, tensor<f32>) -> tensor<4xf32>
  %1 = nn.binary max %0, %zero : (tensor<4xf32>, tensor<f32>) -> tensor<4xf32>
  %2 = nn.binary min %1, %six : (tensor<4xf32>, tensor<f32>) -> tensor<4xf32>
  %3 = nn.binary mul %x, %2 : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %4 = nn.binary div %3, %six : (tensor<4xf32>, tensor<f32>) -> tensor<4xf32>
  return %4 : tensor<4xf32>
}

// -----

// A clip at 5 is no ramp from 0 to 1 once divided by 6.
// CHECK-LABEL: func.func @no_hard_swish
// CHECK-NOT: nn.unary hard
func.func @no_hard_swish(%x: tensor<4xf32>) -> tensor<4xf32> {
  %zero = nn.constant dense<0.0> : tensor<f32>
  %three = nn.constant dense<3.0> : tensor<f32>
  %five = nn.constant dense<5.0> : tensor<f32>
  %six = nn.constant dense<6.0> : tensor<f32>
  %0 = nn.binary add %x, %three : (tensor<4xf32>, tensor<f32>) -> tensor<4xf32>
  %1 = nn.binary max %0, %zero : (tensor<4xf32>, tensor<f32>) -> tensor<4xf32>
  %2 = nn.binary min %1, %five : (tensor<4xf32>, tensor<f32>) -> tensor<4xf32>
  %3 = nn.binary mul %x, %2 : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %4 = nn.binary div %3, %six : (tensor<4xf32>, tensor<f32>) -> tensor<4xf32>
  return %4 : tensor<4xf32>
}

// -----

// CHECK-LABEL: func.func @gates
// CHECK-SAME: [[X:%.+]]: tensor<4xf32>
// CHECK: nn.unary swish [[X]] {alpha = 1.000000e+00 : f64}
// CHECK: nn.unary swish [[X]] {alpha = 1.702{{.*}} : f64}
// CHECK: nn.unary mish [[X]]
func.func @gates(%x: tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>, tensor<4xf32>) {
  %c = nn.constant dense<1.702> : tensor<f32>
  %one = nn.constant dense<1.0> : tensor<f32>
  %0 = nn.unary sigmoid %x : (tensor<4xf32>) -> tensor<4xf32>
  %1 = nn.binary mul %0, %x : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %2 = nn.binary mul %x, %c : (tensor<4xf32>, tensor<f32>) -> tensor<4xf32>
  %3 = nn.unary sigmoid %2 : (tensor<4xf32>) -> tensor<4xf32>
  %4 = nn.binary mul %x, %3 : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %5 = nn.unary exp %x : (tensor<4xf32>) -> tensor<4xf32>
  %6 = nn.binary add %5, %one : (tensor<4xf32>, tensor<f32>) -> tensor<4xf32>
  %7 = nn.unary log %6 : (tensor<4xf32>) -> tensor<4xf32>
  %8 = nn.unary tanh %7 : (tensor<4xf32>) -> tensor<4xf32>
  %9 = nn.binary mul %x, %8 : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  return %1, %4, %9 : tensor<4xf32>, tensor<4xf32>, tensor<4xf32>
}

// -----

// A gate of another tensor (GLU) is no swish.
// CHECK-LABEL: func.func @glu
// CHECK: nn.unary sigmoid
// CHECK: nn.binary mul
func.func @glu(%x: tensor<4xf32>, %y: tensor<4xf32>) -> tensor<4xf32> {
  %0 = nn.unary sigmoid %y : (tensor<4xf32>) -> tensor<4xf32>
  %1 = nn.binary mul %x, %0 : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  return %1 : tensor<4xf32>
}

// -----

// CHECK-LABEL: func.func @sigmoid
// CHECK-NEXT: nn.unary sigmoid
// CHECK-NEXT: return
func.func @sigmoid(%x: tensor<4xf32>) -> tensor<4xf32> {
  %one = nn.constant dense<1.0> : tensor<f32>
  %0 = nn.unary neg %x : (tensor<4xf32>) -> tensor<4xf32>
  %1 = nn.unary exp %0 : (tensor<4xf32>) -> tensor<4xf32>
  %2 = nn.binary add %1, %one : (tensor<4xf32>, tensor<f32>) -> tensor<4xf32>
  %3 = nn.unary reciprocal %2 : (tensor<4xf32>) -> tensor<4xf32>
  return %3 : tensor<4xf32>
}

// -----

// CHECK-LABEL: func.func @softmax
// CHECK-SAME: [[X:%.+]]: tensor<2x4xf32>
// CHECK-NEXT: nn.softmax [[X]] {axis = 1 : i64}
func.func @softmax(%x: tensor<2x4xf32>) -> tensor<2x4xf32> {
  %0 = nn.reduce max %x {axes = array<i64: 1>, keepdims = true} : (tensor<2x4xf32>) -> tensor<2x1xf32>
  %1 = nn.binary sub %x, %0 : (tensor<2x4xf32>, tensor<2x1xf32>) -> tensor<2x4xf32>
  %2 = nn.unary exp %1 : (tensor<2x4xf32>) -> tensor<2x4xf32>
  %3 = nn.reduce sum %2 {axes = array<i64: 1>, keepdims = true} : (tensor<2x4xf32>) -> tensor<2x1xf32>
  %4 = nn.binary div %2, %3 : (tensor<2x4xf32>, tensor<2x1xf32>) -> tensor<2x4xf32>
  return %4 : tensor<2x4xf32>
}

// -----

// CHECK-LABEL: func.func @softmax_of_two_axes
// CHECK-NOT: nn.softmax
func.func @softmax_of_two_axes(%x: tensor<2x4xf32>) -> tensor<2x4xf32> {
  %0 = nn.reduce max %x {axes = array<i64: 1>, keepdims = true} : (tensor<2x4xf32>) -> tensor<2x1xf32>
  %1 = nn.binary sub %x, %0 : (tensor<2x4xf32>, tensor<2x1xf32>) -> tensor<2x4xf32>
  %2 = nn.unary exp %1 : (tensor<2x4xf32>) -> tensor<2x4xf32>
  %3 = nn.reduce sum %2 {axes = array<i64: 0>, keepdims = true} : (tensor<2x4xf32>) -> tensor<1x4xf32>
  %4 = nn.binary div %2, %3 : (tensor<2x4xf32>, tensor<1x4xf32>) -> tensor<2x4xf32>
  return %4 : tensor<2x4xf32>
}
