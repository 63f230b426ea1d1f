// RUN: lathe-opt %s | FileCheck %s
// RUN: lathe-opt %s --mlir-print-op-generic | lathe-opt | FileCheck %s
// RUN: lathe-opt %s --emit-bytecode | lathe-opt | FileCheck %s

// Every operation in its written form, with symbolic sizes where they matter. --mlir-print-op-generic and bytecode
// carry the same.

// s0: batch, s1: sequence, s2: height
#bs = affine_map<()[s0, s1] -> (s0, s1)>
#bsd = affine_map<()[s0, s1] -> (s0, s1, 8)>
#bds = affine_map<()[s0, s1] -> (s0, 8, s1)>
#image = affine_map<()[s0, s1, s2] -> (s0, 3, s2, 32)>
#half = affine_map<()[s0, s1, s2] -> (s0, 4, (s2 - 1) floordiv 2 + 1, 16)>
#pooled = affine_map<()[s0, s1, s2] -> (s0, 3, s2 floordiv 2, 16)>
#double = affine_map<()[s0, s1, s2] -> (s0, 3, s2 * 2, 64)>
#heads = affine_map<()[s0, s1] -> (s0, 2, s1, 4)>
#b = affine_map<()[s0] -> (s0)>
#b1 = affine_map<()[s0] -> (s0, 1)>

// CHECK-LABEL: @elementwise
func.func @elementwise(%x: tensor<?x?x8xf32, #bsd>, %y: tensor<8xf32>, %p: tensor<?x?x8xi1, #bsd>) {
  // CHECK: nn.constant dense<1.000000e+00> : tensor<f32>
  %c = nn.constant dense<1.0> : tensor<f32>
  // CHECK: nn.unary leaky_relu %arg0 {alpha = 1.000000e-01 : f64} : (tensor<?x?x8xf32, #[[BSD:.*]]>) -> tensor<?x?x8xf32, #[[BSD]]>
  %0 = nn.unary leaky_relu %x {alpha = 0.1 : f64} : (tensor<?x?x8xf32, #bsd>) -> tensor<?x?x8xf32, #bsd>
  // CHECK: nn.unary is_nan %arg0 : ({{.*}}) -> tensor<?x?x8xi1, #[[BSD]]>
  %1 = nn.unary is_nan %x : (tensor<?x?x8xf32, #bsd>) -> tensor<?x?x8xi1, #bsd>
  // CHECK: nn.binary add %arg0, %arg1 : (tensor<?x?x8xf32, #[[BSD]]>, tensor<8xf32>) -> tensor<?x?x8xf32, #[[BSD]]>
  %2 = nn.binary add %x, %y : (tensor<?x?x8xf32, #bsd>, tensor<8xf32>) -> tensor<?x?x8xf32, #bsd>
  // CHECK: nn.binary less %arg1, %arg0 : ({{.*}}) -> tensor<?x?x8xi1, #[[BSD]]>
  %3 = nn.binary less %y, %x : (tensor<8xf32>, tensor<?x?x8xf32, #bsd>) -> tensor<?x?x8xi1, #bsd>
  // CHECK: nn.select %arg2, %arg0, %arg1 :
  %4 = nn.select %p, %x, %y : (tensor<?x?x8xi1, #bsd>, tensor<?x?x8xf32, #bsd>, tensor<8xf32>) -> tensor<?x?x8xf32, #bsd>
  // CHECK: nn.cast %arg0 : ({{.*}}) -> tensor<?x?x8xi64, #[[BSD]]>
  %5 = nn.cast %x : (tensor<?x?x8xf32, #bsd>) -> tensor<?x?x8xi64, #bsd>
  // CHECK: nn.bitcast %arg1 : (tensor<8xf32>) -> tensor<8xi32>
  %6 = nn.bitcast %y : (tensor<8xf32>) -> tensor<8xi32>
  return
}

// CHECK-LABEL: @reductions
func.func @reductions(%x: tensor<?x?x8xf32, #bsd>, %y: tensor<8xf32>, %i: tensor<?x3x?x32xf32, #image>) {
  // CHECK: nn.reduce mean %arg0 {axes = array<i64: 2>, keepdims = false} : ({{.*}}) -> tensor<?x?xf32, #{{.*}}>
  %0 = nn.reduce mean %x {axes = array<i64: 2>, keepdims = false} : (tensor<?x?x8xf32, #bsd>) -> tensor<?x?xf32, #bs>
  // CHECK: nn.arg_reduce arg_max %arg0 {axis = 2 : i64, keepdims = false, select_last = true}
  %1 = nn.arg_reduce arg_max %x {axis = 2 : i64, keepdims = false, select_last = true} : (tensor<?x?x8xf32, #bsd>) -> tensor<?x?xi64, #bs>
  // CHECK: nn.cumulative cum_sum %arg0 {axis = 1 : i64, exclusive = false, reverse = true}
  %2 = nn.cumulative cum_sum %x {axis = 1 : i64, exclusive = false, reverse = true} : (tensor<?x?x8xf32, #bsd>) -> tensor<?x?x8xf32, #bsd>
  // CHECK: nn.softmax %arg0 {axis = 2 : i64, log}
  %3 = nn.softmax %x {axis = 2 : i64, log} : (tensor<?x?x8xf32, #bsd>) -> tensor<?x?x8xf32, #bsd>
  // CHECK: nn.layer_norm %arg0 scale %arg1 {axis = 2 : i64, epsilon = 1.000000e-05 : f64, rms}
  %4 = nn.layer_norm %x scale %y {axis = 2 : i64, epsilon = 1.0e-5 : f64, rms} : (tensor<?x?x8xf32, #bsd>, tensor<8xf32>) -> tensor<?x?x8xf32, #bsd>
  // CHECK: nn.layer_norm %arg0 scale %arg1 bias %arg1 {axis = 2 : i64, epsilon = 1.000000e-05 : f64}
  %5 = nn.layer_norm %x scale %y bias %y {axis = 2 : i64, epsilon = 1.0e-5 : f64} : (tensor<?x?x8xf32, #bsd>, tensor<8xf32>, tensor<8xf32>) -> tensor<?x?x8xf32, #bsd>
  // CHECK: nn.lrn %arg2 {alpha = 1.000000e+00 : f64, beta = 7.500000e-01 : f64, bias = 2.000000e+00 : f64, size = 5 : i64}
  %6 = nn.lrn %i {alpha = 1.0 : f64, beta = 0.75 : f64, bias = 2.0 : f64, size = 5 : i64} : (tensor<?x3x?x32xf32, #image>) -> tensor<?x3x?x32xf32, #image>
  return
}

// CHECK-LABEL: @contractions
func.func @contractions(%x: tensor<?x?x8xf32, #bsd>, %w: tensor<4x8xf32>, %i: tensor<?x3x?x32xf32, #image>,
                        %f: tensor<4x3x3x3xf32>, %b: tensor<4xf32>, %q: tensor<?x2x?x4xf32, #heads>) {
  // CHECK: nn.matmul %arg0, %arg1 {trans_rhs} : ({{.*}}, tensor<4x8xf32>) -> tensor<?x?x4xf32, #{{.*}}>
  %0 = nn.matmul %x, %w {trans_rhs} : (tensor<?x?x8xf32, #bsd>, tensor<4x8xf32>) -> tensor<?x?x4xf32, affine_map<()[s0, s1] -> (s0, s1, 4)>>
  // CHECK: nn.conv %arg2, %arg3 bias %arg4 {dilations = array<i64: 1, 1>, group = 1 : i64, pads = array<i64: 1, 1, 1, 1>, strides = array<i64: 2, 2>} : ({{.*}}) -> tensor<?x4x?x16xf32, #{{.*}}>
  %1 = nn.conv %i, %f bias %b {strides = array<i64: 2, 2>, pads = array<i64: 1, 1, 1, 1>, dilations = array<i64: 1, 1>, group = 1 : i64}
      : (tensor<?x3x?x32xf32, #image>, tensor<4x3x3x3xf32>, tensor<4xf32>) -> tensor<?x4x?x16xf32, #half>
  // CHECK: nn.conv_transpose %{{.*}}, %arg3 {{.*}} -> tensor<?x3x?x64xf32, #{{.*}}>
  %2 = nn.conv_transpose %1, %f {strides = array<i64: 4, 4>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>, group = 1 : i64}
      : (tensor<?x4x?x16xf32, #half>, tensor<4x3x3x3xf32>) -> tensor<?x3x?x64xf32, #double>
  // CHECK: nn.pool pool_average %arg2 {count_include_pad, {{.*}}kernel = array<i64: 2, 2>
  %3 = nn.pool pool_average %i {kernel = array<i64: 2, 2>, strides = array<i64: 2, 2>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>, count_include_pad}
      : (tensor<?x3x?x32xf32, #image>) -> tensor<?x3x?x16xf32, #pooled>
  // CHECK: nn.max_pool_indices %arg2 {{.*}} -> tensor<?x3x?x16xi64, #{{.*}}>
  %4 = nn.max_pool_indices %i {kernel = array<i64: 2, 2>, strides = array<i64: 2, 2>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>}
      : (tensor<?x3x?x32xf32, #image>) -> tensor<?x3x?x16xi64, #pooled>
  // CHECK: nn.attention %arg5, %arg5, %arg5 {scale = 5.000000e-01 : f64} : ({{.*}}) -> tensor<?x2x?x4xf32, #{{.*}}>
  %5 = nn.attention %q, %q, %q {scale = 0.5 : f64} : (tensor<?x2x?x4xf32, #heads>, tensor<?x2x?x4xf32, #heads>, tensor<?x2x?x4xf32, #heads>) -> tensor<?x2x?x4xf32, #heads>
  // CHECK: nn.resize linear half_pixel round_prefer_floor %arg2 {{.*}}scales = array<f64: 1.000000e+00, 1.000000e+00, 2.000000e+00, 2.000000e+00>
  %6 = nn.resize linear half_pixel round_prefer_floor %i {scales = array<f64: 1.0, 1.0, 2.0, 2.0>, roi = array<f64>}
      : (tensor<?x3x?x32xf32, #image>) -> tensor<?x3x?x64xf32, #double>
  return
}

#tbi = affine_map<()[s0, s1] -> (s1, s0, 3)>
#states = affine_map<()[s0, s1] -> (s1, 1, s0, 2)>
#last = affine_map<()[s0] -> (1, s0, 2)>

// CHECK-LABEL: @recurrent
func.func @recurrent(%x: tensor<?x?x3xf32, #tbi>, %w: tensor<1x8x3xf32>, %r: tensor<1x8x2xf32>, %b: tensor<1x16xf32>,
                     %h: tensor<1x?x2xf32, #last>, %lens: tensor<?xi32, #b>) {
  // CHECK: nn.recurrent lstm backward %arg0 weights %arg1 recurrence %arg2 bias %arg3 lens %arg5 h %arg4 c %arg4 {activations = ["sigmoid", "tanh", "tanh"]
  %0:3 = nn.recurrent lstm backward %x weights %w recurrence %r bias %b lens %lens h %h c %h
      {activations = ["sigmoid", "tanh", "tanh"], alphas = array<f64: 0.0, 0.0, 0.0>, betas = array<f64: 0.0, 0.0, 0.0>}
      : (tensor<?x?x3xf32, #tbi>, tensor<1x8x3xf32>, tensor<1x8x2xf32>, tensor<1x16xf32>, tensor<?xi32, #b>,
         tensor<1x?x2xf32, #last>, tensor<1x?x2xf32, #last>)
      -> (tensor<?x1x?x2xf32, #states>, tensor<1x?x2xf32, #last>, tensor<1x?x2xf32, #last>)
  return
}

// CHECK-LABEL: @movement
func.func @movement(%x: tensor<?x?x8xf32, #bsd>, %v: tensor<f32>) {
  // CHECK: nn.reshape %arg0 : ({{.*}}) -> tensor<?x8xf32, #{{.*}}>
  %0 = nn.reshape %x : (tensor<?x?x8xf32, #bsd>) -> tensor<?x8xf32, affine_map<()[s0, s1] -> (s0 * s1, 8)>>
  // CHECK: nn.transpose %arg0 {permutation = array<i64: 0, 2, 1>} : ({{.*}}) -> tensor<?x8x?xf32, #{{.*}}>
  %1 = nn.transpose %x {permutation = array<i64: 0, 2, 1>} : (tensor<?x?x8xf32, #bsd>) -> tensor<?x8x?xf32, #bds>
  // CHECK: nn.broadcast %arg1 : (tensor<f32>) -> tensor<?x?xf32, #{{.*}}>
  %2 = nn.broadcast %v : (tensor<f32>) -> tensor<?x?xf32, #bs>
  // CHECK: nn.tile %arg0 :
  %3 = nn.tile %x : (tensor<?x?x8xf32, #bsd>) -> tensor<?x?x16xf32, affine_map<()[s0, s1] -> (s0, s1, 16)>>
  // CHECK: nn.slice %arg0 {starts = #{{.*}}, steps = array<i64: 1, 1, -1>}
  %4 = nn.slice %x {starts = affine_map<()[s0, s1] -> (0, s1 - 1, 7)>, steps = array<i64: 1, 1, -1>}
      : (tensor<?x?x8xf32, #bsd>) -> tensor<?x1x8xf32, affine_map<()[s0] -> (s0, 1, 8)>>
  // CHECK: nn.concat %arg0, %arg0 {axis = 1 : i64} : ({{.*}}) -> tensor<?x?x8xf32, #{{.*}}>
  %5 = nn.concat %x, %x {axis = 1 : i64} : (tensor<?x?x8xf32, #bsd>, tensor<?x?x8xf32, #bsd>) -> tensor<?x?x8xf32, affine_map<()[s0, s1] -> (s0, s1 * 2, 8)>>
  // CHECK: nn.pad constant %arg0, %arg1 {low = #{{.*}}}
  %6 = nn.pad constant %x, %v {low = affine_map<() -> (0, 1, 0)>} : (tensor<?x?x8xf32, #bsd>, tensor<f32>) -> tensor<?x?x8xf32, affine_map<()[s0, s1] -> (s0, s1 + 1, 8)>>
  // CHECK: nn.top_k %arg0 {axis = 2 : i64, largest = true}
  %7:2 = nn.top_k %x {axis = 2 : i64, largest = true} : (tensor<?x?x8xf32, #bsd>) -> (tensor<?x?x8xf32, #bsd>, tensor<?x?x8xi64, #bsd>)
  // CHECK: nn.iota {axis = 1 : i64} : tensor<?x?xi64, #{{.*}}>
  %8 = nn.iota {axis = 1 : i64} : tensor<?x?xi64, #bs>
  // CHECK: nn.shape_of %arg0 : ({{.*}}) -> tensor<3xi64>
  %9 = nn.shape_of %x : (tensor<?x?x8xf32, #bsd>) -> tensor<3xi64>
  // CHECK: nn.dim_values {values = #{{.*}}} : tensor<i64>
  %10 = nn.dim_values {values = affine_map<()[s0] -> (s0 * 2)>} : tensor<i64>
  return
}

// CHECK-LABEL: @indexing
func.func @indexing(%x: tensor<?x?x8xf32, #bsd>, %i: tensor<?xi64, #b>, %e: tensor<?x?x8xi64, #bsd>, %n: tensor<?x1xi32, #b1>,
                    %u: tensor<?x?x8xf32, #bsd>, %c: tensor<i64>) {
  // CHECK: nn.gather %arg0, %arg1 {axis = 2 : i64} : ({{.*}}) -> tensor<?x?x?xf32, #{{.*}}>
  %0 = nn.gather %x, %i {axis = 2 : i64} : (tensor<?x?x8xf32, #bsd>, tensor<?xi64, #b>) -> tensor<?x?x?xf32, affine_map<()[s0, s1] -> (s0, s1, s0)>>
  // CHECK: nn.gather_elements %arg0, %arg2 {axis = 2 : i64}
  %1 = nn.gather_elements %x, %e {axis = 2 : i64} : (tensor<?x?x8xf32, #bsd>, tensor<?x?x8xi64, #bsd>) -> tensor<?x?x8xf32, #bsd>
  // CHECK: nn.gather_nd %arg0, %arg3 {batch_dims = 0 : i64}
  %2 = nn.gather_nd %x, %n {batch_dims = 0 : i64} : (tensor<?x?x8xf32, #bsd>, tensor<?x1xi32, #b1>) -> tensor<?x?x8xf32, #bsd>
  // CHECK: nn.scatter_elements %arg0, %arg2, %arg4 {axis = 2 : i64, reduction = #nn<scatter_reduction scatter_add>}
  %3 = nn.scatter_elements %x, %e, %u {axis = 2 : i64, reduction = #nn<scatter_reduction scatter_add>} : (tensor<?x?x8xf32, #bsd>, tensor<?x?x8xi64, #bsd>, tensor<?x?x8xf32, #bsd>) -> tensor<?x?x8xf32, #bsd>
  // CHECK: nn.scatter_nd %arg0, %arg3, %arg4 {reduction = #nn<scatter_reduction none>}
  %4 = nn.scatter_nd %x, %n, %u {reduction = #nn<scatter_reduction none>} : (tensor<?x?x8xf32, #bsd>, tensor<?x1xi32, #b1>, tensor<?x?x8xf32, #bsd>) -> tensor<?x?x8xf32, #bsd>
  // CHECK: nn.late_symbol %arg5 {element = 0 : i64, symbol = 2 : i64} : tensor<i64>
  nn.late_symbol %c {symbol = 2 : i64, element = 0 : i64} : tensor<i64>
  // CHECK: nn.non_zero %arg0 : ({{.*}}) -> tensor<3x?xi64, #{{.*}}>
  %5 = nn.non_zero %x : (tensor<?x?x8xf32, #bsd>) -> tensor<3x?xi64, affine_map<()[s0, s1, s2] -> (3, s2)>>
  return
}

// CHECK-LABEL: @boxes
func.func @boxes(%b: tensor<1x5x4xf32>, %s: tensor<1x2x5xf32>, %n: tensor<i64>, %t: tensor<f32>) {
  // CHECK: nn.non_max_suppression %arg0, %arg1, %arg2, %arg3, %arg3 {center} : ({{.*}}) -> (tensor<10x3xi64>, tensor<1xi64>)
  %r:2 = nn.non_max_suppression %b, %s, %n, %t, %t {center} : (tensor<1x5x4xf32>, tensor<1x2x5xf32>, tensor<i64>, tensor<f32>, tensor<f32>) -> (tensor<10x3xi64>, tensor<1xi64>)
  return
}

// CHECK-LABEL: @quantized
func.func @quantized(%x: tensor<2x3xf32>, %s: tensor<f32>, %z: tensor<ui8>, %t: tensor<2x2xf32>, %w: tensor<3x4xi8>, %p: tensor<4xi8>) {
  // CHECK: %[[Q:.*]] = nn.quantize %arg0, %arg1 zero %arg2 : ({{.*}}) -> tensor<2x3xui8>
  %q = nn.quantize %x, %s zero %z : (tensor<2x3xf32>, tensor<f32>, tensor<ui8>) -> tensor<2x3xui8>
  // CHECK: nn.dequantize %[[Q]], %arg3 {axis = 1 : i64, block = 2 : i64} : ({{.*}}) -> tensor<2x3xf32>
  %d = nn.dequantize %q, %t {axis = 1 : i64, block = 2 : i64} : (tensor<2x3xui8>, tensor<2x2xf32>) -> tensor<2x3xf32>
  // CHECK: nn.matmul %[[Q]], %arg4 lhs_zero %arg2 rhs_zero %arg5 : ({{.*}}) -> tensor<2x4xi32>
  %m = nn.matmul %q, %w lhs_zero %z rhs_zero %p : (tensor<2x3xui8>, tensor<3x4xi8>, tensor<ui8>, tensor<4xi8>) -> tensor<2x4xi32>
  return
}

// CHECK-LABEL: @fused
func.func @fused(%x: tensor<?x?x8xf32, #bsd>) -> tensor<?x?x8xf32, #bsd> {
  // CHECK: %[[F:.*]] = nn.fused "map"(%arg0) : ({{.*}}) -> tensor<?x?x8xf32, #{{.*}}> {
  // CHECK-NEXT: ^bb0(%[[X:.*]]: tensor<?x?x8xf32, #{{.*}}>):
  // CHECK-NEXT: %[[Y:.*]] = nn.unary gelu %[[X]]
  // CHECK-NEXT: nn.yield %[[Y]] : tensor<?x?x8xf32, #{{.*}}>
  %r = nn.fused "map"(%x) : (tensor<?x?x8xf32, #bsd>) -> tensor<?x?x8xf32, #bsd> {
  ^bb0(%a: tensor<?x?x8xf32, #bsd>):
    %y = nn.unary gelu %a : (tensor<?x?x8xf32, #bsd>) -> tensor<?x?x8xf32, #bsd>
    nn.yield %y : tensor<?x?x8xf32, #bsd>
  }
  // CHECK: return %[[F]]
  return %r : tensor<?x?x8xf32, #bsd>
}
