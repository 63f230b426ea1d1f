"""How lit runs the tests below this folder.

The tools of the build tree come first in PATH, then LLVM's (FileCheck, not,
mlir-opt). %python is the Python that has the onnx package.
"""

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
config.environment["FILECHECK_OPTS"] = "--enable-var-scope"
config.substitutions.append(("%python", config.lathe_python))
