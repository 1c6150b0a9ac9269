"""Decimals as PostgreSQL's binary numeric: digits to the base 10,000 with the place of the first one.

See numeric_recv in src/backend/utils/adt/numeric.c; leading and trailing zero digits are dropped by it.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pipeline.contract.dataset import ColumnType

_BASE, _DIGITS = 10_000, 4  # NBASE, DEC_DIGITS
_NEGATIVE = 0x4000  # NUMERIC_NEG
# More digits than these do not fit 64 bits, before or after the scale is filled up to whole groups of four.
_PRECISION, _SCALE = 18, 16


def suits(column_type: ColumnType) -> bool:
    """Whether it is a decimal small enough to be computed with here."""
    if column_type.kind != "decimal" or column_type.precision is None:
        return False
    return column_type.precision <= _PRECISION and 0 <= (column_type.scale or 0) <= _SCALE


def numeric_fields(column: pa.Array) -> list[tuple[str, Any]]:
    """The parts of each row's field, its length first. `column`: a decimal128 of at most 18 digits."""
    scale = column.type.scale
    unscaled = raw(column, "i8,i8")["f0"]  # the lower half of 128 bits is all of the number, at 18 digits
    absolute = np.abs(unscaled)
    whole, fraction = np.divmod(absolute, 10**scale)
    behind = -(-scale // _DIGITS)
    groups = [*_groups(whole), *_fixed_groups(fraction * 10 ** (behind * _DIGITS - scale), behind)]
    return [
        (">i4", 8 + 2 * len(groups)),
        (">i2", len(groups)),
        (">i2", len(groups) - behind - 1),
        (">u2", np.where(unscaled < 0, _NEGATIVE, 0)),
        (">i2", scale),
        *((">i2", group) for group in groups),
    ]


def raw(column: pa.Array, kind: str) -> npt.NDArray[Any]:
    """What Arrow holds of a column of fixed width, as that numpy type; of no meaning where it is NULL."""
    held = column.buffers()[1]
    if held is None:
        return np.zeros(len(column), kind)
    return np.frombuffer(held, kind)[column.offset : column.offset + len(column)]


def _groups(whole: npt.NDArray[np.int64]) -> list[npt.NDArray[np.int64]]:
    """As many as the largest needs."""
    largest, count = int(whole.max(initial=0)), 1
    while largest >= _BASE**count:
        count += 1
    return _fixed_groups(whole, count)


def _fixed_groups(values: npt.NDArray[np.int64], count: int) -> list[npt.NDArray[np.int64]]:
    groups: list[npt.NDArray[np.int64]] = []
    for _ in range(count):
        values, group = np.divmod(values, _BASE)
        groups.insert(0, group)
    return groups
