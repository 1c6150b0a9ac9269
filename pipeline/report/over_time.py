"""The parts of a report that show several loads: charts over time, and the list of them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import PurePosixPath
from typing import Any

from pipeline.report.charts import Bar, bars
from pipeline.report.markup import Content, Html, section, table, tag

Load = Mapping[str, Any]
"""A row of `ledger.loads`."""

_HEADS = (
    ("Started (UTC)", "once"), ("Status", "once"), ("Dataset", "once"), ("Read", "number"), ("Written", "number"),
    ("Rejected", "number"), ("Seconds", "number"), ("Source, and load id", "cut"),
)  # fmt: skip
_OUTCOMES = (
    ("loaded", "clean"),
    ("loaded with rejects", "some"),
    ("refused or failed", "none"),
    ("nothing to do", "idle"),
)
_ROWS = (("written", "inserted"), ("unchanged, duplicate or filtered", "unchanged"), ("rejected", "rejected"))
# By what the bars of a chart stand apart: how a moment is cut off, and how it is written.
_STEPS = (("%Y-%m-%d %H:%M", "%H:%M"), ("%Y-%m-%d %H", "%m-%d %Hh"), ("%Y-%m-%d", "%m-%d"), ("%Y-%m", "%Y-%m"))
_MOST_BARS = 48
LATEST = 40
"""Loads of a chart that has a bar for each."""
KIND = {"loaded": "good", "refused": "bad", "failed": "bad", "undone": "warn", "running": "warn"}


def pill(status: str) -> Html:
    """A status in its colour."""
    return tag("span", status.replace("_", " "), class_=f"pill {KIND.get(status, 'calm')}")


def over_time(loads: Sequence[Load]) -> Html:
    """How many loads ended how, and what became of their rows, by minute, hour, day or month."""
    step, written = _step(loads)
    by_moment: dict[str, list[Load]] = defaultdict(list)
    for load in reversed(loads):
        by_moment[f"{_utc(load['started_at']):{step}}"].append(load)
    outcomes = [_outcomes(some, written) for some in by_moment.values()]
    rows = [_rows(some, f"{_utc(some[0]['started_at']):{written}}") for some in by_moment.values()]
    charts = bars("Loads", outcomes, _OUTCOMES), bars("Rows", rows, _ROWS)
    return section("Over time", *charts, note="Moments without a load are left out. Times are UTC.")


def one_by_one(loads: Sequence[Load], marked: str) -> Html:
    """Rows and seconds of the latest loads of a dataset; the load `marked` is underlined."""
    worked = [load for load in reversed(loads) if load["status"] not in ("already_loaded", "stale", "running")]
    if len(worked) < 2 or marked not in {str(load["load_id"]) for load in worked}:
        return Html("")
    rows = [_rows([load], _moment(load), str(load["load_id"]) == marked) for load in worked]
    seconds = [
        Bar(
            _moment(load), f"{name(load['uri'])}: {_seconds(load)} s", (_seconds(load),), str(load["load_id"]) == marked
        )
        for load in worked
    ]
    charts = bars("Rows", rows, _ROWS), bars("Duration", seconds, (("seconds", "seconds"),), " s")
    note = f"The latest {len(worked):,} loads of this dataset that had something to do; this one is underlined."
    return section("Beside other loads", *charts, note=note)


def listed(loads: Sequence[Load], cut: bool) -> Html:
    """The loads, newest first."""
    note = f"The newest {len(loads):,} only." if cut else "Newest first."
    return section("Loads", table("Loads", _HEADS, map(_line, loads)), note=note)


def name(uri: str) -> str:
    """The last part of a URI."""
    return PurePosixPath(uri).name or uri


def _line(load: Load) -> list[Content]:
    read, rejected = load["rows_read"] or 0, load["rows_rejected"] or 0
    source: list[Content] = [tag("div", load["uri"]), tag("code", str(load["load_id"]), class_="soft")]
    if load["error_message"]:
        source.append(tag("details", tag("summary", "Why"), tag("p", load["error_message"])))
    return [
        f"{_utc(load['started_at']):%Y-%m-%d %H:%M:%S}", pill(load["status"]), load["dataset"], f"{read:,}",
        f"{_written(load):,}", f"{rejected:,}", f"{_seconds(load):,.2f}", source,
    ]  # fmt: skip


def _outcomes(some: Sequence[Load], written: str) -> Bar:
    counts = [0, 0, 0, 0]
    for load in some:
        status, rejected = load["status"], bool(load["rows_rejected"])
        counts[2 if status in ("refused", "failed") else int(rejected) if status == "loaded" else 3] += 1
    label = f"{_utc(some[0]['started_at']):{written}}"
    said = ", ".join(f"{count} {kind}" for count, (kind, _) in zip(counts, _OUTCOMES, strict=True) if count)
    return Bar(label, f"{label}: {said}", tuple(counts))


def _rows(some: Sequence[Load], label: str, marked: bool = False) -> Bar:
    written = sum(_written(load) for load in some if load["status"] == "loaded")
    rejected = sum(load["rows_rejected"] or 0 for load in some)
    left = sum((load[f"rows_{kind}"] or 0) for load in some for kind in ("unchanged", "duplicate", "filtered"))
    said = f"{label}: {written:,} written, {left:,} unchanged, duplicate or filtered, {rejected:,} rejected"
    return Bar(label, said, (written, left, rejected), marked)


def _written(load: Load) -> int:
    return (load["rows_inserted"] or 0) + (load["rows_updated"] or 0)


def _seconds(load: Load) -> float:
    finished = load["finished_at"]
    return float(round((finished - load["started_at"]).total_seconds(), 2)) if finished else 0.0


def _moment(load: Load) -> str:
    return f"{_utc(load['started_at']):%m-%d %H:%M}"


def _step(loads: Sequence[Load]) -> tuple[str, str]:
    """The finest step that makes a chart of not too many bars."""
    for step in _STEPS:
        if len({f"{_utc(load['started_at']):{step[0]}}" for load in loads}) <= _MOST_BARS:
            return step
    return _STEPS[-1]


def _utc(moment: datetime) -> datetime:
    return moment.astimezone(UTC)
