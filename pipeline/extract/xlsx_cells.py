"""Cells of a spreadsheet: their exact text."""

from __future__ import annotations

import datetime
from decimal import Decimal


def text_of(value: object) -> str | None:
    """A cell's value as text; None if it is empty. Dates are ISO 8601, numbers decimals without exponent."""
    match value:
        case "":
            return None
        case str():
            return value
        case bool():
            return "true" if value else "false"
        case float() | int():
            return _number(value)
        case datetime.timedelta():
            return _duration(value)
        case datetime.date() | datetime.time():
            return value.isoformat()
        case _:
            return str(value)


def _number(value: float) -> str:
    """The shortest decimal that means the same double, without an exponent and without `.0`."""
    return format(Decimal(repr(value)), "f").removesuffix(".0") if value else "0"


def _duration(value: datetime.timedelta) -> str:
    seconds = Decimal(value // datetime.timedelta(microseconds=1)) / 1_000_000
    minutes, rest = divmod(abs(seconds), 60)
    sign = "-" if seconds < 0 else ""
    return f"{sign}{int(minutes) // 60:02d}:{int(minutes) % 60:02d}:{format(rest, '09.6f' if rest % 1 else '02.0f')}"
