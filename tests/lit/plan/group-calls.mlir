// RUN: lathe-opt %s --mlir-print-local-scope --split-input-file --lathe-group-calls | FileCheck %s

// Two branches of two calls, one after the other: they become two groups. Halves of one buffer are apart.
// CHECK-LABEL: plan.program @branches
plan.program @branches attributes {function_type = (tensor<8xf32>) -> tensor<8xf32>,
    input_names = ["x"], output_names = ["y"], target = {}} {
  plan.kernel @k attributes {kind = "map", config = {}, packing = [unit], symbols = array<i64>, tasks = affine_map<() -> (1)>,
                             scratch_bytes = affine_map<() -> (0)>, in_place = array<i64>} {
  ^bb0(%a: tensor<8xf32>):
    nn.yield %a : tensor<8xf32>
  }
  %x = plan.input 0
  %y = plan.output 0
  %all = plan.alloc {size_bytes = affine_map<() -> (64)>}
  %a = plan.alloc {size_bytes = affine_map<() -> (32)>}
  // CHECK: [[LEFT:%.+]] = plan.view {{.*}} affine_map<() -> (0)>
  %left = plan.view %all {offset_bytes = affine_map<() -> (0)>, size_bytes = affine_map<() -> (32)>}
  // CHECK: plan.call @k ins([[X:%.+]]) outs([[A:%.+]]) {flops = affine_map<() -> (8)>, moved_bytes
  plan.call @k ins(%x) outs(%a) {flops = affine_map<() -> (8)>, moved_bytes = affine_map<() -> (64)>}
  // CHECK-NEXT: plan.call @k ins([[X]]) outs([[B:%.+]]) {flops = affine_map<() -> (8)>, joins, moved_bytes
  // CHECK: plan.call @k ins([[A]]) outs([[LEFT]]) {flops = affine_map<() -> (8)>, moved_bytes
  plan.call @k ins(%a) outs(%left) {flops = affine_map<() -> (8)>, moved_bytes = affine_map<() -> (64)>}
  %b = plan.alloc {size_bytes = affine_map<() -> (32)>}
  plan.call @k ins(%x) outs(%b) {flops = affine_map<() -> (8)>, moved_bytes = affine_map<() -> (64)>}
  %right = plan.view %all {offset_bytes = affine_map<() -> (32)>, size_bytes = affine_map<() -> (32)>}
  // CHECK-NEXT: plan.call @k ins([[B]]) outs({{%.+}}) {flops = affine_map<() -> (8)>, joins, moved_bytes
  plan.call @k ins(%b) outs(%right) {flops = affine_map<() -> (8)>, moved_bytes = affine_map<() -> (64)>}
  // CHECK: plan.call @k ins({{%.+}}) outs({{%.+}}) {flops = affine_map<() -> (8)>, moved_bytes
  %z = plan.alloc {size_bytes = affine_map<() -> (320)>}
  plan.call @k ins(%all) outs(%z) {flops = affine_map<() -> (8)>, moved_bytes = affine_map<() -> (64)>}
  plan.call @k ins(%z) outs(%y) {flops = affine_map<() -> (8)>, moved_bytes = affine_map<() -> (64)>}
}

// -----

// The second branch would be live beside the first one's large value: it stays where it is.
// CHECK-LABEL: plan.program @memory
// CHECK-NOT: joins
plan.program @memory attributes {function_type = (tensor<8xf32>) -> tensor<8xf32>,
    input_names = ["x"], output_names = ["y"], target = {}} {
  plan.kernel @k attributes {kind = "map", config = {}, packing = [unit], symbols = array<i64>, tasks = affine_map<() -> (1)>,
                             scratch_bytes = affine_map<() -> (0)>, in_place = array<i64>} {
  ^bb0(%a: tensor<8xf32>):
    nn.yield %a : tensor<8xf32>
  }
  %x = plan.input 0
  %y = plan.output 0
  %a = plan.alloc {size_bytes = affine_map<() -> (320)>}
  %b = plan.alloc {size_bytes = affine_map<() -> (320)>}
  %c = plan.alloc {size_bytes = affine_map<() -> (32)>}
  plan.call @k ins(%x) outs(%a) {flops = affine_map<() -> (8)>, moved_bytes = affine_map<() -> (64)>}
  plan.call @k ins(%a) outs(%c) {flops = affine_map<() -> (8)>, moved_bytes = affine_map<() -> (64)>}
  plan.call @k ins(%x) outs(%b) {flops = affine_map<() -> (8)>, moved_bytes = affine_map<() -> (64)>}
  plan.call @k ins(%b) outs(%y) {flops = affine_map<() -> (8)>, moved_bytes = affine_map<() -> (64)>}
}

// -----

// A long call isn't moved up, but joins where it stands.
// CHECK-LABEL: plan.program @long
// CHECK: plan.call {{.*}} outs([[A:%.+]]) {flops = affine_map<() -> (8)>, moved_bytes
// CHECK-NEXT: plan.call {{.*}} ins([[A]]) {{.*}} {flops = affine_map<() -> (8)>, moved_bytes
// CHECK-NEXT: plan.call {{.*}} {flops = affine_map<() -> (8000000)>, joins, moved_bytes
plan.program @long attributes {function_type = (tensor<8xf32>) -> tensor<8xf32>,
    input_names = ["x"], output_names = ["y"], target = {}} {
  plan.kernel @k attributes {kind = "map", config = {}, packing = [unit], symbols = array<i64>, tasks = affine_map<() -> (1)>,
                             scratch_bytes = affine_map<() -> (0)>, in_place = array<i64>} {
  ^bb0(%a: tensor<8xf32>):
    nn.yield %a : tensor<8xf32>
  }
  %x = plan.input 0
  %y = plan.output 0
  %a = plan.alloc {size_bytes = affine_map<() -> (32)>}
  %b = plan.alloc {size_bytes = affine_map<() -> (32)>}
  plan.call @k ins(%x) outs(%a) {flops = affine_map<() -> (8)>, moved_bytes = affine_map<() -> (64)>}
  plan.call @k ins(%a) outs(%b) {flops = affine_map<() -> (8)>, moved_bytes = affine_map<() -> (64)>}
  plan.call @k ins(%x) outs(%y) {flops = affine_map<() -> (8000000)>, moved_bytes = affine_map<() -> (64)>}
}
