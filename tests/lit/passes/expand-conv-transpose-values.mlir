// RUN: lathe-opt %s --lathe-eval | FileCheck %s
// RUN: lathe-opt %s --lathe-expand-conv-transpose --lathe-eval | FileCheck %s

// Kernel 3, stride 2, pads 1 and 0: out[o] sums x[i] * w[k] with o = 2 * i - 1 + k, plus the bias 0.5.
//   o = 0: x0 w1 = 2 ; 1: x0 w2 + x1 w0 = 3 + 2 ; 2: x1 w1 = 4 ; 3: x1 w2 + x2 w0 = 6 + 4 ; 4: x2 w1 = 8 ; 5: x2 w2 = 12
// CHECK: [2.500000e+00], [5.500000e+00], [4.500000e+00], [1.050000e+01], [8.500000e+00], [1.250000e+01]
func.func @values() -> tensor<1x6x1xf32> {
  %x = nn.constant dense<[[[1.0], [2.0], [4.0]]]> : tensor<1x3x1xf32>
  %w = nn.constant dense<[[[1.0, 2.0, 3.0]]]> : tensor<1x1x3xf32>
  %b = nn.constant dense<0.5> : tensor<1xf32>
  %0 = nn.conv_transpose %x, %w bias %b {channels_last, strides = array<i64: 2>, pads = array<i64: 1, 0>, dilations = array<i64: 1>, group = 1 : i64}
      : (tensor<1x3x1xf32>, tensor<1x1x3xf32>, tensor<1xf32>) -> tensor<1x6x1xf32>
  return %0 : tensor<1x6x1xf32>
}
