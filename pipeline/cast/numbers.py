"""Strict casts to integers, decimals, floating point numbers and booleans."""

from __future__ import annotations

import re
from decimal import Context, Decimal, Inexact, InvalidOperation

import pyarrow as pa
import pyarrow.compute as pc

from pipeline.cast.attempt import blank_out, cast_where_possible, either, has_byte, is_text, mismatch
from pipeline.contract.dataset import ColumnType

_INTEGER = r"^[+-]?[0-9]+$"
_DECIMAL = re.compile(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?")
_EXACTLY = Context(prec=100_000, traps=[Inexact, InvalidOperation])
_INFINITE = ["inf", "-inf", "+inf", "infinity", "-infinity", "+infinity"]
# The words PostgreSQL's boolean accepts in full or as one letter
# (https://www.postgresql.org/docs/current/datatype-boolean.html).
_TRUE = ("true", "t", "yes", "y", "on", "1")
_FALSE = ("false", "f", "no", "n", "off", "0")

_INTEGERS = {16: pa.int16(), 32: pa.int32(), 64: pa.int64()}


def to_integer(array: pa.Array, column_type: ColumnType) -> tuple[pa.Array, pa.Array | None]:
    """Digits with an optional sign, within the type's range. From numbers: only those without a fraction."""
    wanted = _INTEGERS[column_type.bits]
    if not is_text(array):
        return cast_where_possible(array, lambda part: pc.cast(part, wanted))
    if not has_byte(array, b"x"):  # Arrow would read 0x1F as 31
        try:
            return pc.cast(array, wanted), None
        except pa.ArrowInvalid:
            pass
    bad = mismatch(array, _INTEGER)
    unsigned = pc.replace_substring_regex(blank_out(array, bad), r"^\+", "")
    values, outside = cast_where_possible(unsigned, lambda part: pc.cast(part, wanted))
    return values, either(bad, outside)


def to_decimal(array: pa.Array, column_type: ColumnType) -> tuple[pa.Array, pa.Array | None]:
    """A decimal number, exponent allowed, that fits precision and scale exactly. From other numbers: their text."""
    wanted = pa.decimal128(column_type.precision or 38, column_type.scale or 0)
    if array.type == wanted:
        return array, None
    texts = array if pa.types.is_string(array.type) else pc.cast(array, pa.string())
    # More digits than these may not fit the 128 bits that Arrow computes with, once zeros fill the scale.
    sure = 38 - wanted.scale - 1
    if has_byte(texts, b"e") or _longest(texts) > sure:
        return _long_decimal(texts, wanted, sure)
    return cast_where_possible(texts, lambda part: pc.cast(part, wanted))


def _longest(array: pa.Array) -> int:
    return pc.max(pc.binary_length(array)).as_py() or 0


def _long_decimal(array: pa.Array, wanted: pa.DataType, sure: int) -> tuple[pa.Array, pa.Array | None]:
    """Arrow takes 1e-39 for zero, and ends the process at 0e-9999999: Python reads what has an exponent or is long."""
    long = pc.greater(pc.binary_length(array), sure)
    ours = pc.fill_null(pc.or_(long, pc.match_substring_regex(array, "[eE]")), False)
    values, bad = cast_where_possible(blank_out(array, ours), lambda part: pc.cast(part, wanted))
    read = [_exact(text, wanted) for text in array.filter(ours).to_pylist()]
    values = pc.replace_with_mask(values, ours, pa.array(read, wanted))
    return values, either(bad, pc.and_(ours, pc.is_null(values)))


def _exact(text: str, wanted: pa.DataType) -> Decimal | None:
    """The number in as few digits as it takes, unless it needs more than there are."""
    if not _DECIMAL.fullmatch(text):
        return None
    try:
        shortest = Decimal(text).normalize(_EXACTLY)
    except ArithmeticError:  # more digits or a larger exponent than even Python computes with
        return None
    if not shortest:
        return Decimal(0)
    fits = -int(shortest.as_tuple().exponent) <= wanted.scale and shortest.adjusted() < wanted.precision - wanted.scale
    return shortest if fits else None


def to_double(array: pa.Array, column_type: ColumnType) -> tuple[pa.Array, pa.Array | None]:
    """A number, NaN or Infinity. A number too large for the type is bad, not infinite."""
    wanted = pa.float32() if column_type.bits == 32 else pa.float64()
    if pa.types.is_decimal(array.type):
        array = pc.cast(array, pa.string())
    values, bad = cast_where_possible(array, lambda part: pc.cast(part, wanted, safe=not _narrows(part, wanted)))
    infinite = pc.fill_null(pc.is_inf(values), False)
    if not pc.any(infinite).as_py():
        return values, bad
    meant = pc.is_in(pc.utf8_lower(pc.cast(array, pa.string())), pa.array(_INFINITE))
    overflow = pc.and_(infinite, pc.invert(meant))
    return blank_out(values, overflow), either(bad, overflow)


def _narrows(array: pa.Array, wanted: pa.DataType) -> bool:
    """From 64 to 32 bits a float loses digits by definition; from an integer it must not."""
    return bool(pa.types.is_floating(array.type) and wanted == pa.float32())


def to_boolean(array: pa.Array, column_type: ColumnType) -> tuple[pa.Array, pa.Array | None]:
    """PostgreSQL's words for true and false, in any case; the numbers 1 and 0."""
    del column_type
    if pa.types.is_boolean(array.type):
        return array, None
    words = pc.utf8_lower(pc.cast(array, pa.string()))
    true, false = pc.is_in(words, pa.array(_TRUE)), pc.is_in(words, pa.array(_FALSE))
    bad = pc.and_(pc.is_valid(array), pc.invert(pc.or_(true, false)))
    return pc.if_else(pc.or_(true, false), true, pa.scalar(None, pa.bool_())), bad
