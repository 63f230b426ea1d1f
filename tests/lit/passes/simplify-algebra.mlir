// RUN: lathe-opt %s --lathe-simplify-algebra --split-input-file | FileCheck %s

// CHECK-LABEL: func.func @neutral_operands
// CHECK-SAME: [[X:%.+]]: tensor<4xf32>
// CHECK: return [[X]]
func.func @neutral_operands(%x: tensor<4xf32>) -> tensor<4xf32> {
  %zero = nn.constant dense<0.0> : tensor<f32>
  %one = nn.constant dense<1.0> : tensor<4xf32>
  %0 = nn.binary add %zero, %x : (tensor<f32>, tensor<4xf32>) -> tensor<4xf32>
  %1 = nn.binary mul %0, %one : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %2 = nn.binary sub %1, %zero : (tensor<4xf32>, tensor<f32>) -> tensor<4xf32>
  %3 = nn.binary div %2, %one : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  return %3 : tensor<4xf32>
}

// -----

// 0 - x and 1 / x are not x; a neutral operand that widens stays.
// CHECK-LABEL: func.func @not_neutral
// CHECK: nn.binary sub
// CHECK: nn.binary div
// CHECK: nn.binary mul
func.func @not_neutral(%x: tensor<4xf32>) -> tensor<2x4xf32> {
  %zero = nn.constant dense<0.0> : tensor<f32>
  %one = nn.constant dense<1.0> : tensor<f32>
  %ones = nn.constant dense<1.0> : tensor<2x1xf32>
  %0 = nn.binary sub %zero, %x : (tensor<f32>, tensor<4xf32>) -> tensor<4xf32>
  %1 = nn.binary div %one, %0 : (tensor<f32>, tensor<4xf32>) -> tensor<4xf32>
  %2 = nn.binary mul %1, %ones : (tensor<4xf32>, tensor<2x1xf32>) -> tensor<2x4xf32>
  return %2 : tensor<2x4xf32>
}

// -----

// CHECK-LABEL: func.func @merge_constants
// CHECK-SAME: [[X:%[^:]+]]: tensor<4xf32>
// CHECK: [[C:%.+]] = nn.binary mul %{{.+}}, %{{.+}} : (tensor<4xf32>, tensor<f32>) -> tensor<4xf32>
// CHECK: [[R:%.+]] = nn.binary mul [[X]], [[C]]
// CHECK: return [[R]]
func.func @merge_constants(%x: tensor<4xf32>) -> tensor<4xf32> {
  %a = nn.constant dense<[1.0, 2.0, 3.0, 4.0]> : tensor<4xf32>
  %b = nn.constant dense<0.5> : tensor<f32>
  %0 = nn.binary mul %a, %x : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %1 = nn.binary mul %b, %0 : (tensor<f32>, tensor<4xf32>) -> tensor<4xf32>
  return %1 : tensor<4xf32>
}

// -----

// The inner product is used elsewhere: merging would compute it twice.
// CHECK-LABEL: func.func @merge_constants_shared
// CHECK: [[I:%.+]] = nn.binary mul
// CHECK: nn.binary mul [[I]]
func.func @merge_constants_shared(%x: tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>) {
  %a = nn.constant dense<3.0> : tensor<f32>
  %b = nn.constant dense<0.5> : tensor<f32>
  %0 = nn.binary mul %x, %a : (tensor<4xf32>, tensor<f32>) -> tensor<4xf32>
  %1 = nn.binary mul %0, %b : (tensor<4xf32>, tensor<f32>) -> tensor<4xf32>
  return %0, %1 : tensor<4xf32>, tensor<4xf32>
}

// -----

// CHECK-LABEL: func.func @subtraction_of_constant
// CHECK: [[N:%.+]] = nn.unary neg
// CHECK: nn.binary add %{{.+}}, [[N]]
func.func @subtraction_of_constant(%x: tensor<4xf32>) -> tensor<4xf32> {
  %a = nn.constant dense<[1.0, 2.0, 3.0, 4.0]> : tensor<4xf32>
  %0 = nn.binary sub %x, %a : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// -----

// CHECK-LABEL: func.func @powers
// CHECK-SAME: [[X:%.+]]: tensor<4xf32>
// CHECK: [[A:%.+]] = nn.binary mul [[X]], [[X]]
// CHECK: [[B:%.+]] = nn.unary sqrt [[A]]
// CHECK: [[C:%.+]] = nn.unary reciprocal [[B]]
// CHECK: nn.binary pow [[C]]
func.func @powers(%x: tensor<4xf32>) -> tensor<4xf32> {
  %two = nn.constant dense<2.0> : tensor<f32>
  %half = nn.constant dense<0.5> : tensor<f32>
  %minus = nn.constant dense<-1.0> : tensor<f32>
  %three = nn.constant dense<3.0> : tensor<f32>
  %0 = nn.binary pow %x, %two : (tensor<4xf32>, tensor<f32>) -> tensor<4xf32>
  %1 = nn.binary pow %0, %half : (tensor<4xf32>, tensor<f32>) -> tensor<4xf32>
  %2 = nn.binary pow %1, %minus : (tensor<4xf32>, tensor<f32>) -> tensor<4xf32>
  %3 = nn.binary pow %2, %three : (tensor<4xf32>, tensor<f32>) -> tensor<4xf32>
  return %3 : tensor<4xf32>
}

// -----

// CHECK-LABEL: func.func @cast_of_widening_cast
// CHECK-SAME: [[X:%.+]]: tensor<4xi32>
// CHECK: [[R:%.+]] = nn.cast [[X]] : (tensor<4xi32>) -> tensor<4xf32>
// CHECK: return [[R]]
func.func @cast_of_widening_cast(%x: tensor<4xi32>) -> tensor<4xf32> {
  %0 = nn.cast %x : (tensor<4xi32>) -> tensor<4xi64>
  %1 = nn.cast %0 : (tensor<4xi64>) -> tensor<4xf32>
  return %1 : tensor<4xf32>
}

// -----

// CHECK-LABEL: func.func @cast_of_narrowing_cast
// CHECK: nn.cast
// CHECK: nn.cast
func.func @cast_of_narrowing_cast(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = nn.cast %x : (tensor<4xf32>) -> tensor<4xf16>
  %1 = nn.cast %0 : (tensor<4xf16>) -> tensor<4xf32>
  return %1 : tensor<4xf32>
}

// -----

// CHECK-LABEL: func.func @broadcast_into_elementwise
// CHECK-SAME: [[X:%[^:]+]]: tensor<4xf32>, [[Y:%.+]]: tensor<2x4xf32>
// CHECK-NOT: nn.broadcast
// CHECK: nn.binary add [[X]], [[Y]] : (tensor<4xf32>, tensor<2x4xf32>) -> tensor<2x4xf32>
func.func @broadcast_into_elementwise(%x: tensor<4xf32>, %y: tensor<2x4xf32>) -> tensor<2x4xf32> {
  %0 = nn.broadcast %x : (tensor<4xf32>) -> tensor<2x4xf32>
  %1 = nn.binary add %0, %y : (tensor<2x4xf32>, tensor<2x4xf32>) -> tensor<2x4xf32>
  return %1 : tensor<2x4xf32>
}

// -----

// Without the broadcast the result would be smaller.
// CHECK-LABEL: func.func @broadcast_gives_the_size
// CHECK: nn.broadcast
func.func @broadcast_gives_the_size(%x: tensor<4xf32>, %y: tensor<1x4xf32>) -> tensor<2x4xf32> {
  %0 = nn.broadcast %x : (tensor<4xf32>) -> tensor<2x4xf32>
  %1 = nn.binary add %0, %y : (tensor<2x4xf32>, tensor<1x4xf32>) -> tensor<2x4xf32>
  return %1 : tensor<2x4xf32>
}

// -----

// CHECK-LABEL: func.func @pad_into_conv
// CHECK-SAME: [[X:%[^:]+]]: tensor<1x1x4x4xf32>
// CHECK-NOT: nn.pad
// CHECK: nn.conv [[X]]
// CHECK-SAME: pads = array<i64: 1, 0, 2, 0>
func.func @pad_into_conv(%x: tensor<1x1x4x4xf32>) -> tensor<1x1x5x2xf32> {
  %w = nn.constant dense<0.5> : tensor<1x1x3x3xf32>
  %0 = nn.pad constant %x {low = affine_map<() -> (0, 0, 1, 0)>} : (tensor<1x1x4x4xf32>) -> tensor<1x1x7x4xf32>
  %1 = nn.conv %0, %w {strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>, group = 1 : i64}
      : (tensor<1x1x7x4xf32>, tensor<1x1x3x3xf32>) -> tensor<1x1x5x2xf32>
  return %1 : tensor<1x1x5x2xf32>
}

// -----

// CHECK-LABEL: func.func @pad_with_ones
// CHECK: nn.pad
func.func @pad_with_ones(%x: tensor<1x1x4x4xf32>) -> tensor<1x1x4x4xf32> {
  %w = nn.constant dense<0.5> : tensor<1x1x3x3xf32>
  %one = nn.constant dense<1.0> : tensor<f32>
  %0 = nn.pad constant %x, %one {low = affine_map<() -> (0, 0, 1, 1)>} : (tensor<1x1x4x4xf32>, tensor<f32>) -> tensor<1x1x6x6xf32>
  %1 = nn.conv %0, %w {strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>, group = 1 : i64}
      : (tensor<1x1x6x6xf32>, tensor<1x1x3x3xf32>) -> tensor<1x1x4x4xf32>
  return %1 : tensor<1x1x4x4xf32>
}

// -----

// A causal convolution: padded by 2 at both ends, the last 2 results cut off.
// CHECK-LABEL: func.func @slice_into_conv
// CHECK-NOT: nn.slice
// CHECK: nn.conv {{.*}}pads = array<i64: 2, 0>{{.*}} -> tensor<1x1x6xf32>
// CHECK-NOT: nn.slice
func.func @slice_into_conv(%x: tensor<1x1x6xf32>) -> tensor<1x1x6xf32> {
  %w = nn.constant dense<[[[1.0, 2.0, 3.0]]]> : tensor<1x1x3xf32>
  %0 = nn.conv %x, %w {strides = array<i64: 1>, pads = array<i64: 2, 2>, dilations = array<i64: 1>, group = 1 : i64}
      : (tensor<1x1x6xf32>, tensor<1x1x3xf32>) -> tensor<1x1x8xf32>
  %1 = nn.slice %0 {starts = affine_map<() -> (0, 0, 0)>, steps = array<i64: 1, 1, 1>} : (tensor<1x1x8xf32>) -> tensor<1x1x6xf32>
  return %1 : tensor<1x1x6xf32>
}

// -----

// Three results don't come from two zeros of padding; the first result is not the end.
// CHECK-LABEL: func.func @slice_of_more
// CHECK: nn.slice
// CHECK: nn.slice
func.func @slice_of_more(%x: tensor<1x1x6xf32>) -> (tensor<1x1x5xf32>, tensor<1x1x7xf32>) {
  %w = nn.constant dense<[[[1.0, 2.0, 3.0]]]> : tensor<1x1x3xf32>
  %v = nn.constant dense<[[[3.0, 2.0, 3.0]]]> : tensor<1x1x3xf32>
  %0 = nn.conv %x, %w {strides = array<i64: 1>, pads = array<i64: 2, 2>, dilations = array<i64: 1>, group = 1 : i64}
      : (tensor<1x1x6xf32>, tensor<1x1x3xf32>) -> tensor<1x1x8xf32>
  %1 = nn.slice %0 {starts = affine_map<() -> (0, 0, 0)>, steps = array<i64: 1, 1, 1>} : (tensor<1x1x8xf32>) -> tensor<1x1x5xf32>
  %2 = nn.conv %x, %v {strides = array<i64: 1>, pads = array<i64: 2, 2>, dilations = array<i64: 1>, group = 1 : i64}
      : (tensor<1x1x6xf32>, tensor<1x1x3xf32>) -> tensor<1x1x8xf32>
  %3 = nn.slice %2 {starts = affine_map<() -> (0, 0, 1)>, steps = array<i64: 1, 1, 1>} : (tensor<1x1x8xf32>) -> tensor<1x1x7xf32>
  return %1, %3 : tensor<1x1x5xf32>, tensor<1x1x7xf32>
}

// -----

// torch's dynamo exporter: keys are flattened, transposed and split again.
// CHECK-LABEL: func.func @transpose_of_merged
// CHECK: [[T:%.+]] = nn.transpose %arg0 {permutation = array<i64: 0, 1, 3, 2>} : (tensor<2x3x4x5xf32>) -> tensor<2x3x5x4xf32>
// CHECK-NEXT: return [[T]]
func.func @transpose_of_merged(%x: tensor<2x3x4x5xf32>) -> tensor<2x3x5x4xf32> {
  %0 = nn.reshape %x : (tensor<2x3x4x5xf32>) -> tensor<6x4x5xf32>
  %1 = nn.transpose %0 {permutation = array<i64: 0, 2, 1>} : (tensor<6x4x5xf32>) -> tensor<6x5x4xf32>
  %2 = nn.reshape %1 : (tensor<6x5x4xf32>) -> tensor<2x3x5x4xf32>
  return %2 : tensor<2x3x5x4xf32>
}

// -----

// Split another way than it was merged.
// CHECK-LABEL: func.func @split_otherwise
// CHECK: nn.reshape
// CHECK: nn.transpose
// CHECK: nn.reshape
func.func @split_otherwise(%x: tensor<2x3x4x5xf32>) -> tensor<3x2x5x4xf32> {
  %0 = nn.reshape %x : (tensor<2x3x4x5xf32>) -> tensor<6x4x5xf32>
  %1 = nn.transpose %0 {permutation = array<i64: 0, 2, 1>} : (tensor<6x4x5xf32>) -> tensor<6x5x4xf32>
  %2 = nn.reshape %1 : (tensor<6x5x4xf32>) -> tensor<3x2x5x4xf32>
  return %2 : tensor<3x2x5x4xf32>
}

// -----

// CHECK: [[$START:#.+]] = affine_map<() -> (0, 2, 0)>
// CHECK-LABEL: func.func @gather_of_constant_index
// CHECK: [[S:%.+]] = nn.slice %arg0 {starts = [[$START]], steps = array<i64: 1, 1, 1>} : (tensor<4x3x5xf32>) -> tensor<4x1x5xf32>
// CHECK: nn.reshape [[S]] : (tensor<4x1x5xf32>) -> tensor<4x5xf32>
func.func @gather_of_constant_index(%x: tensor<4x3x5xf32>) -> tensor<4x5xf32> {
  %i = nn.constant dense<-1> : tensor<i64>
  %0 = nn.gather %x, %i {axis = 1 : i64} : (tensor<4x3x5xf32>, tensor<i64>) -> tensor<4x5xf32>
  return %0 : tensor<4x5xf32>
}

// -----

// An index outside stays an error of the run.
// CHECK-LABEL: func.func @gather_outside
// CHECK: nn.gather
func.func @gather_outside(%x: tensor<4x3x5xf32>) -> tensor<4x5xf32> {
  %i = nn.constant dense<3> : tensor<i64>
  %0 = nn.gather %x, %i {axis = 1 : i64} : (tensor<4x3x5xf32>, tensor<i64>) -> tensor<4x5xf32>
  return %0 : tensor<4x5xf32>
}
