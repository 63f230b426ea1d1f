// Products of bytes are calls of oneDNN where its sums are exact: weights of 7 bits without AVX512_VNNI, any weights with it, and no
// sum beyond 2^24.

// RUN: lathe compile %s --cpu x86-64-v3 --provider onednn --stop-after plan | FileCheck %s
// RUN: lathe compile %s --cpu cascadelake --provider onednn --stop-after plan | FileCheck %s --check-prefix=VNNI

// CHECK: plan.kernel @ui8_onednn_matmul_
// CHECK-SAME: kind = "onednn_matmul"
// CHECK-NOT: kind = "onednn
// VNNI-COUNT-2: kind = "onednn_matmul"
// VNNI-NOT: kind = "onednn
func.func @main(%a: tensor<6x16xui8>, %b: tensor<6x2048xui8>) -> (tensor<6x16xui8>, tensor<6x16xf32>, tensor<6x16xf32>) {
  %scales = nn.constant dense<[0.25, 0.5, 0.25, 0.5, 0.25, 0.5, 0.25, 0.5, 0.25, 0.5, 0.25, 0.5, 0.25, 0.5, 0.25, 0.5]> : tensor<16xf32>
  %one = nn.constant dense<1.5> : tensor<f32>
  // 7 bits, then bytes again.
  %small = nn.constant dense<-64> : tensor<16x16xi8>
  %p = nn.matmul %a, %small : (tensor<6x16xui8>, tensor<16x16xi8>) -> tensor<6x16xi32>
  %pf = nn.dequantize %p, %scales : (tensor<6x16xi32>, tensor<16xf32>) -> tensor<6x16xf32>
  %py = nn.quantize %pf, %one : (tensor<6x16xf32>, tensor<f32>) -> tensor<6x16xui8>
  // 8 bits.
  %large = nn.constant dense<65> : tensor<16x16xi8>
  %q = nn.matmul %a, %large : (tensor<6x16xui8>, tensor<16x16xi8>) -> tensor<6x16xi32>
  %qf = nn.dequantize %q, %scales : (tensor<6x16xi32>, tensor<16xf32>) -> tensor<6x16xf32>
  // 255 * 2048 * 60 is more than 2^24.
  %deep = nn.constant dense<60> : tensor<2048x16xi8>
  %d = nn.matmul %b, %deep : (tensor<6x2048xui8>, tensor<2048x16xi8>) -> tensor<6x16xi32>
  %df = nn.dequantize %d, %scales : (tensor<6x16xi32>, tensor<16xf32>) -> tensor<6x16xf32>
  return %py, %qf, %df : tensor<6x16xui8>, tensor<6x16xf32>, tensor<6x16xf32>
}
