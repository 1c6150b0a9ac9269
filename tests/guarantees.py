"""Renders docs/guarantees.md: each promise with the tests named after it, and the figures that test runs recorded.

`python -m tests.guarantees`. An area without figures on this machine keeps the table of the last run that had some.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from tests.figures import recorded

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "guarantees.md"

PROMISES = {
    1: "Nothing is lost silently: every row read is inserted, updated, unchanged, a duplicate, filtered or rejected.",
    2: "Exactly once, by content: the same object again, from two tasks at once, or after a crash has one effect.",
    3: "All or nothing: a reader on another connection never sees half a file.",
    4: "A bad row costs one row: it is kept as sent, with line, column, rule and message, and the good rows load.",
    5: "Your table stays yours: views, grants, indexes and foreign keys survive; only rows that changed are rewritten.",
    6: "The contract is a standard: one ODCS file for each dataset, which other tools read too.",
}

# What the table of each area means; in the order of the page.
AREAS = {
    "Polluted files": (
        "One clean CSV file, damaged in every single place in turn. `foreign`: loaded records that are in no clean "
        "file. `lost`: good records not loaded, beyond one for each damaged record. `unaccounted`: files whose loaded "
        "and rejected records do not add up to the records in the file. Precision is the share of loaded records that "
        "are clean ones, recall the share of undamaged records that were loaded. Two things in the second case cannot "
        "be told apart by any reader: a stray quote just before a line end inside quotes makes another valid record, "
        "and a record of two lines whose quotes are broken is two rejects, one for each line."
    ),
    "Text": (
        "Files of every Unicode character but NUL, of control characters, injections, combining and right-to-left text "
        "and emoji, compared byte for byte with what PostgreSQL then holds; and of every kind of bytes that is no UTF-8, "
        "all of which have to be rejects. `changed`: texts that came back otherwise."
    ),
    "Endless lines": (
        "Files of which one line is nearly all. It costs one reject, the two good records load, and the memory of the "
        "process does not grow with the line."
    ),
    "Crash matrix": (
        "A load is struck at each of its steps, then run again. A step is a statement, a COPY, or a COMMIT (before it, "
        "and after it before the answer arrives). `acknowledged`: struck loads that nevertheless said `loaded`; "
        "then the second run has to find nothing to do. Lost, duplicated and unexpected are counted over rows, rejects "
        "and ledger entries, against a model that shares no code with the pipeline; `orphans` are staging tables left "
        "after the second run."
    ),
    "Random kills": (
        "Loads of 100,000 rows killed (SIGKILL) at random moments, some several times in a row, then run again to the "
        "end. `acknowledged`: killed runs that had already said `loaded`."
    ),
    "Pressure": (
        "The destination refuses, is in use, full, away or asleep while a file of one bad row loads. Unless the load "
        "outlasts it, it ends with the documented exit code and one message, and nothing of the file is in the table. "
        "The counts are those of the load that succeeds: of the same file when the pressure is gone, or of the files "
        "that outlasted it. `seconds`: how long the server was away."
    ),
    "Concurrency": "Processes that load at the same time, on one database.",
    "Soak": (
        "Files of mixed datasets, sizes and faults, loaded by one process in one run. Every row is accounted for by a "
        "checksum that is computed from the generated data, without the pipeline's code. Every few seconds sessions are "
        "ended, connections cut or the network is down; what fails for it is loaded again, as the redrive would. Every "
        "tenth file is one that was loaded before, every tenth of the others cannot be loaded."
    ),
    "Soak, resources": (
        "What that process used: its resident memory over the middle and over the last third of the files (medians: "
        "the largest file of each kind comes first, and a rise of more than 5 percent fails the run), and what was "
        "left behind. `troubles`: how often something befell it; `transient failures`: loads that ended for it with exit "
        "code 75."
    ),
}


def page() -> str:
    """The whole page. Raises SystemExit when an area has figures, but no sentence that says what they mean."""
    figures, before = recorded(), _sections(PAGE.read_text(encoding="utf-8") if PAGE.exists() else "")
    if unknown := sorted(set(figures) - set(AREAS)):
        raise SystemExit(f"say in tests/guarantees.py, AREAS, what the figures of these areas mean: {unknown}")
    tables = [
        f"## {area}\n\n{meaning}\n\n{table(figures[area])}" if area in figures else before[area]
        for area, meaning in AREAS.items()
        if area in figures or area in before
    ]
    return "\n\n".join([INTRODUCTION, promises(), *tables]) + "\n"


INTRODUCTION = """# What is guaranteed, and how it was tried

This page is written by test runs: `python -m tests.guarantees` renders the figures that the tests recorded. What says
rows, rejects or ledger was counted in a real PostgreSQL."""


def promises() -> str:
    """Each promise with links to its tests."""
    lines = ["## Promises", ""]
    for number, promise in PROMISES.items():
        lines += [f"{number}. {promise}", *(f"   - {link}" for link in links(number))]
    return "\n".join(lines)


def links(number: int) -> Iterator[str]:
    """A link to each test named after the promise: `test_promise_<number>_...`."""
    for path in sorted((ROOT / "tests").rglob("test_*.py")):
        for name in re.findall(rf"^def (test_promise_{number}_\w+)", path.read_text(encoding="utf-8"), re.MULTILINE):
            yield f"[{name.removeprefix(f'test_promise_{number}_').replace('_', ' ')}](../{path.relative_to(ROOT)})"


def table(cases: dict[str, dict[str, int | float | str]]) -> str:
    """A Markdown table: a row for each case, a column for each figure that any case has."""
    columns = list(dict.fromkeys(name for figures in cases.values() for name in figures))
    header = ["case", *(column.replace("_", " ") for column in columns)]
    rule = ["---", *("---:" for _ in columns)]
    rows = [[case, *(_shown(figures.get(column, "")) for column in columns)] for case, figures in cases.items()]
    return "\n".join("| " + " | ".join(row) + " |" for row in [header, rule, *rows])


def _shown(figure: int | float | str) -> str:
    return figure.replace("|", "\\|") if isinstance(figure, str) else f"{figure:,}"


def _sections(text: str) -> dict[str, str]:
    """The page's parts by their headings."""
    parts = re.split(r"^## ", text, flags=re.MULTILINE)[1:]
    return {part.split("\n", 1)[0]: f"## {part}".rstrip() for part in parts}


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
