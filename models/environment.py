"""Puts a script into the Python that has the reference packages."""

import importlib.util
import os
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def enter():
    """Returns if this Python has onnx and numpy; else starts the script again in the venv of tools/install-deps."""
    sys.path.insert(0, ROOT)
    if all(importlib.util.find_spec(package) for package in ("onnx", "numpy")):
        return
    install = os.path.join(ROOT, "tools", "install-deps")
    python = subprocess.run([install, "--python"], capture_output=True, text=True, check=False).stdout.strip()
    if not os.path.exists(python) or os.environ.get("LATHE_ENTERED"):
        sys.exit(f"{sys.argv[0]}: error: the Python packages onnx and numpy are missing; run tools/install-deps")
    os.environ["LATHE_ENTERED"] = "1"
    os.execv(python, [python, *sys.argv])
