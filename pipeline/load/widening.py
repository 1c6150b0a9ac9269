"""When one PostgreSQL type can hold every value of another, unchanged."""

from __future__ import annotations

from pipeline.load.table import LiveColumn

# Decimal digits that each integer type needs.
INTEGERS = {"int2": 5, "int4": 10, "int8": 19}
TEXTS = ("bpchar", "varchar")

# atttypmod counts its own 4-byte header (PostgreSQL, varchar.c and numeric.c).
HEADER = 4


def widens(old: LiveColumn, new: LiveColumn) -> bool:
    """Whether `new` is the same type as `old`, or a wider one."""
    if old.sql == new.sql:
        return True
    if old.type in INTEGERS:
        return _holds_integer(INTEGERS[old.type], new)
    if old.type == new.type == "numeric":
        return _holds_numeric(old, new)
    if old.type in TEXTS:
        return _holds_text(old, new)
    return (old.type, new.type) == ("float4", "float8")


def _holds_integer(digits: int, new: LiveColumn) -> bool:
    if new.type == "numeric":
        precision, scale = digits_of(new) or (1000, 0)
        return precision - scale >= digits
    return INTEGERS.get(new.type, 0) > digits


def _holds_numeric(old: LiveColumn, new: LiveColumn) -> bool:
    before, after = digits_of(old), digits_of(new)
    if before is None or after is None:
        return after is None
    return after[1] >= before[1] and after[0] - after[1] >= before[0] - before[1]


def _holds_text(old: LiveColumn, new: LiveColumn) -> bool:
    """CHAR(n) pads with blanks, so nothing but CHAR becomes CHAR."""
    if new.type == "text" or (new.type == "varchar" and new.modifier == -1):
        return True
    same = new.type == old.type or (old.type, new.type) == ("bpchar", "varchar")
    return same and old.modifier != -1 and new.modifier >= old.modifier


def digits_of(column: LiveColumn) -> tuple[int, int] | None:
    """(precision, scale) of a numeric, None if it is unlimited. Scales are 11-bit signed since PostgreSQL 15."""
    if column.modifier == -1:
        return None
    packed = column.modifier - HEADER
    scale = packed & 0x7FF
    return packed >> 16 & 0xFFFF, scale - 2048 if scale >= 1024 else scale
