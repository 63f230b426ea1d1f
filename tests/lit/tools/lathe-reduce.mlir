// RUN: lathe-reduce %s -reduction-tree='traversal-mode=0 test=%S/Inputs/has-softmax.sh' | FileCheck %s

// The script finds files with nn.softmax interesting; what has nothing to do with it goes.

// CHECK: @kept
// CHECK: nn.softmax
// CHECK-NOT: @gone
func.func @gone(%a: tensor<4xf32>) -> tensor<4xf32> {
  %r = nn.unary exp %a : (tensor<4xf32>) -> tensor<4xf32>
  return %r : tensor<4xf32>
}

func.func @kept(%a: tensor<4xf32>) -> tensor<4xf32> {
  %r = nn.softmax %a {axis = 0 : i64} : (tensor<4xf32>) -> tensor<4xf32>
  return %r : tensor<4xf32>
}
