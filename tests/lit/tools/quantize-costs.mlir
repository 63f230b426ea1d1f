// RUN: split-file %s %t
// RUN: lathe-compile compile %t/model.mlir --cpu x86-64-v3 --quantize int8-dynamic --stop-after quantize | FileCheck %s
// RUN: lathe-compile compile %t/model.mlir --cpu x86-64-v3 --quantize int8-dynamic --quantize-all --stop-after quantize | FileCheck %s --check-prefix=ALL
// RUN: lathe-compile compile %t/model.mlir --cpu x86-64-v3 --quantize int8-dynamic --precisions %t/rules.json --stop-after quantize | FileCheck %s --check-prefix=ALL
// RUN: not lathe-compile compile %t/model.mlir --quantize int8-dynamic --weight-bits 6 --stop-after quantize 2>&1 | FileCheck %s --check-prefix=BAD

// A product that has too few multiplications for its input stays in f32, unless that is asked for.
// CHECK-DAG: node = "thin", reason = "f32 is faster: {{.*}} by the cost model", taken = false
// CHECK-DAG: tensor<512x512xi8>
// CHECK-DAG: -> tensor<64x1xf32>
// ALL-DAG: tensor<512x512xi8>
// ALL-DAG: tensor<512x1xi8>
// BAD: --weight-bits

// Matrices of recurrent cells that a near cache holds stay in f32, unless that is asked for.
// CHECK-DAG: node = "near", reason = "f32 is faster: the recurrence's 64 KiB stay in a near cache", taken = false
// CHECK-DAG: nn.recurrent lstm forward {{.*}}tensor<1x2048x512xi8>, tensor<1x2048xf32>) ->
// CHECK-DAG: nn.recurrent lstm forward {{.*}}tensor<1x256x64xf32>) ->
// ALL-DAG: nn.recurrent lstm forward {{.*}}tensor<1x2048x512xi8>, tensor<1x2048xf32>) ->

//--- rules.json
[{"nodes": "thin", "precision": "int8-dynamic"}]

//--- model.mlir
func.func @model(%x: tensor<64x512xf32>, %y: tensor<64x512xf32>, %p: tensor<5x1x2048xf32>, %q: tensor<5x1x256xf32>)
    -> (tensor<64x512xf32>, tensor<64x1xf32>, tensor<5x1x1x512xf32>, tensor<5x1x1x64xf32>) {
  %w = nn.constant dense<1.0> : tensor<512x512xf32>
  %v = nn.constant dense<1.0> : tensor<512x1xf32>
  %a = nn.matmul %x, %w : (tensor<64x512xf32>, tensor<512x512xf32>) -> tensor<64x512xf32> loc("wide")
  %b = nn.matmul %y, %v : (tensor<64x512xf32>, tensor<512x1xf32>) -> tensor<64x1xf32> loc("thin")
  %r = nn.constant dense<0.5> : tensor<1x2048x512xf32>
  %s = nn.constant dense<0.5> : tensor<1x256x64xf32>
  %c:3 = nn.recurrent lstm forward %p recurrence %r {activations = ["sigmoid", "tanh", "tanh"],
      alphas = array<f64: 0.0, 0.0, 0.0>, betas = array<f64: 0.0, 0.0, 0.0>} : (tensor<5x1x2048xf32>, tensor<1x2048x512xf32>)
      -> (tensor<5x1x1x512xf32>, tensor<1x1x512xf32>, tensor<1x1x512xf32>) loc("far")
  %d:3 = nn.recurrent lstm forward %q recurrence %s {activations = ["sigmoid", "tanh", "tanh"],
      alphas = array<f64: 0.0, 0.0, 0.0>, betas = array<f64: 0.0, 0.0, 0.0>} : (tensor<5x1x256xf32>, tensor<1x256x64xf32>)
      -> (tensor<5x1x1x64xf32>, tensor<1x1x64xf32>, tensor<1x1x64xf32>) loc("near")
  return %a, %b, %c#0, %d#0 : tensor<64x512xf32>, tensor<64x1xf32>, tensor<5x1x1x512xf32>, tensor<5x1x1x64xf32>
}
