// RUN: lathe-opt %s --lathe-widen-halves --split-input-file | FileCheck %s
// RUN: lathe-opt %s --lathe-widen-halves --lathe-fold-constants=max-growth-bytes=0 --split-input-file | FileCheck %s --check-prefix=FOLDED

// CHECK-LABEL: func.func @product
// CHECK: [[X:%.+]] = nn.cast %arg0 : (tensor<2x3xf16>) -> tensor<2x3xf32>
// CHECK: [[W:%.+]] = nn.cast %{{.+}} : (tensor<3x4xf16>) -> tensor<3x4xf32>
// CHECK: [[P:%.+]] = nn.matmul [[X]], [[W]] : {{.*}} -> tensor<2x4xf32>
// CHECK: [[N:%.+]] = nn.cast [[P]] : (tensor<2x4xf32>) -> tensor<2x4xf16>
// CHECK: nn.unary relu [[N]]
// Weights are stored as kernels read them.
// FOLDED-LABEL: func.func @product
// FOLDED: nn.constant {{.*}} : tensor<3x4xf32>
func.func @product(%x: tensor<2x3xf16>) -> tensor<2x4xf16> {
  %w = nn.constant dense<[[1.0, 2.0, 3.0, 4.0], [5.0, 6.0, 7.0, 8.0], [1.0, 1.0, 1.0, 2.0]]> : tensor<3x4xf16>
  %0 = nn.matmul %x, %w : (tensor<2x3xf16>, tensor<3x4xf16>) -> tensor<2x4xf16>
  %1 = nn.unary relu %0 : (tensor<2x4xf16>) -> tensor<2x4xf16>
  return %1 : tensor<2x4xf16>
}

// -----

// A bias is widened, too.
// CHECK-LABEL: func.func @convolution
// CHECK: nn.conv {{.*}} : (tensor<1x2x4x3xf32>, tensor<2x2x1x1xf32>, tensor<2xf32>) -> tensor<1x2x4x3xf32>
// CHECK: nn.cast {{.*}} -> tensor<1x2x4x3xbf16>
func.func @convolution(%x: tensor<1x2x4x3xbf16>, %w: tensor<2x2x1x1xbf16>, %b: tensor<2xbf16>) -> tensor<1x2x4x3xbf16> {
  %0 = nn.conv %x, %w bias %b {strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>, group = 1 : i64}
      : (tensor<1x2x4x3xbf16>, tensor<2x2x1x1xbf16>, tensor<2xbf16>) -> tensor<1x2x4x3xbf16>
  return %0 : tensor<1x2x4x3xbf16>
}

// -----

// Other types stay.
// CHECK-LABEL: func.func @others
// CHECK-NOT: nn.cast
func.func @others(%x: tensor<2x3xf64>, %y: tensor<3x4xf64>, %h: tensor<2x3xf16>) -> (tensor<2x4xf64>, tensor<2x3xf16>) {
  %0 = nn.matmul %x, %y : (tensor<2x3xf64>, tensor<3x4xf64>) -> tensor<2x4xf64>
  %1 = nn.softmax %h {axis = 1 : i64} : (tensor<2x3xf16>) -> tensor<2x3xf16>
  return %0, %1 : tensor<2x4xf64>, tensor<2x3xf16>
}
