"""Integers, decimals and floating point numbers: whether text is one, and which column holds it with head room."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from pipeline.scaffold.distinct import Distinct
from pipeline.scaffold.fits import cast_all, plain
from pipeline.scaffold.guess import Guess

_ZERO_PADDED = r"^[+-]?0[0-9]"
_SIGNED = r"^\+[0-9]"
_PARTS = r"^[+-]?(?P<whole>[0-9]*)(?:\.(?P<fraction>[0-9]*))?(?P<exponent>[eE][+-]?[0-9]+)?$"
_MOST_DIGITS = 38
# IEEE 754 doubles keep 15 decimal digits; more of them, most behind the point, are a double's trace.
_DOUBLE_DIGITS = 15
_LONG_FRACTION = 9
_HEAD_ROOM = 3
_USUAL_WHOLE = 10


def zero_padded(column: Distinct) -> bool:
    """Whether some value has leading zeros (or a leading +, as telephone numbers do): digits, but not a quantity."""
    return any(pc.any(pc.match_substring_regex(column.values, p)).as_py() for p in (_ZERO_PADDED, _SIGNED))


def number(column: Distinct) -> Guess | None:
    """The numeric type that takes every value as it is, None if there is no such type."""
    if zero_padded(column):
        return None
    return _integer(column) or _fractional(column)


def _integer(column: Distinct) -> Guess | None:
    values = cast_all(column.values, plain("integer"))
    if values is not None:
        bounds = pc.min_max(values)
        return Guess("integer", f"all integers, {bounds['min']} to {bounds['max']}")
    if not pc.all(pc.match_substring_regex(column.values, r"^[+-]?[0-9]+$")).as_py():
        return None
    longest = pc.max(pc.utf8_length(column.values)).as_py()
    if longest + _HEAD_ROOM > _MOST_DIGITS:
        return None
    return Guess("integer", f"all integers of up to {longest} digits, too many for BIGINT", _numeric(longest, 0))


def _fractional(column: Distinct) -> Guess | None:
    values = cast_all(column.values, plain("double"))
    if values is None:
        return None
    bounds = pc.min_max(values)
    said = f"all numbers, {bounds['min'].as_py():.15g} to {bounds['max'].as_py():.15g}"
    parts = pc.extract_regex(column.values, _PARTS)
    if parts.null_count or pc.any(pc.greater(_lengths(parts, "exponent"), 0)).as_py():
        return Guess("number", f"{said}, some with an exponent", "DOUBLE PRECISION")
    whole, fraction = _lengths(parts, "whole"), _lengths(parts, "fraction")
    digits = pc.max(pc.add(whole, fraction)).as_py()
    if not pc.max(fraction).as_py():
        return None  # integers, but too long ones
    if digits > _DOUBLE_DIGITS and pc.max(fraction).as_py() > _LONG_FRACTION:
        return Guess("number", f"{said}, up to {digits} digits: written from doubles", "DOUBLE PRECISION")
    scales = pc.min_max(fraction).as_py()
    # Where the number of digits varies, the next file may well have more of them.
    scale = scales["max"] + (0 if scales["min"] == scales["max"] else 2)
    places = f"{scales['min']} to {scales['max']}" if scales["min"] != scales["max"] else f"always {scales['max']}"
    said = f"{said}, {places} decimals"
    longest = pc.max(whole).as_py()
    return Guess("number", said, _numeric(longest, scale)) if longest + scale <= _MOST_DIGITS else None


def _lengths(parts: pa.StructArray, name: str) -> pa.Array:
    return pc.fill_null(pc.utf8_length(parts.field(name)), 0)


def _numeric(whole: int, scale: int) -> str:
    precision = min(max(whole + _HEAD_ROOM, _USUAL_WHOLE) + scale, _MOST_DIGITS)
    return f"NUMERIC({precision},{scale})"
