"""Dates and times in a format of the contract's own, written as a JDK DateTimeFormatter pattern (as ODCS asks).

Supported letters, a subset of https://docs.oracle.com/javase/8/docs/api/java/time/format/DateTimeFormatter.html:
y/u year, M month (MMM its English short name, MMMM its name), d day, H hour 0-23, h hour 1-12 with a am/pm, m minute,
s second, S fraction, X/x/Z offset, quoted text and punctuation.
"""

from __future__ import annotations

import re

import pyarrow as pa
import pyarrow.compute as pc

from pipeline.errors import ContractError

_MONTHS = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip
_TOKEN = re.compile(r"'((?:[^']|'')*)'|([A-Za-z])\2*|[^A-Za-z']+")
_FIELDS = {"y": "year", "u": "year", "M": "month", "d": "day", "H": "hour", "h": "hour12", "m": "minute", "s": "second"}


def compile_pattern(pattern: str) -> str:
    """The RE2 expression of a JDK pattern, one named group a field. Raises `ContractError` for another letter."""
    parts: list[str] = []
    for token in _TOKEN.finditer(pattern):
        text = token.group(0)
        if text[0] == "'":
            parts.append(re.escape(token.group(1).replace("''", "'") or "'"))
        elif not text[0].isalpha():
            parts.append(re.escape(text))
        else:
            parts.append(_field(text, pattern))
    return "^" + "".join(parts) + "$"


def _field(text: str, pattern: str) -> str:
    letter, width = text[0], len(text)
    if letter in "yu":
        return "(?P<year2>[0-9]{2})" if width == 2 else "(?P<year>[0-9]{4})"
    if letter == "M" and width >= 3:
        return f"(?P<{'month_name' if width > 3 else 'month_short'}>[A-Za-z]+)"
    if letter in _FIELDS:
        digits = "{1,2}" if width == 1 else "{2}"
        return f"(?P<{_FIELDS[letter]}>[0-9]{digits})"
    if letter == "S" and width <= 9:
        return f"(?P<fraction>[0-9]{{{width}}})"
    if letter == "a":
        return "(?P<half>[AaPp][Mm])"
    if letter in "XxZ":
        return r"(?P<offset>Z|[+-][0-9]{2}:?[0-9]{2})"
    raise ContractError(
        f"date format {pattern!r}: the letter {letter!r} is not supported; use y M d H h m s S a X and quoted text"
    )


def to_iso(array: pa.Array, pattern: str) -> pa.Array:
    """Text in `pattern` rewritten as ISO 8601; NULL where it does not match. The cast that follows checks ranges."""
    fields = pc.extract_regex(array, compile_pattern(pattern))
    names = {field.name for field in fields.type}
    date = _date(fields, names)
    time = _time(fields, names)
    if date is None:
        return time
    if time is None:
        return date
    stamp = pc.binary_join_element_wise(date, time, "T")
    if "offset" in names:
        stamp = pc.binary_join_element_wise(stamp, pc.struct_field(fields, "offset"), "")
    return stamp


def _date(fields: pa.Array, names: set[str]) -> pa.Array | None:
    if not names & {"year", "year2"}:
        return None
    year = (
        pc.struct_field(fields, "year")
        if "year" in names
        # As the JDK does for a two-digit year: 2000 to 2099.
        else pc.binary_join_element_wise("20", pc.struct_field(fields, "year2"), "")
    )
    month = _month(fields, names)
    day = _padded(pc.struct_field(fields, "day")) if "day" in names else pa.scalar("01")
    return pc.binary_join_element_wise(year, month, day, "-")


def _month(fields: pa.Array, names: set[str]) -> pa.Array:
    if "month" in names:
        return _padded(pc.struct_field(fields, "month"))
    for name, width in (("month_short", 3), ("month_name", 9)):
        if name in names:
            known = pa.array([month[:width].lower() for month in _MONTHS])
            found = pc.index_in(pc.utf8_lower(pc.struct_field(fields, name)), known)
            return _padded(pc.cast(pc.add(found, 1), pa.string()))
    return pa.scalar("01")


def _time(fields: pa.Array, names: set[str]) -> pa.Array | None:
    if not names & {"hour", "hour12"}:
        return None
    hour = _padded(pc.struct_field(fields, "hour")) if "hour" in names else _from_half_day(fields, names)
    parts = [hour]
    for name in ("minute", "second"):
        parts.append(_padded(pc.struct_field(fields, name)) if name in names else pa.scalar("00"))
    time = pc.binary_join_element_wise(*parts, ":")
    if "fraction" in names:
        time = pc.binary_join_element_wise(time, _micros(pc.struct_field(fields, "fraction")), ".")
    return time


def _micros(fraction: pa.Array) -> pa.Array:
    """At most six digits, when those dropped are zeros; else more digits, which the cast then refuses."""
    return pc.replace_substring_regex(fraction, r"^([0-9]{6})0+$", r"\1")


def _from_half_day(fields: pa.Array, names: set[str]) -> pa.Array:
    hour = pc.cast(pc.struct_field(fields, "hour12"), pa.int8())
    valid = pc.and_(pc.greater_equal(hour, 1), pc.less_equal(hour, 12))
    of_day = pc.if_else(pc.equal(hour, 12), pa.scalar(0, pa.int8()), hour)
    if "half" in names:
        afternoon = pc.equal(pc.utf8_lower(pc.struct_field(fields, "half")), "pm")
        of_day = pc.if_else(afternoon, pc.add(of_day, pa.scalar(12, pa.int8())), of_day)
    return _padded(pc.cast(pc.if_else(valid, of_day, pa.scalar(None, pa.int8())), pa.string()))


def _padded(digits: pa.Array) -> pa.Array:
    return pc.utf8_lpad(digits, 2, "0")
