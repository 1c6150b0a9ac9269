"""A column's profile: counts for every column, values only where they may be shown."""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from pipeline.contract.dataset import Column

_TOP = 5
_UNORDERED = ("array", "json", "bytes", "boolean", "uuid")


@dataclass(frozen=True)
class ColumnProfile:
    """`count`: rows with a value, `missing`: without. `distinct`: different values, None where they are not compared.

    `minimum`, `maximum` and `top` (the values that come more than once, most frequent first, with their counts) are
    None and empty for a restricted column, the bounds also for types without order.
    """

    name: str
    type: str
    restricted: bool
    count: int
    missing: int
    distinct: int | None = None
    minimum: object = None
    maximum: object = None
    top: tuple[tuple[object, int], ...] = ()


def profile(column: Column, values: pa.ChunkedArray) -> ColumnProfile:
    """The profile of a column's typed values."""
    count = len(values) - values.null_count
    known = (column.name, column.type.sql, column.restricted, count, values.null_count)
    if pa.types.is_nested(values.type):
        return ColumnProfile(*known)
    found = pc.value_counts(values.drop_null())
    distinct = len(found)
    if column.restricted or not count:
        return ColumnProfile(*known, distinct)
    if column.type.kind in _UNORDERED:
        return ColumnProfile(*known, distinct, top=_top(found))
    bounds = pc.min_max(values)
    return ColumnProfile(*known, distinct, bounds["min"].as_py(), bounds["max"].as_py(), _top(found))


def _top(found: pa.StructArray) -> tuple[tuple[object, int], ...]:
    counts = found.field("counts")
    order = pc.sort_indices(counts, sort_keys=[("", "descending")])[:_TOP]
    pairs = zip(found.field("values").take(order).to_pylist(), counts.take(order).to_pylist(), strict=True)
    return tuple((value, count) for value, count in pairs if count > 1)
