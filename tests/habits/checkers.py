"""Checks the checks: each must complain about a small tree that is wrong."""

import os
import sys
import tempfile

import doc_links
import file_sizes
import include_direction
import nn_operations
import pass_names

WRONG = {
    "dialects/nn/A.cpp": '#include "passes/Passes.h"\n',
    "passes/B.cpp": '#include "lathe/lathe.h"\n',
    "runtime/src/C.cpp": '#include "dialects/nn/NN.h"\n',
    "passes/Passes.td": 'def FuseAll : Pass<"lathe-fuse", "::mlir::ModuleOp"> {}\n',
    "tools/Long.cpp": "\n" * 501,
    "docs/A.md": "[b](B.md)\n",
    "dialects/nn/A.td": 'def A : NN_Op<"a"> {\n  C1: x. C2: y.\n}\n',
    "docs/status.md": "",
    "tests/lit/nn/invalid-a.mlir": "'nn.a' op C1: expects",
}
RIGHT = {
    "tools/D.cpp": '#include "compiler/driver/E.h"\n#include "lathe/lathe.h"\n',
    "backends/F.cpp": '#include "lathe/artifact.h"\n#include "dialects/nn/NN.h"\n',
    "passes/FuseAll.cpp": "",
    "passes/Passes.td": 'def FuseAll : Pass<"lathe-fuse-all", "::mlir::ModuleOp"> {}\n',
    "tests/lit/passes/fuse-all.mlir": "",
    "README.md": "[a](docs/A.md) [web](https://a.example/b)\n",
    "docs/A.md": "[top](../README.md#start)\n",
    "dialects/nn/A.td": 'def A : NN_Op<"a"> {\n  C1: x.\n}\n',
    "docs/status.md": "| `nn.a` |",
    "tests/lit/nn/ops.mlir": "nn.a",
    "tests/lit/nn/eval-a.mlir": "nn.a",
    "tests/lit/nn/invalid-a.mlir": "'nn.a' op C1: expects",
}


def count(files):
    """How many problems each check finds in a tree of these files."""
    with tempfile.TemporaryDirectory() as root:
        for path, text in files.items():
            os.makedirs(os.path.join(root, os.path.dirname(path)), exist_ok=True)
            with open(os.path.join(root, path), "w", encoding="utf-8") as file:
                file.write(text)
        checks = (include_direction, pass_names, file_sizes, doc_links, nn_operations)
        return [len(list(check.problems(root))) for check in checks]


if __name__ == "__main__":
    assert count(WRONG) == [3, 3, 1, 1, 4], count(WRONG)
    assert count(RIGHT) == [0, 0, 0, 0, 0], count(RIGHT)
