"""A second, slow reader of CSV, byte by byte, written from the grammar's text alone: what the real one must equal."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

_LINE_END = re.compile(rb"\r\n|\r|\n")


@dataclass
class Row:
    """A good record."""

    line: int
    raw: bytes
    values: list[str]


@dataclass
class Reject:
    """A record that is none."""

    line: int
    raw: bytes
    rule: str


@dataclass
class Expected:
    """What a file holds."""

    rows: list[Row] = field(default_factory=list)
    rejects: list[Reject] = field(default_factory=list)


def expect(text: bytes, fields: int, delimiter: bytes = b",", quote: bytes = b'"', escape: bytes = b"") -> Expected:
    """What a file of UTF-8 text without header holds."""
    expected, position, line = Expected(), 0, 1
    while position < len(text):
        end, values, rule = _record(text, position, delimiter, quote, escape)
        line_end = _line_end(text, position)
        if fields > 1 and line_end.start() == position:
            end = line_end.end()
        elif rule is None and not (rule := _fault(values, fields)):
            expected.rows.append(Row(line, _without_end(text[position:end]), [value.decode() for value in values]))
        else:
            if end is None or (
                len(values) != fields and _a_line_is_good(text, line_end.end(), end, fields, delimiter, quote, escape)
            ):
                end = line_end.end()
            line_text = text[position : line_end.end()]
            if rule == "structure" and values is None and not _is_utf8(line_text):
                rule = "encoding"
            expected.rejects.append(Reject(line, _without_end(text[position:end]), str(rule)))
        line += len(_LINE_END.findall(text, position, end))
        position = end
    return expected


def _record(text, position, delimiter, quote, escape):  # type: ignore[no-untyped-def]
    """(end, values, None) of a record whose quotes are in order, else (None, None, "structure")."""
    values = []
    while True:
        value, position = _field(text, position, delimiter, quote, escape)
        if value is None:
            return None, None, "structure"
        values.append(value)
        if position >= len(text):
            return position, values, None
        if (end := _LINE_END.match(text, position)) is not None:
            return end.end(), values, None
        if text[position : position + 1] != delimiter:
            return None, None, "structure"
        position += 1


def _field(text, position, delimiter, quote, escape):  # type: ignore[no-untyped-def]
    quoted = bool(quote) and text[position : position + 1] == quote
    position += quoted
    value = b""
    while position < len(text):
        byte = text[position : position + 1]
        if escape and byte == escape:
            if position + 1 >= len(text) or (not quoted and text[position + 1 : position + 2] in (b"\r", b"\n")):
                return None, position
            value += text[position + 1 : position + 2]
            position += 2
        elif quoted and byte == quote:
            if escape or text[position + 1 : position + 2] != quote:
                return value, position + 1
            value += quote
            position += 2
        elif not quoted and byte in (delimiter, b"\r", b"\n"):
            return value, position
        elif not quoted and quote and byte == quote:
            return None, position
        else:
            value += byte
            position += 1
    return (None if quoted else value), position


def _fault(values: list[bytes], fields: int) -> str | None:
    if not all(_is_utf8(value) for value in values):
        return "encoding"
    if any(b"\0" in value for value in values):
        return "not_storable"
    return "structure" if len(values) != fields else None


def _a_line_is_good(text, position, end, fields, *dialect):  # type: ignore[no-untyped-def]
    while position < end:
        stop, values, rule = _record(text, position, *dialect)
        if (
            stop
            and stop <= end
            and rule is None
            and len(values) == fields
            and not any(b"\0" in value for value in values)
        ):
            return True
        position = _line_end(text, position).end()
    return False


def _line_end(text: bytes, position: int) -> re.Match[bytes]:
    found = _LINE_END.search(text, position) or re.compile(rb"\Z").search(text, position)
    assert found
    return found


def _without_end(line: bytes) -> bytes:
    return re.sub(rb"(\r\n|\r|\n)\Z", b"", line)


def _is_utf8(text: bytes) -> bool:
    try:
        text.decode()
    except UnicodeDecodeError:
        return False
    return True
