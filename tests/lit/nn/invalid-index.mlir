// RUN: lathe-opt %s --split-input-file --verify-diagnostics

// One case per numbered constraint (NNOps.td, NNShapeOps.td).

// gather C1
func.func @case(%a: tensor<2x3xf32>, %b: tensor<2xi64>) {
  // expected-error @+2 {{nn.gather C1: expects axis to be in [0, 2), got 2}}
  // expected-error @+1 {{'nn.gather' op failed to infer returned types}}
  %r = nn.gather %a, %b {axis = 2 : i64} : (tensor<2x3xf32>, tensor<2xi64>) -> tensor<2x2xf32>
  return
}

// -----

// gather C2
func.func @case(%a: tensor<2x3xf32>, %b: tensor<2xf32>) {
  // expected-error @+2 {{nn.gather C2: expects indices to be i32 or i64, got 'f32'}}
  // expected-error @+1 {{'nn.gather' op failed to infer returned types}}
  %r = nn.gather %a, %b {axis = 0 : i64} : (tensor<2x3xf32>, tensor<2xf32>) -> tensor<2x3xf32>
  return
}

// -----

// gather_elements C1
func.func @case(%a: tensor<2x3xf32>, %b: tensor<2xi64>) {
  // expected-error @+2 {{nn.gather_elements C1: expects indices of rank 2, got 1}}
  // expected-error @+1 {{'nn.gather_elements' op failed to infer returned types}}
  %r = nn.gather_elements %a, %b {axis = 0 : i64} : (tensor<2x3xf32>, tensor<2xi64>) -> tensor<2xf32>
  return
}

// -----

// gather_elements C2
func.func @case(%a: tensor<2x3xf32>, %b: tensor<2x3xi8>) {
  // expected-error @+2 {{nn.gather_elements C2: expects indices to be i32 or i64, got 'i8'}}
  // expected-error @+1 {{'nn.gather_elements' op failed to infer returned types}}
  %r = nn.gather_elements %a, %b {axis = 0 : i64} : (tensor<2x3xf32>, tensor<2x3xi8>) -> tensor<2x3xf32>
  return
}

// -----

// gather_elements C3
func.func @case(%a: tensor<2x3xf32>, %b: tensor<2x3xi64>) {
  // expected-error @+2 {{nn.gather_elements C3: expects axis to be in [0, 2), got 2}}
  // expected-error @+1 {{'nn.gather_elements' op failed to infer returned types}}
  %r = nn.gather_elements %a, %b {axis = 2 : i64} : (tensor<2x3xf32>, tensor<2x3xi64>) -> tensor<2x3xf32>
  return
}

// -----

// gather_nd C1
func.func @case(%a: tensor<2x3xf32>, %b: tensor<4x3xi64>) {
  // expected-error @+2 {{nn.gather_nd C1: expects the last axis of indices to be static and at most 2, got 'tensor<4x3xi64>'}}
  // expected-error @+1 {{'nn.gather_nd' op failed to infer returned types}}
  %r = nn.gather_nd %a, %b {batch_dims = 0 : i64} : (tensor<2x3xf32>, tensor<4x3xi64>) -> tensor<4xf32>
  return
}

// -----

// gather_nd C2
func.func @case(%a: tensor<2x3xf32>, %b: tensor<4x2xf32>) {
  // expected-error @+2 {{nn.gather_nd C2: expects indices to be i32 or i64, got 'f32'}}
  // expected-error @+1 {{'nn.gather_nd' op failed to infer returned types}}
  %r = nn.gather_nd %a, %b {batch_dims = 0 : i64} : (tensor<2x3xf32>, tensor<4x2xf32>) -> tensor<4xf32>
  return
}

// -----

// gather_nd C3
func.func @case(%a: tensor<2x3xf32>, %b: tensor<4x2xi64>) {
  // expected-error @+2 {{nn.gather_nd C3: expects batch_dims below both ranks, got 2}}
  // expected-error @+1 {{'nn.gather_nd' op failed to infer returned types}}
  %r = nn.gather_nd %a, %b {batch_dims = 2 : i64} : (tensor<2x3xf32>, tensor<4x2xi64>) -> tensor<4xf32>
  return
}

// -----

// scatter_elements C1
func.func @case(%a: tensor<2x3xf32>, %b: tensor<1x3xi64>, %c: tensor<2x3xf32>) {
  // expected-error @+2 {{nn.scatter_elements C1: expects indices and updates of one shape of rank 2}}
  // expected-error @+1 {{'nn.scatter_elements' op failed to infer returned types}}
  %r = nn.scatter_elements %a, %b, %c {axis = 0 : i64, reduction = #nn<scatter_reduction none>} : (tensor<2x3xf32>, tensor<1x3xi64>, tensor<2x3xf32>) -> tensor<2x3xf32>
  return
}

// -----

// scatter_elements C2
func.func @case(%a: tensor<2x3xf32>, %b: tensor<1x3xf32>, %c: tensor<1x3xf32>) {
  // expected-error @+2 {{nn.scatter_elements C2: expects indices to be i32 or i64, got 'f32'}}
  // expected-error @+1 {{'nn.scatter_elements' op failed to infer returned types}}
  %r = nn.scatter_elements %a, %b, %c {axis = 0 : i64, reduction = #nn<scatter_reduction none>} : (tensor<2x3xf32>, tensor<1x3xf32>, tensor<1x3xf32>) -> tensor<2x3xf32>
  return
}

// -----

// scatter_elements C3
func.func @case(%a: tensor<2x3xf32>, %b: tensor<1x3xi64>, %c: tensor<1x3xf32>) {
  // expected-error @+2 {{nn.scatter_elements C3: expects axis to be in [0, 2), got 3}}
  // expected-error @+1 {{'nn.scatter_elements' op failed to infer returned types}}
  %r = nn.scatter_elements %a, %b, %c {axis = 3 : i64, reduction = #nn<scatter_reduction none>} : (tensor<2x3xf32>, tensor<1x3xi64>, tensor<1x3xf32>) -> tensor<2x3xf32>
  return
}

// -----

// scatter_elements C4
func.func @case(%a: tensor<2x3xf32>, %b: tensor<1x3xi64>, %c: tensor<1x3xf16>) {
  // expected-error @+2 {{nn.scatter_elements C4: expects equal element types, got 'f32' and 'f16'}}
  // expected-error @+1 {{'nn.scatter_elements' op failed to infer returned types}}
  %r = nn.scatter_elements %a, %b, %c {axis = 0 : i64, reduction = #nn<scatter_reduction none>} : (tensor<2x3xf32>, tensor<1x3xi64>, tensor<1x3xf16>) -> tensor<2x3xf32>
  return
}

// -----

// scatter_nd C1
func.func @case(%a: tensor<2x3xf32>, %b: tensor<1x3xi64>, %c: tensor<1xf32>) {
  // expected-error @+2 {{nn.scatter_nd C1: expects the last axis of indices to be static and at most 2}}
  // expected-error @+1 {{'nn.scatter_nd' op failed to infer returned types}}
  %r = nn.scatter_nd %a, %b, %c {reduction = #nn<scatter_reduction none>} : (tensor<2x3xf32>, tensor<1x3xi64>, tensor<1xf32>) -> tensor<2x3xf32>
  return
}

// -----

// scatter_nd C2
func.func @case(%a: tensor<2x3xf32>, %b: tensor<1x1xi8>, %c: tensor<1x3xf32>) {
  // expected-error @+2 {{nn.scatter_nd C2: expects indices to be i32 or i64, got 'i8'}}
  // expected-error @+1 {{'nn.scatter_nd' op failed to infer returned types}}
  %r = nn.scatter_nd %a, %b, %c {reduction = #nn<scatter_reduction none>} : (tensor<2x3xf32>, tensor<1x1xi8>, tensor<1x3xf32>) -> tensor<2x3xf32>
  return
}

// -----

// scatter_nd C3
func.func @case(%a: tensor<2x3xf32>, %b: tensor<1x1xi64>, %c: tensor<2x3xf32>) {
  // expected-error @+2 {{nn.scatter_nd C3: expects updates to be 'tensor<1x3xf32>', got 'tensor<2x3xf32>'}}
  // expected-error @+1 {{'nn.scatter_nd' op failed to infer returned types}}
  %r = nn.scatter_nd %a, %b, %c {reduction = #nn<scatter_reduction none>} : (tensor<2x3xf32>, tensor<1x1xi64>, tensor<2x3xf32>) -> tensor<2x3xf32>
  return
}

// -----

// scatter_nd C4
func.func @case(%a: tensor<2x3xf32>, %b: tensor<1x1xi64>, %c: tensor<1x3xf16>) {
  // expected-error @+2 {{nn.scatter_nd C4: expects equal element types, got 'f32' and 'f16'}}
  // expected-error @+1 {{'nn.scatter_nd' op failed to infer returned types}}
  %r = nn.scatter_nd %a, %b, %c {reduction = #nn<scatter_reduction none>} : (tensor<2x3xf32>, tensor<1x1xi64>, tensor<1x3xf16>) -> tensor<2x3xf32>
  return
}

// -----

// non_zero C1
func.func @case(%a: tensor<2x3xf32>) {
  // expected-error @+1 {{'nn.non_zero' op C1: expects an i64 result [2, count], got 'tensor<3x4xi64>'}}
  %r = nn.non_zero %a : (tensor<2x3xf32>) -> tensor<3x4xi64>
  return
}

// -----

// non_max_suppression C1
func.func @case(%b: tensor<1x5x4xf32>, %s: tensor<1x2x6xf32>, %n: tensor<i64>, %t: tensor<f32>) {
  // expected-error @+1 {{'nn.non_max_suppression' op C1: expects f32 boxes [B, N, 4] and scores [B, C, N], got 'tensor<1x5x4xf32>' and 'tensor<1x2x6xf32>'}}
  %r:2 = nn.non_max_suppression %b, %s, %n, %t : (tensor<1x5x4xf32>, tensor<1x2x6xf32>, tensor<i64>, tensor<f32>) -> (tensor<9x3xi64>, tensor<1xi64>)
  return
}

// -----

// non_max_suppression C2
func.func @case(%b: tensor<1x5x4xf32>, %s: tensor<1x2x5xf32>, %n: tensor<2xi64>, %t: tensor<f32>) {
  // expected-error @+1 {{'nn.non_max_suppression' op C2: expects max_boxes to be one i64, got 'tensor<2xi64>'}}
  %r:2 = nn.non_max_suppression %b, %s, %n, %t : (tensor<1x5x4xf32>, tensor<1x2x5xf32>, tensor<2xi64>, tensor<f32>) -> (tensor<9x3xi64>, tensor<1xi64>)
  return
}

// -----

// non_max_suppression C3
func.func @case(%b: tensor<1x5x4xf32>, %s: tensor<1x2x5xf32>, %n: tensor<i64>, %t: tensor<f32>) {
  // expected-error @+1 {{'nn.non_max_suppression' op C3: expects i64 results [rows, 3] and [1], got 'tensor<9x3xi32>' and 'tensor<1xi64>'}}
  %r:2 = nn.non_max_suppression %b, %s, %n, %t : (tensor<1x5x4xf32>, tensor<1x2x5xf32>, tensor<i64>, tensor<f32>) -> (tensor<9x3xi32>, tensor<1xi64>)
  return
}

// -----

// late_symbol C1
func.func @case(%a: tensor<1xf32>) {
  // expected-error @+1 {{'nn.late_symbol' op C1: expects i32 or i64, got 'f32'}}
  nn.late_symbol %a {symbol = 0 : i64, element = 0 : i64} : tensor<1xf32>
  return
}

// -----

// late_symbol C2
func.func @case(%a: tensor<1xi64>) {
  // expected-error @+1 {{'nn.late_symbol' op C2: expects element below 1, got 1}}
  nn.late_symbol %a {symbol = 0 : i64, element = 1 : i64} : tensor<1xi64>
  return
}
