// RUN: lathe-opt %s --lathe-insert-quantization --canonicalize --split-input-file | FileCheck %s
// RUN: sed 's/"int8"/"int8-dynamic"/' %s | lathe-opt --lathe-insert-quantization --canonicalize --split-input-file | FileCheck %s --check-prefix=DYNAMIC

// Weights: a scale per output channel, of the largest magnitude / 127. Activations: 0 is an integer.
// CHECK-LABEL: @matmul
// CHECK-DAG: %[[S:.*]] = nn.constant dense<0.0117647061> : tensor<f32>
// CHECK-DAG: %[[Z:.*]] = nn.constant dense<85> : tensor<ui8>
// CHECK-DAG: %[[T:.*]] = nn.constant dense<{{\[\[}}1.000000e+00, 2.000000e+00]]> : tensor<1x2xf32>
// CHECK: %[[Q:.*]] = nn.quantize %arg0, %[[S]] zero %[[Z]] : {{.*}} -> tensor<3x2xui8>
// CHECK: %[[D:.*]] = nn.dequantize %[[Q]], %[[S]] zero %[[Z]]
// CHECK: %[[W:.*]] = nn.quantize %{{.*}}, %[[T]] : {{.*}} -> tensor<2x2xi8>
// CHECK: %[[V:.*]] = nn.dequantize %[[W]], %[[T]]
// CHECK: %[[M:.*]] = nn.matmul %[[D]], %[[V]]
// What only products read stays f32 for others.
// CHECK: nn.binary add %[[M]], %arg0

// DYNAMIC-LABEL: @matmul
// DYNAMIC: nn.reduce min %arg0 {axes = array<i64: 0, 1>
// DYNAMIC: nn.reduce max %arg0
// DYNAMIC: %[[Q:.*]] = nn.quantize %arg0, %[[S:.*]] zero %[[Z:.*]] :
// DYNAMIC: nn.dequantize %[[Q]], %[[S]] zero %[[Z]]
func.func @matmul(%x: tensor<3x2xf32> {lathe.range = array<f64: -1.0, 2.0>}) -> tensor<3x2xf32> {
  %w = nn.constant dense<[[127.0, 254.0], [-3.0, 1.0]]> : tensor<2x2xf32>
  %m = nn.matmul %x, %w {lathe.precision = "int8"} : (tensor<3x2xf32>, tensor<2x2xf32>) -> tensor<3x2xf32>
  %r = nn.binary add %m, %x : (tensor<3x2xf32>, tensor<3x2xf32>) -> tensor<3x2xf32>
  return %r : tensor<3x2xf32>
}

// -----

// What a convolution reads as integers, others do, too; the attributes are gone.
// CHECK-LABEL: @conv
// CHECK: %[[A:.*]] = nn.unary relu %arg0 : (
// CHECK: %[[Q:.*]] = nn.quantize %[[A]]
// CHECK: %[[D:.*]] = nn.dequantize %[[Q]]
// CHECK: %[[C:.*]] = nn.conv %[[D]]
// CHECK: nn.binary add %[[C]], %[[D]]
// CHECK-NOT: lathe.{{range|precision}}
// DYNAMIC-LABEL: @conv
// DYNAMIC-SAME: convolutions have calibrated ranges or none
// DYNAMIC-NOT: nn.quantize
func.func @conv(%x: tensor<1x1x4xf32>) -> tensor<1x1x4xf32> {
  %w = nn.constant dense<[[[1.0, 2.0, 3.0]]]> : tensor<1x1x3xf32>
  %a = nn.unary relu %x {lathe.range = array<f64: 0.0, 3.0>} : (tensor<1x1x4xf32>) -> tensor<1x1x4xf32>
  %c = nn.conv %a, %w {strides = array<i64: 1>, pads = array<i64: 1, 1>, dilations = array<i64: 1>, group = 1 : i64,
      lathe.precision = "int8"}
      : (tensor<1x1x4xf32>, tensor<1x1x3xf32>) -> tensor<1x1x4xf32> loc("a.conv")
  %r = nn.binary add %c, %a : (tensor<1x1x4xf32>, tensor<1x1x4xf32>) -> tensor<1x1x4xf32>
  return %r : tensor<1x1x4xf32>
}

// -----

// DYNAMIC-LABEL: @not_calibrated
// CHECK-LABEL: @not_calibrated
// CHECK-SAME: the input was not calibrated
// CHECK-NOT: nn.quantize
func.func @not_calibrated(%x: tensor<1x2xf32>) -> tensor<1x2xf32> {
  %w = nn.constant dense<[[1.0, 2.0], [3.0, 4.0]]> : tensor<2x2xf32>
  %m = nn.matmul %x, %w {lathe.precision = "int8"} : (tensor<1x2xf32>, tensor<2x2xf32>) -> tensor<1x2xf32>
  return %m : tensor<1x2xf32>
}

// -----

// Weights of 4 bits: integers with a scale for 16 of each column's weights, the last ones fewer. Convolutions and small matrices have
// no such form.
// CHECK-LABEL: @four_bits
// CHECK-SAME: convolutions have no weights of 4 bits
// CHECK-SAME: the matrix is small
// CHECK-DAG: %[[Q:.*]] = nn.constant dense<7> : tensor<40x16xi8>
// CHECK-DAG: %[[S:.*]] = nn.constant dense<0.428571433> : tensor<3x16xf32>
// CHECK: %[[W:.*]] = nn.dequantize %[[Q]], %[[S]] {block = 16 : i64}
// CHECK: nn.matmul %arg0, %[[W]]
// CHECK: nn.dequantize {{.*}}{axis = 1 : i64, block = 32 : i64} : (tensor<16x40xi8>, tensor<16x2xf32>)
func.func @four_bits(%x: tensor<3x40xf32>, %y: tensor<1x1x4xf32>, %z: tensor<2x2xf32>)
    -> (tensor<3x16xf32>, tensor<3x16xf32>, tensor<1x1x4xf32>, tensor<2x2xf32>) {
  %w = nn.constant dense<3.0> : tensor<40x16xf32>
  %a = nn.matmul %x, %w {lathe.precision = "int4", lathe.group_size = 16 : i64}
      : (tensor<3x40xf32>, tensor<40x16xf32>) -> tensor<3x16xf32>
  %t = nn.constant dense<2.0> : tensor<16x40xf32>
  %b = nn.matmul %x, %t {trans_rhs, lathe.precision = "int4"} : (tensor<3x40xf32>, tensor<16x40xf32>) -> tensor<3x16xf32>
  %f = nn.constant dense<[[[1.0, 2.0, 3.0]]]> : tensor<1x1x3xf32>
  %c = nn.conv %y, %f {strides = array<i64: 1>, pads = array<i64: 1, 1>, dilations = array<i64: 1>, group = 1 : i64,
      lathe.precision = "int4"} : (tensor<1x1x4xf32>, tensor<1x1x3xf32>) -> tensor<1x1x4xf32>
  %v = nn.constant dense<1.0> : tensor<2x2xf32>
  %d = nn.matmul %z, %v {lathe.precision = "int4"} : (tensor<2x2xf32>, tensor<2x2xf32>) -> tensor<2x2xf32>
  return %a, %b, %c, %d : tensor<3x16xf32>, tensor<3x16xf32>, tensor<1x1x4xf32>, tensor<2x2xf32>
}

// -----

// Products of one matrix share its integers.
// CHECK-LABEL: @shared_matrix
// CHECK: %[[W:.*]] = nn.dequantize
// CHECK-NOT: nn.dequantize
// CHECK: nn.matmul %arg0, %[[W]]
// CHECK: nn.matmul %arg1, %[[W]]
func.func @shared_matrix(%x: tensor<3x32xf32>, %y: tensor<3x32xf32>) -> (tensor<3x16xf32>, tensor<3x16xf32>) {
  %w = nn.constant dense<3.0> : tensor<32x16xf32>
  %a = nn.matmul %x, %w {lathe.precision = "int4"} : (tensor<3x32xf32>, tensor<32x16xf32>) -> tensor<3x16xf32>
  %b = nn.matmul %y, %w {lathe.precision = "int4"} : (tensor<3x32xf32>, tensor<32x16xf32>) -> tensor<3x16xf32>
  return %a, %b : tensor<3x16xf32>, tensor<3x16xf32>
}

// -----

// Nodes differ: one reads calibrated integers, one measured ones, one numbers; what says nothing stays as it is.
// CHECK-LABEL: @mixed
// CHECK-SAME: reason = "by hand"
// CHECK-DAG: %[[Q:.*]] = nn.quantize %arg0, %{{.*}} -> tensor<1x2xui8>
// CHECK-DAG: %[[D:.*]] = nn.dequantize %[[Q]]
// CHECK-DAG: %[[M:.*]] = nn.quantize %arg0, %{{.*}} -> tensor<1x2xui8>
// CHECK-DAG: %[[E:.*]] = nn.dequantize %[[M]]
// CHECK: nn.matmul %[[D]],
// CHECK: nn.matmul %[[E]],
// CHECK: nn.matmul %arg0,
// CHECK: nn.matmul %arg0,
func.func @mixed(%x: tensor<1x2xf32> {lathe.range = array<f64: -1.0, 2.0>})
    -> (tensor<1x2xf32>, tensor<1x2xf32>, tensor<1x2xf32>, tensor<1x2xf32>) {
  %w = nn.constant dense<[[1.0, 2.0], [3.0, 4.0]]> : tensor<2x2xf32>
  %a = nn.matmul %x, %w {lathe.precision = "int8"} : (tensor<1x2xf32>, tensor<2x2xf32>) -> tensor<1x2xf32>
  %b = nn.matmul %x, %w {lathe.precision = "int8-dynamic"} : (tensor<1x2xf32>, tensor<2x2xf32>) -> tensor<1x2xf32>
  %c = nn.matmul %x, %w {lathe.precision = "f32", lathe.precision_reason = "by hand"}
      : (tensor<1x2xf32>, tensor<2x2xf32>) -> tensor<1x2xf32>
  %d = nn.matmul %x, %w : (tensor<1x2xf32>, tensor<2x2xf32>) -> tensor<1x2xf32>
  return %a, %b, %c, %d : tensor<1x2xf32>, tensor<1x2xf32>, tensor<1x2xf32>, tensor<1x2xf32>
}

// -----

// Integers that were rounded ahead are taken as they are, if they are the weights' size.
// CHECK-LABEL: @rounded
// CHECK-NOT: lathe.integer
// CHECK-DAG: %[[Q:.*]] = nn.constant dense<{{\[\[}}5, -3], [1, 0]]> : tensor<2x2xi8>
// CHECK-DAG: %[[S:.*]] = nn.constant dense<{{\[\[}}2.500000e-01, 5.000000e-01]]> : tensor<1x2xf32>
// CHECK: %[[W:.*]] = nn.dequantize %[[Q]], %[[S]]
// CHECK: nn.matmul %{{.*}}, %[[W]]
// CHECK: nn.quantize %{{.*}} -> tensor<2x3xi8>
func.func @rounded(%x: tensor<1x2xf32> {lathe.range = array<f64: 0.0, 2.0>}) -> (tensor<1x2xf32>, tensor<1x3xf32>) {
  %w = nn.constant dense<[[1.27, 2.0], [0.25, 0.1]]> : tensor<2x2xf32>
  %m = nn.matmul %x, %w {lathe.precision = "int8", lathe.integer_weights = dense<[[5, -3], [1, 0]]> : tensor<2x2xi8>,
                         lathe.integer_scales = array<f32: 0.25, 0.5>}
      : (tensor<1x2xf32>, tensor<2x2xf32>) -> tensor<1x2xf32>
  %v = nn.constant dense<[[1.27, 2.0, 1.0], [0.25, 0.1, 1.0]]> : tensor<2x3xf32>
  %n = nn.matmul %x, %v {lathe.precision = "int8", lathe.integer_weights = dense<[[5, -3], [1, 0]]> : tensor<2x2xi8>,
                         lathe.integer_scales = array<f32: 0.25, 0.5>}
      : (tensor<1x2xf32>, tensor<2x3xf32>) -> tensor<1x3xf32>
  return %m, %n : tensor<1x2xf32>, tensor<1x3xf32>
}
