"""How lit runs the tests below this folder.

The tools of the build tree come first in PATH, then LLVM's (FileCheck, not,
mlir-opt). %python is the Python that has the onnx package.
"""

import ctypes
import os

import lit.formats

config.name = "lathe"
config.test_format = lit.formats.ShTest(execute_external=False)
config.suffixes = [".mlir", ".test", ".onnxtxt"]
config.excludes = ["Inputs"]
config.test_source_root = os.path.dirname(__file__)
config.environment["PATH"] = os.pathsep.join(
    [config.lathe_bin, config.llvm_bin, os.environ.get("PATH", "")]
)
# Tests that need oneDNN say so ("REQUIRES: onednn") and are unsupported without.
for name in ("LATHE_ONEDNN_LIBRARY", "LD_LIBRARY_PATH"):
    if name in os.environ:
        config.environment[name] = os.environ[name]
try:
    ctypes.CDLL(os.environ.get("LATHE_ONEDNN_LIBRARY", "libdnnl.so.3"))
    config.available_features.add("onednn")
except OSError:
    pass
config.environment["FILECHECK_OPTS"] = "--enable-var-scope"
config.substitutions.append(("%python", config.lathe_python))
