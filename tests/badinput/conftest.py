"""What the tests of bad input share."""

import os
import subprocess
import sys

import pytest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path[:0] = [ROOT, os.path.dirname(os.path.abspath(__file__))]

from models.command import binary  # noqa: E402

MEMORY_LIMIT_KB = 6 << 20  # a hostile model must not take the machine's memory


def run_limited(arguments, seconds=120):
    """Runs lathe with little memory; a signal or a run without end fails the test."""
    command = ["bash", "-c", f'ulimit -c 0; ulimit -v {MEMORY_LIMIT_KB}; exec "$@"', "bash", binary(), *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, errors="replace", timeout=seconds, check=False)
    assert 0 <= done.returncode < 128, f"ended by signal {-done.returncode}: {done.stderr[-2000:]}"
    return done


@pytest.fixture
def lathe():
    return run_limited


def assert_refused(done, code, fragments):
    """One clear message with these words, and the exit code that docs/Errors.md gives."""
    text = done.stderr
    assert done.returncode == code, f"expects exit code {code}, got {done.returncode}: {text[-2000:]}"
    assert "error:" in text, f"expects a message, got {text!r}"
    for fragment in fragments:
        assert fragment in text, f"expects {fragment!r} in {text[-2000:]!r}"
    for word in ("Traceback", "Stack dump", "terminate called", "Assertion", "LLVM ERROR", "protobuf"):
        assert word not in text, f"shows {word!r}: {text[-2000:]!r}"
