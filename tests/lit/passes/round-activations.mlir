// RUN: lathe-opt %s --lathe-round-activations | FileCheck %s
// RUN: lathe-opt %s --lathe-round-activations --lathe-fuse-epilogue | FileCheck %s --check-prefix=FUSED

// 64 activations have two scales; both products read the same integers.
// CHECK-LABEL: func.func @asked
// CHECK-SAME: activations become integers of 8 bits, in groups of 32
// CHECK: %[[GROUPS:.*]] = nn.reshape %arg0 {{.*}} -> tensor<2x2x32xf32>
// CHECK: %[[MAGNITUDE:.*]] = nn.unary abs %[[GROUPS]]
// CHECK: nn.reduce max %[[MAGNITUDE]] {axes = array<i64: 2>, keepdims = true}
// CHECK: %[[MOST:.*]] = nn.binary max
// CHECK: %[[SCALE:.*]] = nn.binary mul %[[MOST]]
// CHECK: %[[INVERSE:.*]] = nn.binary div {{.*}}, %[[MOST]]
// CHECK: %[[SCALED:.*]] = nn.binary mul %[[GROUPS]], %[[INVERSE]]
// CHECK: %[[INTEGERS:.*]] = nn.quantize %[[SCALED]], {{.*}} -> tensor<2x2x32xi8>
// CHECK: %[[ROWS:.*]] = nn.reshape %[[INTEGERS]] {{.*}} -> tensor<2x64xi8>
// CHECK: %[[SCALES:.*]] = nn.reshape %[[SCALE]] {{.*}} -> tensor<2x2xf32>
// CHECK: %[[X:.*]] = nn.dequantize %[[ROWS]], %[[SCALES]] {axis = 1 : i64, bits = 8 : i64, block = 32 : i64}
// CHECK: nn.matmul %[[X]]
// CHECK-NOT: lathe.int4_activations
// FUSED-LABEL: @asked
// FUSED: nn.fused "gemm"
// FUSED: nn.dequantize {{.*}}bits = 4
// FUSED-NEXT: nn.dequantize {{.*}}bits = 8
// FUSED-NEXT: nn.matmul
func.func @asked(%x: tensor<2x64xf32>, %c: tensor<64x16xi8>, %s: tensor<2x16xf32>) -> tensor<2x16xf32> {
  %w = nn.dequantize %c, %s {axis = 0 : i64, bits = 4 : i64, block = 32 : i64} : (tensor<64x16xi8>, tensor<2x16xf32>) -> tensor<64x16xf32>
  %r = nn.matmul %x, %w {lathe.int4_activations} : (tensor<2x64xf32>, tensor<64x16xf32>) -> tensor<2x16xf32>
  return %r : tensor<2x16xf32>
}

// CHECK-LABEL: @not_asked
// CHECK-NOT: nn.quantize
// CHECK: return
func.func @not_asked(%x: tensor<2x64xf32>, %c: tensor<64x16xi8>, %s: tensor<2x16xf32>) -> tensor<2x16xf32> {
  %w = nn.dequantize %c, %s {axis = 0 : i64, bits = 4 : i64, block = 32 : i64} : (tensor<64x16xi8>, tensor<2x16xf32>) -> tensor<64x16xf32>
  %r = nn.matmul %x, %w : (tensor<2x64xf32>, tensor<64x16xf32>) -> tensor<2x16xf32>
  return %r : tensor<2x16xf32>
}

// An unknown number of rows.
// CHECK-LABEL: @open
// CHECK: nn.quantize {{.*}} -> tensor<?x2x32xi8, #{{.*}}>
// CHECK: nn.dequantize {{.*}} {axis = 1 : i64, bits = 8 : i64, block = 32 : i64}
func.func @open(%x: tensor<?x64xf32, affine_map<()[s0] -> (s0, 64)>>, %c: tensor<64x16xi8>, %s: tensor<2x16xf32>)
    -> tensor<?x16xf32, affine_map<()[s0] -> (s0, 16)>> attributes {nn.symbols = [{name = "n", kind = "input_dim", input = 0 : i64, index = 0 : i64}]} {
  %w = nn.dequantize %c, %s {axis = 0 : i64, bits = 4 : i64, block = 32 : i64} : (tensor<64x16xi8>, tensor<2x16xf32>) -> tensor<64x16xf32>
  %r = nn.matmul %x, %w {lathe.int4_activations} : (tensor<?x64xf32, affine_map<()[s0] -> (s0, 64)>>, tensor<64x16xf32>) -> tensor<?x16xf32, affine_map<()[s0] -> (s0, 16)>>
  return %r : tensor<?x16xf32, affine_map<()[s0] -> (s0, 16)>>
}

// A group that is cut off; weights of 8 bits.
// CHECK-LABEL: @refused
// CHECK-NOT: nn.quantize
// CHECK: return
func.func @refused(%y: tensor<1x72xf32>, %c: tensor<64x16xi8>, %d: tensor<72x16xi8>, %s: tensor<2x16xf32>, %t: tensor<3x16xf32>, %z: tensor<1x64xf32>)
    -> (tensor<1x16xf32>, tensor<1x16xf32>) {
  %v = nn.dequantize %d, %t {axis = 0 : i64, bits = 4 : i64, block = 32 : i64} : (tensor<72x16xi8>, tensor<3x16xf32>) -> tensor<72x16xf32>
  %u = nn.dequantize %c, %s {axis = 0 : i64, bits = 8 : i64, block = 32 : i64} : (tensor<64x16xi8>, tensor<2x16xf32>) -> tensor<64x16xf32>
  %q = nn.matmul %y, %v {lathe.int4_activations} : (tensor<1x72xf32>, tensor<72x16xf32>) -> tensor<1x16xf32>
  %r = nn.matmul %z, %u {lathe.int4_activations} : (tensor<1x64xf32>, tensor<64x16xf32>) -> tensor<1x16xf32>
  return %q, %r : tensor<1x16xf32>, tensor<1x16xf32>
}
