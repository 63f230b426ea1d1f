func.func @exp(%a: tensor<4xf32>) -> tensor<4xf32> {
  %r = nn.unary exp %a : (tensor<4xf32>) -> tensor<4xf32>
  return %r : tensor<4xf32>
}
