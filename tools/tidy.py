#!/usr/bin/env python3
"""Runs clang-tidy over many sources at once.

clang-tidy 19 matches each check against everything that a source includes, which for MLIR's headers takes most of a minute per
source. Here the sources of a library are included into one, so that headers are paid for once per batch; findings name the
sources themselves. Equal names of different sources are renamed by macros; sources that can't stand beside others all the same
go to batches of their own.

  tools/tidy.py                   all sources that a build in build/ knows
  tools/tidy.py FOLDER|FILE...    these
"""

import argparse
import collections
import json
import pathlib
import re
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
MOST = 40  # sources per batch: what is parsed again after one was taken out, and memory, grow with it
FINDINGS = r"/(backends|compiler|dialects|passes|runtime|tests|tools)/.*\.(cpp|h|hpp)$"


def sources(build, wanted):
    """Lists of (source, flags) that share flags and may share names, from the compile commands."""
    groups = collections.OrderedDict()
    seen = set()
    for entry in json.loads((build / "compile_commands.json").read_text()):
        path = pathlib.Path(entry["file"])
        if path in seen or path.suffix != ".cpp" or build in path.parents or ROOT not in path.parents:
            continue
        name = str(path.relative_to(ROOT))
        if name.startswith("tests/fuzz/") or (wanted and not any((name + "/").startswith(w + "/") for w in wanted)):
            continue
        seen.add(path)
        flags = re.sub(r" -o \S+ -c \S+| -D\w+_EXPORTS", "", entry["command"])
        text = path.read_text()
        alone = name if re.search(r"^int main\(", text, re.M) else ""
        crowded = "using namespace llvm;" in text
        groups.setdefault((flags, alone, crowded), []).append(name)
    for (flags, _, _), names in groups.items():
        for first in range(0, len(names), MOST):
            yield flags, names[first : first + MOST]


class Batches:
    def __init__(self, build, folder):
        self.build = build
        self.folder = folder
        self.count = 0

    def write(self, flags, names, equal=()):
        """A source that includes the others; gives its path and the command that compiles it."""
        self.count += 1
        path = self.folder / f"batch{self.count}.cpp"
        with path.open("w") as out:
            for index, name in enumerate(names):
                out.writelines(f"#define {word} {word}{index}\n" for word in equal)
                out.write(f'#include "{ROOT / name}" // NOLINT(bugprone-suspicious-include)\n')
                out.writelines(f"#undef {word}\n" for word in equal)
        return path, f"{flags} -c {path}"

    def compile(self, command):
        """What the compiler says, nothing if all is well."""
        result = subprocess.run(f"{command} -fsyntax-only -w -ferror-limit=0", shell=True, cwd=self.build,
                                capture_output=True, text=True)
        return result.stderr if result.returncode else ""

    def split(self, flags, names):
        """Takes out what does not compile beside the rest."""
        path, command = self.write(flags, names)
        if len(names) == 1:
            return [(path, command, names)]
        messages = self.compile(command)
        equal = sorted(set(re.findall(r"error: redefinition of '(\w+)'", messages)))
        if equal:
            path, command = self.write(flags, names, equal)
            messages = self.compile(command)
        if not messages:
            return [(path, command, names)]
        bad = [name for name in names if f"{ROOT / name}:" in messages and name != names[0]]
        good = [name for name in names if name not in bad]
        if not bad:
            return [batch for name in names for batch in self.split(flags, [name])]
        return self.split(flags, good) + self.split(flags, bad)


def tidy(build, path, command):
    """True if there are no findings."""
    database = path.with_suffix("")
    database.mkdir(exist_ok=True)
    (database / "compile_commands.json").write_text(
        json.dumps([{"directory": str(build), "file": str(path), "command": command}])
    )
    result = subprocess.run(
        ["clang-tidy-19", "--quiet", "-p", str(database), f"--config-file={ROOT / '.clang-tidy'}",
         f"--header-filter={FINDINGS}", str(path)],
        capture_output=True, text=True)
    errors = "\n".join(line for line in result.stderr.splitlines() if "warnings" not in line)
    if result.stdout.strip() or result.returncode:
        print(result.stdout, errors, sep="\n", flush=True)
    return result.returncode == 0 and not result.stdout.strip()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("paths", nargs="*")
    parser.add_argument("--build", default="build", help="a built tree: generated headers, compile commands")
    arguments = parser.parse_args()
    build = (ROOT / arguments.build).resolve()
    clean, covered = True, 0
    with tempfile.TemporaryDirectory(prefix="tidy", dir=build) as folder:
        batches = Batches(build, pathlib.Path(folder))
        for flags, names in sources(build, [path.rstrip("/") for path in arguments.paths]):
            for path, command, part in batches.split(flags, names):
                clean &= tidy(build, path, command)
                covered += len(part)
                print(f"tidy: {covered} sources, {', '.join(part)}", file=sys.stderr, flush=True)
    if not covered:
        sys.exit("tidy: error: no such source in the build")
    return 0 if clean else 1


if __name__ == "__main__":
    sys.exit(main())
