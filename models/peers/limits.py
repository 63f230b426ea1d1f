"""What the machine allows: the time below which no engine computes a model in f32.

A model takes its floating-point operations at the measured peak, or the bytes that it can't avoid to move at the bandwidth
with which a working set of that size is read, whichever is longer. Weights, inputs and outputs can't be avoided; a table of which
rows are gathered counts as what was gathered. What stays between two calls is no traffic.
"""

import functools
import json
import os
import subprocess

from models import command


@functools.cache
def cache_bytes():
    """Size of the largest cache that the first CPU sees; 0 if the system doesn't tell."""
    folder, largest = "/sys/devices/system/cpu/cpu0/cache", 0
    units = {"K": 1 << 10, "M": 1 << 20}
    for index in os.listdir(folder) if os.path.isdir(folder) else []:
        try:
            with open(os.path.join(folder, index, "size"), encoding="utf-8") as file:
                text = file.read().strip()
        except OSError:
            continue
        largest = max(largest, int(text[:-1]) * units[text[-1]] if text[-1:] in units else 0)
    return largest


@functools.cache
def machine(threads, realtime=False):
    """What machine-limits measures: {"fma_gflops": number, "read": [{"bytes", "gbs"}, ...]}."""
    program = os.path.join(os.path.dirname(command.binary()), "machine-limits")
    done = subprocess.run([program, "--threads", str(threads)], capture_output=True, text=True, check=False,
                          preexec_fn=command.go_before_others if realtime else None)
    if done.returncode != 0:
        raise command.Failed(f"machine-limits failed: {done.stderr[-1000:]}")
    return json.loads(done.stdout)


def bandwidth(limits, size):
    """GB/s at which a working set of so many bytes is read: that of the largest one measured that isn't larger."""
    fitting = [entry for entry in limits["read"] if entry["bytes"] <= size]
    return (fitting[-1] if fitting else limits["read"][0])["gbs"]


def is_gather(call):
    return "gather" in call["kernel"]


def compulsory_bytes(report):
    """Bytes of the weights that are read whole, of what is gathered of the others, of the inputs and the outputs."""
    buffers, total = report["buffers"], 0
    whole = {index for call in report["calls"] if not is_gather(call) for index in call["args"]}
    for index, buffer in enumerate(buffers):
        if buffer["kind"] in ("input", "output") or (buffer["kind"] == "weights" and index in whole):
            total += buffer["bytes"]
    gathers = [call for call in report["calls"] if is_gather(call)]
    return total + sum(buffers[call["args"][-1]]["bytes"] for call in gathers)


def demand(artifact):
    """{"flops", "bytes"} of an artifact whose sizes are fixed, as `lathe inspect` counts them."""
    report = command.inspect(artifact)
    return {"flops": sum(call["flops"] for call in report["calls"]), "bytes": compulsory_bytes(report)}


def limit_ms(need, limits):
    """Of what `demand` gives, on what `machine` gives."""
    return max(need["flops"] / limits["fma_gflops"], need["bytes"] / bandwidth(limits, need["bytes"])) * 1e-6
