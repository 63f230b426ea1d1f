// Strided elements are read without gathers, which some CPUs serialize (see MachineCode.cpp).
// RUN: rm -rf %t && mkdir %t
// RUN: lathe compile %s -o %t/x.lathe --cpu x86-64-v4 --dump-to %t
// RUN: FileCheck %s --implicit-check-not=vgather --implicit-check-not=vpgather --implicit-check-not=scatter \
// RUN:   --input-file %t/kernels-main__avx512.s
// CHECK: zmm
func.func @main(%x: tensor<40x70xf32>) -> tensor<70x41xf32> {
  %0 = nn.transpose %x {permutation = array<i64: 1, 0>} : (tensor<40x70xf32>) -> tensor<70x40xf32>
  %1 = nn.unary exp %0 : (tensor<70x40xf32>) -> tensor<70x40xf32>
  %2 = nn.reduce sum %1 {axes = array<i64: 1>, keepdims = true} : (tensor<70x40xf32>) -> tensor<70x1xf32>
  %3 = nn.concat %1, %2 {axis = 1 : i64} : (tensor<70x40xf32>, tensor<70x1xf32>) -> tensor<70x41xf32>
  return %3 : tensor<70x41xf32>
}
