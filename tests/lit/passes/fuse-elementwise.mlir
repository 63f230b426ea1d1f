// RUN: lathe-opt %s --lathe-fuse-elementwise --split-input-file | FileCheck %s

// CHECK-LABEL: func.func @chain_with_movement
// CHECK-SAME: [[X:%[^:]+]]: tensor<4x3xf32>, [[Y:%[^:]+]]: tensor<3x2xf32>
// CHECK: [[F:%.+]] = nn.fused "map"([[X]], [[Y]])
// CHECK: nn.transpose
// CHECK: nn.slice
// CHECK: nn.binary {{ ?}}mul
// CHECK: nn.unary {{ ?}}exp
// CHECK: nn.yield
// CHECK: return [[F]]
func.func @chain_with_movement(%x: tensor<4x3xf32>, %y: tensor<3x2xf32>) -> tensor<3x2xf32> {
  %0 = nn.transpose %x {permutation = array<i64: 1, 0>} : (tensor<4x3xf32>) -> tensor<3x4xf32>
  %1 = nn.slice %0 {starts = affine_map<() -> (0, 1)>, steps = array<i64: 1, 1>} : (tensor<3x4xf32>) -> tensor<3x2xf32>
  %2 = nn.binary mul %1, %y : (tensor<3x2xf32>, tensor<3x2xf32>) -> tensor<3x2xf32>
  %3 = nn.unary exp %2 : (tensor<3x2xf32>) -> tensor<3x2xf32>
  return %3 : tensor<3x2xf32>
}

// -----

// A value that is also used elsewhere is written on the way, because it is computed at the index of the result.
// CHECK-LABEL: func.func @two_results
// CHECK: [[F:%.+]]:2 = nn.fused "map"
// CHECK: return [[F]]#0, [[F]]#1
func.func @two_results(%x: tensor<4xf32>, %y: tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>) {
  %0 = nn.binary add %x, %y : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %1 = nn.unary tanh %0 : (tensor<4xf32>) -> tensor<4xf32>
  return %0, %1 : tensor<4xf32>, tensor<4xf32>
}

// -----

// Behind a transpose it is not: it stays apart.
// CHECK-LABEL: func.func @used_elsewhere
// CHECK-SAME: reason = "stays apart from transpose: its result is also used by other kernels"
// CHECK-NOT: nn.fused
func.func @used_elsewhere(%x: tensor<4x2xf32>) -> (tensor<4x2xf32>, tensor<2x4xf32>) {
  %0 = nn.unary tanh %x : (tensor<4x2xf32>) -> tensor<4x2xf32>
  %1 = nn.transpose %0 {permutation = array<i64: 1, 0>} : (tensor<4x2xf32>) -> tensor<2x4xf32>
  return %0, %1 : tensor<4x2xf32>, tensor<2x4xf32>
}

// -----

// An exponential per row is not computed once per element; a sum per row may be.
// CHECK-LABEL: func.func @recomputation
// CHECK-SAME: reason = "stays apart from mul: it would be computed several times per element"
// CHECK: [[E:%.+]] = nn.unary {{ ?}}exp
// CHECK: nn.fused "map"(%{{.+}}, [[E]], %{{.+}})
// CHECK: nn.binary {{ ?}}mul
// CHECK: nn.binary {{ ?}}add
// CHECK: nn.binary {{ ?}}mul
func.func @recomputation(%x: tensor<4x100xf32>, %y: tensor<4x1xf32>) -> tensor<4x100xf32> {
  %0 = nn.unary exp %y : (tensor<4x1xf32>) -> tensor<4x1xf32>
  %1 = nn.binary mul %x, %0 : (tensor<4x100xf32>, tensor<4x1xf32>) -> tensor<4x100xf32>
  %2 = nn.binary add %y, %y : (tensor<4x1xf32>, tensor<4x1xf32>) -> tensor<4x1xf32>
  %3 = nn.binary mul %1, %2 : (tensor<4x100xf32>, tensor<4x1xf32>) -> tensor<4x100xf32>
  return %3 : tensor<4x100xf32>
}

// -----

// Reshapes at the border are free outside; one in the middle that splits an axis goes along.
// CHECK-LABEL: func.func @reshapes
// CHECK: [[A:%.+]] = nn.reshape
// CHECK: [[F:%.+]] = nn.fused "map"([[A]])
// CHECK: nn.unary {{ ?}}neg
// CHECK: nn.reshape
// CHECK: nn.transpose
// CHECK: nn.yield
// CHECK: nn.reshape [[F]]
func.func @reshapes(%x: tensor<2x2x6xf32>) -> tensor<24xf32> {
  %0 = nn.reshape %x : (tensor<2x2x6xf32>) -> tensor<4x6xf32>
  %1 = nn.unary neg %0 : (tensor<4x6xf32>) -> tensor<4x6xf32>
  %2 = nn.reshape %1 : (tensor<4x6xf32>) -> tensor<4x2x3xf32>
  %3 = nn.transpose %2 {permutation = array<i64: 1, 0, 2>} : (tensor<4x2x3xf32>) -> tensor<2x4x3xf32>
  %4 = nn.reshape %3 : (tensor<2x4x3xf32>) -> tensor<24xf32>
  return %4 : tensor<24xf32>
}

// -----

// [4, 6] -> [3, 8] mixes both axes.
// CHECK-LABEL: func.func @mixing_reshape
// CHECK-NOT: nn.fused
func.func @mixing_reshape(%x: tensor<4x6xf32>) -> tensor<8x3xf32> {
  %0 = nn.unary neg %x : (tensor<4x6xf32>) -> tensor<4x6xf32>
  %1 = nn.reshape %0 : (tensor<4x6xf32>) -> tensor<3x8xf32>
  %2 = nn.transpose %1 {permutation = array<i64: 1, 0>} : (tensor<3x8xf32>) -> tensor<8x3xf32>
  return %2 : tensor<8x3xf32>
}

// -----

// Whole blocks are joined in place by memory planning; along an inner axis the parts are computed where they go.
// CHECK-LABEL: func.func @concat
// CHECK: nn.concat %{{.+}}, %{{.+}} {axis = 0 : i64}
// CHECK: nn.fused "map"
// CHECK: nn.concat %{{.+}}, %{{.+}} {axis = 1 : i64}
func.func @concat(%x: tensor<2x4xf32>, %y: tensor<2x4xf32>) -> (tensor<4x4xf32>, tensor<2x8xf32>) {
  %0 = nn.unary neg %x : (tensor<2x4xf32>) -> tensor<2x4xf32>
  %1 = nn.concat %0, %y {axis = 0 : i64} : (tensor<2x4xf32>, tensor<2x4xf32>) -> tensor<4x4xf32>
  %2 = nn.unary exp %y : (tensor<2x4xf32>) -> tensor<2x4xf32>
  %3 = nn.concat %2, %x {axis = 1 : i64} : (tensor<2x4xf32>, tensor<2x4xf32>) -> tensor<2x8xf32>
  return %1, %3 : tensor<4x4xf32>, tensor<2x8xf32>
}

// -----

// Enlarged images are added on the way; what would be enlarged is not computed four times.
// CHECK-LABEL: func.func @resize
// CHECK: [[T:%.+]] = nn.unary {{ ?}}tanh
// CHECK: nn.fused "map"([[T]], %{{.+}})
// CHECK: nn.resize
// CHECK: nn.binary {{ ?}}add
func.func @resize(%x: tensor<1x2x2x3xf32>, %y: tensor<1x4x4x3xf32>) -> tensor<1x4x4x3xf32> {
  %0 = nn.unary tanh %x : (tensor<1x2x2x3xf32>) -> tensor<1x2x2x3xf32>
  %1 = nn.resize nearest asymmetric nearest_floor %0 {scales = array<f64: 1.0, 2.0, 2.0, 1.0>, roi = array<f64>} : (tensor<1x2x2x3xf32>) -> tensor<1x4x4x3xf32>
  %2 = nn.binary add %1, %y : (tensor<1x4x4x3xf32>, tensor<1x4x4x3xf32>) -> tensor<1x4x4x3xf32>
  return %2 : tensor<1x4x4x3xf32>
}

// -----

// exp(x) + softmax(exp(x)): the softmax stands between.
// CHECK-LABEL: func.func @cycle
// CHECK-SAME: other kernels stand between it and add
// CHECK-NOT: nn.fused
func.func @cycle(%x: tensor<2x4xf32>) -> tensor<2x4xf32> {
  %0 = nn.unary exp %x : (tensor<2x4xf32>) -> tensor<2x4xf32>
  %1 = nn.softmax %0 {axis = 0 : i64} : (tensor<2x4xf32>) -> tensor<2x4xf32>
  %2 = nn.binary add %0, %1 : (tensor<2x4xf32>, tensor<2x4xf32>) -> tensor<2x4xf32>
  return %2 : tensor<2x4xf32>
}

// -----

// Rotary embedding: the concatenation is a kernel of its own, what uses it another.
// CHECK-LABEL: func.func @concat_in_the_middle
// CHECK-SAME: stays apart from exp: concatenations are written part by part, not read
// CHECK: [[C:%.+]] = nn.fused "map"(%{{.+}})
// CHECK: nn.slice
// CHECK: nn.slice
// CHECK: nn.unary {{ ?}}neg
// CHECK: nn.concat
// CHECK: nn.yield
// CHECK: nn.fused "map"(%{{.+}}, [[C]])
// CHECK: nn.binary {{ ?}}add
func.func @concat_in_the_middle(%x: tensor<2x8xf32>) -> tensor<2x8xf32> {
  %0 = nn.slice %x {starts = affine_map<() -> (0, 0)>, steps = array<i64: 1, 1>} : (tensor<2x8xf32>) -> tensor<2x4xf32>
  %1 = nn.slice %x {starts = affine_map<() -> (0, 4)>, steps = array<i64: 1, 1>} : (tensor<2x8xf32>) -> tensor<2x4xf32>
  %2 = nn.unary neg %1 : (tensor<2x4xf32>) -> tensor<2x4xf32>
  %3 = nn.concat %2, %0 {axis = 1 : i64} : (tensor<2x4xf32>, tensor<2x4xf32>) -> tensor<2x8xf32>
  %4 = nn.binary add %x, %3 : (tensor<2x8xf32>, tensor<2x8xf32>) -> tensor<2x8xf32>
  %5 = nn.unary exp %4 : (tensor<2x8xf32>) -> tensor<2x8xf32>
  return %5 : tensor<2x8xf32>
}

// -----

// Enlarged images are joined on the way: each element is copied once.
// CHECK-LABEL: func.func @concat_of_resized
// CHECK: nn.fused "map"
// CHECK: nn.resize
// CHECK: nn.concat
func.func @concat_of_resized(%x: tensor<1x2x2x3xf32>, %y: tensor<1x4x4x3xf32>) -> tensor<1x4x4x6xf32> {
  %0 = nn.resize nearest asymmetric nearest_floor %x {scales = array<f64: 1.0, 2.0, 2.0, 1.0>, roi = array<f64>} : (tensor<1x2x2x3xf32>) -> tensor<1x4x4x3xf32>
  %1 = nn.concat %0, %y {axis = 3 : i64} : (tensor<1x4x4x3xf32>, tensor<1x4x4x3xf32>) -> tensor<1x4x4x6xf32>
  return %1 : tensor<1x4x4x6xf32>
}

// -----

// Neighbors that lie beside each other are read as vectors: no transpose on either side is computed with them.
// CHECK-LABEL: func.func @interpolation_between_transposes
// CHECK-SAME: interpolation reads neighbors as vectors
// CHECK-NOT: nn.fused
// CHECK: nn.transpose
// CHECK: nn.resize
// CHECK: nn.transpose
func.func @interpolation_between_transposes(%x: tensor<1x8x2x2xf32>) -> tensor<1x8x4x4xf32> {
  %0 = nn.transpose %x {permutation = array<i64: 0, 2, 3, 1>} : (tensor<1x8x2x2xf32>) -> tensor<1x2x2x8xf32>
  %1 = nn.resize linear half_pixel round_prefer_floor %0 {scales = array<f64: 1., 2., 2., 1.>, roi = array<f64>}
      : (tensor<1x2x2x8xf32>) -> tensor<1x4x4x8xf32>
  %2 = nn.transpose %1 {permutation = array<i64: 0, 3, 1, 2>} : (tensor<1x4x4x8xf32>) -> tensor<1x8x4x4xf32>
  return %2 : tensor<1x8x4x4xf32>
}

// -----

// Bytes are looked up by themselves, many at once; signed ones are bits.
// CHECK-LABEL: func.func @lookup
// CHECK: [[Q:%.+]] = nn.fused "map"(%arg0) : (tensor<8x64xf32>) -> tensor<8x64xi8>
// CHECK: [[L:%.+]] = nn.fused "map"([[Q]], %arg1) : (tensor<8x64xi8>, tensor<256xui8>) -> tensor<8x64xui8>
// CHECK: nn.bitcast
// CHECK: nn.gather
// CHECK: nn.fused "map"([[L]]) : (tensor<8x64xui8>) -> tensor<8x64xf32>
func.func @lookup(%x: tensor<8x64xf32>, %t: tensor<256xui8>) -> tensor<8x64xf32> {
  %s = nn.constant dense<0.5> : tensor<f32>
  %0 = nn.unary abs %x : (tensor<8x64xf32>) -> tensor<8x64xf32>
  %1 = nn.quantize %0, %s : (tensor<8x64xf32>, tensor<f32>) -> tensor<8x64xi8>
  %2 = nn.bitcast %1 : (tensor<8x64xi8>) -> tensor<8x64xui8>
  %3 = nn.gather %t, %2 {axis = 0 : i64} : (tensor<256xui8>, tensor<8x64xui8>) -> tensor<8x64xui8>
  %4 = nn.dequantize %3, %s : (tensor<8x64xui8>, tensor<f32>) -> tensor<8x64xf32>
  %5 = nn.unary abs %4 : (tensor<8x64xf32>) -> tensor<8x64xf32>
  return %5 : tensor<8x64xf32>
}
