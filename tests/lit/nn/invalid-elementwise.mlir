// RUN: lathe-opt %s --split-input-file --verify-diagnostics

// One case per numbered constraint (NNOps.td, NNShapeOps.td).

// unary C1
func.func @case(%a: tensor<4xi32>) {
  // expected-error @+2 {{nn.unary C1: exp does not take element type 'i32'}}
  // expected-error @+1 {{'nn.unary' op failed to infer returned types}}
  %r = nn.unary exp %a : (tensor<4xi32>) -> tensor<4xi32>
  return
}

// -----

// binary C1: element types differ
func.func @case(%a: tensor<4xi32>, %b: tensor<4xf32>) {
  // expected-error @+2 {{nn.binary C1: expects equal element types, got 'i32' and 'f32'}}
  // expected-error @+1 {{'nn.binary' op failed to infer returned types}}
  %r = nn.binary add %a, %b : (tensor<4xi32>, tensor<4xf32>) -> tensor<4xi32>
  return
}

// -----

// binary C1: kind does not take the type
func.func @case(%a: tensor<4xf32>, %b: tensor<4xf32>) {
  // expected-error @+2 {{nn.binary C1: bit_and does not take element types 'f32' and 'f32'}}
  // expected-error @+1 {{'nn.binary' op failed to infer returned types}}
  %r = nn.binary bit_and %a, %b : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  return
}

// -----

// binary C2
func.func @case(%a: tensor<2x3xf32>, %b: tensor<4xf32>) {
  // expected-error @+2 {{nn.binary C2: expects shapes to broadcast, got 'tensor<2x3xf32>' and 'tensor<4xf32>'}}
  // expected-error @+1 {{'nn.binary' op failed to infer returned types}}
  %r = nn.binary add %a, %b : (tensor<2x3xf32>, tensor<4xf32>) -> tensor<2x3xf32>
  return
}

// -----

// select C1
func.func @case(%a: tensor<2xf32>, %b: tensor<2xf32>) {
  // expected-error @+2 {{nn.select C1: expects the condition to be i1, got 'f32'}}
  // expected-error @+1 {{'nn.select' op failed to infer returned types}}
  %r = nn.select %a, %b, %b : (tensor<2xf32>, tensor<2xf32>, tensor<2xf32>) -> tensor<2xf32>
  return
}

// -----

// select C2
func.func @case(%a: tensor<2xi1>, %b: tensor<2xf32>, %c: tensor<2xf16>) {
  // expected-error @+2 {{nn.select C2: expects equal element types, got 'f32' and 'f16'}}
  // expected-error @+1 {{'nn.select' op failed to infer returned types}}
  %r = nn.select %a, %b, %c : (tensor<2xi1>, tensor<2xf32>, tensor<2xf16>) -> tensor<2xf32>
  return
}

// -----

// select C3
func.func @case(%a: tensor<3xi1>, %b: tensor<2xf32>) {
  // expected-error @+2 {{nn.select C3: expects shapes to broadcast}}
  // expected-error @+1 {{'nn.select' op failed to infer returned types}}
  %r = nn.select %a, %b, %b : (tensor<3xi1>, tensor<2xf32>, tensor<2xf32>) -> tensor<2xf32>
  return
}

// -----

// cast C1
func.func @case(%a: tensor<2x3xf32>) {
  // expected-error @+1 {{'nn.cast' op C1: expects equal shapes, got 'tensor<2x3xf32>' and 'tensor<3x2xi32>'}}
  %r = nn.cast %a : (tensor<2x3xf32>) -> tensor<3x2xi32>
  return
}

// -----

// bitcast C1
func.func @case(%a: tensor<2x3xf32>) {
  // expected-error @+1 {{'nn.bitcast' op C1: expects equal shapes}}
  %r = nn.bitcast %a : (tensor<2x3xf32>) -> tensor<6xi32>
  return
}

// -----

// bitcast C2
func.func @case(%a: tensor<2x3xf32>) {
  // expected-error @+1 {{'nn.bitcast' op C2: expects elements of 4 bytes, got 8}}
  %r = nn.bitcast %a : (tensor<2x3xf32>) -> tensor<2x3xi64>
  return
}

// -----

// reduce C1: axis out of range
func.func @case(%a: tensor<2x3xf32>) {
  // expected-error @+2 {{nn.reduce C1: expects axis to be in [0, 2), got 2}}
  // expected-error @+1 {{'nn.reduce' op failed to infer returned types}}
  %r = nn.reduce sum %a {axes = array<i64: 2>, keepdims = false} : (tensor<2x3xf32>) -> tensor<2xf32>
  return
}

// -----

// reduce C1: axis twice
func.func @case(%a: tensor<2x3xf32>) {
  // expected-error @+2 {{nn.reduce C1: expects axes to be unique and sorted, got 1 before 1}}
  // expected-error @+1 {{'nn.reduce' op failed to infer returned types}}
  %r = nn.reduce sum %a {axes = array<i64: 1, 1>, keepdims = false} : (tensor<2x3xf32>) -> tensor<2xf32>
  return
}

// -----

// reduce C2
func.func @case(%a: tensor<2xi1>) {
  // expected-error @+2 {{nn.reduce C2: expects a floating-point or integer element type, got i1}}
  // expected-error @+1 {{'nn.reduce' op failed to infer returned types}}
  %r = nn.reduce max %a {axes = array<i64: 0>, keepdims = false} : (tensor<2xi1>) -> tensor<i1>
  return
}

// -----

// arg_reduce C1
func.func @case(%a: tensor<2x3xf32>) {
  // expected-error @+2 {{nn.arg_reduce C1: expects axis to be in [0, 2), got -1}}
  // expected-error @+1 {{'nn.arg_reduce' op failed to infer returned types}}
  %r = nn.arg_reduce arg_max %a {axis = -1 : i64, keepdims = false, select_last = false} : (tensor<2x3xf32>) -> tensor<2xi64>
  return
}

// -----

// cumulative C1
func.func @case(%a: tensor<2x3xf32>) {
  // expected-error @+2 {{nn.cumulative C1: expects axis to be in [0, 2), got 2}}
  // expected-error @+1 {{'nn.cumulative' op failed to infer returned types}}
  %r = nn.cumulative cum_sum %a {axis = 2 : i64, exclusive = false, reverse = false} : (tensor<2x3xf32>) -> tensor<2x3xf32>
  return
}

// -----

// softmax C1
func.func @case(%a: tensor<2x3xf32>) {
  // expected-error @+2 {{nn.softmax C1: expects axis to be in [0, 2), got 2}}
  // expected-error @+1 {{'nn.softmax' op failed to infer returned types}}
  %r = nn.softmax %a {axis = 2 : i64} : (tensor<2x3xf32>) -> tensor<2x3xf32>
  return
}

// -----

// softmax C2
func.func @case(%a: tensor<2xi32>) {
  // expected-error @+2 {{nn.softmax C2: expects a floating-point element type, got 'i32'}}
  // expected-error @+1 {{'nn.softmax' op failed to infer returned types}}
  %r = nn.softmax %a {axis = 0 : i64} : (tensor<2xi32>) -> tensor<2xi32>
  return
}

// -----

// layer_norm C1
func.func @case(%a: tensor<2x3xf32>) {
  // expected-error @+2 {{nn.layer_norm C1: expects axis to be in [0, 2), got 2}}
  // expected-error @+1 {{'nn.layer_norm' op failed to infer returned types}}
  %r = nn.layer_norm %a {axis = 2 : i64, epsilon = 1.0e-5 : f64} : (tensor<2x3xf32>) -> tensor<2x3xf32>
  return
}

// -----

// layer_norm C2
func.func @case(%a: tensor<2xi32>) {
  // expected-error @+2 {{nn.layer_norm C2: expects a floating-point element type, got 'i32'}}
  // expected-error @+1 {{'nn.layer_norm' op failed to infer returned types}}
  %r = nn.layer_norm %a {axis = 0 : i64, epsilon = 1.0e-5 : f64} : (tensor<2xi32>) -> tensor<2xi32>
  return
}

// -----

// layer_norm C3: shape
func.func @case(%a: tensor<2x3xf32>, %b: tensor<2xf32>) {
  // expected-error @+2 {{nn.layer_norm C3: expects scale to broadcast to 'tensor<2x3xf32>', got 'tensor<2xf32>'}}
  // expected-error @+1 {{'nn.layer_norm' op failed to infer returned types}}
  %r = nn.layer_norm %a scale %b {axis = 1 : i64, epsilon = 1.0e-5 : f64} : (tensor<2x3xf32>, tensor<2xf32>) -> tensor<2x3xf32>
  return
}

// -----

// layer_norm C3: element type
func.func @case(%a: tensor<2x3xf32>, %b: tensor<3xf16>) {
  // expected-error @+2 {{nn.layer_norm C3: expects bias to have element type 'f32', got 'f16'}}
  // expected-error @+1 {{'nn.layer_norm' op failed to infer returned types}}
  %r = nn.layer_norm %a bias %b {axis = 1 : i64, epsilon = 1.0e-5 : f64} : (tensor<2x3xf32>, tensor<3xf16>) -> tensor<2x3xf32>
  return
}

// -----

// lrn C1
func.func @case(%a: tensor<2x3xf32>) {
  // expected-error @+2 {{nn.lrn C1: expects rank to be 3 or more, got 2}}
  // expected-error @+1 {{'nn.lrn' op failed to infer returned types}}
  %r = nn.lrn %a {size = 3 : i64, alpha = 1.0 : f64, beta = 1.0 : f64, bias = 1.0 : f64} : (tensor<2x3xf32>) -> tensor<2x3xf32>
  return
}

// -----

// lrn C2
func.func @case(%a: tensor<1x2x3xf32>) {
  // expected-error @+2 {{nn.lrn C2: expects size to be positive, got 0}}
  // expected-error @+1 {{'nn.lrn' op failed to infer returned types}}
  %r = nn.lrn %a {size = 0 : i64, alpha = 1.0 : f64, beta = 1.0 : f64, bias = 1.0 : f64} : (tensor<1x2x3xf32>) -> tensor<1x2x3xf32>
  return
}

// -----

// sizes need expressions
func.func @case(%a: tensor<?xf32>) {
  // expected-error @+2 {{expects every dynamic axis to have a symbolic size, got 'tensor<?xf32>'}}
  // expected-error @+1 {{'nn.unary' op failed to infer returned types}}
  %r = nn.unary exp %a : (tensor<?xf32>) -> tensor<?xf32>
  return
}

// -----

// inferred and written result differ
func.func @case(%a: tensor<2x3xf32>) {
  // expected-error @+2 {{'nn.unary' op inferred type(s) 'tensor<2x3xf32>' are incompatible with return type(s) of operation 'tensor<2x4xf32>'}}
  // expected-error @+1 {{'nn.unary' op failed to infer returned types}}
  %r = nn.unary exp %a : (tensor<2x3xf32>) -> tensor<2x4xf32>
  return
}
