// RUN: lathe-opt %s --split-input-file --mlir-print-local-scope --lathe-lower-to-plan="cpu=x86-64-v3" | FileCheck %s

// One kernel, computed straight into the output. The scalar is part of the kernel, the vector is weights.
// CHECK-LABEL: plan.program @scale
// CHECK-SAME: input_names = ["in"]
// CHECK-SAME: output_names = ["output0"]
// CHECK: plan.kernel @[[K:[a-z0-9_]+]] attributes
// CHECK: ^bb0(%{{.*}}: tensor<4x8xf32>):
// CHECK: nn.constant dense<2.000000e+00>
func.func @scale(%x: tensor<4x8xf32> {nn.name = "in"}) -> tensor<4x8xf32> {
  %two = nn.constant dense<2.0> : tensor<f32>
  // CHECK: [[X:%.+]] = plan.input 0
  // CHECK: [[Y:%.+]] = plan.output 0
  // CHECK-NOT: plan.weights
  // CHECK: plan.call @[[K]] ins([[X]]) outs([[Y]])
  // CHECK-SAME: moved_bytes = affine_map<() -> (256)>
  %0 = nn.binary mul %x, %two : (tensor<4x8xf32>, tensor<f32>) -> tensor<4x8xf32>
  return %0 : tensor<4x8xf32>
}

// -----

// Equal computations share a kernel, whatever their locations are; equal constants share weights.
// CHECK-LABEL: plan.program @shared
// CHECK-COUNT-1: plan.kernel
// CHECK-COUNT-1: plan.weights
// CHECK: [[T:%.+]] = plan.alloc
// CHECK: plan.call @[[K:.+]] ins({{.*}}) outs([[T]])
// CHECK: plan.call @[[K]] ins([[T]], {{.*}}) outs(
func.func @shared(%x: tensor<2xf32>) -> (tensor<2xf32>) {
  %c = nn.constant dense<[1.0, 2.0]> : tensor<2xf32>
  %0 = nn.binary fmod %x, %c : (tensor<2xf32>, tensor<2xf32>) -> tensor<2xf32> loc("first")
  %1 = nn.binary fmod %0, %c : (tensor<2xf32>, tensor<2xf32>) -> tensor<2xf32> loc("second")
  return %1 : tensor<2xf32>
}

// -----

// Reshapes compute nothing; a slice of whole rows is a view.
// CHECK-LABEL: plan.program @views
// CHECK-NOT: reshape
// CHECK: [[X:%.+]] = plan.input 0
// CHECK: [[V:%.+]] = plan.view [[X]] {offset_bytes = affine_map<() -> (32)>, size_bytes = affine_map<() -> (64)>}
// CHECK: plan.call @{{.*}} ins([[V]]) outs(
func.func @views(%x: tensor<4x8xf32>) -> tensor<16xf32> {
  %0 = nn.slice %x {starts = affine_map<() -> (1, 0)>, steps = array<i64: 1, 1>} : (tensor<4x8xf32>) -> tensor<2x8xf32>
  %1 = nn.reshape %0 : (tensor<2x8xf32>) -> tensor<16xf32>
  %2 = nn.unary exp %1 : (tensor<16xf32>) -> tensor<16xf32>
  return %2 : tensor<16xf32>
}

// -----

// A slice of columns is a kernel.
// CHECK-LABEL: plan.program @columns
// CHECK-NOT: plan.view
// CHECK: plan.call
func.func @columns(%x: tensor<4x8xf32>) -> tensor<4x2xf32> {
  %0 = nn.slice %x {starts = affine_map<() -> (0, 3)>, steps = array<i64: 1, 1>} : (tensor<4x8xf32>) -> tensor<4x2xf32>
  return %0 : tensor<4x2xf32>
}

// -----

// Outputs that no kernel computes are copied: an input, a constant, a value returned twice.
// CHECK-LABEL: plan.program @copies
// CHECK: [[X:%.+]] = plan.input 0
// CHECK: [[O0:%.+]] = plan.output 0
// CHECK: [[O1:%.+]] = plan.output 1
// CHECK: [[O2:%.+]] = plan.output 2
// CHECK: [[O3:%.+]] = plan.output 3
// CHECK: [[W:%.+]] = plan.weights
// CHECK: plan.call @{{.*}} ins([[X]]) outs([[O2]])
// CHECK: plan.call @{{.*}} ins([[X]]) outs([[O0]])
// CHECK: plan.call @{{.*}} ins([[W]]) outs([[O1]])
// CHECK: plan.call @{{.*}} ins([[O2]]) outs([[O3]])
func.func @copies(%x: tensor<8xf32>) -> (tensor<8xf32>, tensor<8xf32>, tensor<8xf32>, tensor<8xf32>) {
  %c = nn.constant dense<[1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0]> : tensor<8xf32>
  %0 = nn.unary exp %x : (tensor<8xf32>) -> tensor<8xf32>
  return %x, %c, %0, %0 : tensor<8xf32>, tensor<8xf32>, tensor<8xf32>, tensor<8xf32>
}

// -----

// Concat along the outermost axis: producers write into the result; the graph input is copied.
// CHECK-LABEL: plan.program @concat
// CHECK-SAME: reason = "some inputs are computed in their place, others copied", taken = true, what = "concat-in-place"
// CHECK: [[X:%.+]] = plan.input 0
// CHECK: [[O:%.+]] = plan.output 0
// CHECK: [[A:%.+]] = plan.view [[O]] {offset_bytes = affine_map<() -> (0)>
// CHECK: plan.call @{{.*}} ins([[X]]) outs([[A]])
// CHECK: [[B:%.+]] = plan.view [[O]] {offset_bytes = affine_map<() -> (32)>
// CHECK: plan.call @{{.*}} ins([[X]]) outs([[B]])
func.func @concat(%x: tensor<1x8xf32>) -> tensor<2x8xf32> {
  %0 = nn.unary exp %x : (tensor<1x8xf32>) -> tensor<1x8xf32>
  %1 = nn.concat %0, %x {axis = 0} : (tensor<1x8xf32>, tensor<1x8xf32>) -> tensor<2x8xf32>
  return %1 : tensor<2x8xf32>
}

// -----

// In place: the first value dies in the second operation. The third reads %0 again, so the second can't overwrite it.
// CHECK-LABEL: plan.program @in_place
// CHECK: [[A:%.+]] = plan.alloc
// CHECK: plan.call @{{.*}} outs([[A]])
// CHECK: [[B:%.+]] = plan.alloc
// CHECK: plan.call @{{.*}} ins([[A]]) outs([[B]])
// CHECK: plan.call @{{.*}} ins([[B]], [[A]]) outs([[B]])
// CHECK: plan.call @{{.*}} ins([[B]]) outs(
func.func @in_place(%x: tensor<8xf32>) -> tensor<8xf32> {
  %0 = nn.unary exp %x : (tensor<8xf32>) -> tensor<8xf32>
  %1 = nn.unary sin %0 : (tensor<8xf32>) -> tensor<8xf32>
  %2 = nn.binary add %1, %0 : (tensor<8xf32>, tensor<8xf32>) -> tensor<8xf32>
  %3 = nn.unary cos %2 : (tensor<8xf32>) -> tensor<8xf32>
  return %3 : tensor<8xf32>
}

// -----

// A broadcast input is read at other indices than it would be written: not in place.
// CHECK-LABEL: plan.program @broadcast
// CHECK: [[A:%.+]] = plan.alloc
// CHECK: [[B:%.+]] = plan.alloc
// CHECK: plan.call @{{.*}} ins([[A]], {{.*}}) outs([[B]])
func.func @broadcast(%x: tensor<1x8xf32>, %y: tensor<8x1xf32>) -> tensor<8x8xf32> {
  %0 = nn.unary exp %x : (tensor<1x8xf32>) -> tensor<1x8xf32>
  %1 = nn.binary add %0, %y : (tensor<1x8xf32>, tensor<8x1xf32>) -> tensor<8x8xf32>
  %2 = nn.unary sin %1 : (tensor<8x8xf32>) -> tensor<8x8xf32>
  return %2 : tensor<8x8xf32>
}

// -----

// Symbolic sizes: the kernel lists the symbols that it needs.
// CHECK-LABEL: plan.program @symbolic
// CHECK: plan.kernel
// CHECK-SAME: symbols = array<i64: 1>
// CHECK: moved_bytes = affine_map<()[s0, s1] -> (s1 * 8)>
func.func @symbolic(%x: tensor<?xf32, affine_map<()[s0, s1] -> (s1)>>) -> tensor<?xf32, affine_map<()[s0, s1] -> (s1)>>
    attributes {nn.symbols = [{name = "a", kind = "input_dim", input = 0, index = 0, min = 0, max = 9},
                              {name = "b", kind = "input_dim", input = 0, index = 0, min = 0, max = 9}]} {
  %0 = nn.unary exp %x : (tensor<?xf32, affine_map<()[s0, s1] -> (s1)>>) -> tensor<?xf32, affine_map<()[s0, s1] -> (s1)>>
  return %0 : tensor<?xf32, affine_map<()[s0, s1] -> (s1)>>
}

// -----

// Each large value is read right after it was computed, instead of both being kept.
// CHECK-LABEL: plan.program @order
// CHECK: [[A:%.+]] = plan.alloc {{.*}}262144
// CHECK-NEXT: plan.call @{{.*}} outs([[A]])
// CHECK: plan.call @{{.*}} ins([[A]])
// CHECK: [[B:%.+]] = plan.alloc {{.*}}262144
// CHECK-NEXT: plan.call @{{.*}} outs([[B]])
// CHECK: plan.call @{{.*}} ins([[B]])
func.func @order(%x: tensor<1x256xf32>, %y: tensor<256x1xf32>) -> tensor<1x256xf32> {
  %0 = nn.binary add %x, %y : (tensor<1x256xf32>, tensor<256x1xf32>) -> tensor<256x256xf32>
  %1 = nn.binary mul %x, %y : (tensor<1x256xf32>, tensor<256x1xf32>) -> tensor<256x256xf32>
  %2 = nn.reduce sum %0 {axes = array<i64: 0>, keepdims = true} : (tensor<256x256xf32>) -> tensor<1x256xf32>
  %3 = nn.reduce sum %1 {axes = array<i64: 0>, keepdims = true} : (tensor<256x256xf32>) -> tensor<1x256xf32>
  %4 = nn.binary mul %2, %3 : (tensor<1x256xf32>, tensor<1x256xf32>) -> tensor<1x256xf32>
  return %4 : tensor<1x256xf32>
}

// -----

// Of a table, what is gathered moves: 3 rows of 32 bytes, 3 indices, 3 rows written.
// CHECK-LABEL: plan.program @gather
// CHECK: plan.call {{.*}}moved_bytes = affine_map<() -> (216)>
func.func @gather(%table: tensor<1000x8xf32>, %ids: tensor<3xi64>) -> tensor<3x8xf32> {
  %0 = nn.gather %table, %ids {axis = 0} : (tensor<1000x8xf32>, tensor<3xi64>) -> tensor<3x8xf32>
  return %0 : tensor<3x8xf32>
}

// -----

// CHECK-LABEL: plan.program @small_table
// CHECK: plan.call {{.*}}moved_bytes = affine_map<() -> (184)>
func.func @small_table(%table: tensor<2x8xf32>, %ids: tensor<3xi64>) -> tensor<3x8xf32> {
  %0 = nn.gather %table, %ids {axis = 0} : (tensor<2x8xf32>, tensor<3xi64>) -> tensor<3x8xf32>
  return %0 : tensor<3x8xf32>
}
