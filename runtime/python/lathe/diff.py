"""What a compiled model lost, where, why, and what helps."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from pathlib import Path

from . import _runtime
from .artifact import Artifact, _compiler, _dims, _pictures, _source
from .samples import on_disk


def diff(model, artifact, data, *, samples: int = 16, dims: dict | None = None, speed: bool = True,
         html: str | os.PathLike | None = None, image_mean=None, image_std=None, image_size=None) -> dict:
    """Compares an artifact (lathe.Artifact or a path) with the ONNX model (a path, bytes or a ModelProto) that it was compiled from.

    `data`: samples of the inputs, a path or any iterable of dicts from input names to arrays; the first `samples` are taken. `dims`: sizes
    of symbols in the model, if others than the artifact was compiled with. `speed`: compile the model in f32, too, and compare size,
    latency and memory. `html`: path of a page to write. The last three are for a folder of pictures, as of lathe.compile.

    Gives what `lathe diff --json` writes: "outputs" and "layers" with their errors ("sqnr_db", None where nothing is lost; "cosine",
    "max_error", "relative"), layers with "cause", "why", "harm" (share of the outputs' error) and "remedies"; "by_harm" has numbers of
    layers, the worst first. Raises lathe.Error when the two can't be compared.
    """
    path = artifact.path if isinstance(artifact, Artifact) else artifact
    with tempfile.TemporaryDirectory(prefix="lathe-diff-") as folder, on_disk(data) as place:
        report = os.path.join(folder, "diff.json")
        arguments = [_source(model, folder), os.fspath(path), "--samples", str(samples), "--json", report,
                     *_dims(dims), *_pictures(image_mean, image_std, image_size)]
        if not speed:
            arguments.append("--no-speed")
        if html is not None:
            arguments += ["--html", os.fspath(html)]
        done = subprocess.run([_compiler(), "diff", *arguments, "--data", place], capture_output=True, text=True)
        if done.returncode != 0:
            raise _runtime.Error(done.stderr.strip() or f"the comparison ended with code {done.returncode}")
        return json.loads(Path(report).read_text(encoding="utf-8"))
