"""Checks that clang-format would change nothing; skipped where it is absent."""

import re
import subprocess
import sys

from sources import sources

SKIPPED = 77


def main(root, clang_format):
    if clang_format.endswith("NOTFOUND"):
        print("clang-format-19 is not installed")
        return SKIPPED
    files = list(sources(root, (".h", ".cpp", ".c", ".hpp")))
    run = subprocess.run([clang_format, "--dry-run", "--Werror", *files], cwd=root,
                         capture_output=True, text=True)
    changed = sorted(set(re.findall(r"^(\S+?):\d+:\d+: error:", run.stderr, re.M)))
    for path in changed:
        print(f"{path}: clang-format-19 -i changes it")
    return run.returncode


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:3]))
