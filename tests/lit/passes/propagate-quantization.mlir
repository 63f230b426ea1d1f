// RUN: lathe-opt %s --lathe-propagate-quantization | FileCheck %s

// CHECK-LABEL: @through_pool_and_relu
// CHECK-NEXT: %[[P:.*]] = nn.pool pool_max %arg0 {{.*}} : (tensor<1x2x4x4xui8>) -> tensor<1x2x2x2xui8>
// CHECK-NEXT: %[[T:.*]] = nn.transpose %[[P]]
// CHECK-NEXT: return %[[T]]
func.func @through_pool_and_relu(%q: tensor<1x2x4x4xui8>) -> tensor<1x2x2x2xui8> {
  %s = nn.constant dense<0.5> : tensor<f32>
  %z = nn.constant dense<0> : tensor<ui8>
  %x = nn.dequantize %q, %s zero %z : (tensor<1x2x4x4xui8>, tensor<f32>, tensor<ui8>) -> tensor<1x2x4x4xf32>
  %p = nn.pool pool_max %x {kernel = array<i64: 2, 2>, strides = array<i64: 2, 2>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>}
      : (tensor<1x2x4x4xf32>) -> tensor<1x2x2x2xf32>
  %t = nn.transpose %p {permutation = array<i64: 0, 2, 3, 1>} : (tensor<1x2x2x2xf32>) -> tensor<1x2x2x2xf32>
  %r = nn.quantize %t, %s zero %z : (tensor<1x2x2x2xf32>, tensor<f32>, tensor<ui8>) -> tensor<1x2x2x2xui8>
  return %r : tensor<1x2x2x2xui8>
}

// Another scale is another rounding: nothing is dropped.
// CHECK-LABEL: @other_scale
// CHECK: nn.dequantize
// CHECK: nn.quantize
func.func @other_scale(%q: tensor<4xui8>) -> tensor<4xui8> {
  %s = nn.constant dense<0.5> : tensor<f32>
  %t = nn.constant dense<0.25> : tensor<f32>
  %x = nn.dequantize %q, %s : (tensor<4xui8>, tensor<f32>) -> tensor<4xf32>
  %r = nn.quantize %x, %t : (tensor<4xf32>, tensor<f32>) -> tensor<4xui8>
  return %r : tensor<4xui8>
}

// Negative numbers saturate at the zero point, if it is the lowest integer.
// CHECK-LABEL: @relu
// CHECK: %[[R:.*]] = nn.unary relu %arg0
// CHECK: %[[A:.*]] = nn.quantize %arg0
// CHECK: %[[B:.*]] = nn.quantize %[[R]]
// CHECK: return %[[A]], %[[B]]
func.func @relu(%x: tensor<4xf32>) -> (tensor<4xi8>, tensor<4xi8>) {
  %s = nn.constant dense<0.5> : tensor<f32>
  %z = nn.constant dense<-128> : tensor<i8>
  %y = nn.constant dense<-127> : tensor<i8>
  %a = nn.unary relu %x : (tensor<4xf32>) -> tensor<4xf32>
  %q = nn.quantize %a, %s zero %z : (tensor<4xf32>, tensor<f32>, tensor<i8>) -> tensor<4xi8>
  %r = nn.quantize %a, %s zero %y : (tensor<4xf32>, tensor<f32>, tensor<i8>) -> tensor<4xi8>
  return %q, %r : tensor<4xi8>, tensor<4xi8>
}

// 2.55 is the highest number with a scale of 0.01: to clip at 2.549 changes nothing, at 2.5 it does.
// CHECK-LABEL: @clip
// CHECK: %[[M:.*]] = nn.binary min %arg0
// CHECK-DAG: nn.quantize %arg0
// CHECK-DAG: nn.quantize %[[M]]
func.func @clip(%x: tensor<4xf32>) -> (tensor<4xui8>, tensor<4xui8>) {
  %s = nn.constant dense<0.01> : tensor<f32>
  %none = nn.constant dense<0.0> : tensor<f32>
  %bound = nn.constant dense<2.549> : tensor<f32>
  %inner = nn.constant dense<2.5> : tensor<f32>
  %a = nn.binary max %x, %none : (tensor<4xf32>, tensor<f32>) -> tensor<4xf32>
  %b = nn.binary min %a, %bound : (tensor<4xf32>, tensor<f32>) -> tensor<4xf32>
  %c = nn.binary min %x, %inner : (tensor<4xf32>, tensor<f32>) -> tensor<4xf32>
  %q = nn.quantize %b, %s : (tensor<4xf32>, tensor<f32>) -> tensor<4xui8>
  %r = nn.quantize %c, %s : (tensor<4xf32>, tensor<f32>) -> tensor<4xui8>
  return %q, %r : tensor<4xui8>, tensor<4xui8>
}

// What is padded with zeros is padded with the zero point.
// CHECK-LABEL: @pad
// CHECK: %[[Z:.*]] = nn.constant dense<7> : tensor<ui8>
// CHECK: %[[P:.*]] = nn.pad constant %arg0, %[[Z]] {{.*}} -> tensor<4xui8>
// CHECK: nn.dequantize %[[P]], %{{.*}} zero %[[Z]]
func.func @pad(%q: tensor<3xui8>) -> tensor<4xf32> {
  %s = nn.constant dense<0.5> : tensor<f32>
  %z = nn.constant dense<7> : tensor<ui8>
  %x = nn.dequantize %q, %s zero %z : (tensor<3xui8>, tensor<f32>, tensor<ui8>) -> tensor<3xf32>
  %r = nn.pad constant %x {low = affine_map<() -> (1)>} : (tensor<3xf32>) -> tensor<4xf32>
  return %r : tensor<4xf32>
}

// CHECK-LABEL: @concat
// CHECK-DAG: %[[A:.*]] = nn.quantize %arg0
// CHECK-DAG: %[[B:.*]] = nn.quantize %arg1
// CHECK: %[[C:.*]] = nn.concat %[[A]], %[[B]]
// CHECK: %[[D:.*]] = nn.concat %[[C]], %[[C]]
// CHECK: return %[[D]]
func.func @concat(%x: tensor<2xf32>, %y: tensor<2xf32>) -> tensor<8xui8> {
  %s = nn.constant dense<0.5> : tensor<f32>
  %c = nn.concat %x, %y {axis = 0 : i64} : (tensor<2xf32>, tensor<2xf32>) -> tensor<4xf32>
  %q = nn.quantize %c, %s : (tensor<4xf32>, tensor<f32>) -> tensor<4xui8>
  %d = nn.dequantize %q, %s : (tensor<4xui8>, tensor<f32>) -> tensor<4xf32>
  %e = nn.concat %d, %d {axis = 0 : i64} : (tensor<4xf32>, tensor<4xf32>) -> tensor<8xf32>
  %r = nn.quantize %e, %s : (tensor<8xf32>, tensor<f32>) -> tensor<8xui8>
  return %r : tensor<8xui8>
}

// Operands of products have forms of their own where there is no zero point: 0 is none.
// CHECK-LABEL: @zeros_of_products
// CHECK: nn.conv %arg0, %arg1 input_zero %{{[^ ]*}} {dilations
// CHECK: nn.matmul %arg2, %arg3 :
func.func @zeros_of_products(%x: tensor<1x2x4xui8>, %w: tensor<3x2x1xi8>, %a: tensor<3x4xui8>, %b: tensor<4x5xi8>) -> (tensor<1x3x4xi32>, tensor<3x5xi32>) {
  %zero = nn.constant dense<0> : tensor<ui8>
  %z = nn.constant dense<7> : tensor<ui8>
  %none = nn.constant dense<0> : tensor<3xi8>
  %zeros = nn.constant dense<0> : tensor<5xi8>
  %0 = nn.conv %x, %w input_zero %z filter_zero %none {dilations = array<i64: 1>, group = 1 : i64, pads = array<i64: 0, 0>, strides = array<i64: 1>}
      : (tensor<1x2x4xui8>, tensor<3x2x1xi8>, tensor<ui8>, tensor<3xi8>) -> tensor<1x3x4xi32>
  %1 = nn.matmul %a, %b lhs_zero %zero rhs_zero %zeros : (tensor<3x4xui8>, tensor<4x5xi8>, tensor<ui8>, tensor<5xi8>) -> tensor<3x5xi32>
  return %0, %1 : tensor<1x3x4xi32>, tensor<3x5xi32>
}

// Large constants are resources; 0 is no zero point there, too.
// CHECK-LABEL: @zeros_in_resources
// CHECK: nn.matmul %arg0, %arg1 :
// CHECK: nn.matmul %arg0, %arg1 rhs_zero
func.func @zeros_in_resources(%a: tensor<3x4xui8>, %b: tensor<4x5xi8>) -> (tensor<3x5xi32>, tensor<3x5xi32>) {
  %zeros = nn.constant dense_resource<zeros> : tensor<5xi8>
  %others = nn.constant dense_resource<others> : tensor<5xi8>
  %0 = nn.matmul %a, %b rhs_zero %zeros : (tensor<3x4xui8>, tensor<4x5xi8>, tensor<5xi8>) -> tensor<3x5xi32>
  %1 = nn.matmul %a, %b rhs_zero %others : (tensor<3x4xui8>, tensor<4x5xi8>, tensor<5xi8>) -> tensor<3x5xi32>
  return %0, %1 : tensor<3x5xi32>, tensor<3x5xi32>
}

{-# dialect_resources: {builtin: {
  zeros: "0x010000000000000000",
  others: "0x010000000000000001"
}} #-}
