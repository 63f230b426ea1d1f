// RUN: lathe-opt %s --lathe-fuse-attention --split-input-file | FileCheck %s

// Heads are read from the products, and the result is written for the next one.
// CHECK-LABEL: func.func @views
// CHECK-SAME: [[Q:%[^:]+]]: tensor<1x3x2x4xf32>, [[KV:%[^:]+]]: tensor<1x5x2x2x4xf32>
// CHECK-NOT: nn.transpose
// CHECK: [[F:%.+]] = nn.fused "attention"([[Q]], [[KV]]) : {{.+}} -> tensor<1x3x2x4xf32>
// CHECK: [[R:%.+]] = nn.reshape [[F]]
// CHECK: return [[R]]
func.func @views(%x: tensor<1x3x2x4xf32>, %kv: tensor<1x5x2x2x4xf32>) -> tensor<1x3x8xf32> {
  %q = nn.transpose %x {permutation = array<i64: 0, 2, 1, 3>} : (tensor<1x3x2x4xf32>) -> tensor<1x2x3x4xf32>
  %t = nn.transpose %kv {permutation = array<i64: 2, 0, 3, 1, 4>} : (tensor<1x5x2x2x4xf32>) -> tensor<2x1x2x5x4xf32>
  %0 = nn.slice %t {starts = affine_map<() -> (0, 0, 0, 0, 0)>, steps = array<i64: 1, 1, 1, 1, 1>} : (tensor<2x1x2x5x4xf32>) -> tensor<1x1x2x5x4xf32>
  %1 = nn.slice %t {starts = affine_map<() -> (1, 0, 0, 0, 0)>, steps = array<i64: 1, 1, 1, 1, 1>} : (tensor<2x1x2x5x4xf32>) -> tensor<1x1x2x5x4xf32>
  %k = nn.reshape %0 : (tensor<1x1x2x5x4xf32>) -> tensor<1x2x5x4xf32>
  %v = nn.reshape %1 : (tensor<1x1x2x5x4xf32>) -> tensor<1x2x5x4xf32>
  %a = nn.attention %q, %k, %v {scale = 0.5 : f64} : (tensor<1x2x3x4xf32>, tensor<1x2x5x4xf32>, tensor<1x2x5x4xf32>) -> tensor<1x2x3x4xf32>
  %b = nn.transpose %a {permutation = array<i64: 0, 2, 1, 3>} : (tensor<1x2x3x4xf32>) -> tensor<1x3x2x4xf32>
  %r = nn.reshape %b : (tensor<1x3x2x4xf32>) -> tensor<1x3x8xf32>
  return %r : tensor<1x3x8xf32>
}

// -----

// Symbolic sizes. A key whose depth is not its last axis is not read in place.
#a = affine_map<()[s0] -> (1, s0, 2, 4)>
#b = affine_map<()[s0] -> (1, 2, 4, s0)>
#c = affine_map<()[s0] -> (1, 2, s0, 4)>
// CHECK-LABEL: func.func @symbolic
// CHECK: [[K:%.+]] = nn.transpose %{{.+}} {permutation = array<i64: 0, 1, 3, 2>}
// CHECK: nn.fused "attention"(%{{.+}}, [[K]])
func.func @symbolic(%x: tensor<1x?x2x4xf32, #a>, %y: tensor<1x2x4x?xf32, #b>) -> tensor<1x2x?x4xf32, #c> {
  %q = nn.transpose %x {permutation = array<i64: 0, 2, 1, 3>} : (tensor<1x?x2x4xf32, #a>) -> tensor<1x2x?x4xf32, #c>
  %k = nn.transpose %y {permutation = array<i64: 0, 1, 3, 2>} : (tensor<1x2x4x?xf32, #b>) -> tensor<1x2x?x4xf32, #c>
  %r = nn.attention %q, %k, %q {scale = 0.5 : f64} : (tensor<1x2x?x4xf32, #c>, tensor<1x2x?x4xf32, #c>, tensor<1x2x?x4xf32, #c>) -> tensor<1x2x?x4xf32, #c>
  return %r : tensor<1x2x?x4xf32, #c>
}

// -----

// One token: the cache is read where it is, and written on the way.
// CHECK-LABEL: func.func @cache
// CHECK-SAME: [[Q:%[^:]+]]: tensor<1x2x1x4xf32>, [[P:%[^:]+]]: tensor<1x2x5x4xf32>, [[N:%[^:]+]]: tensor<1x2x1x4xf32>
// CHECK-SAME: reason = "computed with concat", taken = true
// CHECK: [[F:%.+]]:2 = nn.fused "attention"([[P]], [[N]], [[Q]])
// CHECK: return [[F]]#1, [[F]]#0
func.func @cache(%q: tensor<1x2x1x4xf32>, %past: tensor<1x2x5x4xf32>, %new: tensor<1x2x1x4xf32>) -> (tensor<1x2x1x4xf32>, tensor<1x2x6x4xf32>) {
  %k = nn.concat %past, %new {axis = 2 : i64} : (tensor<1x2x5x4xf32>, tensor<1x2x1x4xf32>) -> tensor<1x2x6x4xf32>
  %a = nn.attention %q, %k, %k {scale = 0.5 : f64} : (tensor<1x2x1x4xf32>, tensor<1x2x6x4xf32>, tensor<1x2x6x4xf32>) -> tensor<1x2x1x4xf32>
  return %a, %k : tensor<1x2x1x4xf32>, tensor<1x2x6x4xf32>
}

// -----

// Many queries: the cache is written first.
// CHECK-LABEL: func.func @many_queries
// CHECK-SAME: reason = "is written before attention reads it: there may be many queries", taken = false
// CHECK: [[K:%.+]] = nn.concat
// CHECK: nn.attention %{{.+}}, [[K]], [[K]]
func.func @many_queries(%q: tensor<1x2x9x4xf32>, %past: tensor<1x2x5x4xf32>, %new: tensor<1x2x9x4xf32>) -> tensor<1x2x9x4xf32> {
  %k = nn.concat %past, %new {axis = 2 : i64} : (tensor<1x2x5x4xf32>, tensor<1x2x9x4xf32>) -> tensor<1x2x14x4xf32>
  %a = nn.attention %q, %k, %k {scale = 0.5 : f64} : (tensor<1x2x9x4xf32>, tensor<1x2x14x4xf32>, tensor<1x2x14x4xf32>) -> tensor<1x2x9x4xf32>
  return %a : tensor<1x2x9x4xf32>
}
