"""Cells of a spreadsheet: their exact text, and the ones that have none because a formula failed or never ran."""

from __future__ import annotations

import datetime
import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

_CHUNK = 1 << 20
_SHEET = re.compile(rb"<(?:\w+:)?sheet\b[^>]*?\br:id=[\"']([^\"']+)")
_RELATION = re.compile(rb"<(?:\w+:)?Relationship\b[^>]*>")
_ATTRIBUTE = re.compile(rb"\b(Id|Target)=[\"']([^\"']*)")
_REFERENCE = re.compile(rb"\br=[\"']([A-Z]{1,3})([0-9]{1,7})[\"']")
_FAILED = re.compile(rb"<(?:\w+:)?c\b([^>]*?\bt=[\"']e[\"'][^>]*)>")
_NOT_RUN = re.compile(
    rb"<(?:\w+:)?c\b((?:(?!\bt=[\"']str)[^>/])*)>\s*<(?:\w+:)?f\b(?:[^>]*/>|[^>]*>[^<]*</(?:\w+:)?f>)\s*"
    rb"(?:<(?:\w+:)?v\s*/>|<(?:\w+:)?v>\s*</(?:\w+:)?v>)?\s*</(?:\w+:)?c>"
)
_ROW_END = re.compile(rb"</(?:\w+:)?row>")


@dataclass(frozen=True)
class CellFault:
    """A cell without a value. `row` from 1, `column` from 0, as the sheet counts them."""

    row: int
    column: int
    message: str


def text_of(value: object) -> str | None:
    """A cell's value as text; None if it is empty. Dates are ISO 8601; numbers keep every stored digit."""
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


def faults(path: Path, number: int) -> Iterator[CellFault]:
    """The cells of the sheet with this number (from 0) that hold an error, or a formula that was never computed."""
    with zipfile.ZipFile(path) as archive, archive.open(_sheet_path(archive, number)) as sheet:
        rest = b""
        while chunk := sheet.read(_CHUNK):
            rest += chunk
            ends = [match.end() for match in _ROW_END.finditer(rest)]
            whole, rest = (rest[: ends[-1]], rest[ends[-1] :]) if ends else (b"", rest)
            yield from _faults_in(whole)


def _faults_in(rows: bytes) -> Iterator[CellFault]:
    found = [(match, "an error instead of a value") for match in _FAILED.finditer(rows)]
    if b"f>" in rows or b"<f" in rows:
        found += [(match, "a formula that was saved without its value") for match in _NOT_RUN.finditer(rows)]
    for match, message in found:
        if reference := _REFERENCE.search(match.group(1)):
            yield CellFault(int(reference[2]), _column(reference[1]), message)


def _column(letters: bytes) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + letter - 64
    return number - 1


def _sheet_path(archive: zipfile.ZipFile, number: int) -> str:
    """Where the archive keeps a sheet. Raises KeyError or IndexError if its tables of contents do not fit together."""
    identity = _SHEET.findall(archive.read("xl/workbook.xml"))[number]
    targets = {}
    for relation in _RELATION.findall(archive.read("xl/_rels/workbook.xml.rels")):
        attributes = dict(_ATTRIBUTE.findall(relation))
        targets[attributes.get(b"Id")] = attributes.get(b"Target", b"").decode()
    target = targets[identity]
    return target.removeprefix("/") if target.startswith("/") else f"xl/{target}"
