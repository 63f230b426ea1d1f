"""Tables of what was measured."""

from collections import Counter

from models.foreign import label
from models.peers import forms
from models.peers.forms import is_ours

MB = 1e6


def shape_text(dims):
    return ", ".join(f"{name} {size}" for name, size in dims.items())


def number(value):
    """Three digits at least, none behind a hundred."""
    return f"{value:.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def limit_text(row):
    return number(row["limit_ms"]) if "limit_ms" in row else "-"


def cell(results, engine, field, scale=1.0):
    return number(results[engine][field] / scale) if engine in results else "-"


def title(contender):
    engine, form = forms.engine_of(contender), forms.form_of(contender)
    name = {"lathe": "Lathe", "lathe-dynamic": "Lathe, sizes open", "onnxruntime": "ONNX Runtime", "openvino": "OpenVINO",
            "inductor": "inductor", "iree": "IREE", "tvm": "TVM"}[engine]
    return f"{name}, {forms.TITLES[form]}" if form else name


def ratio_of(row):
    """Of Lathe's latency to that of the fastest other contender; None if either is not known."""
    return next((ratio for contender, ratio in row.get("ratios", {}).items() if is_judged(contender)), None)


def is_judged(contender):
    return is_ours(contender) and forms.engine_of(contender) == "lathe"


def table(header, rows):
    """Markdown."""
    lines = ["| " + " | ".join(header) + " |", "|---" * len(header) + "|"]
    return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in rows])


def latencies(rows, engines):
    """ms, the ratio to the fastest peer with its goal, and the share of the machine's limit that Lathe reaches."""
    body = []
    for row in rows:
        results = row["engines"]
        ratio = ratio_of(row)
        body.append([label(row["model"]), shape_text(row["dims"]), str(row["threads"]), limit_text(row)]
                    + [cell(results, engine, "min_ms") for engine in engines]
                    + [f"{ratio:.2f}" if ratio else "-", f"{row['goal']:.2f}",
                       f"{100 * row['limit_ms'] / results['lathe']['min_ms']:.0f} %" if "lathe" in results and "limit_ms" in row else "-"])
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
            yield f"{where}: outputs differ by more than {10 if 'table' in row else 0.1} %"


def verdict(row):
    """How a row compares with its goal. Where Lathe failed nothing was reached."""
    if not any(map(is_judged, row["engines"])):
        return "without a time of Lathe"
    ratio = ratio_of(row)
    if ratio is None:
        return "nothing to compare with"
    return "above the goal" if ratio > row["goal"] else "at or below the goal"


def summary(rows):
    """How many rows have each verdict, and whether all are at or below their goal."""
    good, *others = "at or below the goal", "above the goal", "without a time of Lathe", "nothing to compare with"
    counts = Counter(map(verdict, rows))
    text = [f"{counts[good]} of {len(rows)} {good}"] + [f"{counts[other]} {other}" for other in others if counts[other]]
    return ", ".join(text), counts[good] == len(rows)


def quantized(rows):
    """Tables of models in other precisions than f32: ms, the ratio to the fastest other contender, and sizes of the files."""
    parts = []
    for name in dict.fromkeys(row["table"] for row in rows):
        chosen, contenders = [row for row in rows if row["table"] == name], forms.TABLES[name]["contenders"]
        body = []
        for row in chosen:
            ratio = ratio_of(row)
            body.append([label(row["model"]), shape_text(row["dims"]), str(row["threads"])]
                        + [cell(row["engines"], contender, "min_ms") for contender in contenders]
                        + [f"{ratio:.2f}" if ratio else "-", f"{row['goal']:.2f}"]
                        + [number(row["bytes"][contender] / MB) if contender in row["bytes"] else "-" for contender in contenders])
        parts.append(table(["model", "size", "threads"] + [title(contender) for contender in contenders] + ["ratio", "goal"]
                           + [f"{title(contender)}: MB" for contender in contenders], body))
    return "\n\n".join(parts + list(problems(rows))) + "\n"


def markdown(result):
    rows, engines = result["rows"], result["engines"]
    if any("table" in row for row in rows):
        return quantized(rows)
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
    return (f"{label(row['model']):<14} {shape_text(row['dims']):<32} {row['threads']} threads  "
            f"{row['table'] if 'table' in row else 'limit ' + limit_text(row) + ' ms'}  "
            f"{latency}  {ratios} (goal {row['goal']:.2f})")
