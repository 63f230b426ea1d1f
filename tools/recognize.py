#!/usr/bin/env python3
"""Recognizes what files contain, with Magika's model run by Lathe and by ONNX Runtime.

    recognize.py --lathe build/bin/lathe --onnx model.onnx --artifact model.lathe FILE...

Prints each file's answer from both, then both latencies. Magika reads the first
and the last block of a file; the bytes, padded, are the model's only input. The
sizes and the names of the answers come from the configuration beside its model.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time

import numpy as np
import onnxruntime


def features(path, config):
    """The model's input for one file: int32, 1 x (beg_size + end_size)."""
    with open(path, "rb") as file:
        size = os.fstat(file.fileno()).st_size
        block = min(config["block_size"], size)
        beginning = file.read(block).lstrip()[: config["beg_size"]]
        file.seek(size - block)
        end = file.read(block).rstrip()[-config["end_size"] :]
    padding = config["padding_token"]
    values = list(beginning) + [padding] * (config["beg_size"] - len(beginning))
    values += [padding] * (config["end_size"] - len(end)) + list(end)
    return np.array([values], dtype=np.int32)


def answer(scores, config):
    """The best label and its score, as text."""
    best = int(np.argmax(scores))
    return f"{config['target_labels_space'][best]} {float(scores.flat[best]):.4f}"


class Lathe:
    """Runs the artifact with the command line tool, as a user would."""

    def __init__(self, tool, artifact, input_name, output_name):
        self.tool, self.artifact = tool, artifact
        self.input_name, self.output_name = input_name, output_name

    def run(self, values):
        with tempfile.TemporaryDirectory() as folder:
            np.save(f"{folder}/input.npy", values)
            subprocess.run(
                [self.tool, "run", self.artifact, "--output-dir", folder,
                 "--input", f"{self.input_name}={folder}/input.npy"],
                check=True, stdout=subprocess.DEVNULL)
            return np.load(f"{folder}/{self.output_name}.npy")

    def median_ms(self, shape, threads, seconds):
        sizes = "x".join(map(str, shape))
        output = subprocess.run(
            [self.tool, "bench", self.artifact, "--threads", str(threads), "--seconds", str(seconds),
             "--shape", f"{self.input_name}={sizes}", "--json", "-"],
            check=True, stdout=subprocess.PIPE, text=True).stdout
        return json.loads(output)["median_ms"]


class OnnxRuntime:
    """Runs the ONNX file with ONNX Runtime."""

    def __init__(self, model):
        self.model = model
        self.session = self._session(0)

    def _session(self, threads):
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        return onnxruntime.InferenceSession(self.model, options, providers=["CPUExecutionProvider"])

    @property
    def names(self):
        return self.session.get_inputs()[0].name, self.session.get_outputs()[0].name

    def run(self, values):
        return self.session.run(None, {self.names[0]: values})[0]

    def median_ms(self, values, threads, seconds):
        session = self._session(threads)
        times, end = [], time.perf_counter() + seconds
        while time.perf_counter() < end:
            start = time.perf_counter()
            session.run(None, {self.names[0]: values})
            times.append((time.perf_counter() - start) * 1000)
        return float(np.median(times))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--lathe", required=True, help="the lathe program")
    parser.add_argument("--onnx", required=True, help="Magika's model.onnx, beside its config.min.json")
    parser.add_argument("--artifact", required=True, help="what lathe compile made of it")
    parser.add_argument("--seconds", type=float, default=2.0, help="of each latency measurement")
    parser.add_argument("files", nargs="+")
    args = parser.parse_args()

    with open(os.path.join(os.path.dirname(args.onnx), "config.min.json"), encoding="utf-8") as file:
        config = json.load(file)
    reference = OnnxRuntime(args.onnx)
    lathe = Lathe(args.lathe, args.artifact, *reference.names)

    different = 0
    print(f"{'file':36} {'Lathe':24} ONNX Runtime")
    for path in args.files:
        values = features(path, config)
        ours, theirs = lathe.run(values), reference.run(values)
        different += int(np.argmax(ours) != np.argmax(theirs))
        print(f"{path[-36:]:36} {answer(ours, config):24} {answer(theirs, config)}")
    for threads in sorted({1, len(os.sched_getaffinity(0))}):
        ours = lathe.median_ms(values.shape, threads, args.seconds)
        theirs = reference.median_ms(values, threads, args.seconds)
        print(f"{f'median latency, {threads} thread(s)':36} {f'{ours:.3f} ms':24} {theirs:.3f} ms")
    return 1 if different else 0


if __name__ == "__main__":
    sys.exit(main())
