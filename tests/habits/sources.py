"""The project's own source files, for the checks beside this file."""

import os

FOLDERS = ("backends", "compiler", "dialects", "models", "passes", "runtime", "tests", "tools")


def sources(root, suffixes):
    """Yields the paths, relative to root, of the files with these suffixes."""
    for folder in FOLDERS:
        for parent, folders, files in os.walk(os.path.join(root, folder)):
            folders[:] = sorted(f for f in folders if not f.startswith((".", "__", "build")))
            for name in sorted(files):
                if name.endswith(suffixes):
                    yield os.path.relpath(os.path.join(parent, name), root)


def read(root, path):
    with open(os.path.join(root, path), encoding="utf-8") as file:
        return file.read()


def report(problems):
    """Prints the problems; gives the exit status."""
    for problem in problems:
        print(problem)
    return 1 if problems else 0
