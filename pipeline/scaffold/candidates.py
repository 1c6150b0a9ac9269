"""Keys and enums that the sample suggests. They go into comments: a sample cannot prove them."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import combinations

import pyarrow as pa

from pipeline.scaffold.distinct import Distinct
from pipeline.scaffold.guess import Guess
from pipeline.scaffold.yaml_text import scalar

_KEYS = ("integer", "string", "date", "timestamp")
_MOST_PAIRS = 12
_MOST_ENUM = 15
_REPEATED = 20
_LONGEST_ENUM = 400


def keys(table: pa.Table, columns: Mapping[str, Distinct], guesses: Mapping[str, Guess]) -> list[tuple[str, ...]]:
    """Columns, or else pairs of columns, of which no value is missing and none occurs twice."""
    usable = {
        name: column
        for name, column in columns.items()
        if column.nulls == 0 and column.rows > 1 and guesses[name].logical in _KEYS and not _decoded(guesses[name])
    }
    single: list[tuple[str, ...]] = [(name,) for name, column in usable.items() if len(column.values) == column.rows]
    return single or _pairs(table, usable)


def _decoded(guess: Guess) -> bool:
    return guess.transform is not None or guess.physical == "BYTEA"


def _pairs(table: pa.Table, usable: Mapping[str, Distinct]) -> list[tuple[str, ...]]:
    """Only pairs that could be keys by their numbers of distinct values are counted, the most selective first."""
    rows = table.num_rows
    likely = [
        (first, second)
        for first, second in combinations(usable, 2)
        if len(usable[first].values) * len(usable[second].values) >= rows
    ]
    likely.sort(key=lambda pair: -len(usable[pair[0]].values) * len(usable[pair[1]].values))
    return [pair for pair in likely[:_MOST_PAIRS] if table.group_by(list(pair)).aggregate([]).num_rows == rows]


def enum(column: Distinct, guess: Guess) -> str | None:
    """The enum of a text column with few values that come again and again, as YAML, else None."""
    count = len(column.values)
    if not guess.is_text or guess.personal or not 1 < count <= _MOST_ENUM or column.present < _REPEATED * count:
        return None
    values = sorted(column.values.to_pylist())
    text = ", ".join(f"{{value: {scalar(value)}}}" for value in values)
    return f"enum: [{text}]" if len(text) <= _LONGEST_ENUM else None


def said_of_keys(found: list[tuple[str, ...]], complete: bool) -> str:
    """The candidates for a comment."""
    if not found:
        return "No key candidate: no column, and no pair of columns tried, is without repetition."
    listed = "; ".join(" + ".join(key) for key in found[:6])
    scope = "the file" if complete else "the part that was read"
    return f"Key candidates (never missing, never twice in {scope}): {listed}"
