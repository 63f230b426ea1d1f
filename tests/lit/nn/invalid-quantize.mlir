// RUN: lathe-opt %s --split-input-file --verify-diagnostics

// Refusals of quantization, by constraint.

// quantize C1
func.func @case(%a: tensor<2x3xf16>, %s: tensor<f32>) {
  // expected-error @+1 {{'nn.quantize' op C1: expects input and scale to be of f32}}
  %r = nn.quantize %a, %s : (tensor<2x3xf16>, tensor<f32>) -> tensor<2x3xui8>
  return
}

// -----

// quantize C2
func.func @case(%a: tensor<2x3xf32>, %s: tensor<f32>) {
  // expected-error @+1 {{'nn.quantize' op C2: expects integers of up to 16 bits, got 'i32'}}
  %r = nn.quantize %a, %s : (tensor<2x3xf32>, tensor<f32>) -> tensor<2x3xi32>
  return
}

// -----

// quantize C3
func.func @case(%a: tensor<2x3xf32>, %s: tensor<2xf32>) {
  // expected-error @+1 {{'nn.quantize' op C3: expects one entry, or one per axis or block of 'tensor<2x3xf32>', got 'tensor<2xf32>'}}
  %r = nn.quantize %a, %s : (tensor<2x3xf32>, tensor<2xf32>) -> tensor<2x3xi8>
  return
}

// -----

// quantize C4
func.func @case(%a: tensor<2x3xf32>, %s: tensor<f32>, %z: tensor<i8>) {
  // expected-error @+1 {{'nn.quantize' op C4: expects zero to be of 'ui8', got 'i8'}}
  %r = nn.quantize %a, %s zero %z : (tensor<2x3xf32>, tensor<f32>, tensor<i8>) -> tensor<2x3xui8>
  return
}

// -----

// quantize C5
func.func @case(%a: tensor<2x3xf32>, %s: tensor<f32>) {
  // expected-error @+1 {{'nn.quantize' op C5: expects equal shapes}}
  %r = nn.quantize %a, %s : (tensor<2x3xf32>, tensor<f32>) -> tensor<3x2xi8>
  return
}

// -----

// dequantize C1
func.func @case(%a: tensor<2x3xi64>, %s: tensor<f32>) {
  // expected-error @+1 {{'nn.dequantize' op C1: expects integers of up to 32 bits, got 'i64'}}
  %r = nn.dequantize %a, %s : (tensor<2x3xi64>, tensor<f32>) -> tensor<2x3xf32>
  return
}

// -----

// dequantize C2
func.func @case(%a: tensor<2x3xi8>, %s: tensor<f16>) {
  // expected-error @+1 {{'nn.dequantize' op C2: expects scale and result to be of f32}}
  %r = nn.dequantize %a, %s : (tensor<2x3xi8>, tensor<f16>) -> tensor<2x3xf32>
  return
}

// -----

// dequantize C3: three elements have two blocks of two
func.func @case(%a: tensor<2x3xi8>, %s: tensor<2x3xf32>) {
  // expected-error @+1 {{'nn.dequantize' op C3: expects one entry}}
  %r = nn.dequantize %a, %s {axis = 1 : i64, block = 2 : i64} : (tensor<2x3xi8>, tensor<2x3xf32>) -> tensor<2x3xf32>
  return
}

// -----

// dequantize C4
func.func @case(%a: tensor<2x3xi8>, %s: tensor<f32>, %z: tensor<ui8>) {
  // expected-error @+1 {{'nn.dequantize' op C4: expects zero to be of 'i8', got 'ui8'}}
  %r = nn.dequantize %a, %s zero %z : (tensor<2x3xi8>, tensor<f32>, tensor<ui8>) -> tensor<2x3xf32>
  return
}

// -----

// dequantize C5
func.func @case(%a: tensor<2x3xi8>, %s: tensor<f32>) {
  // expected-error @+1 {{'nn.dequantize' op C5: expects equal shapes}}
  %r = nn.dequantize %a, %s : (tensor<2x3xi8>, tensor<f32>) -> tensor<6xf32>
  return
}

// -----

// dequantize C6
func.func @case(%a: tensor<2x3xi8>, %s: tensor<f32>) {
  // expected-error @+1 {{'nn.dequantize' op C6: expects bits to be 0, or 4 or 8 of 8-bit integers, got 3 of 'i8'}}
  %r = nn.dequantize %a, %s {bits = 3 : i64} : (tensor<2x3xi8>, tensor<f32>) -> tensor<2x3xf32>
  return
}

// -----

// matmul C5: a zero point per k is no zero point
func.func @case(%a: tensor<2x3xi8>, %b: tensor<3x2xi8>, %z: tensor<3xi8>) {
  // expected-error @+2 {{nn.matmul C5: expects a zero point of 8-bit integers for 'tensor<2x3xi8>', got 'tensor<3xi8>'}}
  // expected-error @+1 {{failed to infer returned types}}
  %r = nn.matmul %a, %b lhs_zero %z : (tensor<2x3xi8>, tensor<3x2xi8>, tensor<3xi8>) -> tensor<2x2xi32>
  return
}

// -----

// conv C10
func.func @case(%a: tensor<1x4x5x5xui8>, %b: tensor<6x4x3x3xi8>, %z: tensor<4xui8>) {
  // expected-error @+2 {{nn.conv C10: expects a zero point of 8-bit integers for 'tensor<1x4x5x5xui8>', got 'tensor<4xui8>'}}
  // expected-error @+1 {{failed to infer returned types}}
  %r = nn.conv %a, %b input_zero %z {strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>, group = 1 : i64} : (tensor<1x4x5x5xui8>, tensor<6x4x3x3xi8>, tensor<4xui8>) -> tensor<1x6x3x3xi32>
  return
}
