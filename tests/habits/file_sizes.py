"""Checks that no source file is longer than 500 lines."""

import sys

from sources import read, report, sources

LIMIT = 500


def problems(root):
    for path in sources(root, (".h", ".cpp", ".c", ".hpp", ".td", ".py", ".fbs")):
        lines = read(root, path).count("\n")
        if lines > LIMIT:
            yield f"{path}: expects at most {LIMIT} lines, got {lines}"


if __name__ == "__main__":
    sys.exit(report(list(problems(sys.argv[1]))))
