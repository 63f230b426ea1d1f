// RUN: lathe-opt %s --split-input-file --verify-diagnostics

// One case per numbered constraint (NNOps.td, NNShapeOps.td).

// reshape C1
func.func @case(%a: tensor<2x3xf32>) {
  // expected-error @+1 {{'nn.reshape' op C1: expects equal element types, got 'f32' and 'f16'}}
  %r = nn.reshape %a : (tensor<2x3xf32>) -> tensor<6xf16>
  return
}

// -----

// reshape C2
func.func @case(%a: tensor<2x3xf32>) {
  // expected-error @+1 {{'nn.reshape' op C2: expects 6 elements, got 7}}
  %r = nn.reshape %a : (tensor<2x3xf32>) -> tensor<7xf32>
  return
}

// -----

// transpose C1: axis twice
func.func @case(%a: tensor<2x3xf32>) {
  // expected-error @+2 {{nn.transpose C1: expects a permutation of 2 axes, got 1 out of range or twice}}
  // expected-error @+1 {{'nn.transpose' op failed to infer returned types}}
  %r = nn.transpose %a {permutation = array<i64: 1, 1>} : (tensor<2x3xf32>) -> tensor<3x3xf32>
  return
}

// -----

// transpose C1: too short
func.func @case(%a: tensor<2x3xf32>) {
  // expected-error @+2 {{nn.transpose C1: expects a permutation of 2 axes, got 1}}
  // expected-error @+1 {{'nn.transpose' op failed to infer returned types}}
  %r = nn.transpose %a {permutation = array<i64: 1>} : (tensor<2x3xf32>) -> tensor<3xf32>
  return
}

// -----

// broadcast C1
func.func @case(%a: tensor<2x3xf32>) {
  // expected-error @+1 {{'nn.broadcast' op C1: expects the input to broadcast to 'tensor<4x3xf32>', got 'tensor<2x3xf32>'}}
  %r = nn.broadcast %a : (tensor<2x3xf32>) -> tensor<4x3xf32>
  return
}

// -----

// broadcast C2
func.func @case(%a: tensor<2x3xf32>) {
  // expected-error @+1 {{'nn.broadcast' op C2: expects equal element types}}
  %r = nn.broadcast %a : (tensor<2x3xf32>) -> tensor<2x3xf16>
  return
}

// -----

// tile C1
func.func @case(%a: tensor<2x3xf32>) {
  // expected-error @+1 {{'nn.tile' op C1: expects equal ranks, got 2 and 1}}
  %r = nn.tile %a : (tensor<2x3xf32>) -> tensor<6xf32>
  return
}

// -----

// slice C1: starts
func.func @case(%a: tensor<2x3xf32>) {
  // expected-error @+1 {{'nn.slice' op C1: expects starts to have 2 results, got 1}}
  %r = nn.slice %a {starts = affine_map<() -> (0)>, steps = array<i64: 1, 1>} : (tensor<2x3xf32>) -> tensor<1x3xf32>
  return
}

// -----

// slice C1: steps
func.func @case(%a: tensor<2x3xf32>) {
  // expected-error @+1 {{'nn.slice' op C1: expects 2 steps, got 1}}
  %r = nn.slice %a {starts = affine_map<() -> (0, 0)>, steps = array<i64: 1>} : (tensor<2x3xf32>) -> tensor<1x3xf32>
  return
}

// -----

// slice C1: step 0
func.func @case(%a: tensor<2x3xf32>) {
  // expected-error @+1 {{'nn.slice' op C1: expects steps not to be 0}}
  %r = nn.slice %a {starts = affine_map<() -> (0, 0)>, steps = array<i64: 0, 1>} : (tensor<2x3xf32>) -> tensor<1x3xf32>
  return
}

// -----

// slice C2
func.func @case(%a: tensor<2x3xf32>) {
  // expected-error @+1 {{'nn.slice' op C2: expects equal ranks, got 2 and 1}}
  %r = nn.slice %a {starts = affine_map<() -> (0, 0)>, steps = array<i64: 1, 1>} : (tensor<2x3xf32>) -> tensor<3xf32>
  return
}

// -----

// slice C3
func.func @case(%a: tensor<2x3xf32>) {
  // expected-error @+1 {{'nn.slice' op C3: expects elements read on axis 1 to be in [0, 3), got 1 to 3}}
  %r = nn.slice %a {starts = affine_map<() -> (0, 1)>, steps = array<i64: 1, 1>} : (tensor<2x3xf32>) -> tensor<2x3xf32>
  return
}

// -----

// concat C1
func.func @case(%a: tensor<1xf32>) {
  // expected-error @+2 {{nn.concat C1: expects at least one input}}
  // expected-error @+1 {{'nn.concat' op failed to infer returned types}}
  %r = nn.concat {axis = 0 : i64} : () -> tensor<0xf32>
  return
}

// -----

// concat C2: other axis
func.func @case(%a: tensor<2x3xf32>, %b: tensor<2x4xf32>) {
  // expected-error @+2 {{nn.concat C2: expects equal ranks and equal sizes but on axis 0, got 'tensor<2x4xf32>'}}
  // expected-error @+1 {{'nn.concat' op failed to infer returned types}}
  %r = nn.concat %a, %b {axis = 0 : i64} : (tensor<2x3xf32>, tensor<2x4xf32>) -> tensor<4x3xf32>
  return
}

// -----

// concat C2: element type
func.func @case(%a: tensor<2x3xf32>, %b: tensor<2x3xf16>) {
  // expected-error @+2 {{nn.concat C2: expects equal element types, got 'f32' and 'f16'}}
  // expected-error @+1 {{'nn.concat' op failed to infer returned types}}
  %r = nn.concat %a, %b {axis = 0 : i64} : (tensor<2x3xf32>, tensor<2x3xf16>) -> tensor<4x3xf32>
  return
}

// -----

// concat C3
func.func @case(%a: tensor<2x3xf32>) {
  // expected-error @+2 {{nn.concat C3: expects axis to be in [0, 2), got 2}}
  // expected-error @+1 {{'nn.concat' op failed to infer returned types}}
  %r = nn.concat %a {axis = 2 : i64} : (tensor<2x3xf32>) -> tensor<2x3xf32>
  return
}

// -----

// pad C1
func.func @case(%a: tensor<2x3xf32>) {
  // expected-error @+1 {{'nn.pad' op C1: expects low to have 2 results, got 1}}
  %r = nn.pad edge %a {low = affine_map<() -> (1)>} : (tensor<2x3xf32>) -> tensor<3x3xf32>
  return
}

// -----

// pad C2
func.func @case(%a: tensor<2x3xf32>) {
  // expected-error @+1 {{'nn.pad' op C2: expects equal element types}}
  %r = nn.pad edge %a {low = affine_map<() -> (1, 0)>} : (tensor<2x3xf32>) -> tensor<3x3xf16>
  return
}

// -----

// pad C3: mode
func.func @case(%a: tensor<2x3xf32>, %b: tensor<f32>) {
  // expected-error @+1 {{'nn.pad' op C3: expects a value in mode constant only}}
  %r = nn.pad edge %a, %b {low = affine_map<() -> (1, 0)>} : (tensor<2x3xf32>, tensor<f32>) -> tensor<3x3xf32>
  return
}

// -----

// pad C3: value
func.func @case(%a: tensor<2x3xf32>, %b: tensor<1xf32>) {
  // expected-error @+1 {{'nn.pad' op C3: expects a value of rank 0 and type 'f32', got 'tensor<1xf32>'}}
  %r = nn.pad constant %a, %b {low = affine_map<() -> (1, 0)>} : (tensor<2x3xf32>, tensor<1xf32>) -> tensor<3x3xf32>
  return
}

// -----

// top_k C1
func.func @case(%a: tensor<2x3xf32>) {
  // expected-error @+1 {{nn.top_k C1: expects axis to be in [0, 2), got 2}}
  %r:2 = nn.top_k %a {axis = 2 : i64, largest = true} : (tensor<2x3xf32>) -> (tensor<2x1xf32>, tensor<2x1xi64>)
  return
}

// -----

// top_k C2
func.func @case(%a: tensor<2x3xf32>) {
  // expected-error @+1 {{'nn.top_k' op C2: expects results of one shape, got 'tensor<2x1xf32>' and 'tensor<2x2xi64>'}}
  %r:2 = nn.top_k %a {axis = 1 : i64, largest = true} : (tensor<2x3xf32>) -> (tensor<2x1xf32>, tensor<2x2xi64>)
  return
}

// -----

// top_k C3
func.func @case(%a: tensor<2x3xf32>) {
  // expected-error @+1 {{'nn.top_k' op C3: expects indices to be i64, got 'i32'}}
  %r:2 = nn.top_k %a {axis = 1 : i64, largest = true} : (tensor<2x3xf32>) -> (tensor<2x1xf32>, tensor<2x1xi32>)
  return
}

// -----

// iota C1
func.func @case(%a: tensor<1xf32>) {
  // expected-error @+1 {{nn.iota C1: expects axis to be in [0, 1), got 1}}
  %r = nn.iota {axis = 1 : i64} : tensor<4xi64>
  return
}

// -----

// dim_values C1
func.func @case(%a: tensor<1xf32>) {
  // expected-error @+1 {{'nn.dim_values' op C1: expects values to have 3 results, got 2}}
  %r = nn.dim_values {values = affine_map<() -> (1, 2)>} : tensor<3xi64>
  return
}

// -----

// dim_values C2
func.func @case(%a: tensor<1xf32>) {
  // expected-error @+1 {{'nn.dim_values' op C2: expects a static i64 result of rank 0 or 1, got 'tensor<2xi32>'}}
  %r = nn.dim_values {values = affine_map<() -> (1, 2)>} : tensor<2xi32>
  return
}

// -----

// fused C1
func.func @case(%a: tensor<2x3xf32>) {
  // expected-error @+1 {{'nn.fused' op C1: expects the region's arguments to have the operands' types}}
  %r = nn.fused "map"(%a) : (tensor<2x3xf32>) -> tensor<2x3xf32> {
  ^bb0(%x: tensor<3x2xf32>):
    %y = nn.unary relu %x : (tensor<3x2xf32>) -> tensor<3x2xf32>
    nn.yield %y : tensor<3x2xf32>
  }
  return
}

// -----

// fused C2
func.func @case(%a: tensor<2x3xf32>) {
  // expected-error @+1 {{'nn.fused' op C2: expects the region to yield the results' types}}
  %r = nn.fused "map"(%a) : (tensor<2x3xf32>) -> tensor<2x3xf16> {
  ^bb0(%x: tensor<2x3xf32>):
    %y = nn.unary relu %x : (tensor<2x3xf32>) -> tensor<2x3xf32>
    nn.yield %y : tensor<2x3xf32>
  }
  return
}
