// What --tune measures is kept in the database, which gives the same artifact without measuring again.

// RUN: rm -f %t.txt
// RUN: lathe compile %s --tune --tune-db %t.txt --report %t.json -o %t.tuned
// RUN: FileCheck %s --check-prefix=DB --input-file %t.txt
// RUN: FileCheck %s --check-prefix=MEASURED --input-file %t.json
// RUN: lathe compile %s --tune-db %t.txt --report %t.json -o %t.again
// RUN: cmp %t.tuned %t.again
// RUN: FileCheck %s --check-prefix=KNOWN --input-file %t.json
// RUN: lathe run %t.tuned --random 1 --output-dir %t.out

// Nothing is measured twice; another number of threads is another matter.
// RUN: cp %t.txt %t.before
// RUN: lathe compile %s --tune --tune-db %t.txt -o %t.tuned
// RUN: cmp %t.txt %t.before
// RUN: lathe compile %s --tune --tune-db %t.txt --tune-threads 2 -o %t.tuned
// RUN: FileCheck %s --check-prefix=TWO --input-file %t.txt

// What there is no time for is left to the model.
// RUN: lathe compile %s --tune --tune-seconds 0 --report %t.json -o %t.tuned
// RUN: FileCheck %s --check-prefix=LATE --input-file %t.json
// RUN: not lathe compile %s --tune --tune-seconds nan -o %t.tuned 2>&1 | FileCheck %s --check-prefix=SECONDS

// How far it is.
// RUN: %python %S/Inputs/on-terminal.py lathe compile %s --tune -o %t.tuned | FileCheck %s --check-prefix=BAR

// Databases are joined.
// RUN: lathe tune-db merge %t.before %t.txt -o %t.merged
// RUN: cmp %t.merged %t.txt

// What is kept in the sources is sorted and complete.
// RUN: lathe tune-db merge %S/../../../models/tuning/znver4.txt -o %t.kept
// RUN: cmp %t.kept %S/../../../models/tuning/znver4.txt

// DB: lathe tuning database, version 1
// DB-NEXT: {{.*}} | 1 | 40x64xf32 =64x48xf32 -> matmul(0,1):40x48xf32 | gemm {{.*}} | {{[0-9.]+}} | {{[0-9.]+$}}
// DB-NOT: {{.}}
// TWO: {{.*}} | 1 | 40x64xf32
// TWO-NEXT: {{.*}} | 2 | 40x64xf32
// MEASURED: "choices"
// MEASURED: "choice": "gemm
// MEASURED: "from": "measured"
// MEASURED: "us":
// MEASURED: "from": "model"
// MEASURED: "note": "not tuned: a size is open"
// KNOWN: "from": "database"
// LATE: "from": "model"
// LATE: "note": "not tuned: out of time"
// SECONDS: tune-seconds
// BAR: tune [..............................] 0 of 1 ...
func.func @f(%x: tensor<40x64xf32>, %y: tensor<?x48xf32, affine_map<()[s0] -> (s0, 48)>>)
    -> (tensor<40x48xf32>, tensor<?x48xf32, affine_map<()[s0] -> (s0, 48)>>)
    attributes {nn.symbols = [{name = "n", kind = "input_dim", input = 1 : i64, index = 0 : i64}]} {
  %w = nn.constant dense<0.5> : tensor<64x48xf32>
  %v = nn.constant dense<0.25> : tensor<48x48xf32>
  %r = nn.matmul %x, %w : (tensor<40x64xf32>, tensor<64x48xf32>) -> tensor<40x48xf32>
  %s = nn.matmul %y, %v : (tensor<?x48xf32, affine_map<()[s0] -> (s0, 48)>>, tensor<48x48xf32>)
      -> tensor<?x48xf32, affine_map<()[s0] -> (s0, 48)>>
  return %r, %s : tensor<40x48xf32>, tensor<?x48xf32, affine_map<()[s0] -> (s0, 48)>>
}
