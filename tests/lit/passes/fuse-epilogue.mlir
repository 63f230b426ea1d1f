// RUN: lathe-opt %s --lathe-fuse-epilogue --split-input-file | FileCheck %s

// Bias, activation and residual are computed with the product; the constant of the clip moves inside.
// CHECK-LABEL: func.func @gemm
// CHECK-SAME: [[X:%[^:]+]]: tensor<2x3x4xf32>, [[W:%[^:]+]]: tensor<4x5xf32>, [[B:%[^:]+]]: tensor<5xf32>, [[R:%[^:]+]]: tensor<2x3x5xf32>
// CHECK-SAME: reason = "computed with its contraction: add, gelu, add, max", taken = true
// CHECK: [[F:%.+]] = nn.fused "gemm"([[X]], [[W]], [[B]], [[R]])
// CHECK: ^bb0([[A:%[^:]+]]: tensor<2x3x4xf32>, [[C:%[^:]+]]: tensor<4x5xf32>
// CHECK: nn.matmul [[A]], [[C]]
// CHECK: nn.binary {{ ?}}add
// CHECK: nn.unary {{ ?}}gelu
// CHECK: nn.binary {{ ?}}add
// CHECK: [[M:%.+]] = nn.constant dense<-1.000000e+00> : tensor<f32>
// CHECK: [[L:%.+]] = nn.binary {{ ?}}max %{{.+}}, [[M]]
// CHECK: nn.yield [[L]]
// CHECK: return [[F]]
func.func @gemm(%x: tensor<2x3x4xf32>, %w: tensor<4x5xf32>, %b: tensor<5xf32>, %r: tensor<2x3x5xf32>) -> tensor<2x3x5xf32> {
  %low = nn.constant dense<-1.0> : tensor<f32>
  %0 = nn.matmul %x, %w : (tensor<2x3x4xf32>, tensor<4x5xf32>) -> tensor<2x3x5xf32>
  %1 = nn.binary add %0, %b : (tensor<2x3x5xf32>, tensor<5xf32>) -> tensor<2x3x5xf32>
  %2 = nn.unary gelu %1 : (tensor<2x3x5xf32>) -> tensor<2x3x5xf32>
  %3 = nn.binary add %r, %2 : (tensor<2x3x5xf32>, tensor<2x3x5xf32>) -> tensor<2x3x5xf32>
  %4 = nn.binary max %3, %low : (tensor<2x3x5xf32>, tensor<f32>) -> tensor<2x3x5xf32>
  return %4 : tensor<2x3x5xf32>
}

// -----

// A diamond is taken whole.
// CHECK-LABEL: func.func @diamond
// CHECK: nn.fused "conv"
// CHECK: nn.conv
// CHECK: [[S:%.+]] = nn.unary {{ ?}}sigmoid
// CHECK: [[M:%.+]] = nn.binary {{ ?}}mul
// CHECK: nn.yield [[M]]
func.func @diamond(%x: tensor<1x2x4xf32>, %w: tensor<2x2x1xf32>) -> tensor<1x2x4xf32> {
  %0 = nn.conv %x, %w {strides = array<i64: 1>, pads = array<i64: 0, 0>, dilations = array<i64: 1>, group = 1 : i64}
      : (tensor<1x2x4xf32>, tensor<2x2x1xf32>) -> tensor<1x2x4xf32>
  %1 = nn.unary sigmoid %0 : (tensor<1x2x4xf32>) -> tensor<1x2x4xf32>
  %2 = nn.binary mul %0, %1 : (tensor<1x2x4xf32>, tensor<1x2x4xf32>) -> tensor<1x2x4xf32>
  return %2 : tensor<1x2x4xf32>
}

// -----

// CHECK-LABEL: func.func @depthwise
// CHECK: nn.fused "depthwise"
func.func @depthwise(%x: tensor<1x2x4xf32>, %w: tensor<2x1x1xf32>) -> tensor<1x2x4xf32> {
  %0 = nn.conv %x, %w {strides = array<i64: 1>, pads = array<i64: 0, 0>, dilations = array<i64: 1>, group = 2 : i64}
      : (tensor<1x2x4xf32>, tensor<2x1x1xf32>) -> tensor<1x2x4xf32>
  %1 = nn.unary relu %0 : (tensor<1x2x4xf32>) -> tensor<1x2x4xf32>
  return %1 : tensor<1x2x4xf32>
}

// -----

// Two products that meet: the first takes the sum, and moves behind the second.
// CHECK-LABEL: func.func @two_products
// CHECK: [[B:%.+]] = nn.matmul
// CHECK: nn.fused "gemm"(%{{.+}}, %{{.+}}, [[B]])
// CHECK: nn.matmul
// CHECK: nn.binary {{ ?}}add
func.func @two_products(%x: tensor<3x4xf32>, %w: tensor<4x5xf32>) -> tensor<3x5xf32> {
  %0 = nn.matmul %x, %w : (tensor<3x4xf32>, tensor<4x5xf32>) -> tensor<3x5xf32>
  %1 = nn.matmul %x, %w : (tensor<3x4xf32>, tensor<4x5xf32>) -> tensor<3x5xf32>
  %2 = nn.binary add %0, %1 : (tensor<3x5xf32>, tensor<3x5xf32>) -> tensor<3x5xf32>
  return %2 : tensor<3x5xf32>
}

// -----

// The product itself is a result of the function: it is written, too.
// CHECK-LABEL: func.func @product_returned
// CHECK: [[F:%.+]]:2 = nn.fused "gemm"
// CHECK: [[P:%.+]] = nn.matmul
// CHECK: [[R:%.+]] = nn.unary {{ ?}}relu
// CHECK: nn.yield [[P]], [[R]]
// CHECK: return [[F]]#0, [[F]]#1
func.func @product_returned(%x: tensor<3x4xf32>, %w: tensor<4x5xf32>) -> (tensor<3x5xf32>, tensor<3x5xf32>) {
  %0 = nn.matmul %x, %w : (tensor<3x4xf32>, tensor<4x5xf32>) -> tensor<3x5xf32>
  %1 = nn.unary relu %0 : (tensor<3x5xf32>) -> tensor<3x5xf32>
  return %0, %1 : tensor<3x5xf32>, tensor<3x5xf32>
}

// -----

// A sum that widens the product.
// CHECK-LABEL: func.func @other_sizes
// CHECK-SAME: reason = "stays apart from matmul: its result has other sizes", taken = false
// CHECK-NOT: nn.fused
func.func @other_sizes(%x: tensor<3x4xf32>, %w: tensor<4x5xf32>, %y: tensor<2x3x5xf32>) -> tensor<2x3x5xf32> {
  %0 = nn.matmul %x, %w : (tensor<3x4xf32>, tensor<4x5xf32>) -> tensor<3x5xf32>
  %1 = nn.binary add %0, %y : (tensor<3x5xf32>, tensor<2x3x5xf32>) -> tensor<2x3x5xf32>
  return %1 : tensor<2x3x5xf32>
}

// -----

// x + softmax(x): the other operand needs the product to be done.
// CHECK-LABEL: func.func @depends_on_itself
// CHECK-SAME: reason = "stays apart from matmul: another operand depends on the result of matmul"
// CHECK-NOT: nn.fused
// CHECK: nn.softmax
func.func @depends_on_itself(%x: tensor<3x4xf32>, %w: tensor<4x5xf32>) -> tensor<3x5xf32> {
  %0 = nn.matmul %x, %w : (tensor<3x4xf32>, tensor<4x5xf32>) -> tensor<3x5xf32>
  %1 = nn.softmax %0 {axis = 1 : i64} : (tensor<3x5xf32>) -> tensor<3x5xf32>
  %2 = nn.binary add %0, %1 : (tensor<3x5xf32>, tensor<3x5xf32>) -> tensor<3x5xf32>
  return %2 : tensor<3x5xf32>
}

// -----

// Products of other element types have kernels of their own.
// CHECK-LABEL: func.func @integers
// CHECK-NOT: nn.fused
func.func @integers(%x: tensor<3x4xi32>, %w: tensor<4x5xi32>) -> tensor<3x5xi32> {
  %0 = nn.matmul %x, %w : (tensor<3x4xi32>, tensor<4x5xi32>) -> tensor<3x5xi32>
  %1 = nn.unary neg %0 : (tensor<3x5xi32>) -> tensor<3x5xi32>
  return %1 : tensor<3x5xi32>
}

// -----

// Weights and bias are read from memory even if all their elements are equal; kernels pack them.
// CHECK-LABEL: func.func @equal_weights
// CHECK: [[W:%.+]] = nn.constant dense<2.500000e-01>
// CHECK: [[B:%.+]] = nn.constant dense<0.000000e+00>
// CHECK: nn.fused "conv"(%{{.+}}, [[W]], [[B]])
// CHECK-NOT: nn.constant
// CHECK: return
func.func @equal_weights(%x: tensor<1x2x4xf32>) -> tensor<1x2x4xf32> {
  %w = nn.constant dense<0.25> : tensor<2x2x1xf32>
  %b = nn.constant dense<0.0> : tensor<2xf32>
  %0 = nn.conv %x, %w bias %b {strides = array<i64: 1>, pads = array<i64: 0, 0>, dilations = array<i64: 1>, group = 1 : i64}
      : (tensor<1x2x4xf32>, tensor<2x2x1xf32>, tensor<2xf32>) -> tensor<1x2x4xf32>
  %1 = nn.unary relu %0 : (tensor<1x2x4xf32>) -> tensor<1x2x4xf32>
  return %1 : tensor<1x2x4xf32>
}

// -----

// A residual is read as bytes by the kernel that adds it; the kernel that quantizes it writes nothing else.
// CHECK-LABEL: func.func @quantized_residual
// CHECK-SAME: its reader computes it from the quantized values
// CHECK: [[Q:%.+]] = nn.fused "gemm"({{.+}}) : {{.+}} -> tensor<3x5xui8>
// CHECK: nn.fused "gemm"([[Q]], %{{.+}}) : {{.+}} -> tensor<3x5xui8>
// CHECK: ^bb0([[A:%[^:]+]]: tensor<3x5xui8>
// CHECK: [[R:%.+]] = nn.dequantize [[A]],
// CHECK: nn.matmul [[A]],
// CHECK: nn.binary {{ ?}}add %{{.+}}, [[R]]
// CHECK: nn.quantize
func.func @quantized_residual(%x: tensor<3x4xui8>, %w: tensor<4x5xi8>, %v: tensor<5x5xi8>, %s: tensor<5xf32>) -> tensor<3x5xui8> {
  %one = nn.constant dense<0.5> : tensor<f32>
  %0 = nn.matmul %x, %w : (tensor<3x4xui8>, tensor<4x5xi8>) -> tensor<3x5xi32>
  %1 = nn.dequantize %0, %s : (tensor<3x5xi32>, tensor<5xf32>) -> tensor<3x5xf32>
  %2 = nn.quantize %1, %one : (tensor<3x5xf32>, tensor<f32>) -> tensor<3x5xui8>
  %3 = nn.dequantize %2, %one : (tensor<3x5xui8>, tensor<f32>) -> tensor<3x5xf32>
  %4 = nn.matmul %2, %v : (tensor<3x5xui8>, tensor<5x5xi8>) -> tensor<3x5xi32>
  %5 = nn.dequantize %4, %s : (tensor<3x5xi32>, tensor<5xf32>) -> tensor<3x5xf32>
  %6 = nn.binary add %5, %3 : (tensor<3x5xf32>, tensor<3x5xf32>) -> tensor<3x5xf32>
  %7 = nn.quantize %6, %one : (tensor<3x5xf32>, tensor<f32>) -> tensor<3x5xui8>
  return %7 : tensor<3x5xui8>
}

// -----

// What only constants take part in goes on where the integers are made.
// CHECK-LABEL: func.func @quantized_twice
// CHECK: [[Q:%.+]] = nn.fused "gemm"({{.+}}) : {{.+}} -> tensor<3x5xui8>
// CHECK: nn.quantize
// CHECK: nn.dequantize
// CHECK: nn.binary {{ ?}}add
// CHECK: nn.quantize
// CHECK: nn.yield
// CHECK: return [[Q]]
func.func @quantized_twice(%x: tensor<3x4xui8>, %w: tensor<4x5xi8>, %s: tensor<5xf32>) -> tensor<3x5xui8> {
  %one = nn.constant dense<0.5> : tensor<f32>
  %b = nn.constant dense<[1.0, 2.0, 3.0, 4.0, 5.0]> : tensor<5xf32>
  %0 = nn.matmul %x, %w : (tensor<3x4xui8>, tensor<4x5xi8>) -> tensor<3x5xi32>
  %1 = nn.dequantize %0, %s : (tensor<3x5xi32>, tensor<5xf32>) -> tensor<3x5xf32>
  %2 = nn.quantize %1, %one : (tensor<3x5xf32>, tensor<f32>) -> tensor<3x5xui8>
  %3 = nn.dequantize %2, %one : (tensor<3x5xui8>, tensor<f32>) -> tensor<3x5xf32>
  %4 = nn.binary add %3, %b : (tensor<3x5xf32>, tensor<5xf32>) -> tensor<3x5xf32>
  %5 = nn.quantize %4, %one : (tensor<3x5xf32>, tensor<f32>) -> tensor<3x5xui8>
  return %5 : tensor<3x5xui8>
}
