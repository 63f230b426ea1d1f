#!/usr/bin/env python3
"""Builds the models of zoo.json.

    models/build.py NAME... [-o DIR]    builds these (or `all`)
    models/build.py --list              names them

Needs the Python of `tools/install-deps --python`. A model that is there already is left alone.
"""

import argparse
import importlib
import os
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, ROOT)

from models import foreign, zoo  # noqa: E402
from models.graph import save  # noqa: E402


def build(name, folder=None, force=False):
    """Makes the model's file unless it is there; gives its path."""
    if foreign.is_file(name):
        return name
    entry = zoo.entry(name)
    path = zoo.path(name, folder)
    if os.path.exists(path) and not force:
        return path
    os.makedirs(os.path.dirname(path), exist_ok=True)
    module, function = entry["builder"].split(":")
    model = getattr(importlib.import_module("models.builders." + module), function)()
    if entry.get("external"):
        save(model, path, external=name + ".onnx.data")
        return path
    part = f"{path}.{os.getpid()}.part"
    save(model, part)
    os.replace(part, path)
    return path


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME")
    parser.add_argument("-o", "--dir", help="where to write; default: the user's cache")
    parser.add_argument("--force", action="store_true", help="build again what is there")
    parser.add_argument("--list", action="store_true", help="print the names and stop")
    options = parser.parse_args()
    if options.list:
        print("\n".join(entry["name"] for entry in zoo.entries()))
        return
    if not options.names:
        parser.error("expects names of models, or 'all'")
    names = [entry["name"] for entry in zoo.entries()] if options.names == ["all"] else options.names
    for name in names:
        print(build(name, options.dir, options.force), flush=True)


if __name__ == "__main__":
    main()
