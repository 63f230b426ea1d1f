// RUN: lathe-opt %s --lathe-hoist-input-projection --split-input-file | FileCheck %s

// [5, 2, 3] x [2 * 4 * 6, 3] transposed: all steps and both directions in one product

// CHECK-LABEL: @both_directions
// CHECK-SAME: (%[[X:.*]]: tensor<5x2x3xf32>, %[[W:.*]]: tensor<2x24x3xf32>, %[[R:.*]]: tensor<2x24x6xf32>
// CHECK: %[[M:.*]] = nn.reshape %[[W]] {{.*}} -> tensor<48x3xf32>
// CHECK: %[[P:.*]] = nn.matmul %[[X]], %[[M]] {{.*}}trans_rhs{{.*}} -> tensor<5x2x48xf32>
// CHECK: nn.recurrent lstm bidirectional %[[P]] recurrence %[[R]] bias
func.func @both_directions(%x: tensor<5x2x3xf32>, %w: tensor<2x24x3xf32>, %r: tensor<2x24x6xf32>, %b: tensor<2x48xf32>)
    -> tensor<5x2x2x6xf32> {
  %0:3 = nn.recurrent lstm bidirectional %x weights %w recurrence %r bias %b {activations = ["sigmoid", "tanh", "tanh", "sigmoid", "tanh", "tanh"],
      alphas = array<f64: 0.0, 0.0, 0.0, 0.0, 0.0, 0.0>, betas = array<f64: 0.0, 0.0, 0.0, 0.0, 0.0, 0.0>}
      : (tensor<5x2x3xf32>, tensor<2x24x3xf32>, tensor<2x24x6xf32>, tensor<2x48xf32>) -> (tensor<5x2x2x6xf32>, tensor<2x2x6xf32>, tensor<2x2x6xf32>)
  return %0#0 : tensor<5x2x2x6xf32>
}

// -----

// The intermediate result would be rounded to f16.

// CHECK-LABEL: @half
// CHECK: nn.recurrent rnn forward %{{.*}} weights
func.func @half(%x: tensor<5x2x3xf16>, %w: tensor<1x6x3xf16>, %r: tensor<1x6x6xf16>) -> tensor<5x1x2x6xf16> {
  %0:2 = nn.recurrent rnn forward %x weights %w recurrence %r {activations = ["tanh"], alphas = array<f64: 0.0>, betas = array<f64: 0.0>}
      : (tensor<5x2x3xf16>, tensor<1x6x3xf16>, tensor<1x6x6xf16>) -> (tensor<5x1x2x6xf16>, tensor<1x2x6xf16>)
  return %0#0 : tensor<5x1x2x6xf16>
}

// -----

// Nothing is left to do.

// CHECK-LABEL: @projected
// CHECK-NOT: nn.matmul
// CHECK: nn.recurrent rnn forward %{{.*}} recurrence
func.func @projected(%x: tensor<5x2x6xf32>, %r: tensor<1x6x6xf32>) -> tensor<5x1x2x6xf32> {
  %0:2 = nn.recurrent rnn forward %x recurrence %r {activations = ["tanh"], alphas = array<f64: 0.0>, betas = array<f64: 0.0>}
      : (tensor<5x2x6xf32>, tensor<1x6x6xf32>) -> (tensor<5x1x2x6xf32>, tensor<1x2x6xf32>)
  return %0#0 : tensor<5x1x2x6xf32>
}
