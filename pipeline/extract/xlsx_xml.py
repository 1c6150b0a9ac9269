"""A workbook's own XML, for what the reader of its values leaves out: cells that failed, digits lost, the last cell."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from math import isfinite
from pathlib import Path
from xml.parsers import expat

_CHUNK = 1 << 20
_DIGITS = "0123456789"
_MOST_EXACT = 2**53  # doubles below have every whole number
_NUMBERS = (None, "n")
_TEXTS = ("s", "str", "inlineStr", "b")


@dataclass(frozen=True)
class CellFault:
    """A cell without a value. `column` from 0, as the sheet counts; None if it is not known which cell it is."""

    column: int | None
    message: str


@dataclass
class Sheet:
    """What a sheet's XML tells. Rows count from 1, columns from 0, as the sheet counts them.

    `faults`: the first of each row. `numbers`: by row and column the numbers beyond 2^53 that a 64-bit floating point
    number would change, as text. `rows` and `columns`: how many there are up to the last cell with a value.
    """

    faults: dict[int, CellFault] = field(default_factory=dict)
    numbers: dict[int, dict[int, str]] = field(default_factory=dict)
    rows: int = 0
    columns: int = 0


def read_sheet(path: Path, number: int) -> Sheet:
    """The sheet with this number (from 0). Raises ExpatError, KeyError, IndexError or ValueError if it is broken."""
    with zipfile.ZipFile(path) as archive, archive.open(_sheet_path(archive, number)) as file:
        reader = _SheetReader()
        parser = _parser(reader.start)
        parser.CharacterDataHandler = reader.texts.append
        while chunk := file.read(_CHUNK):
            parser.Parse(chunk, False)
        parser.Parse(b"", True)
    return reader.end()


class _SheetReader:
    """Sees the start of each element, and judges a cell when the next one, or a row, starts.

    References are optional: a row without one follows the row before, a cell without one the cell before.
    """

    def __init__(self) -> None:
        self.texts: list[str] = []
        self._sheet = Sheet()
        self._columns = _Columns()
        self._names: dict[str, str] = {}
        self._line, self._line_text = 0, ""
        self._row, self._column = 0, -1
        self._kind: str | None = None
        self._has_formula = self._has_value = False

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        """An element starts."""
        name = self._names.get(tag)
        if name == "c":
            if self._has_formula or self._kind not in _TEXTS:
                self._judge()
            self._has_formula = self._has_value = False
            self._kind = attributes.get("t")
            if (reference := attributes.get("r")) is None:
                self._row, self._column = self._line, self._column + 1
            else:
                letters = reference.rstrip(_DIGITS)
                line = reference[len(letters) :]
                self._row = self._line if line == self._line_text else int(line)
                self._column = self._columns[letters]
        elif name == "v":
            self._has_value = True
            self.texts.clear()
            if self._column >= self._sheet.columns:
                self._sheet.columns = self._column + 1
            if self._row > self._sheet.rows:
                self._sheet.rows = self._row
        elif name == "f":
            self._has_formula = True
        elif name == "row":
            self.end()
            self._line_text = attributes.get("r", "")
            self._line = int(self._line_text or self._line + 1)
            self._column = -1
        elif not self._names:
            prefix = tag[: tag.find(":") + 1]
            self._names = {f"{prefix}{name}": name for name in ("row", "c", "f", "v")} | {f"{prefix}is": "v"}

    def end(self) -> Sheet:
        """No cell follows the one before. All that was found so far."""
        self._judge()
        self._kind, self._has_formula, self._has_value = None, False, False
        return self._sheet

    def _judge(self) -> None:
        """The cell that was read last, now that all of it is known."""
        text = "".join(self.texts) if self._has_value else ""
        if self._kind == "e":
            self._fault("an error instead of a value")
        elif self._has_formula and self._kind != "str" and not text.strip():
            self._fault("a formula that was saved without its value")
        elif text and self._kind in _NUMBERS:
            self._judge_number(text)

    def _judge_number(self, text: str) -> None:
        try:
            number = float(text)
        except ValueError:
            return  # it is taken as text
        if abs(number) < _MOST_EXACT:
            return
        if not isfinite(number):
            self._fault("a number that is not finite, or too large for 64-bit floating point")
        elif (exact := Decimal(text.strip())) != Decimal(repr(number)):
            self._sheet.numbers.setdefault(self._row, {})[self._column] = format(exact, "f").removesuffix(".0")

    def _fault(self, message: str) -> None:
        self._sheet.faults.setdefault(self._row, CellFault(self._column, message))


class _Columns(dict[str, int]):
    """From letters to the number of a column: A is 0, AA is 26."""

    def __missing__(self, letters: str) -> int:
        number = 0
        for letter in letters.upper():
            number = number * 26 + ord(letter) - 64
        self[letters] = number - 1
        return number - 1


def _parser(
    start: Callable[[str, dict[str, str]], None], namespace_separator: str | None = None
) -> expat.XMLParserType:
    parser = expat.ParserCreate(namespace_separator=namespace_separator)
    parser.buffer_text = True
    parser.StartElementHandler = start
    parser.EntityDeclHandler = _refuse_entity
    return parser


def _refuse_entity(name: str, *_: object) -> None:
    raise ValueError(f"it declares the XML entity {name!r}, which no workbook needs")


def _sheet_path(archive: zipfile.ZipFile, number: int) -> str:
    """Where the archive keeps a sheet. Raises KeyError or IndexError if its tables of contents do not fit together."""
    sheets = _elements(archive.read("xl/workbook.xml"), "sheet")
    relations = _elements(archive.read("xl/_rels/workbook.xml.rels"), "Relationship")
    targets = {relation["Id"]: relation["Target"] for relation in relations}
    target = targets[next(value for key, value in sheets[number].items() if key.endswith("/relationships id"))]
    return target.removeprefix("/") if target.startswith(("/", "xl/")) else f"xl/{target}"


def _elements(xml: bytes, wanted: str) -> list[dict[str, str]]:
    """The attributes of the elements with this local name, in order; names are `namespace name`."""
    found = []

    def start(tag: str, attributes: dict[str, str]) -> None:
        if tag.rpartition(" ")[2] == wanted:
            found.append(attributes)

    _parser(start, " ").Parse(xml, True)
    return found
