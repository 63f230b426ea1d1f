// RUN: lathe-opt %s --lathe-eval | FileCheck %s

// The meaning of quantization and of products of 8-bit integers.

// Half to even, then saturated; NaN is the lowest value.
// CHECK-LABEL: @quantize
// CHECK: nn.constant dense<[10, 12, 12, 255, 0, 0]>
func.func @quantize() -> tensor<6xui8> {
  %x = nn.constant dense<[0.25, 0.75, 1.25, 1000.0, -1000.0, 0x7fc00000]> : tensor<6xf32>
  %s = nn.constant dense<0.5> : tensor<f32>
  %z = nn.constant dense<10> : tensor<ui8>
  %r = nn.quantize %x, %s zero %z : (tensor<6xf32>, tensor<f32>, tensor<ui8>) -> tensor<6xui8>
  return %r : tensor<6xui8>
}

// CHECK-LABEL: @quantize_per_axis
// CHECK: nn.constant dense<{{\[}}[1, 2], [3, 1]]>
func.func @quantize_per_axis() -> tensor<2x2xi8> {
  %x = nn.constant dense<[[1.0, 4.0], [3.0, 2.0]]> : tensor<2x2xf32>
  %s = nn.constant dense<[1.0, 2.0]> : tensor<2xf32>
  %r = nn.quantize %x, %s : (tensor<2x2xf32>, tensor<2xf32>) -> tensor<2x2xi8>
  return %r : tensor<2x2xi8>
}

// The last block is cut.
// CHECK-LABEL: @dequantize_blocks
// CHECK: nn.constant dense<{{\[}}[1.000000e+00, 2.000000e+00, 6.000000e+00], [4.000000e+01, 5.000000e+01, -6.000000e+02]]>
func.func @dequantize_blocks() -> tensor<2x3xf32> {
  %x = nn.constant dense<[[1, 2, 3], [4, 5, -6]]> : tensor<2x3xi8>
  %s = nn.constant dense<[[1.0, 2.0], [10.0, 100.0]]> : tensor<2x2xf32>
  %r = nn.dequantize %x, %s {axis = 1 : i64, block = 2 : i64} : (tensor<2x3xi8>, tensor<2x2xf32>) -> tensor<2x3xf32>
  return %r : tensor<2x3xf32>
}

// CHECK-LABEL: @dequantize_first_axis
// CHECK: nn.constant dense<{{\[}}[1.000000e+00, 2.000000e+01], [3.000000e+00, 4.000000e+01], [5.000000e+02, 6.000000e+03]]>
func.func @dequantize_first_axis() -> tensor<3x2xf32> {
  %x = nn.constant dense<[[129, 130], [131, 132], [133, 134]]> : tensor<3x2xui8>
  %s = nn.constant dense<[[1.0, 10.0], [100.0, 1000.0]]> : tensor<2x2xf32>
  %z = nn.constant dense<128> : tensor<2x2xui8>
  %r = nn.dequantize %x, %s zero %z {axis = 0 : i64, block = 2 : i64} : (tensor<3x2xui8>, tensor<2x2xf32>, tensor<2x2xui8>) -> tensor<3x2xf32>
  return %r : tensor<3x2xf32>
}

// (255 - 5) * (-128 - 1) + (0 - 5) * (127 - 1)
// CHECK-LABEL: @matmul
// CHECK: nn.constant dense<-32880> : tensor<1x1xi32>
func.func @matmul() -> tensor<1x1xi32> {
  %a = nn.constant dense<[[255, 0]]> : tensor<1x2xui8>
  %b = nn.constant dense<[[-128], [127]]> : tensor<2x1xi8>
  %za = nn.constant dense<5> : tensor<ui8>
  %zb = nn.constant dense<1> : tensor<1xi8>
  %r = nn.matmul %a, %b lhs_zero %za rhs_zero %zb : (tensor<1x2xui8>, tensor<2x1xi8>, tensor<ui8>, tensor<1xi8>) -> tensor<1x1xi32>
  return %r : tensor<1x1xi32>
}

// Outside of the input there is nothing, whatever its zero point.
// CHECK-LABEL: @conv
// CHECK: nn.constant dense<{{\[\[}}[11, 13, 15], [20, 30, 40]]]> : tensor<1x2x3xi32>
func.func @conv() -> tensor<1x2x3xi32> {
  %a = nn.constant dense<[[[4, 5, 6]]]> : tensor<1x1x3xui8>
  %f = nn.constant dense<[[[1, 1]], [[2, 12]]]> : tensor<2x1x2xi8>
  %b = nn.constant dense<[10, 10]> : tensor<2xi32>
  %z = nn.constant dense<3> : tensor<ui8>
  %y = nn.constant dense<[0, 2]> : tensor<2xi8>
  %r = nn.conv %a, %f bias %b input_zero %z filter_zero %y {strides = array<i64: 1>, pads = array<i64: 1, 0>, dilations = array<i64: 1>, group = 1 : i64}
      : (tensor<1x1x3xui8>, tensor<2x1x2xi8>, tensor<2xi32>, tensor<ui8>, tensor<2xi8>) -> tensor<1x2x3xi32>
  return %r : tensor<1x2x3xi32>
}
