"""Checks that relative links in the documentation lead to files that exist."""

import os
import re
import sys

from sources import read, report

LINK = re.compile(r"\]\(([^)#\s]+)[^)]*\)")


def documents(root):
    yield from (name for name in sorted(os.listdir(root)) if name.endswith(".md"))
    for parent, _, files in os.walk(os.path.join(root, "docs")):
        for name in sorted(files):
            if name.endswith(".md") and not parent.endswith("generated"):
                yield os.path.relpath(os.path.join(parent, name), root)


def problems(root):
    for path in documents(root):
        for link in LINK.findall(read(root, path)):
            if "://" not in link and not os.path.exists(os.path.join(root, os.path.dirname(path), link)):
                yield f"{path}: expects {link} to exist"


if __name__ == "__main__":
    sys.exit(report(list(problems(sys.argv[1]))))
