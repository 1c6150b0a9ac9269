"""Whether values are of a type, by the casts of a load: tried on a few of them before all of them."""

from __future__ import annotations

import pyarrow as pa

from pipeline.cast import strict_cast
from pipeline.contract.dataset import ColumnType, Kind

_HEAD = 200


def cast_all(values: pa.Array, column_type: ColumnType) -> pa.Array | None:
    """The values cast to the type; None if there are none, or if one of them is not of it."""
    if not len(values):
        return None
    for some in (values[:_HEAD], values):
        found, bad = strict_cast(some, column_type)
        if bad is not None:
            return None
    return found


def plain(kind: Kind, pattern: str | None = None) -> ColumnType:
    """A type without parameters, but for the format of a date or time."""
    return ColumnType(kind, kind, format=pattern)
