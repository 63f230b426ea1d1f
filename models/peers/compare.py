"""Takes turns: each engine runs once per round, in a process of its own; the smallest latencies count."""

import hashlib
import json
import os
import subprocess
import sys

from models import command, foreign, zoo
from models.build import build
from models.peers import forms, limits
from models.peers.engines import ENGINES
from models.peers.forms import engine_of, form_of, is_ours

KEPT_ASIDE_GOAL = 0.95  # of models that have no goal of their own
SAME = 1e-3      # relative difference of outputs' mean magnitudes
SIMILAR = 0.1    # the same of models that were quantized in different ways
FOLDER = os.path.dirname(os.path.abspath(__file__))


def requirements(engine):
    return os.path.join(FOLDER, "requirements", engine + ".txt")


def environment(engine):
    """The folder of the venv of an engine that needs one; named by what is installed, as the venv of tools/install-deps is.
    $LATHE_PEER_OPENVINO... names another."""
    if os.environ.get(f"LATHE_PEER_{engine.upper()}"):
        return os.environ[f"LATHE_PEER_{engine.upper()}"]
    with open(requirements(engine), "rb") as file:
        digest = hashlib.sha256(file.read()).hexdigest()[:12]
    cache = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    return os.path.join(os.environ.get("LATHE_DEPS") or os.path.join(cache, "lathe"), f"venv-{engine}-{digest}")


def python(engine):
    """The Python that runs an engine; None if the engine isn't installed. Lathe and ONNX Runtime have no venv of their own."""
    if not os.path.exists(requirements(engine)):
        return sys.executable
    found = os.path.join(environment(engine), "bin", "python")
    return found if os.path.exists(found) else None


def install(engine):
    """Makes the venv of an engine out of PyPI."""
    folder = environment(engine)
    part = folder + ".part"
    subprocess.run([sys.executable, "-m", "venv", "--clear", part], check=True)
    subprocess.run([os.path.join(part, "bin", "python"), "-m", "pip", "install", "-q", "--disable-pip-version-check",
                    "-r", requirements(engine)], check=True)
    os.rename(part, folder)


def installed():
    return [engine for engine in ENGINES if python(engine)]


def draw(table, folder):
    """Draws the pictures of a JSON file to a folder, with the Python of --install plot."""
    if not python("plot"):
        raise command.Failed("drawing needs matplotlib; run tools/bench-peers --install plot")
    subprocess.run([python("plot"), "-m", "models.peers.plot", os.path.abspath(table), os.path.abspath(folder)],
                   cwd=command.ROOT, check=True)


def turn(contender, case, path, threads, seconds, flags):
    engine = engine_of(contender)
    arguments = [python(engine), "-m", "models.peers.turn", engine, json.dumps(zoo.entry(case["model"])), "--path", path, "--dims",
                 json.dumps(case["dims"]), "--threads", str(threads), "--seconds", str(seconds)]
    limit = ENGINES[engine].limit_s
    try:
        done = subprocess.run(arguments + flags, capture_output=True, text=True, cwd=command.ROOT, check=False, timeout=limit)
    except subprocess.TimeoutExpired as expired:
        raise command.Failed(f"{engine} took more than {limit} s on {case['model']}") from expired
    if done.returncode != 0:
        raise command.Failed(f"{engine} failed on {case['model']}:\n{done.stderr[-2000:] or f'exit code {done.returncode}'}")
    return json.loads(done.stdout.strip().splitlines()[-1])


def best(turns):
    """The smallest of each figure; the median of the medians."""
    result = {key: min(one[key] for one in turns) for key in turns[0] if key != "digest"}
    medians = sorted(one["median_ms"] for one in turns)
    return result | {"median_ms": medians[len(medians) // 2], "digest": turns[0]["digest"],
                     "spread": max(one["min_ms"] for one in turns) / result["min_ms"]}


def agree(results, tolerance=SAME):
    """Did all engines that name their outputs compute the same?"""
    digests = [result["digest"] for engine, result in results.items() if engine != "inductor"]
    return all(len(one) == len(digests[0]) and all(abs(a - b) <= tolerance * abs(b) + 1e-6 for a, b in zip(one, digests[0]))
               for one in digests)


def cases(pattern, kind):
    """What to measure: {"model", "dims", "goal"}, in the order of the zoo."""
    for model in zoo.select(pattern, None if kind == "all" else kind):
        for size in model.get("peers", [{"dims": model["bench"]}]):
            yield {"model": model["name"], "dims": size["dims"], "goal": size.get("goal", KEPT_ASIDE_GOAL)}


def cases_of_files(paths, dims):
    """The same for ONNX files: symbols that `dims` doesn't name are 1."""
    for path in map(os.path.abspath, paths):
        symbols = foreign.symbols(zoo.entry(path))
        yield {"model": path, "dims": {name: dims.get(name, 1) for name in symbols}, "goal": KEPT_ASIDE_GOAL}


class Comparison:
    """Settings of a measurement: engines, rounds, seconds per turn, where models and artifacts are."""

    def __init__(self, engines, rounds, seconds, artifacts, models=None, cold=False, realtime=False):
        self.engines, self.rounds, self.seconds, self.cold = engines, rounds, seconds, cold
        self.artifacts, self.models = artifacts, models
        self.realtime = realtime

    def path(self, contender, case):
        engine = engine_of(contender)
        if form_of(contender):
            return forms.path(case, contender, ENGINES[engine].runs_artifact, self.artifacts, self.models)
        if not ENGINES[engine].runs_artifact:
            return build(case["model"], self.models)
        dims = None if engine == "lathe-dynamic" else case["dims"]
        return command.compiled(case["model"], self.artifacts, self.models, dims)

    def engines_of(self, case, number):
        """Who takes a turn in a round: the engines, or the contenders of the case's table."""
        if "table" in case:
            return [contender for contender in forms.TABLES[case["table"]]["contenders"] if engine_of(contender) in self.engines]
        return [engine for engine in self.engines
                if (ENGINES[engine].models is None or case["model"] in ENGINES[engine].models)
                and (number == 0 or not ENGINES[engine].single_turn)]

    def take_turns(self, case, threads, cold):
        """({engine: figures}, {engine: why it failed}); an engine that fails once gets no more turns."""
        turns, failures = {}, {}
        flags = ["--realtime"] * self.realtime + ["--cold"] * cold
        for number in range(self.rounds):
            for engine in self.engines_of(case, number):
                if engine in failures:
                    continue
                seconds = self.seconds * (self.rounds if ENGINES[engine_of(engine)].single_turn else 1)
                try:
                    result = turn(engine, case, self.path(engine, case), threads, seconds, flags)
                    turns.setdefault(engine, []).append(result)
                except command.Failed as failure:
                    failures[engine] = str(failure)
                    turns.pop(engine, None)
        return {engine: best(of_engine) for engine, of_engine in turns.items()}, failures

    def row(self, case, threads):
        """Everything that is known about a case: see report.py for the fields."""
        row = dict(case, threads=threads)
        row["engines"], row["failures"] = self.take_turns(case, threads, False)
        if self.cold:
            row["cold"], _ = self.take_turns(case, threads, True)
        row["agree"] = agree(row["engines"], SIMILAR if "table" in case else SAME)
        peers = {engine: result["min_ms"] for engine, result in row["engines"].items() if not is_ours(engine)}
        if peers:
            row["best_peer"] = min(peers, key=peers.get)
            row["ratios"] = {engine: result["min_ms"] / peers[row["best_peer"]] for engine, result in row["engines"].items()}
        if "table" in case:
            row["bytes"] = {contender: os.path.getsize(self.path(contender, case)) for contender in row["engines"]}
        else:
            self.add_limit(row, case, threads)
        return row

    def add_limit(self, row, case, threads):
        """Unless the model can't be compiled."""
        try:
            row["demand"] = limits.demand(self.path("lathe", case))
            row["limit_ms"] = limits.limit_ms(row["demand"], limits.machine(threads, self.realtime))
        except command.Failed as failure:
            row["failures"].setdefault("lathe", str(failure))
