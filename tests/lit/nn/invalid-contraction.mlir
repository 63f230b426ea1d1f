// RUN: lathe-opt %s --split-input-file --verify-diagnostics

// One case per numbered constraint (NNOps.td, NNShapeOps.td).

// matmul C1
func.func @case(%a: tensor<3xf32>, %b: tensor<3x2xf32>) {
  // expected-error @+2 {{nn.matmul C1: expects ranks to be at least 2, got 1 and 2}}
  // expected-error @+1 {{'nn.matmul' op failed to infer returned types}}
  %r = nn.matmul %a, %b : (tensor<3xf32>, tensor<3x2xf32>) -> tensor<2xf32>
  return
}

// -----

// matmul C2
func.func @case(%a: tensor<2x3xf32>, %b: tensor<2x3xf32>) {
  // expected-error @+2 {{nn.matmul C2: expects rhs to have K = 3, got 2}}
  // expected-error @+1 {{'nn.matmul' op failed to infer returned types}}
  %r = nn.matmul %a, %b : (tensor<2x3xf32>, tensor<2x3xf32>) -> tensor<2x3xf32>
  return
}

// -----

// matmul C3
func.func @case(%a: tensor<4x2x3xf32>, %b: tensor<5x3x2xf32>) {
  // expected-error @+2 {{nn.matmul C3: expects batch axes to broadcast}}
  // expected-error @+1 {{'nn.matmul' op failed to infer returned types}}
  %r = nn.matmul %a, %b : (tensor<4x2x3xf32>, tensor<5x3x2xf32>) -> tensor<4x2x2xf32>
  return
}

// -----

// matmul C4
func.func @case(%a: tensor<2x3xf32>, %b: tensor<3x2xf64>) {
  // expected-error @+2 {{nn.matmul C4: expects equal element types, got 'f32' and 'f64'}}
  // expected-error @+1 {{'nn.matmul' op failed to infer returned types}}
  %r = nn.matmul %a, %b : (tensor<2x3xf32>, tensor<3x2xf64>) -> tensor<2x2xf32>
  return
}

// -----

// conv C1
func.func @case(%a: tensor<1x4x5x5xf32>, %b: tensor<6x4x3xf32>) {
  // expected-error @+2 {{nn.conv C1: expects equal ranks of 3 or more, got 4 and 3}}
  // expected-error @+1 {{'nn.conv' op failed to infer returned types}}
  %r = nn.conv %a, %b {strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>, group = 1 : i64} : (tensor<1x4x5x5xf32>, tensor<6x4x3xf32>) -> tensor<1x6x3x3xf32>
  return
}

// -----

// conv C2
func.func @case(%a: tensor<1x4x5x5xf32>, %b: tensor<6x4x3x3xf32>) {
  // expected-error @+2 {{nn.conv C2: expects pads to have 4 entries, got 2}}
  // expected-error @+1 {{'nn.conv' op failed to infer returned types}}
  %r = nn.conv %a, %b {strides = array<i64: 1, 1>, pads = array<i64: 0, 0>, dilations = array<i64: 1, 1>, group = 1 : i64} : (tensor<1x4x5x5xf32>, tensor<6x4x3x3xf32>) -> tensor<1x6x3x3xf32>
  return
}

// -----

// conv C3: channels
func.func @case(%a: tensor<1x4x5x5xf32>, %b: tensor<6x3x3x3xf32>) {
  // expected-error @+2 {{nn.conv C3: expects input channels to be 3, got 4}}
  // expected-error @+1 {{'nn.conv' op failed to infer returned types}}
  %r = nn.conv %a, %b {strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>, group = 1 : i64} : (tensor<1x4x5x5xf32>, tensor<6x3x3x3xf32>) -> tensor<1x6x3x3xf32>
  return
}

// -----

// conv C3: group
func.func @case(%a: tensor<1x4x5x5xf32>, %b: tensor<6x4x3x3xf32>) {
  // expected-error @+2 {{nn.conv C3: expects group to be positive, got 0}}
  // expected-error @+1 {{'nn.conv' op failed to infer returned types}}
  %r = nn.conv %a, %b {strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>, group = 0 : i64} : (tensor<1x4x5x5xf32>, tensor<6x4x3x3xf32>) -> tensor<1x6x3x3xf32>
  return
}

// -----

// conv C4
func.func @case(%a: tensor<1x4x5x5xf32>, %b: tensor<5x2x3x3xf32>) {
  // expected-error @+2 {{nn.conv C4: expects filter's first axis to be a multiple of 2, got 5}}
  // expected-error @+1 {{'nn.conv' op failed to infer returned types}}
  %r = nn.conv %a, %b {strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>, group = 2 : i64} : (tensor<1x4x5x5xf32>, tensor<5x2x3x3xf32>) -> tensor<1x6x3x3xf32>
  return
}

// -----

// conv C5
func.func @case(%a: tensor<1x4x5x5xf32>, %b: tensor<6x4x3x3xf32>, %c: tensor<5xf32>) {
  // expected-error @+2 {{nn.conv C5: expects bias to have one entry per output channel, got 'tensor<5xf32>'}}
  // expected-error @+1 {{'nn.conv' op failed to infer returned types}}
  %r = nn.conv %a, %b bias %c {strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>, group = 1 : i64} : (tensor<1x4x5x5xf32>, tensor<6x4x3x3xf32>, tensor<5xf32>) -> tensor<1x6x3x3xf32>
  return
}

// -----

// conv C6
func.func @case(%a: tensor<1x4x5x5xf32>, %b: tensor<6x4x3x3xf32>) {
  // expected-error @+2 {{nn.conv C6: expects strides and dilations to be positive}}
  // expected-error @+1 {{'nn.conv' op failed to infer returned types}}
  %r = nn.conv %a, %b {strides = array<i64: 0, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>, group = 1 : i64} : (tensor<1x4x5x5xf32>, tensor<6x4x3x3xf32>) -> tensor<1x6x3x3xf32>
  return
}

// -----

// conv C7
func.func @case(%a: tensor<1x4x5x5xf32>, %b: tensor<6x4x?x3xf32, affine_map<()[s0] -> (6, 4, s0, 3)>>) {
  // expected-error @+2 {{nn.conv C7: expects kernel sizes to be static}}
  // expected-error @+1 {{'nn.conv' op failed to infer returned types}}
  %r = nn.conv %a, %b {strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>, group = 1 : i64} : (tensor<1x4x5x5xf32>, tensor<6x4x?x3xf32, affine_map<()[s0] -> (6, 4, s0, 3)>>) -> tensor<1x6x3x3xf32>
  return
}

// -----

// conv C8
func.func @case(%a: tensor<1x4x5x5xf32>, %b: tensor<6x4x6x3xf32>) {
  // expected-error @+2 {{nn.conv C8: expects the window to fit into the padded input on spatial axis 0}}
  // expected-error @+1 {{'nn.conv' op failed to infer returned types}}
  %r = nn.conv %a, %b {strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>, group = 1 : i64} : (tensor<1x4x5x5xf32>, tensor<6x4x6x3xf32>) -> tensor<1x6x3x3xf32>
  return
}

// -----

// conv C9
func.func @case(%a: tensor<1x4x5x5xf32>, %b: tensor<6x4x3x3xf16>) {
  // expected-error @+2 {{nn.conv C9: expects equal element types, got 'f32' and 'f16'}}
  // expected-error @+1 {{'nn.conv' op failed to infer returned types}}
  %r = nn.conv %a, %b {strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>, group = 1 : i64} : (tensor<1x4x5x5xf32>, tensor<6x4x3x3xf16>) -> tensor<1x6x3x3xf32>
  return
}

// -----

// conv_transpose C1: result
func.func @case(%a: tensor<1x4x5x5xf32>, %b: tensor<4x6x3x3xf32>) {
  // expected-error @+1 {{'nn.conv_transpose' op C1: expects equal ranks of 3 or more, got 4 and 3}}
  %r = nn.conv_transpose %a, %b {strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>, group = 1 : i64} : (tensor<1x4x5x5xf32>, tensor<4x6x3x3xf32>) -> tensor<1x6x7xf32>
  return
}

// -----

// conv_transpose C1: filter
func.func @case(%a: tensor<1x4x5x5xf32>, %b: tensor<4x6x3xf32>) {
  // expected-error @+1 {{'nn.conv_transpose' op C1: expects a filter of rank 4, got 3}}
  %r = nn.conv_transpose %a, %b {strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>, group = 1 : i64} : (tensor<1x4x5x5xf32>, tensor<4x6x3xf32>) -> tensor<1x6x7x7xf32>
  return
}

// -----

// conv_transpose C2
func.func @case(%a: tensor<1x4x5x5xf32>, %b: tensor<4x6x3x3xf32>) {
  // expected-error @+1 {{nn.conv_transpose C2: expects strides to have 2 entries, got 1}}
  %r = nn.conv_transpose %a, %b {strides = array<i64: 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>, group = 1 : i64} : (tensor<1x4x5x5xf32>, tensor<4x6x3x3xf32>) -> tensor<1x6x7x7xf32>
  return
}

// -----

// conv_transpose C3
func.func @case(%a: tensor<1x4x5x5xf32>, %b: tensor<3x6x3x3xf32>) {
  // expected-error @+1 {{'nn.conv_transpose' op C3: expects input channels to be the filter's first axis, a multiple of group 1}}
  %r = nn.conv_transpose %a, %b {strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>, group = 1 : i64} : (tensor<1x4x5x5xf32>, tensor<3x6x3x3xf32>) -> tensor<1x6x7x7xf32>
  return
}

// -----

// conv_transpose C4
func.func @case(%a: tensor<1x4x5x5xf32>, %b: tensor<4x6x3x3xf16>) {
  // expected-error @+1 {{'nn.conv_transpose' op C4: expects one element type}}
  %r = nn.conv_transpose %a, %b {strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>, group = 1 : i64} : (tensor<1x4x5x5xf32>, tensor<4x6x3x3xf16>) -> tensor<1x6x7x7xf32>
  return
}

// -----

// conv_transpose C5
func.func @case(%a: tensor<1x4x5x5xf32>, %b: tensor<4x6x?x3xf32, affine_map<()[s0] -> (4, 6, s0, 3)>>) {
  // expected-error @+1 {{'nn.conv_transpose' op C5: expects kernel sizes to be static}}
  %r = nn.conv_transpose %a, %b {strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>, group = 1 : i64} : (tensor<1x4x5x5xf32>, tensor<4x6x?x3xf32, affine_map<()[s0] -> (4, 6, s0, 3)>>) -> tensor<1x6x7x7xf32>
  return
}

// -----

// conv_transpose C6
func.func @case(%a: tensor<1x4x5x5xf32>, %b: tensor<4x6x3x3xf32>) {
  // expected-error @+1 {{'nn.conv_transpose' op C6: expects the result to have 6 channels, got 5}}
  %r = nn.conv_transpose %a, %b {strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>, group = 1 : i64} : (tensor<1x4x5x5xf32>, tensor<4x6x3x3xf32>) -> tensor<1x5x7x7xf32>
  return
}

// -----

// conv_transpose C7
func.func @case(%a: tensor<1x4x5x5xf32>, %b: tensor<4x6x3x3xf32>, %c: tensor<5xf32>) {
  // expected-error @+1 {{'nn.conv_transpose' op C7: expects bias to have one entry per output channel, got 'tensor<5xf32>'}}
  %r = nn.conv_transpose %a, %b bias %c {strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>, group = 1 : i64} : (tensor<1x4x5x5xf32>, tensor<4x6x3x3xf32>, tensor<5xf32>) -> tensor<1x6x7x7xf32>
  return
}

// -----

// pool C1
func.func @case(%a: tensor<1x4x5x5xf32>) {
  // expected-error @+1 {{nn.pool C1: expects kernel to have 2 entries, got 1}}
  %r = nn.pool pool_max %a {kernel = array<i64: 2>, strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>} : (tensor<1x4x5x5xf32>) -> tensor<1x4x4x4xf32>
  return
}

// -----

// pool C2
func.func @case(%a: tensor<1x4x5x5xf32>) {
  // expected-error @+1 {{nn.pool C2: expects kernel sizes to be positive}}
  %r = nn.pool pool_max %a {kernel = array<i64: 2, 0>, strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>} : (tensor<1x4x5x5xf32>) -> tensor<1x4x4x4xf32>
  return
}

// -----

// pool C3
func.func @case(%a: tensor<1x4x5x5xf32>) {
  // expected-error @+1 {{'nn.pool' op C3: expects batch and channels to pass through}}
  %r = nn.pool pool_max %a {kernel = array<i64: 2, 2>, strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>} : (tensor<1x4x5x5xf32>) -> tensor<1x5x4x4xf32>
  return
}

// -----

// pool C4
func.func @case(%a: tensor<1x4x5x5xi8>) {
  // expected-error @+1 {{'nn.pool' op C4: expects a floating-point element type, got 'i8'}}
  %r = nn.pool pool_average %a {kernel = array<i64: 2, 2>, strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>} : (tensor<1x4x5x5xi8>) -> tensor<1x4x4x4xi8>
  return
}

// -----

// max_pool_indices C1
func.func @case(%a: tensor<1x4x5x5xf32>) {
  // expected-error @+1 {{nn.max_pool_indices C1: expects strides to have 2 entries, got 1}}
  %r = nn.max_pool_indices %a {kernel = array<i64: 2, 2>, strides = array<i64: 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>} : (tensor<1x4x5x5xf32>) -> tensor<1x4x4x4xi64>
  return
}

// -----

// max_pool_indices C2
func.func @case(%a: tensor<1x4x5x5xf32>) {
  // expected-error @+1 {{nn.max_pool_indices C2: expects strides and dilations to be positive}}
  %r = nn.max_pool_indices %a {kernel = array<i64: 2, 2>, strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 0, 1>} : (tensor<1x4x5x5xf32>) -> tensor<1x4x4x4xi64>
  return
}

// -----

// max_pool_indices C3
func.func @case(%a: tensor<1x4x5x5xf32>) {
  // expected-error @+1 {{'nn.max_pool_indices' op C3: expects batch and channels to pass through}}
  %r = nn.max_pool_indices %a {kernel = array<i64: 2, 2>, strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>} : (tensor<1x4x5x5xf32>) -> tensor<2x4x4x4xi64>
  return
}

// -----

// max_pool_indices C4
func.func @case(%a: tensor<1x4x5x5xf32>) {
  // expected-error @+1 {{'nn.max_pool_indices' op C4: expects an i64 result, got 'i32'}}
  %r = nn.max_pool_indices %a {kernel = array<i64: 2, 2>, strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>} : (tensor<1x4x5x5xf32>) -> tensor<1x4x4x4xi32>
  return
}

// -----

// attention C1
func.func @case(%a: tensor<2x3x4xf32>, %b: tensor<1x2x3x4xf32>, %c: tensor<1x2x3x4xf32>) {
  // expected-error @+2 {{nn.attention C1: expects rank 4, got 'tensor<2x3x4xf32>'}}
  // expected-error @+1 {{'nn.attention' op failed to infer returned types}}
  %r = nn.attention %a, %b, %c {scale = 0.5 : f64} : (tensor<2x3x4xf32>, tensor<1x2x3x4xf32>, tensor<1x2x3x4xf32>) -> tensor<1x2x3x4xf32>
  return
}

// -----

// attention C2
func.func @case(%a: tensor<1x2x3x4xf32>, %b: tensor<1x2x3x5xf32>, %c: tensor<1x2x3x4xf32>) {
  // expected-error @+2 {{nn.attention C2: expects [B, H, S, D], [B, G, T, D] and [B, G, T, Dv], H a multiple of G}}
  // expected-error @+1 {{'nn.attention' op failed to infer returned types}}
  %r = nn.attention %a, %b, %c {scale = 0.5 : f64} : (tensor<1x2x3x4xf32>, tensor<1x2x3x5xf32>, tensor<1x2x3x4xf32>) -> tensor<1x2x3x4xf32>
  return
}

// -----

// attention C2, shared heads
func.func @case(%a: tensor<1x3x3x4xf32>, %b: tensor<1x2x3x4xf32>, %c: tensor<1x2x3x4xf32>) {
  // expected-error @+2 {{nn.attention C2: expects [B, H, S, D], [B, G, T, D] and [B, G, T, Dv], H a multiple of G}}
  // expected-error @+1 {{'nn.attention' op failed to infer returned types}}
  %r = nn.attention %a, %b, %c {scale = 0.5 : f64} : (tensor<1x3x3x4xf32>, tensor<1x2x3x4xf32>, tensor<1x2x3x4xf32>) -> tensor<1x3x3x4xf32>
  return
}

// -----

// attention C3
func.func @case(%a: tensor<1x2x3x4xf32>, %b: tensor<1x2x3x4xf16>, %c: tensor<1x2x3x4xf32>) {
  // expected-error @+2 {{nn.attention C3: expects equal element types, got 'f32' and 'f16'}}
  // expected-error @+1 {{'nn.attention' op failed to infer returned types}}
  %r = nn.attention %a, %b, %c {scale = 0.5 : f64} : (tensor<1x2x3x4xf32>, tensor<1x2x3x4xf16>, tensor<1x2x3x4xf32>) -> tensor<1x2x3x4xf32>
  return
}

// -----

// attention C4
func.func @case(%a: tensor<1x2x3x4xf32>, %b: tensor<1x2x3x4xf32>, %c: tensor<1x2x3x4xf32>, %d: tensor<3x4xf32>) {
  // expected-error @+2 {{nn.attention C4: expects mask to broadcast to [B, H, S, T], got 'tensor<3x4xf32>'}}
  // expected-error @+1 {{'nn.attention' op failed to infer returned types}}
  %r = nn.attention %a, %b, %c, %d {scale = 0.5 : f64} : (tensor<1x2x3x4xf32>, tensor<1x2x3x4xf32>, tensor<1x2x3x4xf32>, tensor<3x4xf32>) -> tensor<1x2x3x4xf32>
  return
}

// -----

// attention C5
func.func @case(%a: tensor<1x2x3x4xf32>) {
  // expected-error @+2 {{nn.attention C5: expects a finite cap of at least 0, got -5.000000e-01}}
  // expected-error @+1 {{'nn.attention' op failed to infer returned types}}
  %r = nn.attention %a, %a, %a {scale = 0.5 : f64, cap = -0.5 : f64} : (tensor<1x2x3x4xf32>, tensor<1x2x3x4xf32>, tensor<1x2x3x4xf32>) -> tensor<1x2x3x4xf32>
  return
}

// -----

// recurrent C1
func.func @case(%a: tensor<5x1x3xf32>, %b: tensor<1x2x4xf32>, %c: tensor<1x2x2xf32>) {
  // expected-error @+2 {{nn.recurrent C1: expects weights to have shape [1, 2, 3], got 'tensor<1x2x4xf32>'}}
  // expected-error @+1 {{'nn.recurrent' op failed to infer returned types}}
  %r:2 = nn.recurrent rnn forward %a weights %b recurrence %c {activations = ["tanh"], alphas = array<f64: 0.0>, betas = array<f64: 0.0>} : (tensor<5x1x3xf32>, tensor<1x2x4xf32>, tensor<1x2x2xf32>) -> (tensor<5x1x1x2xf32>, tensor<1x1x2xf32>)
  return
}

// -----

// recurrent C1: the product with both directions' weights
func.func @case(%a: tensor<5x1x2xf32>, %b: tensor<2x2x2xf32>) {
  // expected-error @+2 {{nn.recurrent C1: expects input to have shape [5, 1, 4], got 'tensor<5x1x2xf32>'}}
  // expected-error @+1 {{'nn.recurrent' op failed to infer returned types}}
  %r:2 = nn.recurrent rnn bidirectional %a recurrence %b {activations = ["tanh", "tanh"], alphas = array<f64: 0.0, 0.0>, betas = array<f64: 0.0, 0.0>} : (tensor<5x1x2xf32>, tensor<2x2x2xf32>) -> (tensor<5x2x1x2xf32>, tensor<2x1x2xf32>)
  return
}

// -----

// recurrent C4: integers have scales
func.func @case(%a: tensor<5x1x2xf32>, %b: tensor<1x2x2xi8>) {
  // expected-error @+2 {{nn.recurrent C4: expects element type 'f32', got 'i8'}}
  // expected-error @+1 {{'nn.recurrent' op failed to infer returned types}}
  %r:2 = nn.recurrent rnn forward %a recurrence %b {activations = ["tanh"], alphas = array<f64: 0.0>, betas = array<f64: 0.0>} : (tensor<5x1x2xf32>, tensor<1x2x2xi8>) -> (tensor<5x1x1x2xf32>, tensor<1x1x2xf32>)
  return
}

// -----

// recurrent C4: scales have integers
func.func @case(%a: tensor<5x1x2xf32>, %b: tensor<1x2x2xf32>, %s: tensor<1x2xf32>) {
  // expected-error @+2 {{nn.recurrent C4: expects a recurrence of i8 and an input of f32 with recurrence_scale, got 'f32' and 'f32'}}
  // expected-error @+1 {{'nn.recurrent' op failed to infer returned types}}
  %r:2 = nn.recurrent rnn forward %a recurrence %b scale %s {activations = ["tanh"], alphas = array<f64: 0.0>, betas = array<f64: 0.0>} : (tensor<5x1x2xf32>, tensor<1x2x2xf32>, tensor<1x2xf32>) -> (tensor<5x1x1x2xf32>, tensor<1x1x2xf32>)
  return
}

// -----

// recurrent C2
func.func @case(%a: tensor<5x1x3xf32>, %b: tensor<1x2x3xf32>, %c: tensor<1x2x2xf32>) {
  // expected-error @+2 {{nn.recurrent C2: expects 1 activations, got 2}}
  // expected-error @+1 {{'nn.recurrent' op failed to infer returned types}}
  %r:2 = nn.recurrent rnn forward %a weights %b recurrence %c {activations = ["tanh", "tanh"], alphas = array<f64: 0.0, 0.0>, betas = array<f64: 0.0, 0.0>} : (tensor<5x1x3xf32>, tensor<1x2x3xf32>, tensor<1x2x2xf32>) -> (tensor<5x1x1x2xf32>, tensor<1x1x2xf32>)
  return
}

// -----

// recurrent C3
func.func @case(%a: tensor<5x1x3xf32>, %b: tensor<1x2x3xf32>, %c: tensor<1x2x2xf32>) {
  // expected-error @+2 {{nn.recurrent C3: expects a unary kind or affine as activation, got}}
  // expected-error @+1 {{'nn.recurrent' op failed to infer returned types}}
  %r:2 = nn.recurrent rnn forward %a weights %b recurrence %c {activations = ["wobble"], alphas = array<f64: 0.0>, betas = array<f64: 0.0>} : (tensor<5x1x3xf32>, tensor<1x2x3xf32>, tensor<1x2x2xf32>) -> (tensor<5x1x1x2xf32>, tensor<1x1x2xf32>)
  return
}

// -----

// recurrent C4
func.func @case(%a: tensor<5x1x3xf32>, %b: tensor<1x2x3xf16>, %c: tensor<1x2x2xf32>) {
  // expected-error @+2 {{nn.recurrent C4: expects element type 'f32', got 'f16'}}
  // expected-error @+1 {{'nn.recurrent' op failed to infer returned types}}
  %r:2 = nn.recurrent rnn forward %a weights %b recurrence %c {activations = ["tanh"], alphas = array<f64: 0.0>, betas = array<f64: 0.0>} : (tensor<5x1x3xf32>, tensor<1x2x3xf16>, tensor<1x2x2xf32>) -> (tensor<5x1x1x2xf32>, tensor<1x1x2xf32>)
  return
}

// -----

// resize C1
func.func @case(%a: tensor<2x3xf32>) {
  // expected-error @+1 {{'nn.resize' op C1: expects equal ranks of 1 or more, got 2 and 1}}
  %r = nn.resize linear half_pixel round_prefer_floor %a {scales = array<f64: 1.0, 1.0>, roi = array<f64>} : (tensor<2x3xf32>) -> tensor<6xf32>
  return
}

// -----

// resize C2
func.func @case(%a: tensor<2x3xf32>) {
  // expected-error @+1 {{'nn.resize' op C2: expects 2 scales, got 1}}
  %r = nn.resize linear half_pixel round_prefer_floor %a {scales = array<f64: 1.0>, roi = array<f64>} : (tensor<2x3xf32>) -> tensor<2x6xf32>
  return
}

// -----

// resize C3: length
func.func @case(%a: tensor<2x3xf32>) {
  // expected-error @+1 {{'nn.resize' op C3: expects roi to be empty or to have 4 entries, got 1}}
  %r = nn.resize linear half_pixel round_prefer_floor %a {scales = array<f64: 1.0, 2.0>, roi = array<f64: 0.0>} : (tensor<2x3xf32>) -> tensor<2x6xf32>
  return
}

// -----

// resize C3: needed
func.func @case(%a: tensor<2x3xf32>) {
  // expected-error @+1 {{'nn.resize' op C3: expects roi with tf_crop_and_resize}}
  %r = nn.resize linear tf_crop_and_resize round_prefer_floor %a {scales = array<f64: 1.0, 2.0>, roi = array<f64>} : (tensor<2x3xf32>) -> tensor<2x6xf32>
  return
}

// -----

// resize C4
func.func @case(%a: tensor<2x3xi1>) {
  // expected-error @+1 {{'nn.resize' op C4: expects one element type of numbers, got 'i1' and 'f32'}}
  %r = nn.resize linear half_pixel round_prefer_floor %a {scales = array<f64: 1.0, 2.0>, roi = array<f64>} : (tensor<2x3xi1>) -> tensor<2x6xf32>
  return
}
