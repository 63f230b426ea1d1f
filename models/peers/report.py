"""Tables of what was measured."""

from models.foreign import label
from models.peers.engines import is_ours

MB = 1e6


def shape_text(dims):
    return ", ".join(f"{name} {size}" for name, size in dims.items())


def number(value):
    """Three digits at least, none behind a hundred."""
    return f"{value:.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def cell(results, engine, field, scale=1.0):
    return number(results[engine][field] / scale) if engine in results else "-"


def title(engine):
    return {"lathe": "Lathe", "lathe-dynamic": "Lathe, sizes open", "onnxruntime": "ONNX Runtime", "openvino": "OpenVINO",
            "inductor": "inductor", "iree": "IREE", "tvm": "TVM"}[engine]


def table(header, rows):
    """Markdown."""
    lines = ["| " + " | ".join(header) + " |", "|---" * len(header) + "|"]
    return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in rows])


def latencies(rows, engines):
    """ms, the ratio to the fastest peer with its goal, and the share of the machine's limit that Lathe reaches."""
    body = []
    for row in rows:
        results = row["engines"]
        ratio = row.get("ratios", {}).get("lathe")
        body.append([label(row["model"]), shape_text(row["dims"]), str(row["threads"]), number(row["limit_ms"])]
                    + [cell(results, engine, "min_ms") for engine in engines]
                    + [f"{ratio:.2f}" if ratio else "-", f"{row['goal']:.2f}",
                       f"{100 * row['limit_ms'] / results['lathe']['min_ms']:.0f} %" if "lathe" in results else "-"])
    return table(["model", "size", "threads", "limit"] + [title(engine) for engine in engines]
                 + ["ratio", "goal", "of limit"], body)


def starts(rows, engines, part="engines"):
    """Load / first inference in ms, and MB of memory that came with the engine's session."""
    body = []
    for row in rows:
        results = row.get(part, {})
        body.append([label(row["model"]), shape_text(row["dims"]), str(row["threads"])]
                    + [" / ".join((cell(results, engine, "load_ms"), cell(results, engine, "first_ms"),
                                   cell(results, engine, "resident_bytes", MB))) for engine in engines])
    return table(["model", "size", "threads"] + [title(engine) for engine in engines], body)


def cold(rows, engines):
    """Median latency in ms with the caches emptied before each run."""
    body = [[label(row["model"]), shape_text(row["dims"]), str(row["threads"])]
            + [cell(row["cold"], engine, "median_ms") for engine in engines] for row in rows]
    return table(["model", "size", "threads"] + [title(engine) for engine in engines], body)


def scaling(rows, engines):
    """How many times as fast each engine is with more threads as with the fewest."""
    body, alone = [], {}
    for row in rows:
        where = label(row["model"]), shape_text(row["dims"])
        first = alone.setdefault(where, row)
        if first is not row:
            known = [engine for engine in engines if engine in row["engines"] and engine in first["engines"]]
            gains = {engine: first["engines"][engine]["min_ms"] / row["engines"][engine]["min_ms"] for engine in known}
            body.append([*where, f"{first['threads']} to {row['threads']}"]
                        + [f"{gains[engine]:.2f}" if engine in gains else "-" for engine in engines])
    return table(["model", "size", "threads"] + [title(engine) for engine in engines], body) if body else ""


def problems(rows):
    """Failures, and engines that computed something else."""
    for row in rows:
        where = f"{label(row['model'])} ({shape_text(row['dims'])}), {row['threads']} threads"
        for engine, text in row["failures"].items():
            yield f"{where}: {title(engine)}: {text.strip().splitlines()[-1]}"
        if not row["agree"]:
            yield f"{where}: outputs differ by more than 0.1 %"


def above_goal(rows):
    return [row for row in rows if row.get("ratios", {}).get("lathe", 0) > row["goal"]]


def markdown(result):
    rows, engines = result["rows"], result["engines"]
    pictures = [f"![{name}, {threads} threads]({name}-{threads}.svg)" for threads in sorted({row["threads"] for row in rows})
                for name in ("latency", "limit")]
    parts = ["# Lathe beside other engines", "Written by `tools/bench-peers`; [Performance](../Performance.md) tells how to read it.",
             "Latency, smallest, in ms:", latencies(rows, engines), *pictures,
             "Load in ms / first inference in ms / resident memory in MB, files in the page cache:", starts(rows, engines),
             "Speed-up by threads:", scaling(rows, engines)]
    if any("cold" in row for row in rows):
        rows = [row for row in rows if "cold" in row]
        parts += ["The same with files read from the disk:", starts(rows, engines, "cold"),
                  "Latency, median, in ms, with the CPU's caches emptied before each run:", cold(rows, engines)]
    return "\n\n".join(parts + list(problems(result["rows"]))) + "\n"


def line(row):
    """One line for the terminal while measuring."""
    latency = "  ".join(f"{engine} {number(result['min_ms'])}" for engine, result in row["engines"].items())
    ratios = "  ".join(f"{name} x{value:.2f}" for name, value in row.get("ratios", {}).items() if is_ours(name))
    return (f"{label(row['model']):<14} {shape_text(row['dims']):<32} {row['threads']} threads  limit {number(row['limit_ms'])} ms  "
            f"{latency}  {ratios} (goal {row['goal']})")
