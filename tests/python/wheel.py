"""The wheel that `pip install .` makes, with the compiler inside: wheel.py SOURCE_DIR WORK_DIR.

Builds it in SOURCE_DIR/build-wheel (ccache has most of it from the build tree), unpacks it into an empty folder and runs the
tests of the package on it, with nothing of the build tree in sight.
"""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

SOURCE, WORK = Path(sys.argv[1]), Path(sys.argv[2])
LARGEST_MB = 16

PROBE = """
import lathe, lathe.artifact, pathlib
folder = pathlib.Path(lathe.__file__).parent
assert folder.is_relative_to({site!r}), folder
assert pathlib.Path(lathe.artifact._compiler()) == folder / "bin" / "lathe-compile"
"""


def run(*command, **options):
    done = subprocess.run([str(part) for part in command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          check=False, **options)
    if done.returncode != 0:
        sys.exit(f"{' '.join(map(str, command))} ended with {done.returncode}\n{done.stdout[-6000:]}")
    return done.stdout


def pip(*arguments):
    return run(sys.executable, "-m", "pip", "--disable-pip-version-check", *arguments)


def main():
    WORK.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=WORK) as folder:
        folder, start = Path(folder), time.monotonic()
        pip("wheel", SOURCE, "--no-deps", "--no-build-isolation", "--wheel-dir", folder)
        (wheel,) = folder.glob("lathe-*.whl")
        megabytes = wheel.stat().st_size / 1e6
        print(f"{wheel.name}: {megabytes:.1f} MB, built in {time.monotonic() - start:.1f} s")
        assert megabytes < LARGEST_MB
        site = folder / "site"
        pip("install", "--no-deps", "--target", site, wheel)
        environment = {"PATH": "/usr/bin:/bin", "HOME": os.environ.get("HOME", "/"), "PYTHONPATH": str(site),
                       "PYTHONDONTWRITEBYTECODE": "1"}
        run(sys.executable, "-c", PROBE.format(site=str(site)), env=environment, cwd=folder)
        tests = SOURCE / "tests/python/test_interface.py"
        print(run(sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", tests, env=environment, cwd=folder))


main()
