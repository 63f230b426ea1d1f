"""Checks that an operation of the nn dialect is done: a row in docs/status.md,
its written form in tests/lit/nn/ops.mlir, its values in an eval-*.mlir, and a
refusal in an invalid-*.mlir for each constraint that its description numbers.
"""

import os
import re
import sys

from sources import read, report, sources

OPERATION = re.compile(r'^def \w+ : \w*Op<(?:NN_Dialect, )?"(\w+)"(.*?)^}', re.M | re.S)
CONSTRAINT = re.compile(r"\b(C\d+):")


def tests(root, prefix):
    return "".join(
        read(root, path)
        for path in sources(root, (".mlir",))
        if path.startswith("tests/lit/nn/") and os.path.basename(path).startswith(prefix)
    )


def problems(root):
    status = read(root, "docs/status.md")
    written, values, refusals = tests(root, "ops"), tests(root, "eval-"), tests(root, "invalid-")
    for path in sources(root, (".td",)):
        if not path.startswith("dialects/nn/"):
            continue
        for name, body in OPERATION.findall(read(root, path)):
            if f"| `nn.{name}` |" not in status:
                yield f"docs/status.md: expects a row for nn.{name}"
            if not re.search(rf"\bnn\.{name}\b", written):
                yield f"tests/lit/nn/ops.mlir: expects nn.{name}"
            if not re.search(rf"\bnn\.{name}\b", values):
                yield f"tests/lit/nn: expects nn.{name} in an eval-*.mlir"
            for constraint in CONSTRAINT.findall(body):
                if not re.search(rf"nn\.{name}(' op)? {constraint}:", refusals):
                    yield f"tests/lit/nn: expects a case for nn.{name} {constraint} in an invalid-*.mlir"


if __name__ == "__main__":
    sys.exit(report(list(problems(sys.argv[1]))))
