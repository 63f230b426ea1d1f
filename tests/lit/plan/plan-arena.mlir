// RUN: lathe-opt %s --mlir-print-local-scope --split-input-file --lathe-plan-arena | FileCheck %s

// A chain: the third value takes the place of the first. Sizes are rounded up to 64 bytes; an unused alloc goes away.
// CHECK-LABEL: plan.program @chain
// CHECK-SAME: arena_bytes = 320 : i64
// CHECK-SAME: lower_bound_bytes = 320 : i64
// CHECK-SAME: no_reuse_bytes = 512 : i64
plan.program @chain attributes {function_type = (tensor<8xf32>) -> tensor<8xf32>, input_names = ["x"], output_names = ["y"],
                                target = {}} {
  plan.kernel @k attributes {kind = "map", config = {}, packing = [unit], symbols = array<i64>, tasks = affine_map<() -> (1)>,
                             scratch_bytes = affine_map<() -> (0)>, in_place = array<i64>} {
  ^bb0(%a: tensor<8xf32>):
    nn.yield %a : tensor<8xf32>
  }
  %x = plan.input 0
  %y = plan.output 0
  // CHECK: plan.alloc
  // CHECK-SAME: size_bytes = affine_map<() -> (190)>
  %a = plan.alloc {size_bytes = affine_map<() -> (190)>}
  // CHECK: plan.alloc {offset = [[#]] : i64, size_bytes = affine_map<() -> (128)>}
  %b = plan.alloc {size_bytes = affine_map<() -> (128)>}
  %c = plan.alloc {size_bytes = affine_map<() -> (180)>}
  // CHECK-NOT: 7777
  %unused = plan.alloc {size_bytes = affine_map<() -> (7777)>}
  plan.call @k ins(%x) outs(%a) {flops = affine_map<() -> (8)>, moved_bytes = affine_map<() -> (64)>}
  plan.call @k ins(%a) outs(%b) {flops = affine_map<() -> (8)>, moved_bytes = affine_map<() -> (64)>}
  plan.call @k ins(%b) outs(%c) {flops = affine_map<() -> (8)>, moved_bytes = affine_map<() -> (64)>}
  plan.call @k ins(%c) outs(%y) {flops = affine_map<() -> (8)>, moved_bytes = affine_map<() -> (64)>}
}

// -----

// Symbolic sizes: the first and third value share a slot as large as the larger of them. A view keeps its source alive.
// CHECK-LABEL: plan.program @symbolic
// CHECK-SAME: arena_slots = [
// CHECK-SAME: affine_map<()[s0] -> (s0 * 8, s0 * 4)>
// CHECK-SAME: affine_map<()[s0] -> (s0 * 4 + 64)>
plan.program @symbolic attributes {function_type = (tensor<?xf32, affine_map<()[s0] -> (s0)>>) -> tensor<8xf32>,
    input_names = ["x"], output_names = ["y"], target = {},
    nn.symbols = [{name = "n", kind = "input_dim", input = 0, index = 0, min = 0, max = 4096}]} {
  plan.kernel @k attributes {kind = "map", config = {}, packing = [unit], symbols = array<i64>, tasks = affine_map<() -> (1)>,
                             scratch_bytes = affine_map<() -> (0)>, in_place = array<i64>} {
  ^bb0(%a: tensor<8xf32>):
    nn.yield %a : tensor<8xf32>
  }
  %x = plan.input 0
  %y = plan.output 0
  // CHECK: [[A:%.+]] = plan.alloc {size_bytes = affine_map<()[s0] -> (s0 * 8)>, slot = 0 : i64}
  %a = plan.alloc {size_bytes = affine_map<()[s0] -> (s0 * 8)>}
  %view = plan.view %a {offset_bytes = affine_map<() -> (0)>, size_bytes = affine_map<() -> (32)>}
  // CHECK: plan.alloc {size_bytes = affine_map<()[s0] -> (s0 * 4 + 64)>, slot = 1 : i64}
  %b = plan.alloc {size_bytes = affine_map<()[s0] -> (s0 * 4 + 64)>}
  // CHECK: plan.alloc {size_bytes = affine_map<()[s0] -> (s0 * 4)>, slot = 0 : i64}
  %c = plan.alloc {size_bytes = affine_map<()[s0] -> (s0 * 4)>}
  plan.call @k ins(%x) outs(%a) {flops = affine_map<() -> (8)>, moved_bytes = affine_map<() -> (64)>}
  plan.call @k ins(%view) outs(%b) {flops = affine_map<() -> (8)>, moved_bytes = affine_map<() -> (64)>}
  plan.call @k ins(%b) outs(%c) {flops = affine_map<() -> (8)>, moved_bytes = affine_map<() -> (64)>}
  plan.call @k ins(%c) outs(%y) {flops = affine_map<() -> (8)>, moved_bytes = affine_map<() -> (64)>}
}

// -----

// A size that depends on a computed value gets neither offset nor slot.
// CHECK-LABEL: plan.program @late
// CHECK-SAME: arena_bytes = 0 : i64
plan.program @late attributes {function_type = (tensor<8xf32>) -> tensor<1xi64>, input_names = ["x"], output_names = ["n"],
    target = {}, nn.symbols = [{name = "n", kind = "tensor_value", input = 0, index = 0, min = 0, max = 9},
                               {name = "m", kind = "derived", derived = "minimum", scale = 1.0, min = 0, max = 9,
                                operands = affine_map<()[s0] -> (s0, 4)>}]} {
  plan.kernel @k attributes {kind = "map", config = {}, packing = [unit], symbols = array<i64>, tasks = affine_map<() -> (1)>,
                             scratch_bytes = affine_map<() -> (0)>, in_place = array<i64>} {
  ^bb0(%a: tensor<8xf32>):
    nn.yield %a : tensor<8xf32>
  }
  %x = plan.input 0
  %n = plan.output 0
  plan.call @k ins(%x) outs(%n) {flops = affine_map<() -> (0)>, moved_bytes = affine_map<() -> (8)>}
  plan.late_symbol %n {symbol = 0 : i64, element = 0 : i64}
  // CHECK: plan.alloc {size_bytes = affine_map<()[s0, s1] -> (s1 * 4)>}
  %t = plan.alloc {size_bytes = affine_map<()[s0, s1] -> (s1 * 4)>}
  plan.call @k ins(%x) outs(%t) {flops = affine_map<() -> (0)>, moved_bytes = affine_map<() -> (8)>}
}

// -----

// Sizes that are multiples of one symbol keep their proportions: the third value takes the place of the first two, which
// coloring can't do.
// CHECK-LABEL: plan.program @proportions
// CHECK-SAME: arena_slots = [affine_map<()[s0] -> (s0 * 384)>]
plan.program @proportions attributes {function_type = (tensor<?xf32, affine_map<()[s0] -> (s0)>>) -> tensor<8xf32>,
    input_names = ["x"], output_names = ["y"], target = {},
    nn.symbols = [{name = "n", kind = "input_dim", input = 0, index = 0, min = 0, max = 4096}]} {
  plan.kernel @k attributes {kind = "map", config = {}, packing = [unit], symbols = array<i64>, tasks = affine_map<() -> (1)>,
                             scratch_bytes = affine_map<() -> (0)>, in_place = array<i64>} {
  ^bb0(%a: tensor<8xf32>):
    nn.yield %a : tensor<8xf32>
  }
  plan.kernel @k2 attributes {kind = "map", config = {}, packing = [unit, unit], symbols = array<i64>,
      tasks = affine_map<() -> (1)>, scratch_bytes = affine_map<() -> (0)>, in_place = array<i64>} {
  ^bb0(%a: tensor<8xf32>, %b: tensor<8xf32>):
    nn.yield %a : tensor<8xf32>
  }
  %x = plan.input 0
  %y = plan.output 0
  // CHECK-COUNT-4: plan.alloc {{.*}}slot = 0 : i64
  %a = plan.alloc {size_bytes = affine_map<()[s0] -> (s0 * 128)>}
  %b = plan.alloc {size_bytes = affine_map<()[s0] -> (s0 * 128)>}
  %c = plan.alloc {size_bytes = affine_map<()[s0] -> (s0 * 128)>}
  %d = plan.alloc {size_bytes = affine_map<()[s0] -> (s0 * 256)>}
  plan.call @k ins(%x) outs(%a) {flops = affine_map<() -> (8)>, moved_bytes = affine_map<() -> (64)>}
  plan.call @k ins(%x) outs(%b) {flops = affine_map<() -> (8)>, moved_bytes = affine_map<() -> (64)>}
  plan.call @k2 ins(%a, %b) outs(%c) {flops = affine_map<() -> (8)>, moved_bytes = affine_map<() -> (64)>}
  plan.call @k ins(%c) outs(%d) {flops = affine_map<() -> (8)>, moved_bytes = affine_map<() -> (64)>}
  plan.call @k ins(%d) outs(%y) {flops = affine_map<() -> (8)>, moved_bytes = affine_map<() -> (64)>}
}
