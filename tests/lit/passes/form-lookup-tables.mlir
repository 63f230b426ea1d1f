// RUN: lathe-opt %s --lathe-form-lookup-tables --lathe-fold-constants | FileCheck %s

// SiLU with quantized results of its steps: a function of one integer.
// CHECK-LABEL: @silu
// CHECK: %[[TABLE:.*]] = nn.constant dense<{{.*}}> : tensor<256xui8>
// CHECK-NEXT: %[[R:.*]] = nn.gather %[[TABLE]], %arg0 {axis = 0 : i64} : (tensor<256xui8>, tensor<64x64xui8>)
// CHECK-NEXT: return %[[R]]
func.func @silu(%q: tensor<64x64xui8>) -> tensor<64x64xui8> {
  %s = nn.constant dense<0.05> : tensor<f32>
  %t = nn.constant dense<0.004> : tensor<1x1xf32>
  %z = nn.constant dense<128> : tensor<ui8>
  %x = nn.dequantize %q, %s zero %z : (tensor<64x64xui8>, tensor<f32>, tensor<ui8>) -> tensor<64x64xf32>
  %g = nn.unary sigmoid %x : (tensor<64x64xf32>) -> tensor<64x64xf32>
  %i = nn.quantize %g, %t : (tensor<64x64xf32>, tensor<1x1xf32>) -> tensor<64x64xui8>
  %h = nn.dequantize %i, %t : (tensor<64x64xui8>, tensor<1x1xf32>) -> tensor<64x64xf32>
  %m = nn.binary mul %x, %h : (tensor<64x64xf32>, tensor<64x64xf32>) -> tensor<64x64xf32>
  %r = nn.quantize %m, %s zero %z : (tensor<64x64xf32>, tensor<f32>, tensor<ui8>) -> tensor<64x64xui8>
  return %r : tensor<64x64xui8>
}

// Signed integers are indices by their bits: entry 0 is tanh(0), 128 that of the lowest one.
// CHECK-LABEL: @signed
// CHECK: %[[TABLE:.*]] = nn.constant dense<"0x000{{.*}}> : tensor<256xi8>
// CHECK: %[[BITS:.*]] = nn.bitcast %arg0 : (tensor<64x64xi8>) -> tensor<64x64xui8>
// CHECK: nn.gather %[[TABLE]], %[[BITS]]
func.func @signed(%q: tensor<64x64xi8>) -> tensor<64x64xi8> {
  %s = nn.constant dense<0.05> : tensor<f32>
  %x = nn.dequantize %q, %s : (tensor<64x64xi8>, tensor<f32>) -> tensor<64x64xf32>
  %g = nn.unary tanh %x : (tensor<64x64xf32>) -> tensor<64x64xf32>
  %r = nn.quantize %g, %s : (tensor<64x64xf32>, tensor<f32>) -> tensor<64x64xi8>
  return %r : tensor<64x64xi8>
}

// Two integers and few elements stay.
// CHECK-LABEL: @stays
// CHECK-NOT: nn.gather
func.func @stays(%a: tensor<64x64xui8>, %b: tensor<64x64xui8>, %c: tensor<8xui8>) -> (tensor<64x64xui8>, tensor<8xui8>) {
  %s = nn.constant dense<0.05> : tensor<f32>
  %x = nn.dequantize %a, %s : (tensor<64x64xui8>, tensor<f32>) -> tensor<64x64xf32>
  %y = nn.dequantize %b, %s : (tensor<64x64xui8>, tensor<f32>) -> tensor<64x64xf32>
  %e = nn.unary exp %y : (tensor<64x64xf32>) -> tensor<64x64xf32>
  %p = nn.binary mul %x, %e : (tensor<64x64xf32>, tensor<64x64xf32>) -> tensor<64x64xf32>
  %q = nn.quantize %p, %s : (tensor<64x64xf32>, tensor<f32>) -> tensor<64x64xui8>
  %z = nn.dequantize %c, %s : (tensor<8xui8>, tensor<f32>) -> tensor<8xf32>
  %t = nn.unary tanh %z : (tensor<8xf32>) -> tensor<8xf32>
  %u = nn.quantize %t, %s : (tensor<8xf32>, tensor<f32>) -> tensor<8xui8>
  return %q, %u : tensor<64x64xui8>, tensor<8xui8>
}

// Other steps for integers that lie in memory are a table, too; where they are computed, the second rounding joins the first.
// CHECK-LABEL: @other_steps
// CHECK: %[[C:.*]] = nn.concat %arg0, %arg0
// CHECK: nn.gather %{{.*}}, %[[C]]
// CHECK: nn.quantize %arg1
// CHECK-NOT: nn.gather
func.func @other_steps(%q: tensor<64x64xui8>, %x: tensor<64x64xf32>) -> (tensor<128x64xui8>, tensor<64x64xui8>) {
  %s = nn.constant dense<0.05> : tensor<f32>
  %t = nn.constant dense<0.06> : tensor<f32>
  %c = nn.concat %q, %q {axis = 0 : i64} : (tensor<64x64xui8>, tensor<64x64xui8>) -> tensor<128x64xui8>
  %a = nn.dequantize %c, %s : (tensor<128x64xui8>, tensor<f32>) -> tensor<128x64xf32>
  %0 = nn.quantize %a, %t : (tensor<128x64xf32>, tensor<f32>) -> tensor<128x64xui8>
  %b = nn.quantize %x, %s : (tensor<64x64xf32>, tensor<f32>) -> tensor<64x64xui8>
  %d = nn.dequantize %b, %s : (tensor<64x64xui8>, tensor<f32>) -> tensor<64x64xf32>
  %1 = nn.quantize %d, %t : (tensor<64x64xf32>, tensor<f32>) -> tensor<64x64xui8>
  return %0, %1 : tensor<128x64xui8>, tensor<64x64xui8>
}
