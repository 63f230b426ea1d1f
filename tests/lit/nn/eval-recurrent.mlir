// RUN: lathe-opt %s --lathe-eval | FileCheck %s

// The meaning of nn.recurrent, with relu in the place of sigmoid and tanh so that values can be computed by hand.

// CHECK-LABEL: @rnn
// CHECK: nn.constant dense<{{\[\[\[}}[1.000000e+00]]], {{\[\[}}[4.000000e+00]]]]>
// CHECK: nn.constant dense<4.000000e+00>
func.func @rnn() -> (tensor<2x1x1x1xf32>, tensor<1x1x1xf32>) {
  // h = x + 2 h: 1, 4
  %x = nn.constant dense<[[[1.0]], [[2.0]]]> : tensor<2x1x1xf32>
  %w = nn.constant dense<[[[1.0]]]> : tensor<1x1x1xf32>
  %u = nn.constant dense<[[[2.0]]]> : tensor<1x1x1xf32>
  %r:2 = nn.recurrent rnn forward %x weights %w recurrence %u {activations = ["relu"], alphas = array<f64: 0.0>, betas = array<f64: 0.0>}
      : (tensor<2x1x1xf32>, tensor<1x1x1xf32>, tensor<1x1x1xf32>) -> (tensor<2x1x1x1xf32>, tensor<1x1x1xf32>)
  return %r#0, %r#1 : tensor<2x1x1x1xf32>, tensor<1x1x1xf32>
}

// CHECK-LABEL: @rnn_backward
// CHECK: nn.constant dense<{{\[\[\[}}[5.000000e+00]]], {{\[\[}}[2.000000e+00]]]]>
// CHECK: nn.constant dense<5.000000e+00>
func.func @rnn_backward() -> (tensor<2x1x1x1xf32>, tensor<1x1x1xf32>) {
  // from the end: 2, 1 + 4
  %x = nn.constant dense<[[[1.0]], [[2.0]]]> : tensor<2x1x1xf32>
  %w = nn.constant dense<[[[1.0]]]> : tensor<1x1x1xf32>
  %u = nn.constant dense<[[[2.0]]]> : tensor<1x1x1xf32>
  %r:2 = nn.recurrent rnn backward %x weights %w recurrence %u {activations = ["relu"], alphas = array<f64: 0.0>, betas = array<f64: 0.0>}
      : (tensor<2x1x1xf32>, tensor<1x1x1xf32>, tensor<1x1x1xf32>) -> (tensor<2x1x1x1xf32>, tensor<1x1x1xf32>)
  return %r#0, %r#1 : tensor<2x1x1x1xf32>, tensor<1x1x1xf32>
}

// CHECK-LABEL: @rnn_bias_lens_state
// CHECK: nn.constant dense<{{\[\[\[}}[2.800000e+01]]], {{\[\[}}[0.000000e+00]]]]>
// CHECK: nn.constant dense<2.800000e+01>
func.func @rnn_bias_lens_state() -> (tensor<2x1x1x1xf32>, tensor<1x1x1xf32>) {
  // one step only; bias 3 + 4, state 10: 1 + 20 + 7
  %x = nn.constant dense<[[[1.0]], [[2.0]]]> : tensor<2x1x1xf32>
  %w = nn.constant dense<[[[1.0]]]> : tensor<1x1x1xf32>
  %u = nn.constant dense<[[[2.0]]]> : tensor<1x1x1xf32>
  %b = nn.constant dense<[[3.0, 4.0]]> : tensor<1x2xf32>
  %n = nn.constant dense<1> : tensor<1xi32>
  %h = nn.constant dense<[[[10.0]]]> : tensor<1x1x1xf32>
  %r:2 = nn.recurrent rnn forward %x weights %w recurrence %u bias %b lens %n h %h {activations = ["relu"], alphas = array<f64: 0.0>, betas = array<f64: 0.0>}
      : (tensor<2x1x1xf32>, tensor<1x1x1xf32>, tensor<1x1x1xf32>, tensor<1x2xf32>, tensor<1xi32>, tensor<1x1x1xf32>) -> (tensor<2x1x1x1xf32>, tensor<1x1x1xf32>)
  return %r#0, %r#1 : tensor<2x1x1x1xf32>, tensor<1x1x1xf32>
}

// CHECK-LABEL: @rnn_bidirectional
// CHECK: nn.constant dense<{{\[\[\[}}[1.000000e+00]], {{\[}}[3.000000e+00]]], {{\[\[}}[3.000000e+00]], {{\[}}[2.000000e+00]]]]>
// CHECK: nn.constant dense<3.000000e+00>
func.func @rnn_bidirectional() -> (tensor<2x2x1x1xf32>, tensor<2x1x1xf32>) {
  // forward 1, 3; backward 2, 3
  %x = nn.constant dense<[[[1.0]], [[2.0]]]> : tensor<2x1x1xf32>
  %w = nn.constant dense<1.0> : tensor<2x1x1xf32>
  %u = nn.constant dense<1.0> : tensor<2x1x1xf32>
  %r:2 = nn.recurrent rnn bidirectional %x weights %w recurrence %u {activations = ["relu", "relu"], alphas = array<f64: 0.0, 0.0>, betas = array<f64: 0.0, 0.0>}
      : (tensor<2x1x1xf32>, tensor<2x1x1xf32>, tensor<2x1x1xf32>) -> (tensor<2x2x1x1xf32>, tensor<2x1x1xf32>)
  return %r#0, %r#1 : tensor<2x2x1x1xf32>, tensor<2x1x1xf32>
}

// CHECK-LABEL: @rnn_projected
// CHECK: nn.constant dense<{{\[\[\[}}[3.000000e+00]], {{\[}}[1.000000e+01]]], {{\[\[}}[4.000000e+00]], {{\[}}[6.000000e+00]]]]>
func.func @rnn_projected() -> (tensor<2x2x1x1xf32>, tensor<2x1x1xf32>) {
  // without weights each direction takes its part of the input: bias 2; forward 1 + 2, 3 - 1 + 2; backward 4 + 2, 2 + 6 + 2
  %x = nn.constant dense<[[[1.0, 2.0]], [[-1.0, 4.0]]]> : tensor<2x1x2xf32>
  %u = nn.constant dense<1.0> : tensor<2x1x1xf32>
  %b = nn.constant dense<1.0> : tensor<2x2xf32>
  %r:2 = nn.recurrent rnn bidirectional %x recurrence %u bias %b {activations = ["relu", "relu"], alphas = array<f64: 0.0, 0.0>, betas = array<f64: 0.0, 0.0>}
      : (tensor<2x1x2xf32>, tensor<2x1x1xf32>, tensor<2x2xf32>) -> (tensor<2x2x1x1xf32>, tensor<2x1x1xf32>)
  return %r#0, %r#1 : tensor<2x2x1x1xf32>, tensor<2x1x1xf32>
}

// CHECK-LABEL: @gru
// CHECK: nn.constant dense<8.000000e+00>
// CHECK: nn.constant dense<8.000000e+00>
func.func @gru() -> (tensor<1x1x1x1xf32>, tensor<1x1x1xf32>) {
  // relu gates: z = 0, r = 4, candidate 2 * 2 + 1 * (4 * 1) = 8, h = 1 * 8 + 0 * 1
  %x = nn.constant dense<[[[2.0]]]> : tensor<1x1x1xf32>
  %w = nn.constant dense<[[[0.0], [1.0], [2.0]]]> : tensor<1x3x1xf32>
  %u = nn.constant dense<[[[0.0], [2.0], [1.0]]]> : tensor<1x3x1xf32>
  %h = nn.constant dense<[[[1.0]]]> : tensor<1x1x1xf32>
  %r:2 = nn.recurrent gru forward %x weights %w recurrence %u h %h {activations = ["relu", "relu"], alphas = array<f64: 0.0, 0.0>, betas = array<f64: 0.0, 0.0>}
      : (tensor<1x1x1xf32>, tensor<1x3x1xf32>, tensor<1x3x1xf32>, tensor<1x1x1xf32>) -> (tensor<1x1x1x1xf32>, tensor<1x1x1xf32>)
  return %r#0, %r#1 : tensor<1x1x1x1xf32>, tensor<1x1x1xf32>
}

// CHECK-LABEL: @gru_linear_before_reset
// CHECK: nn.constant dense<5.500000e+00>
// CHECK: nn.constant dense<5.500000e+00>
func.func @gru_linear_before_reset() -> (tensor<1x1x1x1xf32>, tensor<1x1x1xf32>) {
  %x = nn.constant dense<[[[2.0]]]> : tensor<1x1x1xf32>
  %w = nn.constant dense<[[[0.25], [1.0], [1.0]]]> : tensor<1x3x1xf32>
  %u = nn.constant dense<[[[0.0], [0.0], [3.0]]]> : tensor<1x3x1xf32>
  %b = nn.constant dense<[[0.0, 0.0, 0.0, 0.0, 0.0, 1.0]]> : tensor<1x6xf32>
  %h = nn.constant dense<[[[1.0]]]> : tensor<1x1x1xf32>
  // z = 0.5, r = 2, candidate 2 + 2 * (3 + 1) = 10, h = 0.5 * 10 + 0.5 * 1
  %r:2 = nn.recurrent gru forward %x weights %w recurrence %u bias %b h %h {activations = ["relu", "relu"], alphas = array<f64: 0.0, 0.0>, betas = array<f64: 0.0, 0.0>, linear_before_reset}
      : (tensor<1x1x1xf32>, tensor<1x3x1xf32>, tensor<1x3x1xf32>, tensor<1x6xf32>, tensor<1x1x1xf32>) -> (tensor<1x1x1x1xf32>, tensor<1x1x1xf32>)
  return %r#0, %r#1 : tensor<1x1x1x1xf32>, tensor<1x1x1xf32>
}

// CHECK-LABEL: @lstm
// CHECK: nn.constant dense<8.800000e+01>
// CHECK: nn.constant dense<8.800000e+01>
// CHECK: nn.constant dense<2.200000e+01>
func.func @lstm() -> (tensor<1x1x1x1xf32>, tensor<1x1x1xf32>, tensor<1x1x1xf32>) {
  // i = 2, o = 4, f = 6, candidate 8: c = 6 * 1 + 2 * 8 = 22, h = 4 * 22
  %x = nn.constant dense<[[[2.0]]]> : tensor<1x1x1xf32>
  %w = nn.constant dense<[[[1.0], [2.0], [3.0], [4.0]]]> : tensor<1x4x1xf32>
  %u = nn.constant dense<0.0> : tensor<1x4x1xf32>
  %c = nn.constant dense<[[[1.0]]]> : tensor<1x1x1xf32>
  %r:3 = nn.recurrent lstm forward %x weights %w recurrence %u c %c {activations = ["relu", "relu", "relu"], alphas = array<f64: 0.0, 0.0, 0.0>, betas = array<f64: 0.0, 0.0, 0.0>}
      : (tensor<1x1x1xf32>, tensor<1x4x1xf32>, tensor<1x4x1xf32>, tensor<1x1x1xf32>) -> (tensor<1x1x1x1xf32>, tensor<1x1x1xf32>, tensor<1x1x1xf32>)
  return %r#0, %r#1, %r#2 : tensor<1x1x1x1xf32>, tensor<1x1x1xf32>, tensor<1x1x1xf32>
}

// CHECK-LABEL: @lstm_peepholes
// CHECK: nn.constant dense<2.310000e+03>
// CHECK: nn.constant dense<2.310000e+03>
// CHECK: nn.constant dense<3.300000e+01>
func.func @lstm_peepholes() -> (tensor<1x1x1x1xf32>, tensor<1x1x1xf32>, tensor<1x1x1xf32>) {
  // peepholes on c = 1: i = 2 + 1, f = 6 + 3, c = 9 + 3 * 8 = 33; o = 4 + 2 * 33 = 70, h = 70 * 33
  %x = nn.constant dense<[[[2.0]]]> : tensor<1x1x1xf32>
  %w = nn.constant dense<[[[1.0], [2.0], [3.0], [4.0]]]> : tensor<1x4x1xf32>
  %u = nn.constant dense<0.0> : tensor<1x4x1xf32>
  %c = nn.constant dense<[[[1.0]]]> : tensor<1x1x1xf32>
  %p = nn.constant dense<[[1.0, 2.0, 3.0]]> : tensor<1x3xf32>
  %r:3 = nn.recurrent lstm forward %x weights %w recurrence %u c %c peepholes %p {activations = ["relu", "relu", "relu"], alphas = array<f64: 0.0, 0.0, 0.0>, betas = array<f64: 0.0, 0.0, 0.0>}
      : (tensor<1x1x1xf32>, tensor<1x4x1xf32>, tensor<1x4x1xf32>, tensor<1x1x1xf32>, tensor<1x3xf32>) -> (tensor<1x1x1x1xf32>, tensor<1x1x1xf32>, tensor<1x1x1xf32>)
  return %r#0, %r#1, %r#2 : tensor<1x1x1x1xf32>, tensor<1x1x1xf32>, tensor<1x1x1xf32>
}

// CHECK-LABEL: @lstm_clip_input_forget
// CHECK: nn.constant dense<1.500000e+01>
// CHECK: nn.constant dense<1.500000e+01>
// CHECK: nn.constant dense<5.000000e+00>
func.func @lstm_clip_input_forget() -> (tensor<1x1x1x1xf32>, tensor<1x1x1xf32>, tensor<1x1x1xf32>) {
  // clip 3: i = 2, o = 3, f = 1 - i = -1, candidate 3: c = -1 + 6 = 5, h = 15
  %x = nn.constant dense<[[[2.0]]]> : tensor<1x1x1xf32>
  %w = nn.constant dense<[[[1.0], [2.0], [3.0], [4.0]]]> : tensor<1x4x1xf32>
  %u = nn.constant dense<0.0> : tensor<1x4x1xf32>
  %c = nn.constant dense<[[[1.0]]]> : tensor<1x1x1xf32>
  %r:3 = nn.recurrent lstm forward %x weights %w recurrence %u c %c {activations = ["relu", "relu", "relu"], alphas = array<f64: 0.0, 0.0, 0.0>, betas = array<f64: 0.0, 0.0, 0.0>, clip = 3.0 : f64, input_forget}
      : (tensor<1x1x1xf32>, tensor<1x4x1xf32>, tensor<1x4x1xf32>, tensor<1x1x1xf32>) -> (tensor<1x1x1x1xf32>, tensor<1x1x1xf32>, tensor<1x1x1xf32>)
  return %r#0, %r#1, %r#2 : tensor<1x1x1x1xf32>, tensor<1x1x1xf32>, tensor<1x1x1xf32>
}
