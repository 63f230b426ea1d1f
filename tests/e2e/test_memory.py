"""What serving BERT-base from C costs: time to load, resident memory, and what a second process adds.

The weights are mapped from the file, so all processes of a machine share them; what is private to a process is its arena,
inputs, outputs and what any program has (stacks, the heap, relocated data of libraries).
"""

import json
import os
import subprocess

import pytest

from models import command, zoo

LOAD_LIMIT_MS = 50
RESIDENT_LIMIT = 1.15  # of weights + arena
PROCESS_BYTES = 4e6    # of any program: stacks, heap, manifest, code and data of the libraries


@pytest.fixture(scope="module")
def arguments(artifact_of):
    model = zoo.entry("bert_base")
    if not os.path.exists(zoo.path(model["name"])):
        pytest.skip("the model bert_base was not built: models/build.py")
    shapes = ["x".join(str(zoo.evaluate(size, model["bench"])) for size in spec["shape"]) for spec in model["inputs"]]
    return [os.environ["LATHE_SERVE_ONCE"], artifact_of(model["name"]), *shapes]


class Server:
    """A serving program that has run once and keeps its session."""

    def __init__(self, arguments):
        self.process = subprocess.Popen(arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        line = self.process.stdout.readline()
        assert line, f"exit code {self.process.wait()}"
        self.facts = json.loads(line)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.communicate()

    def memory(self):
        """Bytes by kind: Rss, Pss, Shared_Clean, Private_Clean, Private_Dirty, ..."""
        with open(f"/proc/{self.process.pid}/smaps_rollup", encoding="utf-8") as file:
            return {line.split(":")[0]: 1024 * int(line.split()[1]) for line in file if line.endswith("kB\n")}

    def high_water_bytes(self):
        return command.high_water_bytes(self.process.pid)


def own_bytes(facts):
    """What a session has for itself."""
    return sum(facts[name] for name in ("arena_bytes", "scratch_bytes", "input_bytes", "output_bytes"))


def shared_bytes(memory):
    """Of pages that another process has mapped, too; dirty are those of a file that was just written."""
    return memory["Shared_Clean"] + memory["Shared_Dirty"]


def private_bytes(memory):
    return memory["Private_Clean"] + memory["Private_Dirty"]


def show(title, numbers):
    print(f"{title}: " + ", ".join(f"{name} {value / 1e6:.1f} MB" for name, value in numbers.items()))


def test_loads_fast(arguments):
    times = []
    for _ in range(5):
        with Server(arguments) as server:
            times.append(server.facts["load_ms"])
    print("load_ms:", *times)
    assert min(times) < LOAD_LIMIT_MS


def test_takes_little_more_than_weights_and_arena(arguments):
    with Server(arguments) as server:
        resident, facts = server.high_water_bytes(), server.facts
    needed = facts["weights_bytes"] + facts["arena_bytes"]
    show("one process", {"weights": facts["weights_bytes"], "arena": facts["arena_bytes"], "resident": resident})
    print(f"resident / (weights + arena): {resident / needed:.3f}")
    assert needed < resident < RESIDENT_LIMIT * needed


def test_second_process_adds_its_arena_only(arguments):
    with Server(arguments) as first, Server(arguments) as second:
        alone, memory, facts = first.memory(), second.memory(), second.facts
    show("second process", {name: memory[name] for name in ("Rss", "Pss")} |
         {"shared": shared_bytes(memory), "private": private_bytes(memory)})
    show("its own", {"arena": facts["arena_bytes"], "scratch": facts["scratch_bytes"], "inputs": facts["input_bytes"],
                     "outputs": facts["output_bytes"]})
    for either in (alone, memory):
        assert shared_bytes(either) > 0.99 * facts["weights_bytes"]
        assert private_bytes(either) < own_bytes(facts) + PROCESS_BYTES
