// RUN: lathe-opt %s --lathe-record-origins | FileCheck %s
// RUN: lathe-opt %s --lathe-record-origins --lathe-propagate-quantization --lathe-form-integer-products --lathe-fold-quantize-scale --lathe-convert-to-channels-last --lathe-sink-transposes | FileCheck %s --check-prefix=MOVED

// The last operation of a node has its value; what several operations give (c) is left out. What the model quantizes is noted with its
// scale.
// CHECK-LABEL: @values
// CHECK: nn.unary neg %arg0 :
// CHECK: nn.unary relu %{{.*}} {lathe.origin = {node = "a"}}
// CHECK: nn.unary exp %{{.*}} {lathe.origin = {node = "b"}}
// CHECK: nn.unary sin %{{.*}} :
// CHECK: nn.unary cos %{{.*}} :
// CHECK: nn.quantize %{{.*}} {lathe.origin = {node = "b", scale = 5.000000e-01 : f64, zero = 3 : i64}}
func.func @values(%x: tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>, tensor<4xui8>) {
  %s = nn.constant dense<0.5> : tensor<f32>
  %z = nn.constant dense<3> : tensor<ui8>
  %0 = nn.unary neg %x : (tensor<4xf32>) -> tensor<4xf32> loc("a")
  %1 = nn.unary relu %0 : (tensor<4xf32>) -> tensor<4xf32> loc("a")
  %2 = nn.unary exp %1 : (tensor<4xf32>) -> tensor<4xf32> loc(fused["a", "b"])
  %3 = nn.unary sin %2 : (tensor<4xf32>) -> tensor<4xf32> loc("c")
  %4 = nn.unary cos %2 : (tensor<4xf32>) -> tensor<4xf32> loc("c")
  %q = nn.quantize %2, %s zero %z : (tensor<4xf32>, tensor<f32>, tensor<ui8>) -> tensor<4xui8> loc("q")
  return %3, %4, %q : tensor<4xf32>, tensor<4xf32>, tensor<4xui8>
}

// Other operations in place of one have its origin, in other orders and units.
// MOVED-LABEL: @product
// MOVED: nn.conv
// MOVED: nn.dequantize
// MOVED: nn.binary add %{{.*}} {lathe.origin = {node = "conv", order = array<i64: 0, 2, 3, 1>, scale = 2.500000e-01 : f64}}
// MOVED: nn.quantize %{{.*}} {lathe.origin = {node = "relu", order = array<i64: 0, 2, 3, 1>, scale = 2.500000e-01 : f64}}
func.func @product(%x: tensor<1x2x4x4xui8>, %w: tensor<2x2x1x1xf32>) -> tensor<1x2x4x4xf32> {
  %s = nn.constant dense<0.25> : tensor<f32>
  %i = nn.constant dense<1> : tensor<2x2x1x1xi8>
  %b = nn.constant dense<1.0> : tensor<2xf32>
  %d = nn.dequantize %x, %s : (tensor<1x2x4x4xui8>, tensor<f32>) -> tensor<1x2x4x4xf32> loc("x")
  %f = nn.dequantize %i, %s : (tensor<2x2x1x1xi8>, tensor<f32>) -> tensor<2x2x1x1xf32>
  %c = nn.conv %d, %f bias %b {strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>, group = 1 : i64} : (tensor<1x2x4x4xf32>, tensor<2x2x1x1xf32>, tensor<2xf32>) -> tensor<1x2x4x4xf32> loc("conv")
  %r = nn.unary relu %c : (tensor<1x2x4x4xf32>) -> tensor<1x2x4x4xf32> loc("relu")
  %q = nn.quantize %r, %s : (tensor<1x2x4x4xf32>, tensor<f32>) -> tensor<1x2x4x4xui8> loc("relu")
  %e = nn.dequantize %q, %s : (tensor<1x2x4x4xui8>, tensor<f32>) -> tensor<1x2x4x4xf32> loc("relu")
  %g = nn.conv %e, %w {strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>, group = 1 : i64} : (tensor<1x2x4x4xf32>, tensor<2x2x1x1xf32>) -> tensor<1x2x4x4xf32> loc("last")
  return %g : tensor<1x2x4x4xf32>
}
