"""Checks that a pass has one stem everywhere.

`def FuseEpilogue : Pass<"lathe-fuse-epilogue"` in Passes.td needs the file
FuseEpilogue.cpp below passes/ and the test fuse-epilogue.mlir in tests/lit/.
"""

import os
import re
import sys

from sources import read, report, sources

PASS = re.compile(r'^def\s+(\w+)\s*:\s*\w*Pass<\s*"([^"]+)"', re.M)


def kebab(stem):
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "-", stem).lower()


def problems(root):
    cpp_files = {os.path.basename(p) for p in sources(root, (".cpp",)) if p.startswith("passes/")}
    lit_files = {os.path.basename(p) for p in sources(root, (".mlir",)) if p.startswith("tests/lit/")}
    for path in sources(root, (".td",)):
        for stem, flag in PASS.findall(read(root, path)):
            if flag != f"lathe-{kebab(stem)}":
                yield f"{path}: {stem}: expects the flag lathe-{kebab(stem)}, got {flag}"
            if f"{stem}.cpp" not in cpp_files:
                yield f"{path}: {stem}: expects a file {stem}.cpp below passes/"
            if f"{kebab(stem)}.mlir" not in lit_files:
                yield f"{path}: {stem}: expects a test {kebab(stem)}.mlir below tests/lit/"


if __name__ == "__main__":
    sys.exit(report(list(problems(sys.argv[1]))))
