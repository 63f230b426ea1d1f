// Convolutions and products with constant weights are planned as calls of oneDNN where all that follows them can be done exactly.

// RUN: lathe compile %s --provider onednn --stop-after plan | FileCheck %s
// RUN: lathe compile %s --stop-after plan | FileCheck %s --check-prefix=OWN
// RUN: lathe compile %s --provider onednn -o %t.lathe
// RUN: lathe inspect %t.lathe | FileCheck %s --check-prefix=INSPECT
// RUN: env LATHE_ONEDNN_LIBRARY=%t.none not lathe run %t.lathe --random 1 2>&1 | FileCheck %s --check-prefix=MISSING
// RUN: not lathe compile %s --provider mkl -o %t.lathe 2>&1 | FileCheck %s --check-prefix=UNKNOWN

// CHECK: f32_onednn_conv_conv_relu__onednn{{.*}}config = {rows = 1 : i64}{{.*}}kind = "onednn_conv"
// CHECK: f32_onednn_matmul_matmul{{.*}}__onednn{{.*}}kind = "onednn_matmul"
// CHECK: kind = "gemm"
// OWN-NOT: kind = "onednn
// INSPECT: 1 x f32_onednn_conv_conv_relu__onednn
// MISSING: provider.mlir.tmp.lathe: the model needs oneDNN 3, but '{{.*}}.none' can't be used:
// UNKNOWN: error: expects --provider to be one of lathe, onednn, auto, got 'mkl'
func.func @main(%x: tensor<1x8x8x4xf32>, %a: tensor<6x16xf32>) -> (tensor<1x8x8x8xf32>, tensor<6x16xf32>, tensor<6x16xf32>) {
  %filter = nn.constant dense<0.5> : tensor<8x4x3x3xf32>
  %conv = nn.conv %x, %filter {channels_last, strides = array<i64: 1, 1>, pads = array<i64: 1, 1, 1, 1>, dilations = array<i64: 1, 1>, group = 1 : i64} : (tensor<1x8x8x4xf32>, tensor<8x4x3x3xf32>) -> tensor<1x8x8x8xf32>
  %relu = nn.unary relu %conv : (tensor<1x8x8x8xf32>) -> tensor<1x8x8x8xf32>
  %w = nn.constant dense<0.25> : tensor<16x16xf32>
  %p = nn.matmul %a, %w : (tensor<6x16xf32>, tensor<16x16xf32>) -> tensor<6x16xf32>
  // oneDNN's gelu is not ours.
  %v = nn.constant dense<0.125> : tensor<16x16xf32>
  %q = nn.matmul %p, %v : (tensor<6x16xf32>, tensor<16x16xf32>) -> tensor<6x16xf32>
  %g = nn.unary gelu %q : (tensor<6x16xf32>) -> tensor<6x16xf32>
  return %relu, %p, %g : tensor<1x8x8x8xf32>, tensor<6x16xf32>, tensor<6x16xf32>
}
