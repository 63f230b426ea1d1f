// RUN: lathe-opt %s --lathe-recognize-layer-norm --canonicalize --split-input-file | FileCheck %s

// torch: (x - mean) / sqrt(mean((x - mean)^2) + e) * g + b
// CHECK-LABEL: func.func @torch
// CHECK-SAME: [[X:%[^:]+]]: tensor<2x3x4xf32>, [[G:%[^:]+]]: tensor<4xf32>, [[B:%.+]]: tensor<4xf32>
// CHECK-NEXT: [[R:%.+]] = nn.layer_norm [[X]] scale [[G]] bias [[B]] {axis = 2 : i64, epsilon = 9.9999{{.*}} : f64}
// CHECK-NEXT: return [[R]]
func.func @torch(%x: tensor<2x3x4xf32>, %g: tensor<4xf32>, %b: tensor<4xf32>) -> tensor<2x3x4xf32> {
  %two = nn.constant dense<2.0> : tensor<f32>
  %e = nn.constant dense<1.0e-5> : tensor<f32>
  %0 = nn.reduce mean %x {axes = array<i64: 2>, keepdims = true} : (tensor<2x3x4xf32>) -> tensor<2x3x1xf32>
  %1 = nn.binary sub %x, %0 : (tensor<2x3x4xf32>, tensor<2x3x1xf32>) -> tensor<2x3x4xf32>
  %2 = nn.binary pow %1, %two : (tensor<2x3x4xf32>, tensor<f32>) -> tensor<2x3x4xf32>
  %3 = nn.reduce mean %2 {axes = array<i64: 2>, keepdims = true} : (tensor<2x3x4xf32>) -> tensor<2x3x1xf32>
  %4 = nn.binary add %3, %e : (tensor<2x3x1xf32>, tensor<f32>) -> tensor<2x3x1xf32>
  %5 = nn.unary sqrt %4 : (tensor<2x3x1xf32>) -> tensor<2x3x1xf32>
  %6 = nn.binary div %1, %5 : (tensor<2x3x4xf32>, tensor<2x3x1xf32>) -> tensor<2x3x4xf32>
  %7 = nn.binary mul %6, %g : (tensor<2x3x4xf32>, tensor<4xf32>) -> tensor<2x3x4xf32>
  %8 = nn.binary add %b, %7 : (tensor<4xf32>, tensor<2x3x4xf32>) -> tensor<2x3x4xf32>
  return %8 : tensor<2x3x4xf32>
}

// -----

// tf2onnx: (x - mean) * (rsqrt * g) + b, the mean kept by a reshape
// CHECK-LABEL: func.func @scale_on_the_root
// CHECK-SAME: [[X:%[^:]+]]: tensor<3x4xf32>, [[G:%[^:]+]]: tensor<1x4xf32>
// CHECK: [[S:%.+]] = nn.reshape [[G]] : (tensor<1x4xf32>) -> tensor<4xf32>
// CHECK: nn.layer_norm [[X]] scale [[S]] {axis = 1 : i64
func.func @scale_on_the_root(%x: tensor<3x4xf32>, %g: tensor<1x4xf32>) -> tensor<3x4xf32> {
  %one = nn.constant dense<1.0> : tensor<f32>
  %e = nn.constant dense<1.0e-5> : tensor<f32>
  %m = nn.reduce mean %x {axes = array<i64: 1>, keepdims = false} : (tensor<3x4xf32>) -> tensor<3xf32>
  %0 = nn.reshape %m : (tensor<3xf32>) -> tensor<3x1xf32>
  %1 = nn.binary sub %x, %0 : (tensor<3x4xf32>, tensor<3x1xf32>) -> tensor<3x4xf32>
  %2 = nn.binary mul %1, %1 : (tensor<3x4xf32>, tensor<3x4xf32>) -> tensor<3x4xf32>
  %3 = nn.reduce mean %2 {axes = array<i64: 1>, keepdims = true} : (tensor<3x4xf32>) -> tensor<3x1xf32>
  %4 = nn.binary add %e, %3 : (tensor<f32>, tensor<3x1xf32>) -> tensor<3x1xf32>
  %5 = nn.unary sqrt %4 : (tensor<3x1xf32>) -> tensor<3x1xf32>
  %6 = nn.binary div %one, %5 : (tensor<f32>, tensor<3x1xf32>) -> tensor<3x1xf32>
  %7 = nn.binary mul %6, %g : (tensor<3x1xf32>, tensor<1x4xf32>) -> tensor<3x4xf32>
  %8 = nn.binary mul %1, %7 : (tensor<3x4xf32>, tensor<3x4xf32>) -> tensor<3x4xf32>
  return %8 : tensor<3x4xf32>
}

// -----

// Keras: x * k + (b - mean * k), k = g * rsqrt
// CHECK-LABEL: func.func @keras
// CHECK-SAME: [[X:%[^:]+]]: tensor<3x4xf32>, [[G:%[^:]+]]: tensor<4xf32>, [[B:%.+]]: tensor<4xf32>
// CHECK-NEXT: nn.layer_norm [[X]] scale [[G]] bias [[B]] {axis = 1 : i64
func.func @keras(%x: tensor<3x4xf32>, %g: tensor<4xf32>, %b: tensor<4xf32>) -> tensor<3x4xf32> {
  %e = nn.constant dense<1.0e-5> : tensor<f32>
  %0 = nn.reduce mean %x {axes = array<i64: 1>, keepdims = true} : (tensor<3x4xf32>) -> tensor<3x1xf32>
  %1 = nn.binary sub %x, %0 : (tensor<3x4xf32>, tensor<3x1xf32>) -> tensor<3x4xf32>
  %2 = nn.binary mul %1, %1 : (tensor<3x4xf32>, tensor<3x4xf32>) -> tensor<3x4xf32>
  %3 = nn.reduce mean %2 {axes = array<i64: 1>, keepdims = true} : (tensor<3x4xf32>) -> tensor<3x1xf32>
  %4 = nn.binary add %3, %e : (tensor<3x1xf32>, tensor<f32>) -> tensor<3x1xf32>
  %5 = nn.unary sqrt %4 : (tensor<3x1xf32>) -> tensor<3x1xf32>
  %6 = nn.unary reciprocal %5 : (tensor<3x1xf32>) -> tensor<3x1xf32>
  %k = nn.binary mul %6, %g : (tensor<3x1xf32>, tensor<4xf32>) -> tensor<3x4xf32>
  %7 = nn.binary mul %x, %k : (tensor<3x4xf32>, tensor<3x4xf32>) -> tensor<3x4xf32>
  %8 = nn.binary mul %0, %k : (tensor<3x1xf32>, tensor<3x4xf32>) -> tensor<3x4xf32>
  %9 = nn.binary sub %b, %8 : (tensor<4xf32>, tensor<3x4xf32>) -> tensor<3x4xf32>
  %10 = nn.binary add %7, %9 : (tensor<3x4xf32>, tensor<3x4xf32>) -> tensor<3x4xf32>
  return %10 : tensor<3x4xf32>
}

// -----

// CHECK-LABEL: func.func @rms
// CHECK-SAME: [[X:%[^:]+]]: tensor<3x4xf32>, [[G:%.+]]: tensor<4xf32>
// CHECK-NEXT: nn.layer_norm [[X]] scale [[G]] {axis = 1 : i64, epsilon = {{.*}} : f64, rms}
func.func @rms(%x: tensor<3x4xf32>, %g: tensor<4xf32>) -> tensor<3x4xf32> {
  %minus = nn.constant dense<-0.5> : tensor<f32>
  %e = nn.constant dense<1.0e-5> : tensor<f32>
  %2 = nn.binary mul %x, %x : (tensor<3x4xf32>, tensor<3x4xf32>) -> tensor<3x4xf32>
  %3 = nn.reduce mean %2 {axes = array<i64: 1>, keepdims = true} : (tensor<3x4xf32>) -> tensor<3x1xf32>
  %4 = nn.binary add %3, %e : (tensor<3x1xf32>, tensor<f32>) -> tensor<3x1xf32>
  %5 = nn.binary pow %4, %minus : (tensor<3x1xf32>, tensor<f32>) -> tensor<3x1xf32>
  %6 = nn.binary mul %x, %5 : (tensor<3x4xf32>, tensor<3x1xf32>) -> tensor<3x4xf32>
  %7 = nn.binary mul %g, %6 : (tensor<4xf32>, tensor<3x4xf32>) -> tensor<3x4xf32>
  return %7 : tensor<3x4xf32>
}

// -----

// The moments are taken along an axis that is not the last.
// CHECK-LABEL: func.func @first_axis
// CHECK-NOT: nn.layer_norm
func.func @first_axis(%x: tensor<3x4xf32>) -> tensor<3x4xf32> {
  %e = nn.constant dense<1.0e-5> : tensor<f32>
  %0 = nn.reduce mean %x {axes = array<i64: 0>, keepdims = true} : (tensor<3x4xf32>) -> tensor<1x4xf32>
  %1 = nn.binary sub %x, %0 : (tensor<3x4xf32>, tensor<1x4xf32>) -> tensor<3x4xf32>
  %2 = nn.binary mul %1, %1 : (tensor<3x4xf32>, tensor<3x4xf32>) -> tensor<3x4xf32>
  %3 = nn.reduce mean %2 {axes = array<i64: 0>, keepdims = true} : (tensor<3x4xf32>) -> tensor<1x4xf32>
  %4 = nn.binary add %3, %e : (tensor<1x4xf32>, tensor<f32>) -> tensor<1x4xf32>
  %5 = nn.unary sqrt %4 : (tensor<1x4xf32>) -> tensor<1x4xf32>
  %6 = nn.binary div %1, %5 : (tensor<3x4xf32>, tensor<1x4xf32>) -> tensor<3x4xf32>
  return %6 : tensor<3x4xf32>
}

// -----

// What is divided is not what is squared.
// CHECK-LABEL: func.func @other_numerator
// CHECK-NOT: nn.layer_norm
func.func @other_numerator(%x: tensor<3x4xf32>, %y: tensor<3x4xf32>) -> tensor<3x4xf32> {
  %e = nn.constant dense<1.0e-5> : tensor<f32>
  %2 = nn.binary mul %x, %x : (tensor<3x4xf32>, tensor<3x4xf32>) -> tensor<3x4xf32>
  %3 = nn.reduce mean %2 {axes = array<i64: 1>, keepdims = true} : (tensor<3x4xf32>) -> tensor<3x1xf32>
  %4 = nn.binary add %3, %e : (tensor<3x1xf32>, tensor<f32>) -> tensor<3x1xf32>
  %5 = nn.unary sqrt %4 : (tensor<3x1xf32>) -> tensor<3x1xf32>
  %6 = nn.binary div %y, %5 : (tensor<3x4xf32>, tensor<3x1xf32>) -> tensor<3x4xf32>
  return %6 : tensor<3x4xf32>
}

// -----

// A factor per row is no scale of the normalized axes.
// CHECK-LABEL: func.func @factor_per_row
// CHECK: [[N:%.+]] = nn.layer_norm %{{.+}} {axis
// CHECK: nn.binary mul [[N]]
func.func @factor_per_row(%x: tensor<3x4xf32>, %g: tensor<3x1xf32>) -> tensor<3x4xf32> {
  %0 = nn.layer_norm %x {axis = 1 : i64, epsilon = 1.0e-5 : f64} : (tensor<3x4xf32>) -> tensor<3x4xf32>
  %1 = nn.binary mul %0, %g : (tensor<3x4xf32>, tensor<3x1xf32>) -> tensor<3x4xf32>
  return %1 : tensor<3x4xf32>
}
