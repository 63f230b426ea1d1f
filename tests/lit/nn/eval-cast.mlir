// RUN: lathe-opt %s --lathe-eval | FileCheck %s

// The meaning of nn.cast and nn.bitcast.

// CHECK-LABEL: @float_to_integer_saturates
// CHECK: nn.constant dense<[1, -1, 127, -128, 0]>
func.func @float_to_integer_saturates() -> tensor<5xi8> {
  %a = nn.constant dense<[1.9, -1.9, 1000.0, -1000.0, 0x7FC00000]> : tensor<5xf32>
  %r = nn.cast %a : (tensor<5xf32>) -> tensor<5xi8>
  return %r : tensor<5xi8>
}

// CHECK-LABEL: @integer_wraps
// CHECK: nn.constant dense<[44, 255]>
func.func @integer_wraps() -> tensor<2xui8> {
  %a = nn.constant dense<[300, -1]> : tensor<2xi32>
  %r = nn.cast %a : (tensor<2xi32>) -> tensor<2xui8>
  return %r : tensor<2xui8>
}

// CHECK-LABEL: @sign_extends
// CHECK: nn.constant dense<[-1, 5]>
func.func @sign_extends() -> tensor<2xi64> {
  %a = nn.constant dense<[-1, 5]> : tensor<2xi8>
  %r = nn.cast %a : (tensor<2xi8>) -> tensor<2xi64>
  return %r : tensor<2xi64>
}

// CHECK-LABEL: @zero_extends
// CHECK: nn.constant dense<[255, 5]>
func.func @zero_extends() -> tensor<2xi16> {
  %a = nn.constant dense<[255, 5]> : tensor<2xui8>
  %r = nn.cast %a : (tensor<2xui8>) -> tensor<2xi16>
  return %r : tensor<2xi16>
}

// CHECK-LABEL: @to_bool
// CHECK: nn.constant dense<[true, false, false]>
func.func @to_bool() -> tensor<3xi1> {
  %a = nn.constant dense<[0.5, 0.0, -0.0]> : tensor<3xf32>
  %r = nn.cast %a : (tensor<3xf32>) -> tensor<3xi1>
  return %r : tensor<3xi1>
}

// CHECK-LABEL: @from_bool
// CHECK: nn.constant dense<[1.000000e+00, 0.000000e+00]>
func.func @from_bool() -> tensor<2xf32> {
  %a = nn.constant dense<[true, false]> : tensor<2xi1>
  %r = nn.cast %a : (tensor<2xi1>) -> tensor<2xf32>
  return %r : tensor<2xf32>
}

// CHECK-LABEL: @bf16_ties_to_even
// CHECK: nn.constant dense<[1.000000e+00, 1.015630e+00]>
func.func @bf16_ties_to_even() -> tensor<2xbf16> {
  %a = nn.constant dense<[1.00390625, 1.01171875]> : tensor<2xf32>
  %r = nn.cast %a : (tensor<2xf32>) -> tensor<2xbf16>
  return %r : tensor<2xbf16>
}

// CHECK-LABEL: @f16_ties_to_even
// CHECK: nn.constant dense<[2.048000e+03, 2.052000e+03]>
func.func @f16_ties_to_even() -> tensor<2xf16> {
  %a = nn.constant dense<[2049.0, 2051.0]> : tensor<2xf32>
  %r = nn.cast %a : (tensor<2xf32>) -> tensor<2xf16>
  return %r : tensor<2xf16>
}

// CHECK-LABEL: @bits
// CHECK: nn.constant dense<[1065353216, -1073741824]>
func.func @bits() -> tensor<2xi32> {
  %a = nn.constant dense<[1.0, -2.0]> : tensor<2xf32>
  %r = nn.bitcast %a : (tensor<2xf32>) -> tensor<2xi32>
  return %r : tensor<2xi32>
}
