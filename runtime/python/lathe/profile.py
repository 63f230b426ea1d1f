"""Where the time of a model goes: calls beside what the machine allows, and traces for viewers."""

from __future__ import annotations

import json
import os

CALL_KEYS = ("kernel", "nodes", "runs", "total_ns", "min_ns", "flops", "bytes", "weight_bytes", "threads")
EVENT_KEYS = ("begin_ns", "end_ns", "run", "call", "round", "thread", "tasks")


def _bandwidth(limits: dict, size: float) -> float:
    """GB/s at which a working set of so many bytes is read: that of the largest one measured that isn't larger."""
    fitting = [entry for entry in limits["read"] if entry["bytes"] <= size]
    return (fitting[-1] if fitting else limits["read"][0])["gbs"]


def _limit_ns(call: dict, all_weights: float, limits: dict) -> tuple[float, str]:
    """The time below which a call can't be, and why: as `lathe bench --profile` has it."""
    others = call["bytes"] - call["weight_bytes"]
    compute = call["flops"] / limits["fma_gflops"]
    memory = call["weight_bytes"] / _bandwidth(limits, all_weights) + others / _bandwidth(limits, others)
    return max(compute, memory), "compute" if compute >= memory else "memory"


def describe_calls(calls: list[tuple], limits: dict | str | os.PathLike | None) -> list[dict]:
    if limits is not None and not isinstance(limits, dict):
        with open(limits, encoding="utf-8") as file:
            limits = json.load(file)
    entries = [dict(zip(CALL_KEYS, call)) for call in calls]
    means = [entry["total_ns"] / max(entry["runs"], 1) for entry in entries]
    whole, all_weights = sum(means), sum(entry["weight_bytes"] for entry in entries)
    for entry, ns in zip(entries, means):
        entry["ms"] = 1e-6 * ns
        entry["share"] = ns / whole if whole else 0.0
        entry["gflops"], entry["gbs"] = (entry["flops"] / ns, entry["bytes"] / ns) if ns else (0.0, 0.0)
        if limits:
            limit, entry["bound"] = _limit_ns(entry, all_weights, limits)
            entry["limit_percent"] = 100 * limit / ns if ns else 0.0
    return entries


def chrome_trace(events: list[tuple], calls: list[tuple]) -> dict:
    """Complete events of Chrome's trace viewer and Perfetto, in microseconds from the first one."""
    events = [dict(zip(EVENT_KEYS, event)) for event in events]
    calls = [dict(zip(CALL_KEYS, call)) for call in calls]
    origin = min((event["begin_ns"] for event in events), default=0)
    result = [{"name": "thread_name", "ph": "M", "pid": 1, "tid": thread, "args": {"name": f"thread {thread}"}}
              for thread in sorted({event["thread"] for event in events})]
    for event in events:
        call, works = calls[event["call"]], event["tasks"] > 0
        result.append({"name": call["kernel"] if works else "wait", "cat": "kernel" if works else "wait", "ph": "X", "pid": 1,
                       "tid": event["thread"], "ts": (event["begin_ns"] - origin) / 1e3,
                       "dur": (event["end_ns"] - event["begin_ns"]) / 1e3,
                       "args": {key: event[key] for key in ("call", "round", "run", "tasks")} | {"nodes": call["nodes"]}})
    return {"displayTimeUnit": "ns", "traceEvents": result}
