"""The report of many loads: how many, over time, what was rejected, and each of them in a list."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from pipeline.load.reject_groups import RejectGroup
from pipeline.report.markup import Html, page, section, tag
from pipeline.report.one import written
from pipeline.report.over_time import Load, listed, over_time
from pipeline.report.rejects import rejected


def many(loads: Sequence[Load], groups: Sequence[RejectGroup], dataset: str | None, cut: bool, now: datetime) -> str:
    """The page. `loads`: newest first; `cut`: there are older ones."""
    title = f"Loads of {dataset}" if dataset else "Loads of all datasets"
    head = tag("header", tag("p", "Landfall: report of loads", class_="over"), tag("h1", title))
    if not loads:
        return page(title, head, section("Loads", tag("p", "There are none.")), written(now))
    sources = {str(load["load_id"]): str(load["uri"]) for load in loads}
    return page(
        title, head, _sums(loads), over_time(loads), rejected(groups, sources), listed(loads, cut), written(now)
    )


def _sums(loads: Sequence[Load]) -> Html:
    statuses = [load["status"] for load in loads]
    figures = {
        "loads": len(loads),
        "refused or failed": statuses.count("refused") + statuses.count("failed"),
        "datasets": len({load["dataset"] for load in loads}),
        "rows read": _sum(loads, "read"),
        "rows written": sum(
            _sum([load], "inserted") + _sum([load], "updated") for load in loads if load["status"] == "loaded"
        ),
        "rows rejected": _sum(loads, "rejected"),
    }
    tiles = (tag("div", tag("dt", what), tag("dd", f"{count:,}")) for what, count in figures.items())
    first, last = loads[-1]["started_at"], loads[0]["started_at"]
    note = f"From {first:%Y-%m-%d %H:%M} to {last:%Y-%m-%d %H:%M} UTC."
    return section("Summary", tag("dl", *tiles, class_="tiles"), note=note)


def _sum(loads: Sequence[Load], kind: str) -> int:
    return sum(load[f"rows_{kind}"] or 0 for load in loads)
