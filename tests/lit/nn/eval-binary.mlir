// RUN: lathe-opt %s --lathe-eval | FileCheck %s

// The meaning of nn.binary and nn.select.

// CHECK-LABEL: @add_broadcasts
// CHECK: nn.constant dense<[1.100000e+01, 1.200000e+01]>
func.func @add_broadcasts() -> tensor<2xf32> {
  %a = nn.constant dense<[1.0, 2.0]> : tensor<2xf32>
  %b = nn.constant dense<[10.0]> : tensor<1xf32>
  %r = nn.binary add %a, %b : (tensor<2xf32>, tensor<1xf32>) -> tensor<2xf32>
  return %r : tensor<2xf32>
}

// CHECK-LABEL: @add_outer
// CHECK: nn.constant dense<{{\[}}[11, 21, 31], [12, 22, 32]]>
func.func @add_outer() -> tensor<2x3xi32> {
  %a = nn.constant dense<[[1], [2]]> : tensor<2x1xi32>
  %b = nn.constant dense<[10, 20, 30]> : tensor<3xi32>
  %r = nn.binary add %a, %b : (tensor<2x1xi32>, tensor<3xi32>) -> tensor<2x3xi32>
  return %r : tensor<2x3xi32>
}

// CHECK-LABEL: @add_wraps
// CHECK: nn.constant dense<[4, 6]>
func.func @add_wraps() -> tensor<2xui8> {
  %a = nn.constant dense<[250, 5]> : tensor<2xui8>
  %b = nn.constant dense<[10, 1]> : tensor<2xui8>
  %r = nn.binary add %a, %b : (tensor<2xui8>, tensor<2xui8>) -> tensor<2xui8>
  return %r : tensor<2xui8>
}

// CHECK-LABEL: @sub
// CHECK: nn.constant dense<[-2, 1]>
func.func @sub() -> tensor<2xi64> {
  %a = nn.constant dense<[1, 2]> : tensor<2xi64>
  %b = nn.constant dense<[3, 1]> : tensor<2xi64>
  %r = nn.binary sub %a, %b : (tensor<2xi64>, tensor<2xi64>) -> tensor<2xi64>
  return %r : tensor<2xi64>
}

// CHECK-LABEL: @mul
// CHECK: nn.constant dense<[3.000000e+00, -6.000000e+00]>
func.func @mul() -> tensor<2xf32> {
  %a = nn.constant dense<[1.5, -2.0]> : tensor<2xf32>
  %b = nn.constant dense<[2.0, 3.0]> : tensor<2xf32>
  %r = nn.binary mul %a, %b : (tensor<2xf32>, tensor<2xf32>) -> tensor<2xf32>
  return %r : tensor<2xf32>
}

// CHECK-LABEL: @div
// CHECK: nn.constant dense<[2.500000e-01, -1.500000e+00]>
func.func @div() -> tensor<2xf32> {
  %a = nn.constant dense<[1.0, -3.0]> : tensor<2xf32>
  %b = nn.constant dense<[4.0, 2.0]> : tensor<2xf32>
  %r = nn.binary div %a, %b : (tensor<2xf32>, tensor<2xf32>) -> tensor<2xf32>
  return %r : tensor<2xf32>
}

// CHECK-LABEL: @div_truncates
// CHECK: nn.constant dense<[-3, -3, 0, -128]>
func.func @div_truncates() -> tensor<4xi8> {
  %a = nn.constant dense<[-7, 7, 5, -128]> : tensor<4xi8>
  %b = nn.constant dense<[2, -2, 0, -1]> : tensor<4xi8>
  %r = nn.binary div %a, %b : (tensor<4xi8>, tensor<4xi8>) -> tensor<4xi8>
  return %r : tensor<4xi8>
}

// CHECK-LABEL: @mod
// CHECK: nn.constant dense<[2, -2, 0, 0]>
func.func @mod() -> tensor<4xi32> {
  %a = nn.constant dense<[-7, 7, -6, 5]> : tensor<4xi32>
  %b = nn.constant dense<[3, -3, 3, 0]> : tensor<4xi32>
  %r = nn.binary mod %a, %b : (tensor<4xi32>, tensor<4xi32>) -> tensor<4xi32>
  return %r : tensor<4xi32>
}

// CHECK-LABEL: @mod_float
// CHECK: nn.constant dense<[2.000000e+00, -2.000000e+00]>
func.func @mod_float() -> tensor<2xf32> {
  %a = nn.constant dense<[-7.0, 7.0]> : tensor<2xf32>
  %b = nn.constant dense<[3.0, -3.0]> : tensor<2xf32>
  %r = nn.binary mod %a, %b : (tensor<2xf32>, tensor<2xf32>) -> tensor<2xf32>
  return %r : tensor<2xf32>
}

// CHECK-LABEL: @fmod
// CHECK: nn.constant dense<[-1, 1]>
func.func @fmod() -> tensor<2xi32> {
  %a = nn.constant dense<[-7, 7]> : tensor<2xi32>
  %b = nn.constant dense<[3, -3]> : tensor<2xi32>
  %r = nn.binary fmod %a, %b : (tensor<2xi32>, tensor<2xi32>) -> tensor<2xi32>
  return %r : tensor<2xi32>
}

// CHECK-LABEL: @fmod_float
// CHECK: nn.constant dense<[-1.500000e+00, 1.500000e+00]>
func.func @fmod_float() -> tensor<2xf32> {
  %a = nn.constant dense<[-7.5, 7.5]> : tensor<2xf32>
  %b = nn.constant dense<[3.0, -3.0]> : tensor<2xf32>
  %r = nn.binary fmod %a, %b : (tensor<2xf32>, tensor<2xf32>) -> tensor<2xf32>
  return %r : tensor<2xf32>
}

// CHECK-LABEL: @pow
// CHECK: nn.constant dense<[8.000000e+00, 3.000000e+00]>
func.func @pow() -> tensor<2xf32> {
  %a = nn.constant dense<[2.0, 9.0]> : tensor<2xf32>
  %b = nn.constant dense<[3.0, 0.5]> : tensor<2xf32>
  %r = nn.binary pow %a, %b : (tensor<2xf32>, tensor<2xf32>) -> tensor<2xf32>
  return %r : tensor<2xf32>
}

// CHECK-LABEL: @pow_integer
// CHECK: nn.constant dense<[1024, 81]>
func.func @pow_integer() -> tensor<2xi32> {
  %a = nn.constant dense<[2, 3]> : tensor<2xi32>
  %b = nn.constant dense<[10, 4]> : tensor<2xi32>
  %r = nn.binary pow %a, %b : (tensor<2xi32>, tensor<2xi32>) -> tensor<2xi32>
  return %r : tensor<2xi32>
}

// CHECK-LABEL: @pow_mixed
// CHECK: nn.constant dense<[8, 15]>
func.func @pow_mixed() -> tensor<2xi32> {
  %a = nn.constant dense<[2, 3]> : tensor<2xi32>
  %b = nn.constant dense<[3.0, 2.5]> : tensor<2xf32>
  %r = nn.binary pow %a, %b : (tensor<2xi32>, tensor<2xf32>) -> tensor<2xi32>
  return %r : tensor<2xi32>
}

// CHECK-LABEL: @min_keeps_nan
// CHECK: nn.constant dense<[1.000000e+00, 0x7FC00000, 0x7FC00000]>
func.func @min_keeps_nan() -> tensor<3xf32> {
  %a = nn.constant dense<[1.0, 0x7FC00000, 3.0]> : tensor<3xf32>
  %b = nn.constant dense<[2.0, 1.0, 0x7FC00000]> : tensor<3xf32>
  %r = nn.binary min %a, %b : (tensor<3xf32>, tensor<3xf32>) -> tensor<3xf32>
  return %r : tensor<3xf32>
}

// CHECK-LABEL: @max
// CHECK: nn.constant dense<[2, 5]>
func.func @max() -> tensor<2xi16> {
  %a = nn.constant dense<[1, 5]> : tensor<2xi16>
  %b = nn.constant dense<[2, -5]> : tensor<2xi16>
  %r = nn.binary max %a, %b : (tensor<2xi16>, tensor<2xi16>) -> tensor<2xi16>
  return %r : tensor<2xi16>
}

// CHECK-LABEL: @prelu
// CHECK: nn.constant dense<[-5.000000e-01, 2.000000e+00]>
func.func @prelu() -> tensor<2xf32> {
  %a = nn.constant dense<[-2.0, 2.0]> : tensor<2xf32>
  %b = nn.constant dense<[0.25, 0.25]> : tensor<2xf32>
  %r = nn.binary prelu %a, %b : (tensor<2xf32>, tensor<2xf32>) -> tensor<2xf32>
  return %r : tensor<2xf32>
}

// CHECK-LABEL: @logical_and
// CHECK: nn.constant dense<[true, false]>
func.func @logical_and() -> tensor<2xi1> {
  %a = nn.constant dense<[true, true]> : tensor<2xi1>
  %b = nn.constant dense<[true, false]> : tensor<2xi1>
  %r = nn.binary logical_and %a, %b : (tensor<2xi1>, tensor<2xi1>) -> tensor<2xi1>
  return %r : tensor<2xi1>
}

// CHECK-LABEL: @logical_or
// CHECK: nn.constant dense<[true, false]>
func.func @logical_or() -> tensor<2xi1> {
  %a = nn.constant dense<[false, false]> : tensor<2xi1>
  %b = nn.constant dense<[true, false]> : tensor<2xi1>
  %r = nn.binary logical_or %a, %b : (tensor<2xi1>, tensor<2xi1>) -> tensor<2xi1>
  return %r : tensor<2xi1>
}

// CHECK-LABEL: @logical_xor
// CHECK: nn.constant dense<[false, true]>
func.func @logical_xor() -> tensor<2xi1> {
  %a = nn.constant dense<[true, true]> : tensor<2xi1>
  %b = nn.constant dense<[true, false]> : tensor<2xi1>
  %r = nn.binary logical_xor %a, %b : (tensor<2xi1>, tensor<2xi1>) -> tensor<2xi1>
  return %r : tensor<2xi1>
}

// CHECK-LABEL: @bit_and
// CHECK: nn.constant dense<[8, 2]>
func.func @bit_and() -> tensor<2xi32> {
  %a = nn.constant dense<[12, 10]> : tensor<2xi32>
  %b = nn.constant dense<[10, 3]> : tensor<2xi32>
  %r = nn.binary bit_and %a, %b : (tensor<2xi32>, tensor<2xi32>) -> tensor<2xi32>
  return %r : tensor<2xi32>
}

// CHECK-LABEL: @bit_or
// CHECK: nn.constant dense<[14, 11]>
func.func @bit_or() -> tensor<2xi32> {
  %a = nn.constant dense<[12, 8]> : tensor<2xi32>
  %b = nn.constant dense<[10, 3]> : tensor<2xi32>
  %r = nn.binary bit_or %a, %b : (tensor<2xi32>, tensor<2xi32>) -> tensor<2xi32>
  return %r : tensor<2xi32>
}

// CHECK-LABEL: @bit_xor
// CHECK: nn.constant dense<[6, 11]>
func.func @bit_xor() -> tensor<2xi32> {
  %a = nn.constant dense<[12, 8]> : tensor<2xi32>
  %b = nn.constant dense<[10, 3]> : tensor<2xi32>
  %r = nn.binary bit_xor %a, %b : (tensor<2xi32>, tensor<2xi32>) -> tensor<2xi32>
  return %r : tensor<2xi32>
}

// CHECK-LABEL: @shift_left
// CHECK: nn.constant dense<[8, 254, 0]>
func.func @shift_left() -> tensor<3xui8> {
  %a = nn.constant dense<[1, 255, 1]> : tensor<3xui8>
  %b = nn.constant dense<[3, 1, 9]> : tensor<3xui8>
  %r = nn.binary shift_left %a, %b : (tensor<3xui8>, tensor<3xui8>) -> tensor<3xui8>
  return %r : tensor<3xui8>
}

// CHECK-LABEL: @shift_right
// CHECK: nn.constant dense<[2, 127, 0]>
func.func @shift_right() -> tensor<3xui8> {
  %a = nn.constant dense<[16, 255, 1]> : tensor<3xui8>
  %b = nn.constant dense<[3, 1, 9]> : tensor<3xui8>
  %r = nn.binary shift_right %a, %b : (tensor<3xui8>, tensor<3xui8>) -> tensor<3xui8>
  return %r : tensor<3xui8>
}

// CHECK-LABEL: @shift_right_signed
// CHECK: nn.constant dense<[-2, -1, 0, -3]>
func.func @shift_right_signed() -> tensor<4xi8> {
  %a = nn.constant dense<[-16, -1, 16, -5]> : tensor<4xi8>
  %b = nn.constant dense<[3, 9, -1, 1]> : tensor<4xi8>
  %r = nn.binary shift_right %a, %b : (tensor<4xi8>, tensor<4xi8>) -> tensor<4xi8>
  return %r : tensor<4xi8>
}

// CHECK-LABEL: @equal
// CHECK: nn.constant dense<[true, false]>
func.func @equal() -> tensor<2xi1> {
  %a = nn.constant dense<[1.0, 2.0]> : tensor<2xf32>
  %b = nn.constant dense<[1.0, 3.0]> : tensor<2xf32>
  %r = nn.binary equal %a, %b : (tensor<2xf32>, tensor<2xf32>) -> tensor<2xi1>
  return %r : tensor<2xi1>
}

// CHECK-LABEL: @less_unsigned
// CHECK: nn.constant dense<[true, false]>
func.func @less_unsigned() -> tensor<2xi1> {
  %a = nn.constant dense<[1, 255]> : tensor<2xui8>
  %b = nn.constant dense<[2, 1]> : tensor<2xui8>
  %r = nn.binary less %a, %b : (tensor<2xui8>, tensor<2xui8>) -> tensor<2xi1>
  return %r : tensor<2xi1>
}

// CHECK-LABEL: @less
// CHECK: nn.constant dense<true>
func.func @less() -> tensor<2xi1> {
  %a = nn.constant dense<[1, -1]> : tensor<2xi8>
  %b = nn.constant dense<[2, 1]> : tensor<2xi8>
  %r = nn.binary less %a, %b : (tensor<2xi8>, tensor<2xi8>) -> tensor<2xi1>
  return %r : tensor<2xi1>
}

// CHECK-LABEL: @less_equal
// CHECK: nn.constant dense<[true, false]>
func.func @less_equal() -> tensor<2xi1> {
  %a = nn.constant dense<[1.0, 3.0]> : tensor<2xf32>
  %b = nn.constant dense<[1.0, 2.0]> : tensor<2xf32>
  %r = nn.binary less_equal %a, %b : (tensor<2xf32>, tensor<2xf32>) -> tensor<2xi1>
  return %r : tensor<2xi1>
}

// CHECK-LABEL: @greater
// CHECK: nn.constant dense<[true, false]>
func.func @greater() -> tensor<2xi1> {
  %a = nn.constant dense<[2.0, 1.0]> : tensor<2xf32>
  %b = nn.constant dense<[1.0, 1.0]> : tensor<2xf32>
  %r = nn.binary greater %a, %b : (tensor<2xf32>, tensor<2xf32>) -> tensor<2xi1>
  return %r : tensor<2xi1>
}

// CHECK-LABEL: @greater_equal
// CHECK: nn.constant dense<[true, false]>
func.func @greater_equal() -> tensor<2xi1> {
  %a = nn.constant dense<[2.0, 1.0]> : tensor<2xf32>
  %b = nn.constant dense<[1.0, 2.0]> : tensor<2xf32>
  %r = nn.binary greater_equal %a, %b : (tensor<2xf32>, tensor<2xf32>) -> tensor<2xi1>
  return %r : tensor<2xi1>
}

// CHECK-LABEL: @select
// CHECK: nn.constant dense<[1.000000e+00, -1.000000e+00]>
func.func @select() -> tensor<2xf32> {
  %p = nn.constant dense<[true, false]> : tensor<2xi1>
  %a = nn.constant dense<[1.0, 2.0]> : tensor<2xf32>
  %b = nn.constant dense<-1.0> : tensor<f32>
  %r = nn.select %p, %a, %b : (tensor<2xi1>, tensor<2xf32>, tensor<f32>) -> tensor<2xf32>
  return %r : tensor<2xf32>
}
