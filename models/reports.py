"""Rows of `lathe zoo` as text, Markdown and JUnit XML."""

from xml.sax.saxutils import escape, quoteattr

from models import quality
from models.trial import label


def latency(row, threads):
    bench = row.get("bench", {}).get(threads)
    return f"{bench['min_ms']:.3f}" if bench else "-"


def ratio(row, threads):
    """Beside an earlier run's, and beside f32's."""
    texts = [f"{row[key][threads]:.2f}{unit}" for key, unit in (("ratios", "x"), ("f32_ratios", " of f32"))
             if threads in row.get(key, {})]
    return f" ({', '.join(texts)})" if texts else ""


def error(row):
    """The largest difference to the reference; of quantized rows what is left of f32's outputs."""
    if row.get("quality"):
        found = quality.worst(row["quality"])
        return f"cosine {found['cosine']:.4f}, {found['sqnr_db']:.1f} dB"
    return f"{max(row['differences'].values()):.1e}" if row.get("differences") else "-"


def size(row):
    if not row.get("compile"):
        return "-"
    share = f" ({row['size_ratio']:.2f} of f32)" if "size_ratio" in row else ""
    return f"{row['compile']['bytes'] / 1e6:.1f}{share}"


def thread_counts(rows):
    return sorted({threads for row in rows for threads in row.get("bench", {})}, key=int)


def cells(row, counts):
    compiled = row.get("compile")
    return [label(row), f"{compiled['seconds']:.1f}" if compiled else "-",
            f"{compiled['peak_rss_bytes'] / 1e6:.0f}" if compiled else "-", size(row), error(row),
            *[latency(row, threads) + ratio(row, threads) for threads in counts],
            "ok" if not row["failures"] else "FAILED"]


def line(row):
    text = "{:<20} compiled in {:>5} s, {:>5} MB; file {} MB; difference {:>8};".format(*cells(row, [])[:5])
    for threads in thread_counts([row]):
        text += f" {threads} threads {latency(row, threads)} ms{ratio(row, threads)};"
    return "\n".join([text.rstrip(";")] + ["  " + failure.replace("\n", "\n  ") for failure in row["failures"]])


def markdown(rows):
    counts = thread_counts(rows)
    header = ["model", "compile s", "compile MB", "file MB", "difference", *[f"{threads} threads ms" for threads in counts],
              ""]
    lines = [header, ["---"] * len(header), *[cells(row, counts) for row in rows]]
    text = "".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |\n" for line in lines)
    for row in rows:
        for failure in row["failures"]:
            text += f"\n**{label(row)}**\n```\n{failure}\n```\n"
    return text


def printable(text):
    """XML has no control characters."""
    return "".join(c for c in text if c >= " " or c in "\n\t")


def junit(rows):
    cases = []
    for row in rows:
        seconds = row.get("compile", {}).get("seconds", 0)
        failures = "".join(f"<failure message={quoteattr(printable(failure.splitlines()[0]))}>{escape(printable(failure))}</failure>"
                           for failure in row["failures"])
        cases.append(f'  <testcase classname="lathe.zoo" name={quoteattr(label(row))} time="{seconds:.3f}">{failures}'
                     "</testcase>")
    failed = sum(bool(row["failures"]) for row in rows)
    return ('<?xml version="1.0" encoding="UTF-8"?>\n'
            f'<testsuite name="lathe zoo" tests="{len(rows)}" failures="{failed}">\n' + "\n".join(cases)
            + "\n</testsuite>\n")
