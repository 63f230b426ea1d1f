// RUN: lathe-opt %s --lathe-eval | FileCheck %s

// The meaning of nn.unary.

// CHECK-LABEL: @abs
// CHECK: nn.constant dense<[1.000000e+00, 5.000000e-01, 0.000000e+00]>
func.func @abs() -> tensor<3xf32> {
  %a = nn.constant dense<[-1.0, 0.5, -0.0]> : tensor<3xf32>
  %r = nn.unary abs %a : (tensor<3xf32>) -> tensor<3xf32>
  return %r : tensor<3xf32>
}

// CHECK-LABEL: @abs_wraps
// CHECK: nn.constant dense<[7, -128, 5]>
func.func @abs_wraps() -> tensor<3xi8> {
  %a = nn.constant dense<[-7, -128, 5]> : tensor<3xi8>
  %r = nn.unary abs %a : (tensor<3xi8>) -> tensor<3xi8>
  return %r : tensor<3xi8>
}

// CHECK-LABEL: @neg_unsigned
// CHECK: nn.constant dense<[255, 254]>
func.func @neg_unsigned() -> tensor<2xui8> {
  %a = nn.constant dense<[1, 2]> : tensor<2xui8>
  %r = nn.unary neg %a : (tensor<2xui8>) -> tensor<2xui8>
  return %r : tensor<2xui8>
}

// CHECK-LABEL: @ceil
// CHECK: nn.constant dense<[-1.000000e+00, 2.000000e+00]>
func.func @ceil() -> tensor<2xf32> {
  %a = nn.constant dense<[-1.5, 1.5]> : tensor<2xf32>
  %r = nn.unary ceil %a : (tensor<2xf32>) -> tensor<2xf32>
  return %r : tensor<2xf32>
}

// CHECK-LABEL: @floor
// CHECK: nn.constant dense<[-2.000000e+00, 1.000000e+00]>
func.func @floor() -> tensor<2xf32> {
  %a = nn.constant dense<[-1.5, 1.5]> : tensor<2xf32>
  %r = nn.unary floor %a : (tensor<2xf32>) -> tensor<2xf32>
  return %r : tensor<2xf32>
}

// CHECK-LABEL: @round_half_to_even
// CHECK: nn.constant dense<[0.000000e+00, 2.000000e+00, 2.000000e+00, -2.000000e+00]>
func.func @round_half_to_even() -> tensor<4xf32> {
  %a = nn.constant dense<[0.5, 1.5, 2.5, -2.5]> : tensor<4xf32>
  %r = nn.unary round %a : (tensor<4xf32>) -> tensor<4xf32>
  return %r : tensor<4xf32>
}

// CHECK-LABEL: @sign
// CHECK: nn.constant dense<[-1, 0, 1]>
func.func @sign() -> tensor<3xi32> {
  %a = nn.constant dense<[-3, 0, 9]> : tensor<3xi32>
  %r = nn.unary sign %a : (tensor<3xi32>) -> tensor<3xi32>
  return %r : tensor<3xi32>
}

// CHECK-LABEL: @sqrt
// CHECK: nn.constant dense<[2.000000e+00, 1.500000e+00]>
func.func @sqrt() -> tensor<2xf32> {
  %a = nn.constant dense<[4.0, 2.25]> : tensor<2xf32>
  %r = nn.unary sqrt %a : (tensor<2xf32>) -> tensor<2xf32>
  return %r : tensor<2xf32>
}

// CHECK-LABEL: @reciprocal
// CHECK: nn.constant dense<[2.500000e-01, -2.000000e+00]>
func.func @reciprocal() -> tensor<2xf32> {
  %a = nn.constant dense<[4.0, -0.5]> : tensor<2xf32>
  %r = nn.unary reciprocal %a : (tensor<2xf32>) -> tensor<2xf32>
  return %r : tensor<2xf32>
}

// CHECK-LABEL: @exp
// CHECK: nn.constant dense<[1.000000e+00, 2.71828{{.*}}]>
func.func @exp() -> tensor<2xf32> {
  %a = nn.constant dense<[0.0, 1.0]> : tensor<2xf32>
  %r = nn.unary exp %a : (tensor<2xf32>) -> tensor<2xf32>
  return %r : tensor<2xf32>
}

// CHECK-LABEL: @log
// CHECK: nn.constant dense<[0.000000e+00, 0.693147{{.*}}]>
func.func @log() -> tensor<2xf32> {
  %a = nn.constant dense<[1.0, 2.0]> : tensor<2xf32>
  %r = nn.unary log %a : (tensor<2xf32>) -> tensor<2xf32>
  return %r : tensor<2xf32>
}

// CHECK-LABEL: @sin
// CHECK: nn.constant dense<[0.000000e+00, 0.84147{{.*}}]>
func.func @sin() -> tensor<2xf32> {
  %a = nn.constant dense<[0.0, 1.0]> : tensor<2xf32>
  %r = nn.unary sin %a : (tensor<2xf32>) -> tensor<2xf32>
  return %r : tensor<2xf32>
}

// CHECK-LABEL: @cos
// CHECK: nn.constant dense<[1.000000e+00, 0.540302{{.*}}]>
func.func @cos() -> tensor<2xf32> {
  %a = nn.constant dense<[0.0, 1.0]> : tensor<2xf32>
  %r = nn.unary cos %a : (tensor<2xf32>) -> tensor<2xf32>
  return %r : tensor<2xf32>
}

// CHECK-LABEL: @tan
// CHECK: nn.constant dense<[0.000000e+00, 1.557407{{.*}}]>
func.func @tan() -> tensor<2xf32> {
  %a = nn.constant dense<[0.0, 1.0]> : tensor<2xf32>
  %r = nn.unary tan %a : (tensor<2xf32>) -> tensor<2xf32>
  return %r : tensor<2xf32>
}

// CHECK-LABEL: @asin
// CHECK: nn.constant dense<[0.000000e+00, 0.523598{{.*}}]>
func.func @asin() -> tensor<2xf32> {
  %a = nn.constant dense<[0.0, 0.5]> : tensor<2xf32>
  %r = nn.unary asin %a : (tensor<2xf32>) -> tensor<2xf32>
  return %r : tensor<2xf32>
}

// CHECK-LABEL: @acos
// CHECK: nn.constant dense<[0.000000e+00, 1.04719{{.*}}]>
func.func @acos() -> tensor<2xf32> {
  %a = nn.constant dense<[1.0, 0.5]> : tensor<2xf32>
  %r = nn.unary acos %a : (tensor<2xf32>) -> tensor<2xf32>
  return %r : tensor<2xf32>
}

// CHECK-LABEL: @atan
// CHECK: nn.constant dense<[0.000000e+00, 0.785398{{.*}}]>
func.func @atan() -> tensor<2xf32> {
  %a = nn.constant dense<[0.0, 1.0]> : tensor<2xf32>
  %r = nn.unary atan %a : (tensor<2xf32>) -> tensor<2xf32>
  return %r : tensor<2xf32>
}

// CHECK-LABEL: @sinh
// CHECK: nn.constant dense<[0.000000e+00, 1.1752{{.*}}]>
func.func @sinh() -> tensor<2xf32> {
  %a = nn.constant dense<[0.0, 1.0]> : tensor<2xf32>
  %r = nn.unary sinh %a : (tensor<2xf32>) -> tensor<2xf32>
  return %r : tensor<2xf32>
}

// CHECK-LABEL: @cosh
// CHECK: nn.constant dense<[1.000000e+00, 1.54308{{.*}}]>
func.func @cosh() -> tensor<2xf32> {
  %a = nn.constant dense<[0.0, 1.0]> : tensor<2xf32>
  %r = nn.unary cosh %a : (tensor<2xf32>) -> tensor<2xf32>
  return %r : tensor<2xf32>
}

// CHECK-LABEL: @tanh
// CHECK: nn.constant dense<[0.000000e+00, 0.76159{{.*}}]>
func.func @tanh() -> tensor<2xf32> {
  %a = nn.constant dense<[0.0, 1.0]> : tensor<2xf32>
  %r = nn.unary tanh %a : (tensor<2xf32>) -> tensor<2xf32>
  return %r : tensor<2xf32>
}

// CHECK-LABEL: @asinh
// CHECK: nn.constant dense<[0.000000e+00, 0.881373{{.*}}]>
func.func @asinh() -> tensor<2xf32> {
  %a = nn.constant dense<[0.0, 1.0]> : tensor<2xf32>
  %r = nn.unary asinh %a : (tensor<2xf32>) -> tensor<2xf32>
  return %r : tensor<2xf32>
}

// CHECK-LABEL: @acosh
// CHECK: nn.constant dense<[0.000000e+00, 1.31695{{.*}}]>
func.func @acosh() -> tensor<2xf32> {
  %a = nn.constant dense<[1.0, 2.0]> : tensor<2xf32>
  %r = nn.unary acosh %a : (tensor<2xf32>) -> tensor<2xf32>
  return %r : tensor<2xf32>
}

// CHECK-LABEL: @atanh
// CHECK: nn.constant dense<[0.000000e+00, 0.549306{{.*}}]>
func.func @atanh() -> tensor<2xf32> {
  %a = nn.constant dense<[0.0, 0.5]> : tensor<2xf32>
  %r = nn.unary atanh %a : (tensor<2xf32>) -> tensor<2xf32>
  return %r : tensor<2xf32>
}

// CHECK-LABEL: @erf
// CHECK: nn.constant dense<[0.000000e+00, 0.842700{{.*}}]>
func.func @erf() -> tensor<2xf32> {
  %a = nn.constant dense<[0.0, 1.0]> : tensor<2xf32>
  %r = nn.unary erf %a : (tensor<2xf32>) -> tensor<2xf32>
  return %r : tensor<2xf32>
}

// CHECK-LABEL: @sigmoid
// CHECK: nn.constant dense<[5.000000e-01, 0.880797{{.*}}]>
func.func @sigmoid() -> tensor<2xf32> {
  %a = nn.constant dense<[0.0, 2.0]> : tensor<2xf32>
  %r = nn.unary sigmoid %a : (tensor<2xf32>) -> tensor<2xf32>
  return %r : tensor<2xf32>
}

// CHECK-LABEL: @relu
// CHECK: nn.constant dense<[0.000000e+00, 2.000000e+00]>
func.func @relu() -> tensor<2xf32> {
  %a = nn.constant dense<[-1.0, 2.0]> : tensor<2xf32>
  %r = nn.unary relu %a : (tensor<2xf32>) -> tensor<2xf32>
  return %r : tensor<2xf32>
}

// CHECK-LABEL: @leaky_relu
// CHECK: nn.constant dense<[-1.000000e+00, 2.000000e+00]>
func.func @leaky_relu() -> tensor<2xf32> {
  %a = nn.constant dense<[-4.0, 2.0]> : tensor<2xf32>
  %r = nn.unary leaky_relu %a {alpha = 0.25 : f64} : (tensor<2xf32>) -> tensor<2xf32>
  return %r : tensor<2xf32>
}

// CHECK-LABEL: @elu
// CHECK: nn.constant dense<[-1.26424{{.*}}, 2.000000e+00]>
func.func @elu() -> tensor<2xf32> {
  %a = nn.constant dense<[-1.0, 2.0]> : tensor<2xf32>
  %r = nn.unary elu %a {alpha = 2.0 : f64} : (tensor<2xf32>) -> tensor<2xf32>
  return %r : tensor<2xf32>
}

// CHECK-LABEL: @celu
// CHECK: nn.constant dense<[-0.786938{{.*}}, 2.000000e+00]>
func.func @celu() -> tensor<2xf32> {
  %a = nn.constant dense<[-1.0, 2.0]> : tensor<2xf32>
  %r = nn.unary celu %a {alpha = 2.0 : f64} : (tensor<2xf32>) -> tensor<2xf32>
  return %r : tensor<2xf32>
}

// CHECK-LABEL: @selu
// CHECK: nn.constant dense<[-3.7927{{.*}}, 6.000000e+00]>
func.func @selu() -> tensor<2xf32> {
  %a = nn.constant dense<[-1.0, 2.0]> : tensor<2xf32>
  %r = nn.unary selu %a {alpha = 2.0 : f64, beta = 3.0 : f64} : (tensor<2xf32>) -> tensor<2xf32>
  return %r : tensor<2xf32>
}

// CHECK-LABEL: @softplus
// CHECK: nn.constant dense<[0.693147{{.*}}, 1.000000e+02, 3.78{{.*}}e-44]>
func.func @softplus() -> tensor<3xf32> {
  %a = nn.constant dense<[0.0, 100.0, -100.0]> : tensor<3xf32>
  %r = nn.unary softplus %a : (tensor<3xf32>) -> tensor<3xf32>
  return %r : tensor<3xf32>
}

// CHECK-LABEL: @softsign
// CHECK: nn.constant dense<[-5.000000e-01, 7.500000e-01]>
func.func @softsign() -> tensor<2xf32> {
  %a = nn.constant dense<[-1.0, 3.0]> : tensor<2xf32>
  %r = nn.unary softsign %a : (tensor<2xf32>) -> tensor<2xf32>
  return %r : tensor<2xf32>
}

// CHECK-LABEL: @hard_sigmoid
// CHECK: nn.constant dense<[0.000000e+00, 7.500000e-01, 1.000000e+00]>
func.func @hard_sigmoid() -> tensor<3xf32> {
  %a = nn.constant dense<[-4.0, 1.0, 4.0]> : tensor<3xf32>
  %r = nn.unary hard_sigmoid %a {alpha = 0.25 : f64, beta = 0.5 : f64} : (tensor<3xf32>) -> tensor<3xf32>
  return %r : tensor<3xf32>
}

// CHECK-LABEL: @hard_swish
// CHECK: nn.constant dense<[{{-?}}0.000000e+00, 3.000000e+00, 1.125000e+00]>
func.func @hard_swish() -> tensor<3xf32> {
  %a = nn.constant dense<[-3.0, 3.0, 1.5]> : tensor<3xf32>
  %r = nn.unary hard_swish %a : (tensor<3xf32>) -> tensor<3xf32>
  return %r : tensor<3xf32>
}

// CHECK-LABEL: @mish
// CHECK: nn.constant dense<[0.000000e+00, 0.865098{{.*}}]>
func.func @mish() -> tensor<2xf32> {
  %a = nn.constant dense<[0.0, 1.0]> : tensor<2xf32>
  %r = nn.unary mish %a : (tensor<2xf32>) -> tensor<2xf32>
  return %r : tensor<2xf32>
}

// CHECK-LABEL: @gelu
// CHECK: nn.constant dense<[0.000000e+00, 0.841344{{.*}}]>
func.func @gelu() -> tensor<2xf32> {
  %a = nn.constant dense<[0.0, 1.0]> : tensor<2xf32>
  %r = nn.unary gelu %a : (tensor<2xf32>) -> tensor<2xf32>
  return %r : tensor<2xf32>
}

// CHECK-LABEL: @gelu_tanh
// CHECK: nn.constant dense<[0.000000e+00, 8.41192{{.*}}]>
func.func @gelu_tanh() -> tensor<2xf32> {
  %a = nn.constant dense<[0.0, 1.0]> : tensor<2xf32>
  %r = nn.unary gelu_tanh %a : (tensor<2xf32>) -> tensor<2xf32>
  return %r : tensor<2xf32>
}

// CHECK-LABEL: @swish
// CHECK: nn.constant dense<[0.000000e+00, 0.880797{{.*}}]>
func.func @swish() -> tensor<2xf32> {
  %a = nn.constant dense<[0.0, 1.0]> : tensor<2xf32>
  %r = nn.unary swish %a {alpha = 2.0 : f64} : (tensor<2xf32>) -> tensor<2xf32>
  return %r : tensor<2xf32>
}

// CHECK-LABEL: @thresholded_relu
// CHECK: nn.constant dense<[0.000000e+00, 1.500000e+00]>
func.func @thresholded_relu() -> tensor<2xf32> {
  %a = nn.constant dense<[1.0, 1.5]> : tensor<2xf32>
  %r = nn.unary thresholded_relu %a {alpha = 1.0 : f64} : (tensor<2xf32>) -> tensor<2xf32>
  return %r : tensor<2xf32>
}

// CHECK-LABEL: @shrink
// CHECK: nn.constant dense<[-1.750000e+00, 0.000000e+00, 1.750000e+00]>
func.func @shrink() -> tensor<3xf32> {
  %a = nn.constant dense<[-2.0, 0.5, 2.0]> : tensor<3xf32>
  %r = nn.unary shrink %a {alpha = 1.0 : f64, beta = 0.25 : f64} : (tensor<3xf32>) -> tensor<3xf32>
  return %r : tensor<3xf32>
}

// CHECK-LABEL: @logical_not
// CHECK: nn.constant dense<[false, true]>
func.func @logical_not() -> tensor<2xi1> {
  %a = nn.constant dense<[true, false]> : tensor<2xi1>
  %r = nn.unary logical_not %a : (tensor<2xi1>) -> tensor<2xi1>
  return %r : tensor<2xi1>
}

// CHECK-LABEL: @bitwise_not
// CHECK: nn.constant dense<[255, 250]>
func.func @bitwise_not() -> tensor<2xui8> {
  %a = nn.constant dense<[0, 5]> : tensor<2xui8>
  %r = nn.unary bitwise_not %a : (tensor<2xui8>) -> tensor<2xui8>
  return %r : tensor<2xui8>
}

// CHECK-LABEL: @is_nan
// CHECK: nn.constant dense<[false, true]>
func.func @is_nan() -> tensor<2xi1> {
  %a = nn.constant dense<[1.0, 0x7FC00000]> : tensor<2xf32>
  %r = nn.unary is_nan %a : (tensor<2xf32>) -> tensor<2xi1>
  return %r : tensor<2xi1>
}

// CHECK-LABEL: @is_inf_positive
// CHECK: nn.constant dense<[true, false, false]>
func.func @is_inf_positive() -> tensor<3xi1> {
  %a = nn.constant dense<[0x7F800000, 0xFF800000, 1.0]> : tensor<3xf32>
  %r = nn.unary is_inf %a {alpha = 1.0 : f64} : (tensor<3xf32>) -> tensor<3xi1>
  return %r : tensor<3xi1>
}

// CHECK-LABEL: @is_inf
// CHECK: nn.constant dense<[true, true, false]>
func.func @is_inf() -> tensor<3xi1> {
  %a = nn.constant dense<[0x7F800000, 0xFF800000, 1.0]> : tensor<3xf32>
  %r = nn.unary is_inf %a {alpha = 1.0 : f64, beta = 1.0 : f64} : (tensor<3xf32>) -> tensor<3xi1>
  return %r : tensor<3xi1>
}

// CHECK-LABEL: @neg_bf16
// CHECK: nn.constant dense<[-1.000000e+00, 2.000000e+00]>
func.func @neg_bf16() -> tensor<2xbf16> {
  %a = nn.constant dense<[1.0, -2.0]> : tensor<2xbf16>
  %r = nn.unary neg %a : (tensor<2xbf16>) -> tensor<2xbf16>
  return %r : tensor<2xbf16>
}

// CHECK-LABEL: @exp_f16
// CHECK: nn.constant dense<[1.000000e+00, 2.718750e+00]>
func.func @exp_f16() -> tensor<2xf16> {
  %a = nn.constant dense<[0.0, 1.0]> : tensor<2xf16>
  %r = nn.unary exp %a : (tensor<2xf16>) -> tensor<2xf16>
  return %r : tensor<2xf16>
}
