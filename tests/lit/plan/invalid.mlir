// RUN: lathe-opt %s --split-input-file --verify-diagnostics

// C1 of plan.program.
// expected-error @+1 {{expects 1 input names (C1), got 2}}
plan.program @p attributes {function_type = (tensor<8xf32>) -> tensor<8xf32>, input_names = ["x", "z"], output_names = ["y"], target = {}} {
  %x = plan.input 0
  %y = plan.output 0
}

// -----

// expected-error @+1 {{expects 1 output names (C1), got 0}}
plan.program @p attributes {function_type = (tensor<8xf32>) -> tensor<8xf32>, input_names = ["x"], output_names = [], target = {}} {
  %x = plan.input 0
  %y = plan.output 0
}

// -----

// C2 of plan.program.
// expected-error @+1 {{expects one output operation (C2) for output 0, got 0}}
plan.program @p attributes {function_type = (tensor<8xf32>) -> tensor<8xf32>, input_names = ["x"], output_names = ["y"], target = {}} {
  %x = plan.input 0
}

// -----

plan.program @p attributes {function_type = (tensor<8xf32>) -> tensor<8xf32>, input_names = ["x"], output_names = ["y"], target = {}} {
  %x = plan.input 0
  // expected-error @+1 {{expects an index (C2) below 1, got 3}}
  %z = plan.input 3
  %y = plan.output 0
}

// -----

// C1 of plan.kernel.
plan.program @p attributes {function_type = (tensor<8xf32>) -> tensor<8xf32>, input_names = ["x"], output_names = ["y"], target = {}} {
  // expected-error @+1 {{expects the region (C1) to end in nn.yield}}
  plan.kernel @k attributes {kind = "map", config = {}, packing = [unit], symbols = array<i64>,
      tasks = affine_map<() -> (1)>, scratch_bytes = affine_map<() -> (0)>, in_place = array<i64>} {
  ^bb0(%a: tensor<8xf32>):
    %r = nn.unary relu %a : (tensor<8xf32>) -> tensor<8xf32>
  }
  %x = plan.input 0
  %y = plan.output 0
}

// -----

// C2 of plan.kernel.
plan.program @p attributes {function_type = (tensor<8xf32>) -> tensor<8xf32>, input_names = ["x"], output_names = ["y"], target = {}} {
  // expected-error @+1 {{expects tasks (C2) to have symbols only and one result, got 0 dims and 2 results}}
  plan.kernel @k attributes {kind = "map", config = {}, packing = [unit], symbols = array<i64>,
      tasks = affine_map<() -> (1, 2)>, scratch_bytes = affine_map<() -> (0)>, in_place = array<i64>} {
  ^bb0(%a: tensor<8xf32>):
    %r = nn.unary relu %a : (tensor<8xf32>) -> tensor<8xf32>
    nn.yield %r : tensor<8xf32>
  }
  %x = plan.input 0
  %y = plan.output 0
}

// -----

plan.program @p attributes {function_type = (tensor<8xf32>) -> tensor<8xf32>, input_names = ["x"], output_names = ["y"], target = {}} {
  // expected-error @+1 {{expects rounds (C2) to have symbols only and one result, got 0 dims and 2 results}}
  plan.kernel @k attributes {kind = "map", config = {}, packing = [unit], symbols = array<i64>,
      tasks = affine_map<() -> (1)>, scratch_bytes = affine_map<() -> (0)>, in_place = array<i64>,
      rounds = affine_map<() -> (1, 2)>} {
  ^bb0(%a: tensor<8xf32>):
    %r = nn.unary relu %a : (tensor<8xf32>) -> tensor<8xf32>
    nn.yield %r : tensor<8xf32>
  }
  %x = plan.input 0
  %y = plan.output 0
}

// -----

plan.program @p attributes {function_type = (tensor<8xf32>) -> tensor<8xf32>, input_names = ["x"], output_names = ["y"], target = {}} {
  // expected-error @+1 {{expects scratch_bytes (C2) to have symbols only and one result, got 1 dims and 1 results}}
  plan.kernel @k attributes {kind = "map", config = {}, packing = [unit], symbols = array<i64>,
      tasks = affine_map<() -> (1)>, scratch_bytes = affine_map<(d0) -> (d0)>, in_place = array<i64>} {
  ^bb0(%a: tensor<8xf32>):
    %r = nn.unary relu %a : (tensor<8xf32>) -> tensor<8xf32>
    nn.yield %r : tensor<8xf32>
  }
  %x = plan.input 0
  %y = plan.output 0
}

// -----

// C3 of plan.kernel.
plan.program @p attributes {function_type = (tensor<8xf32>) -> tensor<8xf32>, input_names = ["x"], output_names = ["y"], target = {}} {
  // expected-error @+1 {{expects in_place (C3) to hold pairs, got 1 numbers}}
  plan.kernel @k attributes {kind = "map", config = {}, packing = [unit], symbols = array<i64>,
      tasks = affine_map<() -> (1)>, scratch_bytes = affine_map<() -> (0)>, in_place = array<i64: 0>} {
  ^bb0(%a: tensor<8xf32>):
    %r = nn.unary relu %a : (tensor<8xf32>) -> tensor<8xf32>
    nn.yield %r : tensor<8xf32>
  }
  %x = plan.input 0
  %y = plan.output 0
}

// -----

plan.program @p attributes {function_type = (tensor<8xf32>) -> tensor<8xf32>, input_names = ["x"], output_names = ["y"], target = {}} {
  // expected-error @+1 {{expects in_place (C3) to name inputs below 1 and outputs below 1, got (0, 1)}}
  plan.kernel @k attributes {kind = "map", config = {}, packing = [unit], symbols = array<i64>,
      tasks = affine_map<() -> (1)>, scratch_bytes = affine_map<() -> (0)>, in_place = array<i64: 0, 1>} {
  ^bb0(%a: tensor<8xf32>):
    %r = nn.unary relu %a : (tensor<8xf32>) -> tensor<8xf32>
    nn.yield %r : tensor<8xf32>
  }
  %x = plan.input 0
  %y = plan.output 0
}

// -----

// C4 of plan.kernel.
plan.program @p attributes {function_type = (tensor<8xf32>) -> tensor<8xf32>, input_names = ["x"], output_names = ["y"], target = {}} {
  // expected-error @+1 {{expects 1 packings (C4), got 2}}
  plan.kernel @k attributes {kind = "map", config = {}, packing = [unit, unit], symbols = array<i64>,
      tasks = affine_map<() -> (1)>, scratch_bytes = affine_map<() -> (0)>, in_place = array<i64>} {
  ^bb0(%a: tensor<8xf32>):
    %r = nn.unary relu %a : (tensor<8xf32>) -> tensor<8xf32>
    nn.yield %r : tensor<8xf32>
  }
  %x = plan.input 0
  %y = plan.output 0
}

// -----

// C5 of plan.kernel.
plan.program @p attributes {function_type = (tensor<8xf32>) -> tensor<8xf32>, input_names = ["x"], output_names = ["y"], target = {}} {
  // expected-error @+1 {{expects symbols (C5) to be sorted and unique, got 1 after 1}}
  plan.kernel @k attributes {kind = "map", config = {}, packing = [unit], symbols = array<i64: 0, 1, 1>,
      tasks = affine_map<() -> (1)>, scratch_bytes = affine_map<() -> (0)>, in_place = array<i64>} {
  ^bb0(%a: tensor<8xf32>):
    %r = nn.unary relu %a : (tensor<8xf32>) -> tensor<8xf32>
    nn.yield %r : tensor<8xf32>
  }
  %x = plan.input 0
  %y = plan.output 0
}

// -----

// C1 of plan.alloc.
plan.program @p attributes {function_type = (tensor<8xf32>) -> tensor<8xf32>, input_names = ["x"], output_names = ["y"], target = {}} {
  %x = plan.input 0
  %y = plan.output 0
  // expected-error @+1 {{expects size_bytes (C1) to have symbols only and one result, got 0 dims and 2 results}}
  %t = plan.alloc {size_bytes = affine_map<() -> (8, 8)>}
}

// -----

// C2 of plan.alloc.
plan.program @p attributes {function_type = (tensor<8xf32>) -> tensor<8xf32>, input_names = ["x"], output_names = ["y"], target = {}} {
  %x = plan.input 0
  %y = plan.output 0
  // expected-error @+1 {{expects offset or slot (C2), got both}}
  %t = plan.alloc {size_bytes = affine_map<() -> (8)>, offset = 0 : i64, slot = 0 : i64}
}

// -----

// C3 of plan.alloc.
plan.program @p attributes {function_type = (tensor<8xf32>) -> tensor<8xf32>, input_names = ["x"], output_names = ["y"], target = {}} {
  %x = plan.input 0
  %y = plan.output 0
  // expected-error @+1 {{expects offset (C3) to be a multiple of 64, got 32}}
  %t = plan.alloc {size_bytes = affine_map<() -> (8)>, offset = 32 : i64}
}

// -----

// C4 of plan.alloc.
plan.program @p attributes {function_type = (tensor<8xf32>) -> tensor<8xf32>, input_names = ["x"], output_names = ["y"], target = {}} {
  %x = plan.input 0
  %y = plan.output 0
  // expected-error @+1 {{expects a slot where there is a slot_offset (C4)}}
  %t = plan.alloc {size_bytes = affine_map<() -> (8)>, slot_offset = affine_map<() -> (0)>}
}

// -----

// C1 of plan.view.
plan.program @p attributes {function_type = (tensor<8xf32>) -> tensor<8xf32>, input_names = ["x"], output_names = ["y"], target = {}} {
  %x = plan.input 0
  %y = plan.output 0
  // expected-error @+1 {{expects offset_bytes (C1) to have symbols only and one result, got 0 dims and 0 results}}
  %t = plan.view %x {offset_bytes = affine_map<() -> ()>, size_bytes = affine_map<() -> (8)>}
}

// -----

// C1 of plan.call.
plan.program @p attributes {function_type = (tensor<8xf32>) -> tensor<8xf32>, input_names = ["x"], output_names = ["y"], target = {}} {
  %x = plan.input 0
  %y = plan.output 0
  // expected-error @+1 {{expects a kernel of this program (C1), got @none}}
  plan.call @none ins(%x) outs(%y) {flops = affine_map<() -> (8)>, moved_bytes = affine_map<() -> (64)>}
}

// -----

plan.program @p attributes {function_type = (tensor<8xf32>) -> tensor<8xf32>, input_names = ["x"], output_names = ["y"], target = {}} {
  plan.kernel @k attributes {kind = "map", config = {}, packing = [unit], symbols = array<i64>,
      tasks = affine_map<() -> (1)>, scratch_bytes = affine_map<() -> (0)>, in_place = array<i64>} {
  ^bb0(%a: tensor<8xf32>):
    %r = nn.unary relu %a : (tensor<8xf32>) -> tensor<8xf32>
    nn.yield %r : tensor<8xf32>
  }
  %x = plan.input 0
  %y = plan.output 0
  // expected-error @+1 {{expects 1 inputs (C1), got 2}}
  plan.call @k ins(%x, %x) outs(%y) {flops = affine_map<() -> (8)>, moved_bytes = affine_map<() -> (64)>}
}

// -----

plan.program @p attributes {function_type = (tensor<8xf32>) -> tensor<8xf32>, input_names = ["x"], output_names = ["y"], target = {}} {
  plan.kernel @k attributes {kind = "map", config = {}, packing = [unit], symbols = array<i64>,
      tasks = affine_map<() -> (1)>, scratch_bytes = affine_map<() -> (0)>, in_place = array<i64>} {
  ^bb0(%a: tensor<8xf32>):
    %r = nn.unary relu %a : (tensor<8xf32>) -> tensor<8xf32>
    nn.yield %r : tensor<8xf32>
  }
  %x = plan.input 0
  %y = plan.output 0
  // expected-error @+1 {{expects 1 outputs (C1), got 0}}
  plan.call @k ins(%x) outs() {flops = affine_map<() -> (8)>, moved_bytes = affine_map<() -> (64)>}
}

// -----

// C2 of plan.call.
plan.program @p attributes {function_type = (tensor<8xf32>) -> tensor<8xf32>, input_names = ["x"], output_names = ["y"], target = {}} {
  plan.kernel @k attributes {kind = "map", config = {}, packing = [unit], symbols = array<i64>,
      tasks = affine_map<() -> (1)>, scratch_bytes = affine_map<() -> (0)>, in_place = array<i64>} {
  ^bb0(%a: tensor<8xf32>):
    %r = nn.unary relu %a : (tensor<8xf32>) -> tensor<8xf32>
    nn.yield %r : tensor<8xf32>
  }
  %x = plan.input 0
  %y = plan.output 0
  // expected-error @+1 {{expects flops (C2) to have symbols only and one result, got 0 dims and 2 results}}
  plan.call @k ins(%x) outs(%y) {flops = affine_map<() -> (8, 8)>, moved_bytes = affine_map<() -> (64)>}
}

// -----

// C3 of plan.call: one buffer, not said by the kernel; and said, but two buffers.
plan.program @p attributes {function_type = (tensor<8xf32>) -> tensor<8xf32>, input_names = ["x"], output_names = ["y"], target = {}} {
  plan.kernel @k attributes {kind = "map", config = {}, packing = [unit], symbols = array<i64>,
      tasks = affine_map<() -> (1)>, scratch_bytes = affine_map<() -> (0)>, in_place = array<i64>} {
  ^bb0(%a: tensor<8xf32>):
    %r = nn.unary relu %a : (tensor<8xf32>) -> tensor<8xf32>
    nn.yield %r : tensor<8xf32>
  }
  %x = plan.input 0
  %y = plan.output 0
  // expected-error @+1 {{expects in_place of the kernel (C3) to list input 0 and output 0}}
  plan.call @k ins(%y) outs(%y) {flops = affine_map<() -> (8)>, moved_bytes = affine_map<() -> (64)>}
}

// -----

plan.program @p attributes {function_type = (tensor<8xf32>) -> tensor<8xf32>, input_names = ["x"], output_names = ["y"], target = {}} {
  plan.kernel @k attributes {kind = "map", config = {}, packing = [unit], symbols = array<i64>,
      tasks = affine_map<() -> (1)>, scratch_bytes = affine_map<() -> (0)>, in_place = array<i64: 0, 0>} {
  ^bb0(%a: tensor<8xf32>):
    %r = nn.unary relu %a : (tensor<8xf32>) -> tensor<8xf32>
    nn.yield %r : tensor<8xf32>
  }
  %x = plan.input 0
  %y = plan.output 0
  // expected-error @+1 {{expects input 0 and output 0 (C3) to be one buffer}}
  plan.call @k ins(%x) outs(%y) {flops = affine_map<() -> (8)>, moved_bytes = affine_map<() -> (64)>}
}

// -----

// C1 of plan.late_symbol.
plan.program @p attributes {function_type = (tensor<8xf32>) -> tensor<8xf32>, input_names = ["x"], output_names = ["y"], target = {}} {
  plan.kernel @k attributes {kind = "map", config = {}, packing = [unit], symbols = array<i64>,
      tasks = affine_map<() -> (1)>, scratch_bytes = affine_map<() -> (0)>, in_place = array<i64>} {
  ^bb0(%a: tensor<8xf32>):
    %r = nn.unary relu %a : (tensor<8xf32>) -> tensor<8xf32>
    nn.yield %r : tensor<8xf32>
  }
  %x = plan.input 0
  %y = plan.output 0
  plan.call @k ins(%x) outs(%y) {flops = affine_map<() -> (8)>, moved_bytes = affine_map<() -> (64)>}
  // expected-error @+1 {{expects a symbol (C1) of kind tensor_value, got symbol 0}}
  plan.late_symbol %y {symbol = 0 : i64, element = 0 : i64}
}

// -----

// C2 of plan.late_symbol.
plan.program @p attributes {function_type = (tensor<8xf32>) -> tensor<8xf32>, input_names = ["x"], output_names = ["y"], target = {},
    nn.symbols = [{name = "n", kind = "tensor_value", input = 0, index = 0, min = 0, max = 9}]} {
  %x = plan.input 0
  %y = plan.output 0
  // expected-error @+1 {{expects a call before it (C2)}}
  plan.late_symbol %y {symbol = 0 : i64, element = 0 : i64}
}

// -----

// C4 of plan.call: no call before.
plan.program @p attributes {function_type = (tensor<8xf32>) -> tensor<8xf32>, input_names = ["x"], output_names = ["y"], target = {}} {
  plan.kernel @k attributes {kind = "map", config = {}, packing = [unit], symbols = array<i64>, tasks = affine_map<() -> (1)>,
                             scratch_bytes = affine_map<() -> (0)>, in_place = array<i64>} {
  ^bb0(%a: tensor<8xf32>):
    nn.yield %a : tensor<8xf32>
  }
  %x = plan.input 0
  %y = plan.output 0
  // expected-error @+1 {{expects a call right before it that it joins (C4)}}
  plan.call @k ins(%x) outs(%y) {flops = affine_map<() -> (8)>, moved_bytes = affine_map<() -> (64)>, joins}
}

// -----

// C4 of plan.call: it reads what the group writes.
plan.program @p attributes {function_type = (tensor<8xf32>) -> tensor<8xf32>, input_names = ["x"], output_names = ["y"], target = {}} {
  plan.kernel @k attributes {kind = "map", config = {}, packing = [unit], symbols = array<i64>, tasks = affine_map<() -> (1)>,
                             scratch_bytes = affine_map<() -> (0)>, in_place = array<i64>} {
  ^bb0(%a: tensor<8xf32>):
    nn.yield %a : tensor<8xf32>
  }
  %x = plan.input 0
  %y = plan.output 0
  %a = plan.alloc {size_bytes = affine_map<() -> (32)>}
  plan.call @k ins(%x) outs(%a) {flops = affine_map<() -> (8)>, moved_bytes = affine_map<() -> (64)>}
  // expected-error @+1 {{expects calls of a group (C4) to be independent, but it depends on that of @k}}
  plan.call @k ins(%a) outs(%y) {flops = affine_map<() -> (8)>, moved_bytes = affine_map<() -> (64)>, joins}
}

// -----

// C4 of plan.call: rounds.
plan.program @p attributes {function_type = (tensor<8xf32>) -> tensor<8xf32>, input_names = ["x"], output_names = ["y"], target = {}} {
  plan.kernel @k attributes {kind = "map", config = {}, packing = [unit], symbols = array<i64>, tasks = affine_map<() -> (1)>,
                             scratch_bytes = affine_map<() -> (0)>, in_place = array<i64>, rounds = affine_map<() -> (2)>} {
  ^bb0(%a: tensor<8xf32>):
    nn.yield %a : tensor<8xf32>
  }
  %x = plan.input 0
  %y = plan.output 0
  %a = plan.alloc {size_bytes = affine_map<() -> (32)>}
  plan.call @k ins(%x) outs(%a) {flops = affine_map<() -> (8)>, moved_bytes = affine_map<() -> (64)>}
  // expected-error @+1 {{expects calls of a group (C4) to have no rounds}}
  plan.call @k ins(%x) outs(%y) {flops = affine_map<() -> (8)>, moved_bytes = affine_map<() -> (64)>, joins}
}
