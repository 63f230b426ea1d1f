// RUN: lathe-opt %s --lathe-fold-quantize-scale --lathe-fold-constants | FileCheck %s

// Both scales and the bias are divided by the result's.
// CHECK-LABEL: @residual
// CHECK: %[[ONE:.*]] = nn.constant dense<1.000000e+00> : tensor<f32>
// CHECK: %[[S:.*]] = nn.constant dense<[2.000000e+00, 4.000000e+00]> : tensor<2xf32>
// CHECK: nn.dequantize %arg0, %[[S]]
// CHECK: %[[B:.*]] = nn.constant dense<[6.000000e+00, 8.000000e+00]> : tensor<2xf32>
// CHECK: nn.binary add %{{.*}}, %[[B]]
// CHECK: %[[T:.*]] = nn.constant dense<1.000000e+00> : tensor<f32>
// CHECK: nn.dequantize %arg1, %[[T]]
// CHECK: nn.binary add
// CHECK: nn.unary relu
// CHECK-NOT: nn.binary
// CHECK: nn.quantize %{{.*}}, %[[ONE]]
func.func @residual(%a: tensor<3x2xi32>, %q: tensor<3x2xi8>) -> tensor<3x2xui8> {
  %s = nn.constant dense<[1.0, 2.0]> : tensor<2xf32>
  %b = nn.constant dense<[3.0, 4.0]> : tensor<2xf32>
  %t = nn.constant dense<0.5> : tensor<f32>
  %x = nn.dequantize %a, %s : (tensor<3x2xi32>, tensor<2xf32>) -> tensor<3x2xf32>
  %y = nn.binary add %x, %b : (tensor<3x2xf32>, tensor<2xf32>) -> tensor<3x2xf32>
  %d = nn.dequantize %q, %t : (tensor<3x2xi8>, tensor<f32>) -> tensor<3x2xf32>
  %e = nn.binary add %y, %d : (tensor<3x2xf32>, tensor<3x2xf32>) -> tensor<3x2xf32>
  %f = nn.unary relu %e : (tensor<3x2xf32>) -> tensor<3x2xf32>
  %r = nn.quantize %f, %t : (tensor<3x2xf32>, tensor<f32>) -> tensor<3x2xui8>
  return %r : tensor<3x2xui8>
}

// A function is multiplied after it; so is what others use.
// CHECK-LABEL: @sigmoid
// CHECK: %[[F:.*]] = nn.constant dense<4.000000e+00>
// CHECK: %[[S:.*]] = nn.unary sigmoid %arg0
// CHECK: %[[M:.*]] = nn.binary mul %[[S]], %[[F]]
// CHECK: nn.quantize %[[M]]
func.func @sigmoid(%x: tensor<4xf32>) -> tensor<4xui8> {
  %t = nn.constant dense<0.25> : tensor<f32>
  %s = nn.unary sigmoid %x : (tensor<4xf32>) -> tensor<4xf32>
  %r = nn.quantize %s, %t : (tensor<4xf32>, tensor<f32>) -> tensor<4xui8>
  return %r : tensor<4xui8>
}

// What the user gives is divided, as ONNX says.
// CHECK-LABEL: @input
// CHECK: %[[T:.*]] = nn.constant dense<2.500000e-01>
// CHECK: nn.quantize %arg0, %[[T]]
func.func @input(%x: tensor<4xf32>) -> tensor<4xui8> {
  %t = nn.constant dense<0.25> : tensor<f32>
  %r = nn.quantize %x, %t : (tensor<4xf32>, tensor<f32>) -> tensor<4xui8>
  return %r : tensor<4xui8>
}

// The factor goes into another one, of each channel.
// CHECK-LABEL: @smoothed
// CHECK: %[[C:.*]] = nn.constant dense<[2.000000e+00, 4.000000e+00]>
// CHECK: %[[M:.*]] = nn.binary mul %arg0, %[[C]]
// CHECK: nn.quantize %[[M]]
func.func @smoothed(%x: tensor<3x2xf32>) -> tensor<3x2xui8> {
  %t = nn.constant dense<0.25> : tensor<f32>
  %c = nn.constant dense<[0.5, 1.0]> : tensor<2xf32>
  %s = nn.binary mul %x, %c : (tensor<3x2xf32>, tensor<2xf32>) -> tensor<3x2xf32>
  %r = nn.quantize %s, %t : (tensor<3x2xf32>, tensor<f32>) -> tensor<3x2xui8>
  return %r : tensor<3x2xui8>
}

// Arithmetic on small integers is divided: many of its results lie in the middle of two steps.
// CHECK-LABEL: @small
// CHECK: %[[T:.*]] = nn.constant dense<2.500000e-01>
// CHECK: %[[SUM:.*]] = nn.binary add
// CHECK: nn.quantize %[[SUM]], %[[T]]
func.func @small(%a: tensor<4xui8>, %b: tensor<4xi8>) -> tensor<4xui8> {
  %t = nn.constant dense<0.25> : tensor<f32>
  %x = nn.dequantize %a, %t : (tensor<4xui8>, tensor<f32>) -> tensor<4xf32>
  %y = nn.dequantize %b, %t : (tensor<4xi8>, tensor<f32>) -> tensor<4xf32>
  %s = nn.binary add %x, %y : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %r = nn.quantize %s, %t : (tensor<4xf32>, tensor<f32>) -> tensor<4xui8>
  return %r : tensor<4xui8>
}
