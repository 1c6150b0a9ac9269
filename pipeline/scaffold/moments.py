"""Dates, times and timestamps: the format that every value has, or all that fit when one cannot know."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import product

import pyarrow as pa
import pyarrow.compute as pc

from pipeline.contract.dataset import Kind
from pipeline.scaffold.distinct import Distinct
from pipeline.scaffold.fits import cast_all, plain
from pipeline.scaffold.guess import Guess

# A date is also a timestamp, so the narrower kind comes first.
_KINDS: tuple[Kind, ...] = ("date", "time", "timestamp", "timestamptz")
_HEAD = 40
_LONGEST = 40
_YEAR_FIRST = ("yyyy-M-d", "yyyy/MM/dd", "yyyy/M/d", "yyyy.MM.dd", "yyyy.M.d", "yyyyMMdd")
# The padded form first: it is the stricter one, and what a machine writes.
_DAY_MONTH = tuple(
    pattern.replace("/", separator)
    for separator in "/.-"
    for year in ("yyyy", "yy")
    for pattern in (f"dd/MM/{year}", f"MM/dd/{year}", f"d/M/{year}", f"M/d/{year}")
)
_NAMED = (
    "MMM d yyyy", "MMM d, yyyy", "MMMM d yyyy", "MMMM d, yyyy", "d MMM yyyy", "d-MMM-yyyy", "d-MMM-yy", "d MMMM yyyy",
    "d. MMMM yyyy", "yyyy-MMM-d",
)  # fmt: skip
DATES = (*_YEAR_FIRST, *_DAY_MONTH, *_NAMED)
TIMES = (
    "HH:mm", "HH:mm:ss", "HH:mm:ss.SSS", "HH:mm:ss.SSSSSS", "H:mm", "H:mm:ss", "hh:mm a", "hh:mm:ss a", "h:mm a",
    "h:mm:ss a",
)  # fmt: skip
_SPLIT = re.compile(r"(.*?[0-9A-Za-z])(, | |T)([0-9]{1,2}:[0-9]{2}.*?)( ?(?:Z|[+-][0-9]{2}:?[0-9]{2}))?\Z")
_COMPACT = "yyyyMMdd"
_EARLIEST, _LATEST = 1900, 2099


def moment(column: Distinct) -> Guess | None:
    """A date, time or timestamp. Of dates that could be read in two ways: text, and a note that says so."""
    head = [value for value in column.values[:_HEAD].to_pylist() if value]
    if not head or any(len(value) > _LONGEST or not re.search(r"[0-9]", value) for value in head):
        return None
    for kind in _KINDS:
        if _fits(column.values, kind, None):
            return _guess(column, kind, None)
    fitting = [found for found in _candidates(head) if _fits(column.values, *found)]
    return _chosen(column, fitting)


def compact_date(column: Distinct) -> Guess | None:
    """Eight digits that are days of 1900 to 2099, all of them: a date, where there are enough to tell from numbers."""
    if len(column.values) < 3 or not _fits(column.values, "date", _COMPACT):
        return None
    years = pc.cast(pc.utf8_slice_codeunits(column.values, 0, 4), pa.int32())
    bounds = pc.min_max(years).as_py()
    if not _EARLIEST <= bounds["min"] <= bounds["max"] <= _LATEST:
        return None
    return _guess(column, "date", _COMPACT)


def _candidates(head: list[str]) -> Iterator[tuple[Kind, str]]:
    """`(kind, pattern)` that fit the first values."""
    values = pa.array(head, pa.string())
    for pattern in DATES:
        if _fits(values, "date", pattern):
            yield "date", pattern
    for pattern in TIMES:
        if _fits(values, "time", pattern):
            yield "time", pattern
    parts = [_SPLIT.match(value) for value in head]
    if not all(parts):
        return
    texts = [pa.array([part.group(i) for part in parts if part], pa.string()) for i in (1, 3)]
    dates = [pattern for pattern in ("yyyy-MM-dd", *DATES) if _fits(texts[0], "date", pattern)]
    times = [pattern for pattern in TIMES if _fits(texts[1], "time", pattern)]
    separators = {part.group(2) for part in parts if part}
    offsets = {part.group(4) or "" for part in parts if part}
    if len(separators) != 1 or (offsets != {""} and "" in offsets):
        return
    separator = separators.pop().replace("T", "'T'")
    zone = "" if offsets == {""} else " X" if all(offset.startswith(" ") for offset in offsets) else "X"
    for date, time in product(dates, times):
        yield "timestamptz" if zone else "timestamp", f"{date}{separator}{time}{zone}"


def _fits(values: pa.Array, kind: Kind, pattern: str | None) -> bool:
    return cast_all(values, plain(kind, pattern)) is not None


def _chosen(column: Distinct, fitting: list[tuple[Kind, str]]) -> Guess | None:
    if not fitting:
        return None
    kind, pattern = fitting[0]
    others = [other for _, other in fitting if _day_first(other) != _day_first(pattern)]
    if others and _day_first(pattern) is not None:
        fits = f"{pattern} and {others[0]}"
        choice = f"logicalType: {_logical(kind)}, logicalTypeOptions: {{format: ...}}"
        note = f"AMBIGUOUS: both {fits} fit every value. Write {choice}"
        return Guess("string", f"{_logical(kind)}s", notes=(note,))
    return _guess(column, kind, pattern)


def _day_first(pattern: str) -> bool | None:
    """Whether the day stands before a month in digits; None where order cannot be mistaken."""
    date = pattern.split("yy")[0]
    if "MMM" in pattern or "M" not in date or "d" not in date:
        return None
    return date.index("d") < date.index("M")


def _guess(column: Distinct, kind: Kind, pattern: str | None) -> Guess:
    bounds = pc.min_max(cast_all(column.values, plain(kind, pattern))).as_py()
    options: dict[str, object] = {"format": pattern} if pattern else {}
    said = f"all {_logical(kind)}s, {_iso(bounds['min'])} to {_iso(bounds['max'])}"
    notes: tuple[str, ...] = ()
    if kind == "timestamp":
        options["timezone"] = False
        said += ", without time zone"
    if pattern and re.search(r"(?<!y)yy(?!y)", pattern):
        notes = ("years of two digits are read as 2000 to 2099",)
    return Guess(_logical(kind), said, options=options, notes=notes)


def _logical(kind: Kind) -> str:
    return "timestamp" if kind == "timestamptz" else kind


def _iso(value: object) -> str:
    return str(value).replace("+00:00", "Z")
