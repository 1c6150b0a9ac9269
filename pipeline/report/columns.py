"""The part of a report that shows each column of what a load left in its table."""

from __future__ import annotations

from pipeline.load.profile import ColumnProfile, Profile
from pipeline.report.charts import shape
from pipeline.report.markup import Content, Html, section, table, tag

_HEADS = (
    ("Column", "once"), ("Type", ""), ("Values", "number"), ("Missing", "number"), ("Distinct", "number"),
    ("Smallest to largest", "cut"), ("Most frequent", "cut"),
)  # fmt: skip


def columns(profile: Profile | None, target: str | None) -> Html:
    """The profile as a table; None: the table is not there any more."""
    if profile is None:
        return section("Columns", tag("p", f"The table {target} is not there."))
    if not profile.rows:
        return section("Columns", tag("p", f"No row of {target} is of this load."))
    scope = f"the {profile.rows:,} rows" if profile.complete else f"{profile.rows:,} of the rows"
    note = (
        f"Computed from {scope} of {target} that this load set and no later one has changed. "
        "Values of restricted columns are not shown."
    )
    return section("Columns", table("Profile of each column", _HEADS, map(_row, profile.columns)), note=note)


def _row(column: ColumnProfile) -> list[Content]:
    whole = column.count + column.missing
    percent = f" ({_percent(column.missing / whole)})" if column.missing else ""
    counts: list[Content] = [column.name, column.type, f"{column.count:,}", f"{column.missing:,}{percent}"]
    distinct = None if column.distinct is None else f"{column.distinct:,}"
    if column.restricted:
        return [*counts, distinct, tag("span", "restricted", class_="pill calm"), None]
    often = (tag("div", _value(value), tag("span", f" × {times:,}", class_="soft")) for value, times in column.top[:3])
    return [*counts, distinct, _range(column), often]


def _range(column: ColumnProfile) -> Content:
    if column.minimum is None or column.maximum is None:
        return None
    both = [_value(column.minimum), tag("span", " to ", class_="soft"), _value(column.maximum)]
    return [tag("div", *both), shape(column.bars, f"How the values of {column.name} spread over this range")]


def _percent(part: float) -> str:
    return f"{part:.0%}" if part >= 0.01 else "<1%"


def _value(value: str) -> str:
    return value if value.strip() else repr(value)
