// What --tune measures of oneDNN is kept beside what it measures of own plans.

// REQUIRES: onednn
// RUN: rm -f %t.txt
// RUN: lathe compile %s --tune --provider auto --tune-db %t.txt --report %t.json -o %t.tuned
// RUN: FileCheck %s --check-prefix=DB --input-file %t.txt
// RUN: FileCheck %s --check-prefix=REPORT --input-file %t.json
// RUN: lathe compile %s --provider auto --tune-db %t.txt -o %t.again
// RUN: cmp %t.tuned %t.again
// RUN: lathe run %t.tuned --random 1

// Nothing is measured twice, and oneDNN alone where own plans are known.
// RUN: cp %t.txt %t.before
// RUN: lathe compile %s --tune --provider auto --tune-db %t.txt -o %t.tuned
// RUN: cmp %t.txt %t.before
// RUN: grep -v onednn %t.txt > %t.own
// RUN: cp %t.own %t.more
// RUN: lathe compile %s --tune --provider auto --tune-db %t.more -o %t.tuned
// RUN: FileCheck %s --check-prefix=DB --input-file %t.more
// RUN: grep -v onednn %t.more > %t.more.own
// RUN: cmp %t.own %t.more.own

// DB: | gemm {{.*}} | {{[0-9.]+}} | {{[0-9.]+$}}
// DB-NEXT: | onednn_matmul rows={{[0-9]+}} | {{[0-9.]+}} | {{[0-9.]+$}}
// DB-NOT: {{.}}
// REPORT: "from": "measured"
// REPORT: "choice": "gemm
// REPORT: "choice": "onednn_matmul
func.func @main(%x: tensor<40x64xf32>) -> tensor<40x48xf32> {
  %v = nn.constant dense<0.5> : tensor<64x48xf32>
  %p = nn.matmul %x, %v : (tensor<40x64xf32>, tensor<64x48xf32>) -> tensor<40x48xf32>
  return %p : tensor<40x48xf32>
}
