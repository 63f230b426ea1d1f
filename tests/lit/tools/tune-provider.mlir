// With --provider auto the database tells, operation by operation, whether oneDNN is faster; nothing of it is needed to compile.

// RUN: echo "lathe tuning database, version 1" > %t.txt
// RUN: echo "x86-64-v3 avx2 | 1 | 40x64xf32 =64x48xf32 -> matmul(0,1):40x48xf32 | onednn_matmul rows=5 | 94.00 | 100.00" >> %t.txt
// RUN: echo "x86-64-v3 avx2 | 1 | 40x64xf32 =64x32xf32 -> matmul(0,1):40x32xf32 | onednn_matmul rows=5 | 96.00 | 100.00" >> %t.txt
// RUN: lathe compile %s --cpu x86-64-v3 --provider auto --tune-db %t.txt --stop-after plan | FileCheck %s
// RUN: lathe compile %s --cpu x86-64-v3 --provider auto --tune-db %t.txt --report %t.json -o %t.lathe
// RUN: FileCheck %s --check-prefix=REPORT --input-file %t.json
// RUN: lathe inspect %t.lathe | FileCheck %s --check-prefix=INSPECT

// Only then; without lines, kernels are our own.
// RUN: lathe compile %s --cpu x86-64-v3 --tune-db %t.txt --stop-after plan | FileCheck %s --check-prefix=OWN
// RUN: lathe compile %s --cpu x86-64-v3 --provider auto --stop-after plan | FileCheck %s --check-prefix=OWN

// An own plan that another tuning has found may be faster; one that is slower changes nothing.
// RUN: cp %t.txt %t.own
// RUN: echo "x86-64-v3 avx2 | 1 | 40x64xf32 =64x48xf32 -> matmul(0,1):40x48xf32 | gemm none | 95.00 | 99.00" >> %t.own
// RUN: lathe compile %s --cpu x86-64-v3 --provider auto --tune-db %t.own --stop-after plan | FileCheck %s --check-prefix=OWN
// RUN: cp %t.txt %t.own
// RUN: echo "x86-64-v3 avx2 | 1 | 40x64xf32 =64x48xf32 -> matmul(0,1):40x48xf32 | gemm none | 105.00 | 110.00" >> %t.own
// RUN: lathe compile %s --cpu x86-64-v3 --provider auto --tune-db %t.own --stop-after plan | FileCheck %s

// Where the library isn't there, tuning goes on without, whatever is known of it.
// RUN: env LATHE_ONEDNN_LIBRARY=%t.none lathe compile %s --cpu x86-64-v3 --provider auto --tune --tune-seconds 0 --tune-db %t.txt --stop-after plan > %t.mlir 2> %t.err
// RUN: FileCheck %s --check-prefix=OWN --input-file %t.mlir
// RUN: FileCheck %s --check-prefix=MISSING --input-file %t.err

// CHECK: kind = "onednn_matmul"
// CHECK: kind = "gemm"
// CHECK-NOT: kind = "onednn
// OWN-NOT: kind = "onednn
// REPORT: "choice": "onednn_matmul rows=5"
// REPORT-NEXT: "cpu": "x86-64-v3 avx2"
// REPORT-NEXT: "from": "database"
// REPORT: "choice": "gemm
// INSPECT: onednn_matmul rows=5 instead of gemm {{.*}}: 0.94 of its time
// MISSING: warning: own kernels only: --provider auto needs oneDNN 3, but '{{.*}}.none' can't be used:
func.func @main(%x: tensor<40x64xf32>) -> (tensor<40x48xf32>, tensor<40x32xf32>) {
  %v = nn.constant dense<0.5> : tensor<64x48xf32>
  %w = nn.constant dense<0.25> : tensor<64x32xf32>
  %p = nn.matmul %x, %v : (tensor<40x64xf32>, tensor<64x48xf32>) -> tensor<40x48xf32>
  %q = nn.matmul %x, %w : (tensor<40x64xf32>, tensor<64x32xf32>) -> tensor<40x32xf32>
  return %p, %q : tensor<40x48xf32>, tensor<40x32xf32>
}
