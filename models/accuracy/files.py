"""Magika's types of the files of this machine: agreement of the quantized model with f32, and with the file's extension."""

import json
import os
import sysconfig

import numpy as np

from models.builders.wheels import package_file
from models.command import run

MODEL = "magika"
COUNT, CALIBRATION = 2000, 128  # files
MOST_OF_ONE_KIND = 150
ENDS, BLOCK, PADDING = 1024, 4096, 256  # as the model's config.min.json says
LABELS = {
    "a": "coff", "bat": "batch", "bz2": "bzip", "c": "c", "cc": "cpp", "cmake": "cmake", "cpp": "cpp", "css": "css",
    "csv": "csv", "f90": "fortran", "gif": "gif", "go": "go", "gz": "gzip", "html": "html", "ini": "ini", "java": "java",
    "jpg": "jpeg", "js": "javascript", "json": "json", "m4": "m4", "md": "markdown", "npy": "npy", "npz": "npz",
    "onnx": "onnx", "pdf": "pdf", "php": "php", "pl": "perl", "pm": "perl", "png": "png", "po": "po", "proto": "proto",
    "py": "python", "pyc": "pythonbytecode", "rb": "ruby", "rst": "rst", "sh": "shell", "so": "elf", "svg": "svg",
    "tcl": "tcl", "tex": "latex", "toml": "toml", "ttf": "ttf", "txt": "txt", "vim": "vim", "xml": "xml", "xz": "xz",
    "yaml": "yaml", "yml": "yaml", "zip": "zip", "hpp": "cpp", "inc": None, "h": None, "td": None, "pyi": "python"}


def extension(name):
    return name.rsplit(".", 1)[-1].lower() if "." in name[1:] else ""


def candidates():
    """Paths by extension, in a fixed order; links, and files too small for the model, don't count."""
    found, roots = {}, ["/usr", *sorted({sysconfig.get_path("purelib"), sysconfig.get_path("stdlib")})]
    for root in roots:
        for folder, inner, names in os.walk(root):
            inner.sort()
            for name in sorted(names):
                path = os.path.join(folder, name)
                if extension(name) in LABELS and os.path.isfile(path) and not os.path.islink(path) \
                        and os.path.getsize(path) >= 64:
                    found.setdefault(extension(name), {})[path] = None
    return {kind: list(paths) for kind, paths in sorted(found.items())}


def split():
    """Files to calibrate with and files to measure, as many of each kind as there are, up to a limit."""
    random, chosen = np.random.default_rng(5), []
    for paths in candidates().values():
        chosen += [paths[i] for i in random.permutation(len(paths))[:MOST_OF_ONE_KIND]]
    chosen = [chosen[i] for i in random.permutation(len(chosen))]
    if len(chosen) < COUNT + CALIBRATION:
        raise SystemExit(f"accuracy: expects {COUNT + CALIBRATION} files of known kinds on this machine, "
                         f"found {len(chosen)}")
    return chosen[:CALIBRATION], chosen[CALIBRATION:CALIBRATION + COUNT]


def features(path):
    """The first and the last bytes, without the white space around."""
    with open(path, "rb") as file:
        size = os.fstat(file.fileno()).st_size
        first = file.read(BLOCK).lstrip()[:ENDS]
        file.seek(max(size - BLOCK, 0))
        last = file.read(BLOCK).rstrip()[-ENDS:]
    row = np.full(2 * ENDS, PADDING, np.int32)
    row[:len(first)] = list(first)
    row[2 * ENDS - len(last):] = list(last)
    return row


def inputs(paths):
    return {"bytes": np.stack([features(path) for path in paths])}


def calibration_data():
    return inputs(split()[0])


def scores(artifact, paths, folder):
    parts = [run(artifact, inputs(paths[i:i + 100]), folder) for i in range(0, len(paths), 100)]
    return np.concatenate([next(iter(part.values())) for part in parts])


def measure(full, quantized, folder):
    """Shares of files: the quantized artifact's type is f32's; either one's is that of the extension."""
    with open(package_file("magika", "models", "standard_v3_3", "config.min.json"), encoding="utf-8") as file:
        names = json.load(file)["target_labels_space"]
    paths = split()[1]
    a, b = scores(full, paths, folder).argmax(1), scores(quantized, paths, folder).argmax(1)
    expected = [LABELS[extension(os.path.basename(path))] for path in paths]
    known = [i for i, label in enumerate(expected) if label in names]
    right = [float(np.mean([names[types[i]] == expected[i] for i in known])) for types in (a, b)]
    return {"agreement": float((a == b).mean()), "f32_accuracy": right[0], "accuracy": right[1]}
