"""Counts the instructions of a few kernels under callgrind and compares them with figures.txt.

    count.py --lathe bin/lathe --program bin/measured --work FOLDER [--write] [NAME...]

Unlike times, counts are the same on a busy machine. Code is made for x86-64-v3, which valgrind knows. Exit code 77: can't be
counted here, and why.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys

FOLDER = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [FOLDER, os.path.dirname(os.path.dirname(FOLDER))]

FIGURES = os.path.join(FOLDER, "figures.txt")
CPU = "x86-64-v3"
TOLERANCE = 0.02
SKIPPED = 77
HEADER = f"# Instructions of one run on {CPU}, the runtime's included; written by `ninja -C build instructions`.\n"


def read_figures():
    with open(FIGURES, encoding="utf-8") as file:
        return {name: int(count) for name, count in (line.split() for line in file if not line.startswith("#"))}


def write_figures(counts):
    with open(FIGURES, "w", encoding="utf-8") as file:
        file.write(HEADER + "".join(f"{name} {count}\n" for name, count in counts.items()))


def skip(why):
    print(f"skipped: {why}")
    sys.exit(SKIPPED)


def cpu_flags():
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        return set(next((line.split(":")[1] for line in file if line.startswith("flags")), "").split())


def compiled(name, options):
    """The artifact of a network."""
    from models import graph
    from networks import NETWORKS

    build, shape = NETWORKS[name]
    model, artifact = (os.path.join(options.work, name + suffix) for suffix in (".onnx", ".lathe"))
    graph.save(build(shape), model)
    done = subprocess.run([options.lathe, "compile", model, "-o", artifact, "--cpu", CPU], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        sys.exit(f"{name}: expects to compile, got:\n{done.stderr}")
    return artifact


def count(name, options):
    """Instructions between entering and leaving measured_run."""
    artifact = compiled(name, options)
    command = ["valgrind", "--tool=callgrind", "--toggle-collect=measured_run", f"--callgrind-out-file={artifact}.callgrind",
               options.program, artifact]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if "Unrecognised instruction" in done.stderr or "unhandled instruction" in done.stderr:
        skip(f"valgrind does not know an instruction of {name}:\n{done.stderr[-1500:]}")
    found = re.search(r"Collected : (\d+)", done.stderr)
    if done.returncode != 0 or not found:
        sys.exit(f"{name}: expects a count, got exit code {done.returncode}:\n{done.stderr[-1500:]}")
    return int(found.group(1))


def judge(name, counted, stored):
    """Prints a line; is it a regression?"""
    change = counted / stored - 1
    verdict = "slower" if change > TOLERANCE else "faster: write the figures anew" if change < -TOLERANCE else "as stored"
    print(f"{name:<14} {stored:>10} -> {counted:>10}  {100 * change:+6.1f} %  {verdict}")
    return change > TOLERANCE


def parse():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lathe", required=True)
    parser.add_argument("--program", required=True, help="what is built from measured.c")
    parser.add_argument("--work", required=True)
    parser.add_argument("--write", action="store_true", help="store what is counted")
    parser.add_argument("names", nargs="*", help="default: all")
    return parser.parse_args()


def main():
    options = parse()
    if not shutil.which("valgrind"):
        skip("valgrind is not installed")
    if not {"avx2", "fma", "bmi2", "movbe"} <= cpu_flags():
        skip(f"this CPU does not run {CPU}, and valgrind adds nothing to what it has")
    from networks import NETWORKS

    os.makedirs(options.work, exist_ok=True)
    counts = {name: count(name, options) for name in options.names or NETWORKS}
    if options.write:
        write_figures(({} if not options.names else read_figures()) | counts)
        return 0
    figures = read_figures()
    missing = [name for name in counts if name not in figures]
    if missing:
        sys.exit(f"figures.txt has no figure for {', '.join(missing)}; run ninja -C build instructions")
    return 1 if sum([judge(name, counted, figures[name]) for name, counted in counts.items()]) else 0


if __name__ == "__main__":
    sys.exit(main())
