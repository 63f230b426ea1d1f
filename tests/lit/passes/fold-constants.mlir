// RUN: lathe-opt %s --lathe-fold-constants | FileCheck %s
// RUN: lathe-opt %s --lathe-fold-constants=max-growth-bytes=0 | FileCheck %s --check-prefix=LEAN

// A chain folds in one run; what it came from is gone.
// CHECK-LABEL: @chain
// CHECK-NEXT: %[[C:.*]] = nn.constant dense<[-2.000000e+00, -3.000000e+00]>
// CHECK-NEXT: return %[[C]]
func.func @chain() -> tensor<2xf32> {
  %a = nn.constant dense<[1.0, 2.0]> : tensor<2xf32>
  %b = nn.constant dense<1.0> : tensor<f32>
  %x = nn.binary add %a, %b : (tensor<2xf32>, tensor<f32>) -> tensor<2xf32>
  %r = nn.unary neg %x : (tensor<2xf32>) -> tensor<2xf32>
  return %r : tensor<2xf32>
}

// CHECK-LABEL: @argument_stays
// CHECK: nn.binary add %arg0, %{{.*}}
func.func @argument_stays(%a: tensor<2xf32>) -> tensor<2xf32> {
  %b = nn.constant dense<1.0> : tensor<f32>
  %r = nn.binary add %a, %b : (tensor<2xf32>, tensor<f32>) -> tensor<2xf32>
  return %r : tensor<2xf32>
}

// An operand with another user stays.
// CHECK-LABEL: @shared_operand
// CHECK-DAG: %[[A:.*]] = nn.constant dense<1.000000e+00>
// CHECK-DAG: %[[N:.*]] = nn.constant dense<-1.000000e+00>
// CHECK: return %[[A]], %[[N]]
func.func @shared_operand() -> (tensor<f32>, tensor<f32>) {
  %a = nn.constant dense<1.0> : tensor<f32>
  %n = nn.unary neg %a : (tensor<f32>) -> tensor<f32>
  return %a, %n : tensor<f32>, tensor<f32>
}

// Growth by 4 MB: computing it is cheaper than storing it.
// CHECK-LABEL: @large_broadcast_stays
// CHECK: nn.broadcast
func.func @large_broadcast_stays() -> tensor<1024x1024xf32> {
  %a = nn.constant dense<1.0> : tensor<f32>
  %r = nn.broadcast %a : (tensor<f32>) -> tensor<1024x1024xf32>
  return %r : tensor<1024x1024xf32>
}

// Growth by 12 bytes: allowed, unless none is.
// CHECK-LABEL: @small_broadcast
// CHECK-NEXT: nn.constant dense<1.000000e+00> : tensor<4xf32>
// LEAN-LABEL: @small_broadcast
// LEAN: nn.broadcast
func.func @small_broadcast() -> tensor<4xf32> {
  %a = nn.constant dense<1.0> : tensor<f32>
  %r = nn.broadcast %a : (tensor<f32>) -> tensor<4xf32>
  return %r : tensor<4xf32>
}

// Results above 1 KiB are resources. The first transpose's memory is given back when the second is done.
// CHECK-LABEL: @resource
// CHECK-NEXT: nn.constant dense_resource<folded{{.*}}> : tensor<2x256xf32>
// CHECK-NEXT: return
func.func @resource() -> tensor<2x256xf32> {
  %a = nn.constant dense<1.0> : tensor<2x256xf32>
  %t = nn.transpose %a {permutation = array<i64: 1, 0>} : (tensor<2x256xf32>) -> tensor<256x2xf32>
  %n = nn.unary neg %t : (tensor<256x2xf32>) -> tensor<256x2xf32>
  %r = nn.transpose %n {permutation = array<i64: 1, 0>} : (tensor<256x2xf32>) -> tensor<2x256xf32>
  return %r : tensor<2x256xf32>
}

// An error at run time is none at compile time: the operation may never be run.
// CHECK-LABEL: @out_of_range_stays
// CHECK: nn.gather
func.func @out_of_range_stays() -> tensor<1xf32> {
  %a = nn.constant dense<1.0> : tensor<2xf32>
  %i = nn.constant dense<2> : tensor<1xi64>
  %r = nn.gather %a, %i {axis = 0 : i64} : (tensor<2xf32>, tensor<1xi64>) -> tensor<1xf32>
  return %r : tensor<1xf32>
}
// The resource's bytes: -1.0, three times at least, and no second blob.
// CHECK: dialect_resources
// CHECK: folded{{.*}}: "0x{{[0-9A-F]*}}000080BF000080BF000080BF
// CHECK-NOT: folded{{.*}}: "0x{{[0-9A-F]+}}
