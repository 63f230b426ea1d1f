// RUN: lathe-opt %s | lathe-opt --mlir-print-local-scope | FileCheck %s

// CHECK-LABEL: plan.program @add
plan.program @add attributes {function_type = (tensor<8xf32>) -> tensor<8xf32>, input_names = ["x"], output_names = ["y"],
                              target = {}} {
  // CHECK: plan.kernel @f32_map_add attributes
  // CHECK-SAME: in_place = array<i64>
  // CHECK-SAME: kind = "map"
  plan.kernel @f32_map_add attributes {kind = "map", config = {}, packing = [unit, unit], symbols = array<i64>,
      tasks = affine_map<() -> (1)>, scratch_bytes = affine_map<() -> (0)>, in_place = array<i64>} {
  ^bb0(%a: tensor<8xf32>, %b: tensor<8xf32>):
    %sum = nn.binary add %a, %b : (tensor<8xf32>, tensor<8xf32>) -> tensor<8xf32>
    nn.yield %sum : tensor<8xf32>
  }
  // CHECK: plan.kernel @f32_map_relu
  // CHECK-SAME: in_place = array<i64: 0, 0>
  // CHECK-SAME: rounds = affine_map<() -> (3)>
  plan.kernel @f32_map_relu attributes {kind = "map", config = {}, packing = [unit], symbols = array<i64>,
      tasks = affine_map<() -> (1)>, scratch_bytes = affine_map<() -> (0)>, in_place = array<i64: 0, 0>,
      rounds = affine_map<() -> (3)>} {
  ^bb0(%a: tensor<8xf32>):
    %result = nn.unary relu %a : (tensor<8xf32>) -> tensor<8xf32>
    nn.yield %result : tensor<8xf32>
  }
  // CHECK: [[X:%.+]] = plan.input 0
  %x = plan.input 0
  // CHECK: [[Y:%.+]] = plan.output 0
  %y = plan.output 0
  // CHECK: [[W:%.+]] = plan.weights
  // CHECK-SAME: size_bytes = 32 : i64
  %w = plan.weights {value = dense<2.0> : tensor<8xf32>, packing = unit, size_bytes = 32 : i64}
  // CHECK: [[T:%.+]] = plan.alloc {offset = 64 : i64, size_bytes = affine_map<() -> (64)>}
  %t = plan.alloc {size_bytes = affine_map<() -> (64)>, offset = 64 : i64}
  // CHECK: [[V:%.+]] = plan.view [[T]]
  %v = plan.view %t {offset_bytes = affine_map<() -> (32)>, size_bytes = affine_map<() -> (32)>}
  // CHECK: plan.call @f32_map_add ins([[X]], [[W]]) outs([[V]])
  plan.call @f32_map_add ins(%x, %w) outs(%v) {flops = affine_map<() -> (8)>, moved_bytes = affine_map<() -> (96)>}
  // CHECK: plan.call @f32_map_relu ins([[V]]) outs([[V]])
  plan.call @f32_map_relu ins(%v) outs(%v) {flops = affine_map<() -> (8)>, moved_bytes = affine_map<() -> (64)>}
  plan.call @f32_map_add ins(%v, %w) outs(%y) {flops = affine_map<() -> (8)>, moved_bytes = affine_map<() -> (96)>}
}

// Sizes from a computed value: the symbol is read after the call before it.
// CHECK-LABEL: plan.program @late
plan.program @late attributes {function_type = () -> tensor<1xi64>, input_names = [], output_names = ["n"], target = {},
    nn.symbols = [{name = "n", kind = "tensor_value", input = 0, index = 0, min = 0, max = 9}]} {
  plan.kernel @i64_map_count attributes {kind = "map", config = {}, packing = [], symbols = array<i64>,
      tasks = affine_map<() -> (1)>, scratch_bytes = affine_map<() -> (0)>, in_place = array<i64>} {
    %one = nn.constant dense<1> : tensor<1xi64>
    nn.yield %one : tensor<1xi64>
  }
  %n = plan.output 0
  plan.call @i64_map_count ins() outs(%n) {flops = affine_map<() -> (0)>, moved_bytes = affine_map<() -> (8)>}
  // CHECK: plan.late_symbol {{.*}} {element = 0 : i64, symbol = 0 : i64}
  plan.late_symbol %n {symbol = 0 : i64, element = 0 : i64}
}
