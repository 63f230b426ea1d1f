// RUN: lathe-opt %s --lathe-convert-to-channels-last --lathe-sink-transposes --split-input-file | FileCheck %s

// Between two convolutions everything cancels, a constant per channel is seen along the new axis; one transpose stays at
// each border.
// CHECK-LABEL: func.func @between_convolutions
// CHECK: [[T:%.+]] = nn.transpose %{{.+}} {permutation = array<i64: 0, 2, 3, 1>}
// CHECK: [[A:%.+]] = nn.conv [[T]]
// CHECK: [[S:%.+]] = nn.reshape %{{.+}} : (tensor<2x1x1xf32>) -> tensor<1x1x1x2xf32>
// CHECK: [[M:%.+]] = nn.binary mul [[A]], [[S]]
// CHECK: [[R:%.+]] = nn.unary relu [[M]]
// CHECK: [[B:%.+]] = nn.conv [[R]]
// CHECK: [[D:%.+]] = nn.binary add [[B]], [[A]]
// CHECK: [[E:%.+]] = nn.transpose [[D]] {permutation = array<i64: 0, 3, 1, 2>}
// CHECK-NEXT: return [[E]]
func.func @between_convolutions(%x: tensor<1x2x4x3xf32>, %w: tensor<2x2x1x1xf32>) -> tensor<1x2x4x3xf32> {
  %s = nn.constant dense<[[[2.0]], [[3.0]]]> : tensor<2x1x1xf32>
  %0 = nn.conv %x, %w {strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>, group = 1 : i64}
      : (tensor<1x2x4x3xf32>, tensor<2x2x1x1xf32>) -> tensor<1x2x4x3xf32>
  %1 = nn.binary mul %0, %s : (tensor<1x2x4x3xf32>, tensor<2x1x1xf32>) -> tensor<1x2x4x3xf32>
  %2 = nn.unary relu %1 : (tensor<1x2x4x3xf32>) -> tensor<1x2x4x3xf32>
  %3 = nn.conv %2, %w {strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>, group = 1 : i64}
      : (tensor<1x2x4x3xf32>, tensor<2x2x1x1xf32>) -> tensor<1x2x4x3xf32>
  %4 = nn.binary add %3, %0 : (tensor<1x2x4x3xf32>, tensor<1x2x4x3xf32>) -> tensor<1x2x4x3xf32>
  return %4 : tensor<1x2x4x3xf32>
}

// -----

// Squeeze and excite, then a classifier: nothing but the input's transpose remains.
// CHECK-LABEL: func.func @squeeze_and_excite
// CHECK: nn.transpose
// CHECK-NOT: nn.transpose
// CHECK: [[P:%.+]] = nn.reduce mean [[C:%.+]] {axes = array<i64: 1, 2>, keepdims = true} : (tensor<1x4x3x2xf32>) -> tensor<1x1x1x2xf32>
// CHECK: [[S:%.+]] = nn.conv [[P]]
// CHECK: [[G:%.+]] = nn.unary sigmoid [[S]]
// CHECK: [[M:%.+]] = nn.binary mul [[C]], [[G]] : (tensor<1x4x3x2xf32>, tensor<1x1x1x2xf32>) -> tensor<1x4x3x2xf32>
// CHECK: [[Q:%.+]] = nn.reduce mean [[M]] {axes = array<i64: 1, 2>, keepdims = false} : (tensor<1x4x3x2xf32>) -> tensor<1x2xf32>
// CHECK: nn.matmul [[Q]]
func.func @squeeze_and_excite(%x: tensor<1x2x4x3xf32>, %w: tensor<2x2x1x1xf32>, %v: tensor<2x5xf32>) -> tensor<1x5xf32> {
  %0 = nn.conv %x, %w {strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>, group = 1 : i64}
      : (tensor<1x2x4x3xf32>, tensor<2x2x1x1xf32>) -> tensor<1x2x4x3xf32>
  %1 = nn.reduce mean %0 {axes = array<i64: 2, 3>, keepdims = true} : (tensor<1x2x4x3xf32>) -> tensor<1x2x1x1xf32>
  %2 = nn.conv %1, %w {strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>, group = 1 : i64}
      : (tensor<1x2x1x1xf32>, tensor<2x2x1x1xf32>) -> tensor<1x2x1x1xf32>
  %3 = nn.unary sigmoid %2 : (tensor<1x2x1x1xf32>) -> tensor<1x2x1x1xf32>
  %4 = nn.binary mul %0, %3 : (tensor<1x2x4x3xf32>, tensor<1x2x1x1xf32>) -> tensor<1x2x4x3xf32>
  %5 = nn.reduce mean %4 {axes = array<i64: 2, 3>, keepdims = false} : (tensor<1x2x4x3xf32>) -> tensor<1x2xf32>
  %6 = nn.matmul %5, %v : (tensor<1x2xf32>, tensor<2x5xf32>) -> tensor<1x5xf32>
  return %6 : tensor<1x5xf32>
}

// -----

// Axes of all kinds are renamed: concat 1 -> 3, pad and slice (0, 0, 1, 0) -> (0, 1, 0, 0), resize scales, argmax 1 -> 3.
// CHECK: [[$PAD:#.+]] = affine_map<() -> (0, 1, 0, 0)>
// CHECK: [[$SLICE:#.+]] = affine_map<() -> (0, 2, 0, 0)>
// CHECK-LABEL: func.func @axes
// CHECK: nn.conv
// CHECK-NOT: nn.transpose
// CHECK: nn.concat %{{.+}}, %{{.+}} {axis = 3 : i64} : (tensor<1x4x3x2xf32>, tensor<1x4x3x2xf32>) -> tensor<1x4x3x4xf32>
// CHECK: nn.pad edge %{{.+}} {low = [[$PAD]]} : (tensor<1x4x3x4xf32>) -> tensor<1x6x3x4xf32>
// CHECK: nn.slice %{{.+}} {starts = [[$SLICE]], steps = array<i64: 1, 2, 1, 1>} : (tensor<1x6x3x4xf32>) -> tensor<1x2x3x4xf32>
// CHECK: nn.resize nearest asymmetric nearest_floor
// CHECK-SAME: scales = array<f64: 1.000000e+00, 2.000000e+00, 3.000000e+00, 1.000000e+00>
// CHECK: nn.softmax %{{.+}} {axis = 3 : i64}
// CHECK: nn.arg_reduce arg_max %{{.+}} {axis = 3 : i64, keepdims = false, select_last = false} : (tensor<1x4x9x4xf32>) -> tensor<1x4x9xi64>
// CHECK-NEXT: return
func.func @axes(%x: tensor<1x2x4x3xf32>, %w: tensor<2x2x1x1xf32>) -> tensor<1x4x9xi64> {
  %0 = nn.conv %x, %w {strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>, group = 1 : i64}
      : (tensor<1x2x4x3xf32>, tensor<2x2x1x1xf32>) -> tensor<1x2x4x3xf32>
  %1 = nn.unary relu %0 : (tensor<1x2x4x3xf32>) -> tensor<1x2x4x3xf32>
  %2 = nn.concat %0, %1 {axis = 1 : i64} : (tensor<1x2x4x3xf32>, tensor<1x2x4x3xf32>) -> tensor<1x4x4x3xf32>
  %3 = nn.pad edge %2 {low = affine_map<() -> (0, 0, 1, 0)>} : (tensor<1x4x4x3xf32>) -> tensor<1x4x6x3xf32>
  %4 = nn.slice %3 {starts = affine_map<() -> (0, 0, 2, 0)>, steps = array<i64: 1, 1, 2, 1>} : (tensor<1x4x6x3xf32>) -> tensor<1x4x2x3xf32>
  %5 = nn.resize nearest asymmetric nearest_floor %4 {scales = array<f64: 1.0, 1.0, 2.0, 3.0>, roi = array<f64>} : (tensor<1x4x2x3xf32>) -> tensor<1x4x4x9xf32>
  %6 = nn.softmax %5 {axis = 1 : i64} : (tensor<1x4x4x9xf32>) -> tensor<1x4x4x9xf32>
  %7 = nn.arg_reduce arg_max %6 {axis = 1 : i64, keepdims = false, select_last = false} : (tensor<1x4x4x9xf32>) -> tensor<1x4x9xi64>
  return %7 : tensor<1x4x9xi64>
}

// -----

// tf2onnx: the model's own transposes around convolutions cancel against ours.
// CHECK-LABEL: func.func @channels_last_model
// CHECK-NOT: nn.transpose
// CHECK: return
func.func @channels_last_model(%x: tensor<1x4x3x2xf32>, %w: tensor<2x2x1x1xf32>) -> tensor<1x4x3x2xf32> {
  %0 = nn.transpose %x {permutation = array<i64: 0, 3, 1, 2>} : (tensor<1x4x3x2xf32>) -> tensor<1x2x4x3xf32>
  %1 = nn.conv %0, %w {strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>, group = 1 : i64}
      : (tensor<1x2x4x3xf32>, tensor<2x2x1x1xf32>) -> tensor<1x2x4x3xf32>
  %2 = nn.unary relu %1 : (tensor<1x2x4x3xf32>) -> tensor<1x2x4x3xf32>
  %3 = nn.transpose %2 {permutation = array<i64: 0, 2, 3, 1>} : (tensor<1x2x4x3xf32>) -> tensor<1x4x3x2xf32>
  return %3 : tensor<1x4x3x2xf32>
}

// -----

// An operand in the old order: transposing it before the second convolution saves the transpose of the sum.
// CHECK-LABEL: func.func @hoist
// CHECK-SAME: [[X:%[^:]+]]: tensor<1x2x4x3xf32>, [[Y:%[^:]+]]: tensor<1x2x4x3xf32>
// CHECK-DAG: nn.transpose [[X]]
// CHECK-DAG: [[T:%.+]] = nn.transpose [[Y]]
// CHECK: nn.binary add %{{.+}}, [[T]] : (tensor<1x4x3x2xf32>, tensor<1x4x3x2xf32>)
func.func @hoist(%x: tensor<1x2x4x3xf32>, %y: tensor<1x2x4x3xf32>, %w: tensor<2x2x1x1xf32>) -> tensor<1x2x4x3xf32> {
  %0 = nn.conv %x, %w {strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>, group = 1 : i64}
      : (tensor<1x2x4x3xf32>, tensor<2x2x1x1xf32>) -> tensor<1x2x4x3xf32>
  %1 = nn.binary add %0, %y : (tensor<1x2x4x3xf32>, tensor<1x2x4x3xf32>) -> tensor<1x2x4x3xf32>
  %2 = nn.conv %1, %w {strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>, group = 1 : i64}
      : (tensor<1x2x4x3xf32>, tensor<2x2x1x1xf32>) -> tensor<1x2x4x3xf32>
  return %2 : tensor<1x2x4x3xf32>
}

// -----

// A softmax along the last axis stays where it is; so does a reshape of several axes.
// CHECK-LABEL: func.func @refused
// CHECK-SAME: transposed, because a neighbor can't work along permuted axes
// CHECK: [[C:%.+]] = nn.conv
// CHECK: [[T:%.+]] = nn.transpose [[C]]
// CHECK: nn.softmax [[T]]
// CHECK: nn.reshape [[T]]
func.func @refused(%x: tensor<1x2x4x3xf32>, %w: tensor<2x2x1x1xf32>) -> (tensor<1x2x4x3xf32>, tensor<1x8x3xf32>) {
  %0 = nn.conv %x, %w {strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>, group = 1 : i64}
      : (tensor<1x2x4x3xf32>, tensor<2x2x1x1xf32>) -> tensor<1x2x4x3xf32>
  %1 = nn.softmax %0 {axis = 3 : i64} : (tensor<1x2x4x3xf32>) -> tensor<1x2x4x3xf32>
  %2 = nn.reshape %0 : (tensor<1x2x4x3xf32>) -> tensor<1x8x3xf32>
  return %1, %2 : tensor<1x2x4x3xf32>, tensor<1x8x3xf32>
}

// -----

// Without convolutions the transposes of a transformer stay.
// CHECK-LABEL: func.func @no_convolution
// CHECK: nn.transpose
// CHECK: nn.unary
func.func @no_convolution(%x: tensor<2x3x4xf32>) -> tensor<3x2x4xf32> {
  %0 = nn.transpose %x {permutation = array<i64: 1, 0, 2>} : (tensor<2x3x4xf32>) -> tensor<3x2x4xf32>
  %1 = nn.unary relu %0 : (tensor<3x2x4xf32>) -> tensor<3x2x4xf32>
  return %1 : tensor<3x2x4xf32>
}

// -----

// tf2onnx: a convolution along one axis, written with two. [1, 6, 1, 4] stands for [1, 4, 6, 1].
// CHECK-LABEL: func.func @ones_dropped_and_added
// CHECK: [[C:%.+]] = nn.conv {{.*}} -> tensor<1x6x1x4xf32>
// CHECK-NOT: nn.transpose
// CHECK: [[S:%.+]] = nn.reshape [[C]] : (tensor<1x6x1x4xf32>) -> tensor<1x6x4xf32>
// CHECK: [[G:%.+]] = nn.unary {{ ?}}gelu [[S]]
// CHECK: [[B:%.+]] = nn.reshape [[G]] : (tensor<1x6x4xf32>) -> tensor<1x6x4x1xf32>
// CHECK: [[T:%.+]] = nn.transpose [[B]] {permutation = array<i64: 0, 2, 3, 1>} : (tensor<1x6x4x1xf32>) -> tensor<1x4x1x6xf32>
// CHECK: return [[T]]
func.func @ones_dropped_and_added(%x: tensor<1x2x6x1xf32>, %w: tensor<4x2x1x1xf32>) -> tensor<1x4x1x6xf32> {
  %0 = nn.conv %x, %w {strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>, group = 1 : i64}
      : (tensor<1x2x6x1xf32>, tensor<4x2x1x1xf32>) -> tensor<1x4x6x1xf32>
  %1 = nn.reshape %0 : (tensor<1x4x6x1xf32>) -> tensor<1x4x6xf32>
  %2 = nn.unary gelu %1 : (tensor<1x4x6xf32>) -> tensor<1x4x6xf32>
  %3 = nn.reshape %2 : (tensor<1x4x6xf32>) -> tensor<1x4x1x6xf32>
  return %3 : tensor<1x4x1x6xf32>
}

// -----

// A class token and positions: the concatenation and the sum move above the transpose, with a constant that is transposed
// instead; nothing moves it back, though that transpose is the inverse one.
// CHECK-LABEL: func.func @transposed_constant
// CHECK: [[C:%.+]] = nn.concat %{{.+}}, %{{.+}} {axis = 2 : i64} : (tensor<2x3x1xf32>, tensor<2x3x4xf32>) -> tensor<2x3x5xf32>
// CHECK: [[S:%.+]] = nn.binary add [[C]], %{{.+}} : (tensor<2x3x5xf32>, tensor<1x3x5xf32>)
// CHECK: nn.transpose [[S]] {permutation = array<i64: 0, 2, 1>}
func.func @transposed_constant(%x: tensor<2x3x2x2xf32>, %y: tensor<2x3x4xf32>, %w: tensor<3x3x1x1xf32>, %token: tensor<2x1x3xf32>)
    -> (tensor<2x5x3xf32>, tensor<2x3x2x2xf32>) {
  %p = nn.constant dense<[[[0.0, 1.0, 2.0], [3.0, 4.0, 5.0], [6.0, 7.0, 8.0], [9.0, 1.0, 2.0], [3.0, 4.0, 5.0]]]> : tensor<1x5x3xf32>
  %0 = nn.conv %x, %w {strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>, group = 1 : i64}
      : (tensor<2x3x2x2xf32>, tensor<3x3x1x1xf32>) -> tensor<2x3x2x2xf32>
  %2 = nn.transpose %y {permutation = array<i64: 0, 2, 1>} : (tensor<2x3x4xf32>) -> tensor<2x4x3xf32>
  %3 = nn.concat %token, %2 {axis = 1 : i64} : (tensor<2x1x3xf32>, tensor<2x4x3xf32>) -> tensor<2x5x3xf32>
  %4 = nn.binary add %3, %p : (tensor<2x5x3xf32>, tensor<1x5x3xf32>) -> tensor<2x5x3xf32>
  return %4, %0 : tensor<2x5x3xf32>, tensor<2x3x2x2xf32>
}

// -----

// Two constants meet (a bias of positions and a mask of windows): the transpose of one stays where it is.
// CHECK-LABEL: func.func @constants_only
// CHECK: nn.transpose %{{.+}} {permutation = array<i64: 2, 0, 1>} : (tensor<2x2x3xf32>) -> tensor<3x2x2xf32>
// CHECK: nn.binary add
func.func @constants_only(%x: tensor<2x3x2x2xf32>, %w: tensor<3x3x1x1xf32>) -> (tensor<3x2x2xf32>, tensor<2x3x2x2xf32>) {
  %m = nn.constant dense<[[0.0, 1.0], [2.0, 3.0]]> : tensor<2x2xf32>
  %b = nn.constant dense<[[[0.0, 1.0, 2.0], [3.0, 4.0, 5.0]], [[6.0, 7.0, 8.0], [9.0, 1.0, 2.0]]]> : tensor<2x2x3xf32>
  %0 = nn.conv %x, %w {strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>, group = 1 : i64}
      : (tensor<2x3x2x2xf32>, tensor<3x3x1x1xf32>) -> tensor<2x3x2x2xf32>
  %1 = nn.transpose %b {permutation = array<i64: 2, 0, 1>} : (tensor<2x2x3xf32>) -> tensor<3x2x2xf32>
  %2 = nn.binary add %1, %m : (tensor<3x2x2xf32>, tensor<2x2xf32>) -> tensor<3x2x2xf32>
  return %2, %0 : tensor<3x2x2xf32>, tensor<2x3x2x2xf32>
}

// -----

// A vision transformer's patches: flatten(2).transpose(1, 2) of a convolution moves nothing.
// CHECK-LABEL: func.func @patches
// CHECK: [[C:%.+]] = nn.conv {{.*}} -> tensor<2x2x3x4xf32>
// CHECK-NEXT: [[R:%.+]] = nn.reshape [[C]] : (tensor<2x2x3x4xf32>) -> tensor<2x6x4xf32>
// CHECK-NEXT: return [[R]]
func.func @patches(%x: tensor<2x4x2x3xf32>, %w: tensor<4x4x1x1xf32>) -> tensor<2x6x4xf32> {
  %0 = nn.conv %x, %w {strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>, group = 1 : i64}
      : (tensor<2x4x2x3xf32>, tensor<4x4x1x1xf32>) -> tensor<2x4x2x3xf32>
  %1 = nn.reshape %0 : (tensor<2x4x2x3xf32>) -> tensor<2x4x6xf32>
  %2 = nn.transpose %1 {permutation = array<i64: 0, 2, 1>} : (tensor<2x4x6xf32>) -> tensor<2x6x4xf32>
  return %2 : tensor<2x6x4xf32>
}

// -----

// And back: transpose(1, 2).reshape(N, C, H, W) in front of one.
// CHECK-LABEL: func.func @patches_back
// CHECK: [[R:%.+]] = nn.reshape %arg0 : (tensor<2x6x4xf32>) -> tensor<2x2x3x4xf32>
// CHECK-NEXT: nn.conv [[R]]
func.func @patches_back(%x: tensor<2x6x4xf32>, %w: tensor<4x4x1x1xf32>) -> tensor<2x4x2x3xf32> {
  %0 = nn.transpose %x {permutation = array<i64: 0, 2, 1>} : (tensor<2x6x4xf32>) -> tensor<2x4x6xf32>
  %1 = nn.reshape %0 : (tensor<2x4x6xf32>) -> tensor<2x4x2x3xf32>
  %2 = nn.conv %1, %w {strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>, group = 1 : i64}
      : (tensor<2x4x2x3xf32>, tensor<4x4x1x1xf32>) -> tensor<2x4x2x3xf32>
  return %2 : tensor<2x4x2x3xf32>
}

// -----

// ShuffleNet: of five transposes between two convolutions, the one that shuffles is left.
// CHECK-LABEL: func.func @channel_shuffle
// CHECK: [[C:%.+]] = nn.conv {{.*}} -> tensor<1x3x5x6xf32>
// CHECK-NEXT: [[S:%.+]] = nn.reshape [[C]] : (tensor<1x3x5x6xf32>) -> tensor<1x3x5x2x3xf32>
// CHECK-NEXT: [[T:%.+]] = nn.transpose [[S]] {permutation = array<i64: 0, 1, 2, 4, 3>} : (tensor<1x3x5x2x3xf32>) -> tensor<1x3x5x3x2xf32>
// CHECK-NEXT: [[R:%.+]] = nn.reshape [[T]] : (tensor<1x3x5x3x2xf32>) -> tensor<1x3x5x6xf32>
// CHECK-NEXT: nn.conv [[R]]
func.func @channel_shuffle(%x: tensor<1x6x3x5xf32>, %w: tensor<6x6x1x1xf32>) -> tensor<1x6x3x5xf32> {
  %0 = nn.conv %x, %w {strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>, group = 1 : i64}
      : (tensor<1x6x3x5xf32>, tensor<6x6x1x1xf32>) -> tensor<1x6x3x5xf32>
  %1 = nn.reshape %0 : (tensor<1x6x3x5xf32>) -> tensor<1x2x3x3x5xf32>
  %2 = nn.transpose %1 {permutation = array<i64: 0, 2, 1, 3, 4>} : (tensor<1x2x3x3x5xf32>) -> tensor<1x3x2x3x5xf32>
  %3 = nn.reshape %2 : (tensor<1x3x2x3x5xf32>) -> tensor<1x6x3x5xf32>
  %4 = nn.conv %3, %w {strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>, group = 1 : i64}
      : (tensor<1x6x3x5xf32>, tensor<6x6x1x1xf32>) -> tensor<1x6x3x5xf32>
  return %4 : tensor<1x6x3x5xf32>
}

// -----

// Interpolation stays where vectors run along the channels, and what stands between it and the next convolution follows it:
// the other half of the concatenation is transposed instead.
// CHECK-LABEL: func.func @interpolation_between
// CHECK: [[R:%.+]] = nn.resize linear {{.*}} -> tensor<1x4x4x8xf32>
// CHECK: [[Y:%.+]] = nn.transpose %{{.+}} {permutation = array<i64: 0, 2, 3, 1>} : (tensor<1x2x4x4xf32>) -> tensor<1x4x4x2xf32>
// CHECK: [[C:%.+]] = nn.concat [[Y]], [[R]] {axis = 3 : i64}
// CHECK: [[P:%.+]] = nn.pad reflect [[C]] {{.*}} -> tensor<1x6x6x10xf32>
// CHECK: nn.conv [[P]]
func.func @interpolation_between(%x: tensor<1x8x2x2xf32>, %y: tensor<1x2x4x4xf32>, %w: tensor<5x10x3x3xf32>) -> tensor<1x4x4x5xf32> {
  %0 = nn.transpose %x {permutation = array<i64: 0, 2, 3, 1>} : (tensor<1x8x2x2xf32>) -> tensor<1x2x2x8xf32>
  %1 = nn.resize linear half_pixel round_prefer_floor %0 {scales = array<f64: 1., 2., 2., 1.>, roi = array<f64>}
      : (tensor<1x2x2x8xf32>) -> tensor<1x4x4x8xf32>
  %2 = nn.transpose %1 {permutation = array<i64: 0, 3, 1, 2>} : (tensor<1x4x4x8xf32>) -> tensor<1x8x4x4xf32>
  %3 = nn.concat %y, %2 {axis = 1 : i64} : (tensor<1x2x4x4xf32>, tensor<1x8x4x4xf32>) -> tensor<1x10x4x4xf32>
  %4 = nn.pad reflect %3 {low = affine_map<() -> (0, 0, 1, 1)>} : (tensor<1x10x4x4xf32>) -> tensor<1x10x6x6xf32>
  %5 = nn.transpose %4 {permutation = array<i64: 0, 2, 3, 1>} : (tensor<1x10x6x6xf32>) -> tensor<1x6x6x10xf32>
  %6 = nn.conv %5, %w {channels_last, strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>, group = 1 : i64}
      : (tensor<1x6x6x10xf32>, tensor<5x10x3x3xf32>) -> tensor<1x4x4x5xf32>
  return %6 : tensor<1x4x4x5xf32>
}
