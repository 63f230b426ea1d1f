// RUN: split-file %s %t
// RUN: lathe-compile compile %t/model.mlir --quantize int8-dynamic --quantize-all --keep last --precisions %t/rules.json --stop-after quantize | FileCheck %s

// The first rule that matches counts, --keep before all; what a node has no form of is said.
// CHECK-DAG: node = "first.b", reason = "kept in f32 by --precisions"
// CHECK-DAG: node = "last", reason = "kept in f32 by --keep"
// CHECK-DAG: node = "conv", reason = "convolutions have calibrated ranges or none"
// CHECK: nn.matmul {{.*}} -> tensor<4x2xi32>
// CHECK-NOT: -> tensor<4x2xi32>

//--- rules.json
[{"nodes": "\\.b", "precision": "f32"}, {"nodes": "first|last", "precision": "int8-dynamic"}]

//--- model.mlir
func.func @model(%x: tensor<4x2xf32>, %z: tensor<4x2xf32>, %y: tensor<1x1x4xf32>)
    -> (tensor<4x2xf32>, tensor<4x2xf32>, tensor<4x2xf32>, tensor<1x1x4xf32>) {
  %w = nn.constant dense<[[1.0, 2.0], [3.0, 4.0]]> : tensor<2x2xf32>
  %f = nn.constant dense<[[[1.0, 2.0, 3.0]]]> : tensor<1x1x3xf32>
  %a = nn.matmul %x, %w : (tensor<4x2xf32>, tensor<2x2xf32>) -> tensor<4x2xf32> loc("first.a")
  %b = nn.matmul %z, %w : (tensor<4x2xf32>, tensor<2x2xf32>) -> tensor<4x2xf32> loc("first.b")
  %c = nn.matmul %a, %w : (tensor<4x2xf32>, tensor<2x2xf32>) -> tensor<4x2xf32> loc("last")
  %d = nn.conv %y, %f {strides = array<i64: 1>, pads = array<i64: 1, 1>, dilations = array<i64: 1>, group = 1 : i64}
      : (tensor<1x1x4xf32>, tensor<1x1x3xf32>) -> tensor<1x1x4xf32> loc("conv")
  return %a, %b, %c, %d : tensor<4x2xf32>, tensor<4x2xf32>, tensor<4x2xf32>, tensor<1x1x4xf32>
}
