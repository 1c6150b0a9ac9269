"""Strict casts, in Arrow, so that every engine agrees: a value is exactly of its type, or it is named as bad.

Nothing is trimmed, rounded, truncated or guessed. `strict_cast` is the room's one door.
"""

from __future__ import annotations

from collections.abc import Callable

import pyarrow as pa
import pyarrow.compute as pc

from pipeline.cast import nested, numbers, texts, times
from pipeline.cast.attempt import either
from pipeline.contract.dataset import ColumnType, Kind

Cast = Callable[[pa.Array, ColumnType], "tuple[pa.Array, pa.Array | None]"]

_CASTS: dict[Kind, Cast] = {
    "string": texts.to_string,
    "uuid": texts.to_uuid,
    "json": nested.to_json,
    "bytes": texts.to_bytes,
    "integer": numbers.to_integer,
    "decimal": numbers.to_decimal,
    "double": numbers.to_double,
    "boolean": numbers.to_boolean,
    "date": times.to_date,
    "timestamp": times.to_timestamp,
    "timestamptz": times.to_timestamptz,
    "time": times.to_time,
}


def arrow_type(column_type: ColumnType) -> pa.DataType:
    """The Arrow type in which typed rows carry a column of `column_type`."""
    kind = column_type.kind
    if kind == "array":
        assert column_type.item is not None  # noqa: S101 - the contract room guarantees it  # nosec B101
        return pa.list_(arrow_type(column_type.item))
    if kind == "decimal":
        return pa.decimal128(column_type.precision or 38, column_type.scale or 0)
    if kind == "integer":
        return {16: pa.int16(), 32: pa.int32(), 64: pa.int64()}[column_type.bits]
    if kind == "double":
        return pa.float32() if column_type.bits == 32 else pa.float64()
    return _ARROW[kind]


_ARROW: dict[Kind, pa.DataType] = {
    "string": pa.string(),
    "uuid": pa.string(),
    "json": pa.string(),
    "bytes": pa.binary(),
    "boolean": pa.bool_(),
    "date": pa.date32(),
    "timestamp": pa.timestamp("us"),
    "timestamptz": pa.timestamp("us", "UTC"),
    "time": pa.time64("us"),
}


def _unlike(arrived: pa.DataType, kind: Kind) -> bool:
    """Types between which Arrow would convert by counting days or microseconds, or could not convert at all."""
    if pa.types.is_nested(arrived):
        return kind not in ("json", "array")
    if kind in _TIMES:
        return bool(pa.types.is_integer(arrived) or pa.types.is_floating(arrived) or pa.types.is_decimal(arrived))
    return kind in ("integer", "decimal", "double", "boolean") and bool(pa.types.is_temporal(arrived))


_TIMES = frozenset({"date", "timestamp", "timestamptz", "time"})


def strict_cast(array: pa.Array, column_type: ColumnType) -> tuple[pa.Array, pa.Array | None]:
    """Cast `array` to `arrow_type(column_type)`; the second value marks (true) the rows that are not of that type.

    Bad rows are NULL in the first value; the mark is None when every row is good. NULL stays NULL and is good.
    """
    wanted = arrow_type(column_type)
    if array.null_count == len(array):
        return pa.nulls(len(array), wanted), None
    if _unlike(array.type, column_type.kind):
        return pa.nulls(len(array), wanted), pc.is_valid(array)
    undecoded = None
    if texts.is_binary(array.type) and column_type.kind != "bytes":
        array, undecoded = texts.decode(array)
    try:
        values, bad = _cast(array, column_type)
    except pa.ArrowNotImplementedError:  # Arrow has no cast between the two types, so no value is of this one
        values, bad = pa.nulls(len(array), wanted), pc.is_valid(array)
    bad = either(undecoded, bad)
    if bad is not None and not pc.any(bad).as_py():
        bad = None
    return values, bad


def _cast(array: pa.Array, column_type: ColumnType) -> tuple[pa.Array, pa.Array | None]:
    if column_type.kind == "array":
        return nested.to_array(array, column_type, strict_cast, arrow_type)
    return _CASTS[column_type.kind](array, column_type)
