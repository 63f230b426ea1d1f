"""One turn of one engine; the program of a process of its own, which prints what it measured as JSON.

    python -m models.peers.turn ENGINE ENTRY --path FILE --dims JSON --threads N --seconds S [--cold] [--realtime]
"""

import argparse
import json
import os
import time

import numpy as np

from models.command import go_before_others
from models.peers import engines
from models.peers.limits import cache_bytes

MB = 1 << 20


def pin(threads):
    """This process on as many CPUs as it may use threads."""
    allowed = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(0, allowed[:threads])


def memory(field):
    """VmRSS or VmHWM of this process in bytes."""
    with open("/proc/self/status", encoding="utf-8") as file:
        return next(1024 * int(line.split()[1]) for line in file if line.startswith(field + ":"))


def forget_files(path):
    """Takes the model's files out of the page cache, so that loading reads from the disk."""
    folder = os.path.dirname(os.path.abspath(path))
    stem = os.path.splitext(os.path.basename(path))[0]
    for name in os.listdir(folder):
        if name.startswith(stem):
            descriptor = os.open(os.path.join(folder, name), os.O_RDONLY)
            os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
            os.close(descriptor)


class Evictor:
    """Fills the CPU's caches with other data."""

    def __init__(self):
        self.data = np.zeros(max(64 * MB, 2 * cache_bytes()) // 8)

    def __call__(self):
        self.data += 1


def measure(run, seconds, between=None):
    """Times in ms of as many runs as there is time for, three at least, unsorted."""
    times, end = [], time.perf_counter() + seconds
    while len(times) < 3 or time.perf_counter() < end:
        if between:
            between()
        start = time.perf_counter()
        run()
        times.append(1e3 * (time.perf_counter() - start))
    return times


def digest(outputs):
    """Mean magnitudes of the floating-point outputs: the same for engines that did the same work."""
    return [float(np.mean(np.abs(array))) for array in map(np.asarray, outputs.values()) if array.dtype.kind == "f"]


def take(engine, case, threads, seconds, cold):
    engine.prepare()
    evict = Evictor() if cold else None
    if cold:
        forget_files(case.path)
        evict()
    before, start = memory("VmRSS"), time.perf_counter()
    running = engine(case, threads)
    loaded = time.perf_counter()
    outputs = running.run()
    first = time.perf_counter()
    result = {"load_ms": 1e3 * (loaded - start), "first_ms": 1e3 * (first - loaded), "digest": digest(outputs)}
    times = sorted(measure(running.run, seconds, evict))
    result |= {"min_ms": times[0], "median_ms": times[len(times) // 2], "runs": len(times)}
    result |= {"resident_bytes": memory("VmRSS") - before, "peak_bytes": memory("VmHWM") - before}
    return result


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("engine", choices=engines.ENGINES)
    parser.add_argument("model", type=json.loads)
    parser.add_argument("--path", required=True)
    parser.add_argument("--dims", type=json.loads, required=True)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=1)
    parser.add_argument("--cold", action="store_true")
    parser.add_argument("--realtime", action="store_true")
    options = parser.parse_args()
    pin(options.threads)
    if options.realtime:
        go_before_others()
    case = engines.Case(options.model, options.dims, options.path)
    result = take(engines.ENGINES[options.engine], case, options.threads, options.seconds, options.cold)
    print("\n" + json.dumps(result))


if __name__ == "__main__":
    main()
