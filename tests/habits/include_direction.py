"""Checks who includes whom: tools -> compiler -> backends -> passes -> dialects.

Each folder may include what stands to its right, never to its left. The two
halves share lathe/artifact.h and the generated manifest header, nothing else:
the runtime includes nothing of the compiler's folders and, but for the tools
and the C API's implementation, those include no other header of the runtime.
"""

import re
import sys

from sources import read, report, sources

ORDER = ("dialects", "passes", "backends", "compiler", "tools")
SHARED = ("lathe/artifact.h", "manifest_generated.h")
INCLUDE = re.compile(r'^\s*#\s*include\s+["<]([^">]+)[">]', re.M)


def uses_runtime(header):
    return header.startswith(("lathe/", "runtime/")) and header not in SHARED


def problem(path, header):
    """Why this file may not include this header, or None."""
    layer, target = path.split("/")[0], header.split("/")[0]
    if layer == "runtime":
        if target in ORDER:
            return "the runtime knows nothing of the compiler"
    elif layer in ORDER:
        if target in ORDER and ORDER.index(target) > ORDER.index(layer):
            return f"{layer} may not use {target}"
        if layer != "tools" and uses_runtime(header) and not path.startswith("compiler/capi/"):
            return "only lathe/artifact.h and the manifest are shared with the runtime"
    return None


def problems(root):
    for path in sources(root, (".h", ".cpp", ".c", ".hpp", ".td")):
        for header in INCLUDE.findall(read(root, path)):
            reason = problem(path, header)
            if reason:
                yield f'{path}: #include "{header}": {reason}'


if __name__ == "__main__":
    sys.exit(report(list(problems(sys.argv[1]))))
