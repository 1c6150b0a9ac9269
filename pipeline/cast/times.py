"""Strict casts to dates, times and timestamps: ISO 8601, or the contract's own format."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from pipeline.cast.attempt import blank_out, cast_where_possible, either, is_text, mismatch
from pipeline.cast.pattern import to_iso
from pipeline.contract.dataset import ColumnType

_NAIVE, _UTC = pa.timestamp("us"), pa.timestamp("us", "UTC")
_ZONE = r"(Z|[+-][0-9]{2}(:?[0-9]{2})?)$"
_TIME = r"^([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9](\.[0-9]{1,6})?)?$"
# PostgreSQL has no year 0; Arrow does (https://www.postgresql.org/docs/current/datatype-datetime.html).
_FIRST_DAY = "0001-01-01"
_LAST_DAY = 2_145_042_905  # 5874897-12-31, PostgreSQL's last date, in days since 1970-01-01; a timestamp ends before


def to_date(array: pa.Array, column_type: ColumnType) -> tuple[pa.Array, pa.Array | None]:
    """`YYYY-MM-DD` or the contract's format. A timestamp is a date only at midnight."""
    if not is_text(array):
        if pa.types.is_date(array.type):
            return _postgresqls(*cast_where_possible(array, lambda part: pc.cast(part, pa.date32())))
        values, _ = cast_where_possible(_naive(array), _midnight)
        return _postgresqls(values, pc.and_(pc.is_valid(array), pc.is_null(values)))
    text, unlike = _iso(array, column_type)
    values, bad = cast_where_possible(text, lambda part: pc.cast(part, pa.date32()))
    return _postgresqls(values, either(unlike, bad))


def _midnight(moments: pa.Array) -> pa.Array:
    """The day of each moment; NULL for one that is not at its very beginning."""
    days = pc.cast(moments, pa.date32())
    return blank_out(days, pc.not_equal(pc.cast(days, _NAIVE), pc.cast(moments, _NAIVE)))


def to_timestamp(array: pa.Array, column_type: ColumnType) -> tuple[pa.Array, pa.Array | None]:
    """A timestamp without zone, microseconds at the finest; text that carries an offset is bad."""
    if not is_text(array):
        return _postgresqls(*cast_where_possible(_naive(array), lambda part: pc.cast(part, _NAIVE)))
    text, unlike = _iso(array, column_type)
    values, bad = cast_where_possible(text, lambda part: pc.cast(part, _NAIVE))
    return _postgresqls(values, either(unlike, bad))


def to_timestamptz(array: pa.Array, column_type: ColumnType) -> tuple[pa.Array, pa.Array | None]:
    """A moment. Text without an offset is read in the contract's zone; a time that zone skips or repeats is bad."""
    zone = column_type.zone
    if not is_text(array):
        if pa.types.is_timestamp(array.type) and array.type.tz is not None:
            return _postgresqls(*cast_where_possible(array, lambda part: pc.cast(part, _UTC)))
        return _postgresqls(*cast_where_possible(array, lambda part: _localised(pc.cast(part, _NAIVE), zone)))
    text, unlike = _iso(array, column_type)
    try:
        values = pc.cast(text, _UTC)
        return _postgresqls(values, unlike)
    except pa.ArrowInvalid:
        pass
    zoned = pc.fill_null(pc.match_substring_regex(pc.utf8_slice_codeunits(text, 10), _ZONE), False)
    with_zone, bad = cast_where_possible(blank_out(text, pc.invert(zoned)), lambda part: pc.cast(part, _UTC))
    without, bad_naive = cast_where_possible(
        blank_out(text, zoned), lambda part: _localised(pc.cast(part, _NAIVE), zone)
    )
    return _postgresqls(pc.coalesce(with_zone, without), either(unlike, either(bad, bad_naive)))


def to_time(array: pa.Array, column_type: ColumnType) -> tuple[pa.Array, pa.Array | None]:
    """`HH:MM[:SS[.ffffff]]` or the contract's format."""
    if not is_text(array):
        return cast_where_possible(array, lambda part: pc.cast(part, pa.time64("us")))
    text, unlike = _iso(array, column_type)
    bad = mismatch(text, _TIME)
    moments = pc.binary_join_element_wise("1970-01-01T", blank_out(text, bad), "")
    return pc.cast(pc.cast(moments, _NAIVE), pa.time64("us")), either(unlike, bad)


def _iso(array: pa.Array, column_type: ColumnType) -> tuple[pa.Array, pa.Array | None]:
    if column_type.format is None:
        return array, None
    text = to_iso(array, column_type.format)
    unlike = pc.and_(pc.is_valid(array), pc.is_null(text))
    return text, unlike


def _naive(array: pa.Array) -> pa.Array:
    """A timestamp with zone as its UTC wall clock: the engines' session zone is UTC."""
    if pa.types.is_timestamp(array.type) and array.type.tz is not None:
        return pc.cast(array, pa.timestamp(array.type.unit))
    return array


def _localised(naive: pa.Array, zone: str) -> pa.Array:
    return pc.cast(pc.assume_timezone(naive, zone, ambiguous="raise", nonexistent="raise"), _UTC)


def _postgresqls(values: pa.Array, bad: pa.Array | None) -> tuple[pa.Array, pa.Array | None]:
    """Dates and moments that PostgreSQL does not have are bad, too."""
    day = pc.cast(pa.scalar(_FIRST_DAY), pa.date32())
    first = day if pa.types.is_date(values.type) else pa.scalar(day.cast(_NAIVE).value, values.type)
    outside = pc.less(values, first)
    if pa.types.is_date(values.type):
        outside = pc.or_(outside, pc.greater(values, pa.scalar(_LAST_DAY, pa.int32()).cast(pa.date32())))
    outside = pc.fill_null(outside, False)
    if not pc.any(outside).as_py():
        return values, bad
    return blank_out(values, outside), either(bad, outside)
