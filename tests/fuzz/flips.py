"""Reads damaged copies of a corpus through a fuzz target, each once, under the sanitizers that it is built with.

  flips.py PROGRAM CORPUS COUNT
"""

import pathlib
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "badinput"))
from damage import damage  # noqa: E402


def main():
    program, corpus, count = sys.argv[1], pathlib.Path(sys.argv[2]), int(sys.argv[3])
    originals = [path.read_bytes() for path in sorted(corpus.iterdir()) if path.stat().st_size > 0]
    if not originals:
        sys.exit(f"{corpus}: no files")
    with tempfile.TemporaryDirectory() as folder:
        files = []
        for seed in range(count):
            files.append(pathlib.Path(folder, f"flip{seed}"))
            files[-1].write_bytes(damage(originals[seed % len(originals)], seed))
        # Given files, libFuzzer runs each of them once.
        sys.exit(subprocess.run([program, "-timeout=20", "-rss_limit_mb=4096", *map(str, files)]).returncode)


if __name__ == "__main__":
    main()
