"""Renders what bench.py measured into docs/performance.md, between its markers, and docs/performance.svg.

    python benchmarks/report.py [--results FILE.json] [--docs DIR]

No number of that part of the page is typed by hand.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterable
from pathlib import Path
from statistics import median
from typing import Any

import plot

HERE = Path(__file__).parent
START, END = "<!-- benchmark: begin -->", "<!-- benchmark: end -->"
PAGE = f"# Performance\n\n{START}\n{END}\n"
MANY = "1,000 files of 1,000 rows"
Result = dict[str, Any]
RATIOS = {  # bar, beyond: times the seconds of psql
    "SF1 CSV append": (1.6, 1.0),
    "SF1 CSV replace, no table before": (1.4, 0.8),
    "SF1 CSV replace, table loaded": (1.4, 0.8),
    "SF1 CSV upsert, table loaded, 1 % changed": (1.5, 0.9),
    "SF1 Parquet append": (1.3, 0.9),
    "200,000 rows append": (3.0, 2.0),
    "SF1 CSV append, engine spark": (3.5, 2.5),
}
SECONDS = {"1,000 rows, whole process": (2.0, 1.0), "already loaded object, decided": (1.2, 0.7)}
FILES = (25, 100)
MEMORY = (1e9, 0.5e9)
GROWTH = 10


def middle(result: Result, figure: str, side: str = "runs") -> float:
    """The median of one figure of one side."""
    return float(median(run[figure] for run in result[side]))


def ratio(result: Result) -> float:
    """Seconds of the subject by those of psql, medians both."""
    return middle(result, "wall") / middle(result, "wall", "baseline_runs")


def table(head: str, rows: Iterable[Iterable[str]]) -> str:
    """A Markdown table; `head` has its columns separated by |."""
    columns = [column.strip() for column in head.split("|")]
    lines = [columns, ["---"] * len(columns), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def verdict(text: str, reached: bool) -> str:
    """A bar and whether it was reached."""
    return f"{text} {'✓' if reached else '✗'}"


def bars(result: Result) -> tuple[str, str]:
    """The cells `bar` and `beyond` of a case."""
    name = result["name"]
    if name in RATIOS:
        found = ratio(result)
        first, second = (verdict(f"{limit} x", found <= limit) for limit in RATIOS[name])
    elif name in SECONDS:
        found = middle(result, "wall")
        first, second = (verdict(f"{limit} s", found <= limit) for limit in SECONDS[name])
    elif name == MANY:
        found = 1000 / middle(result, "wall")
        first, second = (verdict(f"{limit} files/s", found >= limit) for limit in FILES)
    else:
        first = second = ""
    return first, second


def costs(result: Result) -> list[str]:
    """The cells for CPU and memory."""
    ours, theirs = middle(result, "server_cpu"), middle(result, "server_cpu", "baseline_runs")
    client, memory = middle(result, "client_cpu"), middle(result, "memory")
    return [f"{client:.1f}", f"{ours:.1f} ({theirs:.1f})", f"{memory / 1e6:,.0f}"]


def times(result: Result) -> list[str]:
    """The cells for the seconds of both sides and their ratio."""
    ours, theirs = middle(result, "wall"), middle(result, "wall", "baseline_runs")
    return [f"{ours:.2f}", f"{theirs:.2f}", f"{ours / theirs:.2f}"]


def failure(result: Result) -> str:
    """Why a case has no figures, in one line: the reason, and the end of what was printed."""
    reason, _, printed = " ".join(result["error"].replace("|", "/").split()).partition(": ")
    told = printed and not reason.startswith("more than")
    return f"failed: {reason}: {printed[-200:]}" if told else f"failed: {reason}"


def row(result: Result, cells: Callable[[Result], list[str]], columns: int) -> list[str]:
    """The case's row; its error in place of the figures where it has none."""
    if result["runs"]:
        return [result["name"], *cells(result)]
    return [result["name"], failure(result), *[""] * (columns - 2)]


def core(results: list[Result]) -> str:
    """The cases with their bars, then memory."""
    head = (
        "case | landfall, s | psql, s | ratio | bar | beyond | client CPU, s | server CPU, s (psql's) | peak memory, MB"
    )
    rows = [row(result, lambda r: [*times(r), *bars(r), *costs(r)], 9) for result in results]
    return table(head, rows)


def memory(results: list[Result]) -> str:
    """Peak memory of all client processes at two sizes, beside its bars."""
    peaks = {r["name"].split()[0]: middle(r, "memory") for r in results if r["runs"]}
    lines = []
    if "SF1" in peaks:
        limits = (verdict(f"{limit / 1e9} GB", peaks["SF1"] <= limit) for limit in MEMORY)
        lines.append(f"Peak memory of SF1 CSV append: {peaks['SF1'] / 1e6:,.0f} MB (bar {', beyond '.join(limits)}).")
    if {"SF1", "SF2"} <= peaks.keys():
        more = 100 * (peaks["SF2"] / peaks["SF1"] - 1)
        lines.append(
            f"SF2: {peaks['SF2'] / 1e6:,.0f} MB, {more:+.0f} % (bar {verdict(f'+{GROWTH} %', more <= GROWTH)})."
        )
    return "\n".join(lines)


def sizes(results: list[Result]) -> str:
    """Cost by rows."""
    ordered = sorted(results, key=lambda result: plot.scale(result["name"]))

    def cells(result: Result) -> list[str]:
        rate = plot.ROWS * plot.scale(result["name"]) / middle(result, "wall")
        return [*times(result), f"{rate:,.0f}", *costs(result)]

    head = "case | landfall, s | psql, s | ratio | rows/s | client CPU, s | server CPU, s (psql's) | peak memory, MB"
    return table(head, [row(result, cells, 8) for result in ordered])


def streams(results: list[Result]) -> str:
    """Cost by --streams."""
    head = "case | landfall, s | psql, s | ratio | client CPU, s | server CPU, s (psql's) | peak memory, MB"
    return table(head, [row(result, lambda r: [*times(r), *costs(r)], 7) for result in results])


def peers(results: list[Result]) -> str:
    """The other programs, the fastest first, with what they make other than asked for."""

    def cells(result: Result) -> list[str]:
        return [*times(result), *costs(result), str(len(result["runs"])), result["settings"], result["note"]]

    ordered = sorted(results, key=lambda result: middle(result, "wall") if result["runs"] else float("inf"))
    head = (
        "program | s | psql, s | ratio | client CPU, s | server CPU, s (psql's) | peak memory, MB | runs | settings"
        " | columns of other types"
    )
    return table(head, [row(result, cells, 10) for result in ordered])


def surroundings(found: dict[str, Any]) -> str:
    """Machine, versions, commands."""
    machine = found["machine"]
    versions = ", ".join(f"{name} {number}" for name, number in found["versions"].items())
    commits = sorted({result["landfall"] for result in found["cases"]})
    commands = "\n".join(f"    {command}" for command in found["commands"])
    return (
        f"Machine: {machine['cores']} cores of {machine['cpu']}, {machine['memory'] / 2**30:.0f} GiB, "
        f"{machine['system']}; PostgreSQL on the same machine.\nVersions: {versions}.\n"
        f"Measured: landfall {', '.join(commits)}, {min(r['at'] for r in found['cases'])} to "
        f"{max(r['at'] for r in found['cases'])}.\n\n{commands}\n    python benchmarks/report.py"
    )


EXPLAINED = """Medians of runs that alternate with those of `psql \\copy`; ratio: seconds by those of psql. CPU: user
and system seconds, of the client with all its processes, of the server with all of its. Memory: the greatest sum of
resident set sizes of all client processes at one moment, sampled every 100 ms; pages that processes share count in
each, so it is an upper bound. ✓ reached, ✗ missed."""
SECTIONS: dict[str, tuple[str, Callable[[list[Result]], str]]] = {
    "core": ("Cases", core),
    "sizes": ("By number of rows", sizes),
    "streams": ("By number of streams", streams),
    "peers": ("Other programs", peers),
}


def rendered(found: dict[str, Any]) -> str:
    """The whole generated part."""
    parts = ["![Seconds by program and by number of rows](performance.svg)", EXPLAINED]
    for group, (title, render) in SECTIONS.items():
        results = [result for result in found["cases"] if result["group"] == group]
        if results:
            parts += [f"## {title}", render(results), memory(results) if group == "sizes" else ""]
    return "\n\n".join([*filter(None, parts), "## Machine, versions, commands", surroundings(found)])


def main() -> None:
    """Render."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--results", type=Path, default=HERE / "results.json")
    parser.add_argument("--docs", type=Path, default=HERE.parent / "docs")
    options = parser.parse_args()
    found = json.loads(options.results.read_text())
    page = options.docs / "performance.md"
    text = page.read_text() if page.exists() else PAGE
    before, _, rest = text.partition(START)
    page.write_text(f"{before}{START}\n{rendered(found)}\n{END}{rest.partition(END)[2]}")
    (options.docs / "performance.svg").write_text(plot.svg(found["cases"]))


if __name__ == "__main__":
    main()
