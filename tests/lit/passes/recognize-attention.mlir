// RUN: lathe-opt %s --lathe-recognize-attention --canonicalize --split-input-file | FileCheck %s

// BERT: scores / 4 + mask, the key transposed by its permutation
// CHECK-LABEL: func.func @scale_and_mask
// CHECK-SAME: [[Q:%[^:]+]]: tensor<2x3x2x4xf32>, [[K:%[^:]+]]: tensor<2x5x3x4xf32>, [[V:%[^:]+]]: tensor<2x3x5x6xf32>, [[M:%.+]]: tensor<2x1x1x5xf32>
// CHECK-NEXT: [[T:%.+]] = nn.transpose [[K]] {permutation = array<i64: 0, 2, 1, 3>}
// CHECK-NEXT: [[R:%.+]] = nn.attention [[Q]], [[T]], [[V]], [[M]] {scale = 2.500000e-01 : f64}
// CHECK-NEXT: return [[R]]
func.func @scale_and_mask(%q: tensor<2x3x2x4xf32>, %k: tensor<2x5x3x4xf32>, %v: tensor<2x3x5x6xf32>, %m: tensor<2x1x1x5xf32>)
    -> tensor<2x3x2x6xf32> {
  %four = nn.constant dense<4.0> : tensor<f32>
  %t = nn.transpose %k {permutation = array<i64: 0, 2, 3, 1>} : (tensor<2x5x3x4xf32>) -> tensor<2x3x4x5xf32>
  %0 = nn.matmul %q, %t : (tensor<2x3x2x4xf32>, tensor<2x3x4x5xf32>) -> tensor<2x3x2x5xf32>
  %1 = nn.binary div %0, %four : (tensor<2x3x2x5xf32>, tensor<f32>) -> tensor<2x3x2x5xf32>
  %2 = nn.binary add %1, %m : (tensor<2x3x2x5xf32>, tensor<2x1x1x5xf32>) -> tensor<2x3x2x5xf32>
  %3 = nn.softmax %2 {axis = 3 : i64} : (tensor<2x3x2x5xf32>) -> tensor<2x3x2x5xf32>
  %4 = nn.matmul %3, %v : (tensor<2x3x2x5xf32>, tensor<2x3x5x6xf32>) -> tensor<2x3x2x6xf32>
  return %4 : tensor<2x3x2x6xf32>
}

// -----

// torch's scaled_dot_product_attention: the square root of the scale on query and key, before and behind a transpose
// CHECK-LABEL: func.func @split_scale
// CHECK-SAME: [[Q:%[^:]+]]: tensor<1x2x3x4xf32>, [[K:%[^:]+]]: tensor<1x2x5x4xf32>, [[V:%.+]]: tensor<1x2x5x4xf32>
// CHECK-NEXT: nn.attention [[Q]], [[K]], [[V]] {scale = 2.500000e-01 : f64}
func.func @split_scale(%q: tensor<1x2x3x4xf32>, %k: tensor<1x2x5x4xf32>, %v: tensor<1x2x5x4xf32>) -> tensor<1x2x3x4xf32> {
  %half = nn.constant dense<0.5> : tensor<f32>
  %0 = nn.binary mul %q, %half : (tensor<1x2x3x4xf32>, tensor<f32>) -> tensor<1x2x3x4xf32>
  %1 = nn.binary mul %k, %half : (tensor<1x2x5x4xf32>, tensor<f32>) -> tensor<1x2x5x4xf32>
  %2 = nn.transpose %1 {permutation = array<i64: 0, 1, 3, 2>} : (tensor<1x2x5x4xf32>) -> tensor<1x2x4x5xf32>
  %3 = nn.matmul %0, %2 : (tensor<1x2x3x4xf32>, tensor<1x2x4x5xf32>) -> tensor<1x2x3x5xf32>
  %4 = nn.softmax %3 {axis = 3 : i64} : (tensor<1x2x3x5xf32>) -> tensor<1x2x3x5xf32>
  %5 = nn.matmul %4, %v : (tensor<1x2x3x5xf32>, tensor<1x2x5x4xf32>) -> tensor<1x2x3x4xf32>
  return %5 : tensor<1x2x3x4xf32>
}

// -----

// GPT-2: a causal mask by selection, then an added one
// CHECK-LABEL: func.func @selected_mask
// CHECK-SAME: [[C:%[^:]+]]: tensor<1x1x3x5xi1>, [[M:%.+]]: tensor<1x1x1x5xf32>
// CHECK: [[S:%.+]] = nn.select [[C]], %{{.+}}, %{{.+}} : (tensor<1x1x3x5xi1>, tensor<f32>, tensor<f32>) -> tensor<1x1x3x5xf32>
// CHECK: [[A:%.+]] = nn.binary add [[M]], [[S]]
// CHECK: nn.attention %{{.+}}, %{{.+}}, %{{.+}}, [[A]] {scale = 1.000000e+00 : f64}
func.func @selected_mask(%q: tensor<1x2x3x4xf32>, %k: tensor<1x2x5x4xf32>, %v: tensor<1x2x5x4xf32>, %c: tensor<1x1x3x5xi1>,
                         %m: tensor<1x1x1x5xf32>) -> tensor<1x2x3x4xf32> {
  %low = nn.constant dense<-3.40282347E+38> : tensor<f32>
  %0 = nn.matmul %q, %k {trans_rhs} : (tensor<1x2x3x4xf32>, tensor<1x2x5x4xf32>) -> tensor<1x2x3x5xf32>
  %1 = nn.select %c, %0, %low : (tensor<1x1x3x5xi1>, tensor<1x2x3x5xf32>, tensor<f32>) -> tensor<1x2x3x5xf32>
  %2 = nn.binary add %m, %1 : (tensor<1x1x1x5xf32>, tensor<1x2x3x5xf32>) -> tensor<1x2x3x5xf32>
  %3 = nn.softmax %2 {axis = 3 : i64} : (tensor<1x2x3x5xf32>) -> tensor<1x2x3x5xf32>
  %4 = nn.matmul %3, %v : (tensor<1x2x3x5xf32>, tensor<1x2x5x4xf32>) -> tensor<1x2x3x4xf32>
  return %4 : tensor<1x2x3x4xf32>
}

// -----

// CHECK-LABEL: func.func @rank_three
// CHECK-SAME: [[Q:%[^:]+]]: tensor<6x3x4xf32>
// CHECK: [[F:%.+]] = nn.reshape [[Q]] : (tensor<6x3x4xf32>) -> tensor<1x6x3x4xf32>
// CHECK: [[A:%.+]] = nn.attention [[F]]
// CHECK: nn.reshape [[A]] : (tensor<1x6x3x4xf32>) -> tensor<6x3x4xf32>
func.func @rank_three(%q: tensor<6x3x4xf32>, %k: tensor<6x5x4xf32>, %v: tensor<6x5x4xf32>) -> tensor<6x3x4xf32> {
  %0 = nn.matmul %q, %k {trans_rhs} : (tensor<6x3x4xf32>, tensor<6x5x4xf32>) -> tensor<6x3x5xf32>
  %1 = nn.softmax %0 {axis = 2 : i64} : (tensor<6x3x5xf32>) -> tensor<6x3x5xf32>
  %2 = nn.matmul %1, %v : (tensor<6x3x5xf32>, tensor<6x5x4xf32>) -> tensor<6x3x4xf32>
  return %2 : tensor<6x3x4xf32>
}

// -----

// Attention maps that leave the function have to be computed.
// CHECK-LABEL: func.func @probabilities_returned
// CHECK-SAME: reason = "no attention: the probabilities are used elsewhere", taken = false
// CHECK-NOT: nn.attention
func.func @probabilities_returned(%q: tensor<1x2x3x4xf32>, %k: tensor<1x2x5x4xf32>, %v: tensor<1x2x5x4xf32>)
    -> (tensor<1x2x3x4xf32>, tensor<1x2x3x5xf32>) {
  %0 = nn.matmul %q, %k {trans_rhs} : (tensor<1x2x3x4xf32>, tensor<1x2x5x4xf32>) -> tensor<1x2x3x5xf32>
  %1 = nn.softmax %0 {axis = 3 : i64} : (tensor<1x2x3x5xf32>) -> tensor<1x2x3x5xf32>
  %2 = nn.matmul %1, %v : (tensor<1x2x3x5xf32>, tensor<1x2x5x4xf32>) -> tensor<1x2x3x4xf32>
  return %2, %1 : tensor<1x2x3x4xf32>, tensor<1x2x3x5xf32>
}

// -----

// minus 10 is not minus infinity.
// CHECK-LABEL: func.func @shallow_mask
// CHECK-SAME: the scores are no product with scales and masks
// CHECK-NOT: nn.attention
func.func @shallow_mask(%q: tensor<1x2x3x4xf32>, %k: tensor<1x2x5x4xf32>, %v: tensor<1x2x5x4xf32>, %c: tensor<1x1x3x5xi1>)
    -> tensor<1x2x3x4xf32> {
  %low = nn.constant dense<-10.0> : tensor<f32>
  %0 = nn.matmul %q, %k {trans_rhs} : (tensor<1x2x3x4xf32>, tensor<1x2x5x4xf32>) -> tensor<1x2x3x5xf32>
  %1 = nn.select %c, %0, %low : (tensor<1x1x3x5xi1>, tensor<1x2x3x5xf32>, tensor<f32>) -> tensor<1x2x3x5xf32>
  %2 = nn.softmax %1 {axis = 3 : i64} : (tensor<1x2x3x5xf32>) -> tensor<1x2x3x5xf32>
  %3 = nn.matmul %2, %v : (tensor<1x2x3x5xf32>, tensor<1x2x5x4xf32>) -> tensor<1x2x3x4xf32>
  return %3 : tensor<1x2x3x4xf32>
}

// -----

// CHECK-LABEL: func.func @softmax_along_queries
// CHECK-SAME: the softmax is not along the last axis
// CHECK-NOT: nn.attention
func.func @softmax_along_queries(%q: tensor<1x2x3x4xf32>, %k: tensor<1x2x5x4xf32>, %v: tensor<1x2x5x4xf32>) -> tensor<1x2x3x4xf32> {
  %0 = nn.matmul %q, %k {trans_rhs} : (tensor<1x2x3x4xf32>, tensor<1x2x5x4xf32>) -> tensor<1x2x3x5xf32>
  %1 = nn.softmax %0 {axis = 2 : i64} : (tensor<1x2x3x5xf32>) -> tensor<1x2x3x5xf32>
  %2 = nn.matmul %1, %v : (tensor<1x2x3x5xf32>, tensor<1x2x5x4xf32>) -> tensor<1x2x3x4xf32>
  return %2 : tensor<1x2x3x4xf32>
}

// -----

// torch's scaled_dot_product_attention from 2.5 on: a query whose keys are all masked gets zeros.
// CHECK-LABEL: func.func @safe_softmax
// CHECK: nn.attention %{{.+}}, %{{.+}}, %{{.+}}, %{{.+}} {nan_to_zero, scale = 1.000000e+00 : f64}
// CHECK-NOT: is_nan
func.func @safe_softmax(%q: tensor<1x2x3x4xf32>, %k: tensor<1x2x5x4xf32>, %v: tensor<1x2x5x4xf32>, %m: tensor<1x1x3x5xf32>)
    -> tensor<1x2x3x4xf32> {
  %zero = nn.constant dense<0.0> : tensor<f32>
  %0 = nn.matmul %q, %k {trans_rhs} : (tensor<1x2x3x4xf32>, tensor<1x2x5x4xf32>) -> tensor<1x2x3x5xf32>
  %1 = nn.binary add %0, %m : (tensor<1x2x3x5xf32>, tensor<1x1x3x5xf32>) -> tensor<1x2x3x5xf32>
  %2 = nn.softmax %1 {axis = 3 : i64} : (tensor<1x2x3x5xf32>) -> tensor<1x2x3x5xf32>
  %3 = nn.unary is_nan %2 : (tensor<1x2x3x5xf32>) -> tensor<1x2x3x5xi1>
  %4 = nn.select %3, %zero, %2 : (tensor<1x2x3x5xi1>, tensor<f32>, tensor<1x2x3x5xf32>) -> tensor<1x2x3x5xf32>
  %5 = nn.matmul %4, %v : (tensor<1x2x3x5xf32>, tensor<1x2x5x4xf32>) -> tensor<1x2x3x4xf32>
  return %5 : tensor<1x2x3x4xf32>
}

// -----

// The replacement is not zero.
// CHECK-LABEL: func.func @nan_to_one
// CHECK-NOT: nn.attention
func.func @nan_to_one(%q: tensor<1x2x3x4xf32>, %k: tensor<1x2x5x4xf32>, %v: tensor<1x2x5x4xf32>) -> tensor<1x2x3x4xf32> {
  %one = nn.constant dense<1.0> : tensor<f32>
  %0 = nn.matmul %q, %k {trans_rhs} : (tensor<1x2x3x4xf32>, tensor<1x2x5x4xf32>) -> tensor<1x2x3x5xf32>
  %2 = nn.softmax %0 {axis = 3 : i64} : (tensor<1x2x3x5xf32>) -> tensor<1x2x3x5xf32>
  %3 = nn.unary is_nan %2 : (tensor<1x2x3x5xf32>) -> tensor<1x2x3x5xi1>
  %4 = nn.select %3, %one, %2 : (tensor<1x2x3x5xi1>, tensor<f32>, tensor<1x2x3x5xf32>) -> tensor<1x2x3x5xf32>
  %5 = nn.matmul %4, %v : (tensor<1x2x3x5xf32>, tensor<1x2x5x4xf32>) -> tensor<1x2x3x4xf32>
  return %5 : tensor<1x2x3x4xf32>
}

// -----

// MaxViT: windows are an axis of their own; the positions' bias depends on heads only.
// CHECK-LABEL: func.func @rank_five
// CHECK: [[Q:%.+]] = nn.reshape %{{.+}} : (tensor<2x7x3x4x8xf32>) -> tensor<14x3x4x8xf32>
// CHECK: [[A:%.+]] = nn.attention [[Q]], %{{.+}}, %{{.+}}, %{{.+}} {scale = 1.000000e+00 : f64} : ({{.*}}, tensor<1x3x4x4xf32>) -> tensor<14x3x4x8xf32>
// CHECK: nn.reshape [[A]] : (tensor<14x3x4x8xf32>) -> tensor<2x7x3x4x8xf32>
func.func @rank_five(%q: tensor<2x7x3x4x8xf32>, %k: tensor<2x7x3x4x8xf32>, %v: tensor<2x7x3x4x8xf32>, %m: tensor<1x3x4x4xf32>)
    -> tensor<2x7x3x4x8xf32> {
  %0 = nn.matmul %q, %k {trans_rhs} : (tensor<2x7x3x4x8xf32>, tensor<2x7x3x4x8xf32>) -> tensor<2x7x3x4x4xf32>
  %1 = nn.binary add %0, %m : (tensor<2x7x3x4x4xf32>, tensor<1x3x4x4xf32>) -> tensor<2x7x3x4x4xf32>
  %2 = nn.softmax %1 {axis = 4 : i64} : (tensor<2x7x3x4x4xf32>) -> tensor<2x7x3x4x4xf32>
  %3 = nn.matmul %2, %v : (tensor<2x7x3x4x4xf32>, tensor<2x7x3x4x8xf32>) -> tensor<2x7x3x4x8xf32>
  return %3 : tensor<2x7x3x4x8xf32>
}

// -----

// Swin: a bias per head, then a mask per window. Windows and heads become the heads of one attention, so that the sum of both
// doesn't depend on the images.
// CHECK-LABEL: func.func @shifted_windows
// CHECK: [[B:%.+]] = nn.reshape %{{.+}} : (tensor<1x3x4x4xf32>) -> tensor<1x1x3x4x4xf32>
// CHECK: [[M:%.+]] = nn.binary add %{{.+}}, [[B]] : (tensor<1x7x1x4x4xf32>, tensor<1x1x3x4x4xf32>) -> tensor<1x7x3x4x4xf32>
// CHECK: nn.attention {{.*}} : (tensor<2x21x4x8xf32>, tensor<2x21x4x8xf32>, tensor<2x21x4x8xf32>, tensor<1x21x4x4xf32>) -> tensor<2x21x4x8xf32>
// CHECK-NOT: nn.softmax
func.func @shifted_windows(%q: tensor<14x3x4x8xf32>, %k: tensor<14x3x4x8xf32>, %v: tensor<14x3x4x8xf32>, %bias: tensor<1x3x4x4xf32>,
                           %m: tensor<1x7x1x4x4xf32>) -> tensor<14x3x4x8xf32> {
  %0 = nn.matmul %q, %k {trans_rhs} : (tensor<14x3x4x8xf32>, tensor<14x3x4x8xf32>) -> tensor<14x3x4x4xf32>
  %1 = nn.binary add %0, %bias : (tensor<14x3x4x4xf32>, tensor<1x3x4x4xf32>) -> tensor<14x3x4x4xf32>
  %2 = nn.reshape %1 : (tensor<14x3x4x4xf32>) -> tensor<2x7x3x4x4xf32>
  %3 = nn.binary add %2, %m : (tensor<2x7x3x4x4xf32>, tensor<1x7x1x4x4xf32>) -> tensor<2x7x3x4x4xf32>
  %4 = nn.reshape %3 : (tensor<2x7x3x4x4xf32>) -> tensor<14x3x4x4xf32>
  %5 = nn.softmax %4 {axis = 3 : i64} : (tensor<14x3x4x4xf32>) -> tensor<14x3x4x4xf32>
  %6 = nn.matmul %5, %v : (tensor<14x3x4x4xf32>, tensor<14x3x4x8xf32>) -> tensor<14x3x4x8xf32>
  return %6 : tensor<14x3x4x8xf32>
}

// -----

// A mask for windows alone is broadcast along the heads.
// CHECK-LABEL: func.func @window_mask
// CHECK: nn.broadcast %{{.+}} : (tensor<1x7x1x4x4xf32>) -> tensor<1x7x3x4x4xf32>
// CHECK: nn.attention {{.*}}, tensor<1x21x4x4xf32>) -> tensor<2x21x4x8xf32>
func.func @window_mask(%q: tensor<2x7x3x4x8xf32>, %k: tensor<2x7x3x4x8xf32>, %v: tensor<2x7x3x4x8xf32>, %m: tensor<1x7x1x4x4xf32>)
    -> tensor<2x7x3x4x8xf32> {
  %0 = nn.matmul %q, %k {trans_rhs} : (tensor<2x7x3x4x8xf32>, tensor<2x7x3x4x8xf32>) -> tensor<2x7x3x4x4xf32>
  %1 = nn.binary add %0, %m : (tensor<2x7x3x4x4xf32>, tensor<1x7x1x4x4xf32>) -> tensor<2x7x3x4x4xf32>
  %2 = nn.softmax %1 {axis = 4 : i64} : (tensor<2x7x3x4x4xf32>) -> tensor<2x7x3x4x4xf32>
  %3 = nn.matmul %2, %v : (tensor<2x7x3x4x4xf32>, tensor<2x7x3x4x8xf32>) -> tensor<2x7x3x4x8xf32>
  return %3 : tensor<2x7x3x4x8xf32>
}

// -----

// Llama: each head of keys and values is repeated for two query heads.
// CHECK-LABEL: func.func @repeated_heads
// CHECK-SAME: [[Q:%[^:]+]]: tensor<1x4x3x8xf32>, [[K:%[^:]+]]: tensor<1x2x5x8xf32>, [[V:%.+]]: tensor<1x2x5x8xf32>
// CHECK-NEXT: [[R:%.+]] = nn.attention [[Q]], [[K]], [[V]] {scale = 1.000000e+00 : f64}
// CHECK-NEXT: return [[R]]
func.func @repeated_heads(%q: tensor<1x4x3x8xf32>, %k: tensor<1x2x5x8xf32>, %v: tensor<1x2x5x8xf32>) -> tensor<1x4x3x8xf32> {
  %0 = nn.reshape %k : (tensor<1x2x5x8xf32>) -> tensor<1x2x1x5x8xf32>
  %1 = nn.broadcast %0 : (tensor<1x2x1x5x8xf32>) -> tensor<1x2x2x5x8xf32>
  %2 = nn.reshape %1 : (tensor<1x2x2x5x8xf32>) -> tensor<1x4x5x8xf32>
  %3 = nn.reshape %v : (tensor<1x2x5x8xf32>) -> tensor<1x2x1x5x8xf32>
  %4 = nn.broadcast %3 : (tensor<1x2x1x5x8xf32>) -> tensor<1x2x2x5x8xf32>
  %5 = nn.reshape %4 : (tensor<1x2x2x5x8xf32>) -> tensor<1x4x5x8xf32>
  %6 = nn.matmul %q, %2 {trans_rhs} : (tensor<1x4x3x8xf32>, tensor<1x4x5x8xf32>) -> tensor<1x4x3x5xf32>
  %7 = nn.softmax %6 {axis = 3 : i64} : (tensor<1x4x3x5xf32>) -> tensor<1x4x3x5xf32>
  %8 = nn.matmul %7, %5 : (tensor<1x4x3x5xf32>, tensor<1x4x5x8xf32>) -> tensor<1x4x3x8xf32>
  return %8 : tensor<1x4x3x8xf32>
}

// -----

// Repeated as a whole instead of head by head: query heads 0 and 2 share the first, which nn.attention can't say.
// CHECK-LABEL: func.func @tiled_heads
// CHECK: nn.attention {{.*}} : (tensor<1x4x3x8xf32>, tensor<1x4x5x8xf32>, tensor<1x4x5x8xf32>)
func.func @tiled_heads(%q: tensor<1x4x3x8xf32>, %k: tensor<1x1x2x5x8xf32>) -> tensor<1x4x3x8xf32> {
  %1 = nn.broadcast %k : (tensor<1x1x2x5x8xf32>) -> tensor<1x2x2x5x8xf32>
  %2 = nn.reshape %1 : (tensor<1x2x2x5x8xf32>) -> tensor<1x4x5x8xf32>
  %6 = nn.matmul %q, %2 {trans_rhs} : (tensor<1x4x3x8xf32>, tensor<1x4x5x8xf32>) -> tensor<1x4x3x5xf32>
  %7 = nn.softmax %6 {axis = 3 : i64} : (tensor<1x4x3x5xf32>) -> tensor<1x4x3x5xf32>
  %8 = nn.matmul %7, %2 : (tensor<1x4x3x5xf32>, tensor<1x4x5x8xf32>) -> tensor<1x4x3x8xf32>
  return %8 : tensor<1x4x3x8xf32>
}

// -----

// Falcon: the product broadcasts the only head of keys and values.
// CHECK-LABEL: func.func @one_head
// CHECK: nn.attention {{.*}} : (tensor<2x4x3x8xf32>, tensor<2x1x5x8xf32>, tensor<2x1x5x8xf32>) -> tensor<2x4x3x8xf32>
func.func @one_head(%q: tensor<2x4x3x8xf32>, %k: tensor<2x1x5x8xf32>, %v: tensor<2x1x5x8xf32>) -> tensor<2x4x3x8xf32> {
  %0 = nn.matmul %q, %k {trans_rhs} : (tensor<2x4x3x8xf32>, tensor<2x1x5x8xf32>) -> tensor<2x4x3x5xf32>
  %1 = nn.softmax %0 {axis = 3 : i64} : (tensor<2x4x3x5xf32>) -> tensor<2x4x3x5xf32>
  %2 = nn.matmul %1, %v : (tensor<2x4x3x5xf32>, tensor<2x1x5x8xf32>) -> tensor<2x4x3x8xf32>
  return %2 : tensor<2x4x3x8xf32>
}

// -----

// Bloom: masks in one view of the scores, products in another.
// CHECK-LABEL: func.func @reshaped_probabilities
// CHECK: nn.attention
// CHECK-NOT: nn.softmax
func.func @reshaped_probabilities(%q: tensor<6x3x8xf32>, %k: tensor<6x5x8xf32>, %m: tensor<2x1x3x5xf32>) -> tensor<6x3x8xf32> {
  %0 = nn.matmul %q, %k {trans_rhs} : (tensor<6x3x8xf32>, tensor<6x5x8xf32>) -> tensor<6x3x5xf32>
  %1 = nn.reshape %0 : (tensor<6x3x5xf32>) -> tensor<2x3x3x5xf32>
  %2 = nn.binary add %1, %m : (tensor<2x3x3x5xf32>, tensor<2x1x3x5xf32>) -> tensor<2x3x3x5xf32>
  %3 = nn.softmax %2 {axis = 3 : i64} : (tensor<2x3x3x5xf32>) -> tensor<2x3x3x5xf32>
  %4 = nn.reshape %3 : (tensor<2x3x3x5xf32>) -> tensor<6x3x5xf32>
  %5 = nn.matmul %4, %k : (tensor<6x3x5xf32>, tensor<6x5x8xf32>) -> tensor<6x3x8xf32>
  return %5 : tensor<6x3x8xf32>
}

// -----

// CHECK-LABEL: func.func @query_broadcasts
// CHECK-SAME: the query's heads broadcast
// CHECK-NOT: nn.attention
func.func @query_broadcasts(%q: tensor<1x1x3x4xf32>, %k: tensor<1x2x5x4xf32>) -> tensor<1x2x3x4xf32> {
  %0 = nn.matmul %q, %k {trans_rhs} : (tensor<1x1x3x4xf32>, tensor<1x2x5x4xf32>) -> tensor<1x2x3x5xf32>
  %1 = nn.softmax %0 {axis = 3 : i64} : (tensor<1x2x3x5xf32>) -> tensor<1x2x3x5xf32>
  %2 = nn.matmul %1, %k : (tensor<1x2x3x5xf32>, tensor<1x2x5x4xf32>) -> tensor<1x2x3x4xf32>
  return %2 : tensor<1x2x3x4xf32>
}

// -----

// Gemma 2: scores * 0.5, capped at 30, then masked
// CHECK-LABEL: func.func @capped
// CHECK-SAME: [[Q:%[^:]+]]: tensor<1x2x3x4xf32>, [[K:%[^:]+]]: tensor<1x2x5x4xf32>, [[M:%.+]]: tensor<1x1x3x5xf32>
// CHECK-NEXT: nn.attention [[Q]], [[K]], [[K]], [[M]] {cap = 3.000000e+01 : f64, scale = 5.000000e-01 : f64}
func.func @capped(%q: tensor<1x2x3x4xf32>, %k: tensor<1x2x5x4xf32>, %m: tensor<1x1x3x5xf32>) -> tensor<1x2x3x4xf32> {
  %half = nn.constant dense<0.5> : tensor<f32>
  %cap = nn.constant dense<30.0> : tensor<f32>
  %0 = nn.matmul %q, %k {trans_rhs} : (tensor<1x2x3x4xf32>, tensor<1x2x5x4xf32>) -> tensor<1x2x3x5xf32>
  %1 = nn.binary mul %0, %half : (tensor<1x2x3x5xf32>, tensor<f32>) -> tensor<1x2x3x5xf32>
  %2 = nn.binary div %1, %cap : (tensor<1x2x3x5xf32>, tensor<f32>) -> tensor<1x2x3x5xf32>
  %3 = nn.unary tanh %2 : (tensor<1x2x3x5xf32>) -> tensor<1x2x3x5xf32>
  %4 = nn.binary mul %3, %cap : (tensor<1x2x3x5xf32>, tensor<f32>) -> tensor<1x2x3x5xf32>
  %5 = nn.binary add %4, %m : (tensor<1x2x3x5xf32>, tensor<1x1x3x5xf32>) -> tensor<1x2x3x5xf32>
  %6 = nn.softmax %5 {axis = 3 : i64} : (tensor<1x2x3x5xf32>) -> tensor<1x2x3x5xf32>
  %7 = nn.matmul %6, %k : (tensor<1x2x3x5xf32>, tensor<1x2x5x4xf32>) -> tensor<1x2x3x4xf32>
  return %7 : tensor<1x2x3x4xf32>
}

// -----

// A cap of masked scores is none of attention's.
// CHECK-LABEL: func.func @mask_before_cap
// CHECK-NOT: nn.attention
func.func @mask_before_cap(%q: tensor<1x2x3x4xf32>, %k: tensor<1x2x5x4xf32>, %m: tensor<1x1x3x5xf32>) -> tensor<1x2x3x4xf32> {
  %0 = nn.matmul %q, %k {trans_rhs} : (tensor<1x2x3x4xf32>, tensor<1x2x5x4xf32>) -> tensor<1x2x3x5xf32>
  %1 = nn.binary add %0, %m : (tensor<1x2x3x5xf32>, tensor<1x1x3x5xf32>) -> tensor<1x2x3x5xf32>
  %2 = nn.unary tanh %1 : (tensor<1x2x3x5xf32>) -> tensor<1x2x3x5xf32>
  %3 = nn.softmax %2 {axis = 3 : i64} : (tensor<1x2x3x5xf32>) -> tensor<1x2x3x5xf32>
  %4 = nn.matmul %3, %k : (tensor<1x2x3x5xf32>, tensor<1x2x5x4xf32>) -> tensor<1x2x3x4xf32>
  return %4 : tensor<1x2x3x4xf32>
}
