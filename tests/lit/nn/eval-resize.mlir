// RUN: lathe-opt %s --lathe-eval | FileCheck %s

// The meaning of nn.resize.

// CHECK-LABEL: @nearest_asymmetric
// CHECK: nn.constant dense<[1.000000e+00, 1.000000e+00, 2.000000e+00, 2.000000e+00]>
func.func @nearest_asymmetric() -> tensor<4xf32> {
  %a = nn.constant dense<[1.0, 2.0]> : tensor<2xf32>
  %r = nn.resize nearest asymmetric nearest_floor %a {scales = array<f64: 2.0>, roi = array<f64>} : (tensor<2xf32>) -> tensor<4xf32>
  return %r : tensor<4xf32>
}

// CHECK-LABEL: @nearest_prefer_floor
// CHECK: nn.constant dense<[1.000000e+00, 1.000000e+00, 2.000000e+00, 2.000000e+00]>
func.func @nearest_prefer_floor() -> tensor<4xf32> {
  %a = nn.constant dense<[1.0, 2.0]> : tensor<2xf32>
  %r = nn.resize nearest asymmetric round_prefer_floor %a {scales = array<f64: 2.0>, roi = array<f64>} : (tensor<2xf32>) -> tensor<4xf32>
  return %r : tensor<4xf32>
}

// CHECK-LABEL: @nearest_prefer_ceil
// CHECK: nn.constant dense<[1.000000e+00, 2.000000e+00, 2.000000e+00, 2.000000e+00]>
func.func @nearest_prefer_ceil() -> tensor<4xf32> {
  %a = nn.constant dense<[1.0, 2.0]> : tensor<2xf32>
  %r = nn.resize nearest asymmetric round_prefer_ceil %a {scales = array<f64: 2.0>, roi = array<f64>} : (tensor<2xf32>) -> tensor<4xf32>
  return %r : tensor<4xf32>
}

// CHECK-LABEL: @nearest_ceil
// CHECK: nn.constant dense<[1.000000e+00, 2.000000e+00, 2.000000e+00, 2.000000e+00]>
func.func @nearest_ceil() -> tensor<4xf32> {
  %a = nn.constant dense<[1.0, 2.0]> : tensor<2xf32>
  %r = nn.resize nearest asymmetric nearest_ceil %a {scales = array<f64: 2.0>, roi = array<f64>} : (tensor<2xf32>) -> tensor<4xf32>
  return %r : tensor<4xf32>
}

// CHECK-LABEL: @linear_half_pixel
// CHECK: nn.constant dense<[1.000000e+00, 1.250000e+00, 1.750000e+00, 2.000000e+00]>
func.func @linear_half_pixel() -> tensor<4xf32> {
  %a = nn.constant dense<[1.0, 2.0]> : tensor<2xf32>
  %r = nn.resize linear half_pixel round_prefer_floor %a {scales = array<f64: 2.0>, roi = array<f64>} : (tensor<2xf32>) -> tensor<4xf32>
  return %r : tensor<4xf32>
}

// CHECK-LABEL: @linear_align_corners
// CHECK: nn.constant dense<[0.000000e+00, 1.000000e+00, 2.000000e+00, 3.000000e+00]>
func.func @linear_align_corners() -> tensor<4xf32> {
  %a = nn.constant dense<[0.0, 3.0]> : tensor<2xf32>
  %r = nn.resize linear align_corners round_prefer_floor %a {scales = array<f64: 2.0>, roi = array<f64>} : (tensor<2xf32>) -> tensor<4xf32>
  return %r : tensor<4xf32>
}

// CHECK-LABEL: @linear_half_pixel_symmetric
// CHECK: nn.constant dense<[0.000000e+00, 1.000000e+00, 3.000000e+00, 4.000000e+00]>
func.func @linear_half_pixel_symmetric() -> tensor<4xf32> {
  %a = nn.constant dense<[0.0, 4.0]> : tensor<2xf32>
  %r = nn.resize linear half_pixel_symmetric round_prefer_floor %a {scales = array<f64: 2.0>, roi = array<f64>} : (tensor<2xf32>) -> tensor<4xf32>
  return %r : tensor<4xf32>
}

// CHECK-LABEL: @pytorch_half_pixel_to_one
// CHECK: nn.constant dense<5.000000e+00>
func.func @pytorch_half_pixel_to_one() -> tensor<1xf32> {
  %a = nn.constant dense<[5.0, 7.0]> : tensor<2xf32>
  %r = nn.resize linear pytorch_half_pixel round_prefer_floor %a {scales = array<f64: 0.5>, roi = array<f64>} : (tensor<2xf32>) -> tensor<1xf32>
  return %r : tensor<1xf32>
}

// CHECK-LABEL: @crop_extrapolates
// CHECK: nn.constant dense<[0.000000e+00, 1.000000e+01, 7.000000e+00]>
func.func @crop_extrapolates() -> tensor<3xf32> {
  %a = nn.constant dense<[0.0, 10.0]> : tensor<2xf32>
  %r = nn.resize linear tf_crop_and_resize round_prefer_floor %a {scales = array<f64: 0.0>, roi = array<f64: 0.0, 2.0>, extrapolation = 7.0 : f64} : (tensor<2xf32>) -> tensor<3xf32>
  return %r : tensor<3xf32>
}

// CHECK-LABEL: @tf_half_pixel_for_nn
// CHECK: nn.constant dense<[2.000000e+00, 4.000000e+00]>
func.func @tf_half_pixel_for_nn() -> tensor<2xf32> {
  %a = nn.constant dense<[1.0, 2.0, 3.0, 4.0]> : tensor<4xf32>
  %r = nn.resize nearest tf_half_pixel_for_nn nearest_floor %a {scales = array<f64: 0.5>, roi = array<f64>} : (tensor<4xf32>) -> tensor<2xf32>
  return %r : tensor<2xf32>
}

// CHECK-LABEL: @cubic
// CHECK: nn.constant dense<[0.000000e+00, -1.500000e+00, 0.000000e+00, 9.500000e+00, 1.600000e+01, 9.500000e+00, 0.000000e+00, -1.500000e+00]>
func.func @cubic() -> tensor<8xf32> {
  %a = nn.constant dense<[0.0, 0.0, 16.0, 0.0]> : tensor<4xf32>
  %r = nn.resize cubic asymmetric round_prefer_floor %a {scales = array<f64: 2.0>, roi = array<f64>} : (tensor<4xf32>) -> tensor<8xf32>
  return %r : tensor<8xf32>
}

// CHECK-LABEL: @linear_antialias
// CHECK: nn.constant dense<[1.000000e+00, 7.000000e+00]>
func.func @linear_antialias() -> tensor<2xf32> {
  %a = nn.constant dense<[0.0, 0.0, 8.0, 8.0]> : tensor<4xf32>
  %r = nn.resize linear half_pixel round_prefer_floor %a {scales = array<f64: 0.5>, roi = array<f64>, antialias} : (tensor<4xf32>) -> tensor<2xf32>
  return %r : tensor<2xf32>
}

// CHECK-LABEL: @linear_two_axes
// CHECK: nn.constant dense<{{\[}}[0.000000e+00, 2.000000e+00, 4.000000e+00, 4.000000e+00], [8.000000e+00, 1.000000e+01, 1.200000e+01, 1.200000e+01]]>
func.func @linear_two_axes() -> tensor<2x4xf32> {
  %a = nn.constant dense<[[0.0, 4.0], [8.0, 12.0]]> : tensor<2x2xf32>
  %r = nn.resize linear asymmetric round_prefer_floor %a {scales = array<f64: 1.0, 0.0>, roi = array<f64>} : (tensor<2x2xf32>) -> tensor<2x4xf32>
  return %r : tensor<2x4xf32>
}

// CHECK-LABEL: @nearest_integers
// CHECK: nn.constant dense<[1, 1, 2, 2]>
func.func @nearest_integers() -> tensor<4xui8> {
  %a = nn.constant dense<[1, 2]> : tensor<2xui8>
  %r = nn.resize nearest half_pixel round_prefer_floor %a {scales = array<f64: 2.0>, roi = array<f64>} : (tensor<2xui8>) -> tensor<4xui8>
  return %r : tensor<4xui8>
}
