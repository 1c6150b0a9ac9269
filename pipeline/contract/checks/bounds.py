"""minimum, maximum and their exclusive forms: of the column's type, and with something between them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from pipeline.contract.dataset import ColumnType, Kind
from pipeline.contract.problem import Finding, Location

_LOWER, _UPPER = ("minimum", "exclusiveMinimum"), ("maximum", "exclusiveMaximum")
_EXAMPLES: dict[Kind, str] = {
    "date": "2024-01-31",
    "timestamp": "2024-01-31T12:00:00",
    "timestamptz": "2024-01-31T12:00:00Z",
    "time": "12:00:00",
}


def check(options: Mapping[str, Any], kind: ColumnType, at: Location) -> Iterator[Finding]:
    """The findings of a column's bounds."""
    values: dict[str, Any] = {}
    for key in (*_LOWER, *_UPPER):
        if key not in options:
            continue
        try:
            values[key] = bound(options[key], kind)
        except ValueError as error:
            hint = f"for example {_EXAMPLES[kind.kind]}" if kind.kind in _EXAMPLES else None
            yield Finding((*at, key), f"{key}: {error}", hint)
    for lower in _LOWER:
        for upper in _UPPER:
            if lower in values and upper in values and _empty(values[lower], values[upper], (lower, upper)):
                low, high = options[lower], options[upper]
                yield Finding((*at, lower), f"no value is allowed: {lower} {low} and {upper} {high}")
    for pair in (_LOWER, _UPPER):
        if all(key in values for key in pair):
            yield Finding((*at, pair[1]), f"{pair[0]} and {pair[1]} at once", "keep one of them")


def bound(value: Any, kind: ColumnType) -> Any:
    """A bound or enum value of a number, date, time or timestamp, comparable. Raises ValueError for another type."""
    if kind.kind in _EXAMPLES:
        return _moment(str(value), kind)
    number = Decimal(value)
    if kind.kind == "integer":
        return _integer(number, kind)
    if kind.kind == "decimal":
        return _decimal(number, kind)
    return number


def _integer(number: Decimal, kind: ColumnType) -> Decimal:
    if number != number.to_integral_value():
        raise ValueError(f"{number} is not a whole number")
    limit = 2 ** (kind.bits - 1)
    if not -limit <= number < limit:
        raise ValueError(f"{number:f} does not fit into {kind.sql.upper()}")
    return number


def _decimal(number: Decimal, kind: ColumnType) -> Decimal:
    whole = (kind.precision or 38) - (kind.scale or 0)
    if abs(number) >= Decimal(10) ** whole:
        raise ValueError(f"{number:f} does not fit into {kind.sql.upper()}")
    return number


def _moment(text: str, column: ColumnType) -> date | time | datetime:
    parsers: dict[Kind, Any] = {"date": date, "time": time, "timestamp": datetime, "timestamptz": datetime}
    try:
        found: date | time | datetime = parsers[column.kind].fromisoformat(text)
    except ValueError:
        raise ValueError(f"{text} is not ISO 8601") from None
    if isinstance(found, datetime):
        return _zoned(found, text, column)
    if isinstance(found, time) and found.tzinfo is not None:
        raise ValueError(f"{text} has an offset, the column has none")
    return found


def _zoned(found: datetime, text: str, column: ColumnType) -> datetime:
    """A bound without offset is meant in the column's zone, as its values are."""
    if column.kind == "timestamp" and found.tzinfo is not None:
        raise ValueError(f"{text} has an offset, the column has none")
    if column.kind == "timestamptz" and found.tzinfo is None:
        return found.replace(tzinfo=ZoneInfo(column.zone))
    return found


def _empty(low: Any, high: Any, keys: tuple[str, str]) -> bool:
    """Whether nothing is between two bounds."""
    if low == high:
        return any(key.startswith("exclusive") for key in keys)
    return bool(low > high)
