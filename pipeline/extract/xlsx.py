"""XLSX: the cells of one sheet as text, rows numbered as the sheet numbers them.

A sheet is held in memory while it is read: an archive that expands too far is refused, and so is a value too far away.
"""

from __future__ import annotations

import zipfile
from collections.abc import Iterator, Sequence
from itertools import count, islice
from pathlib import Path
from xml.parsers.expat import ExpatError

import pyarrow as pa
import python_calamine as calamine

from pipeline.contract.dataset import Dataset
from pipeline.errors import SourceError
from pipeline.extract.compression import EXPANSION_FREE, EXPANSION_RATIO
from pipeline.extract.extraction import LINE, Extraction, SourceColumn
from pipeline.extract.headers import in_content, name_columns, name_positions
from pipeline.extract.parts import PartArea, PartWriter, RawPart
from pipeline.extract.path_columns import append_values, path_values
from pipeline.extract.rejects import RawReject
from pipeline.extract.rows_as_json import as_json
from pipeline.extract.xlsx_cells import text_of
from pipeline.extract.xlsx_xml import CellFault, Sheet, read_sheet

LARGEST_SHEET = 64_000_000
"""Cells, empty ones too, up to the last one with a value: calamine takes 32 bytes for each, 2 GB for so many."""
_ROWS = 10_000
_CORRUPT = (calamine.CalamineError, zipfile.BadZipFile, ExpatError, OSError, KeyError, IndexError, ValueError)

Cells = list[str | None]


class XlsxExtraction(Extraction):
    """A sheet. Rows without any value are no records."""

    def __init__(self, path: Path, name: str, dataset: Dataset, area: PartArea) -> None:
        """Opens the sheet and reads its header. Raises SourceError if either is missing or broken."""
        super().__init__(area)
        self._size = path.stat().st_size
        try:
            _refuse_bomb(path, name)
            workbook = calamine.CalamineWorkbook.from_path(str(path))
            number = _sheet_number(workbook, dataset.read.sheet, name)
            self._xml = read_sheet(path, number)
            _refuse_far_cell(self._xml, name)
            self._sheet = workbook.get_sheet_by_index(number)
            self._left = (self._sheet.start or (0, 0))[1]
        except _CORRUPT as error:
            raise SourceError(
                f"{name}: not a readable XLSX file, truncated or corrupt ({error}); send it again"
            ) from error
        self._rows_before = dataset.read.skip_lines
        columns = self._read_header(dataset, name)
        self._path_values = path_values(name, dataset.source_columns, [column.name for column in columns])
        self._headers = [column.header for column in columns]
        self._names = [column.name for column in columns]
        self._kept = self.carried(dataset, columns)
        self.columns = (*columns, *self._path_values)
        names = [*self._kept, LINE, *(column.name for column in self._path_values)]
        self.schema = pa.schema([(name, pa.int64() if name == LINE else pa.string()) for name in names])

    def parts(self) -> Iterator[RawPart]:
        """See Extraction."""
        writer = PartWriter(self._area)
        records = self._records()
        while rows := list(islice(records, _ROWS)):
            good = [(line, cells) for line, cells in rows if self._is_good(line, cells)]
            table = self._table(good)
            self.rows += table.num_rows
            yield from writer.add(table, table.nbytes)
        self.bytes_read = self._size
        yield from writer.finish()

    def raw_records(self, lines: Iterator[int]) -> Iterator[tuple[int, bytes]]:
        """The rows on these ascending lines, as JSON."""
        records = self._records()
        for wanted in lines:
            yield wanted, self._raw(next(cells for line, cells in records if line == wanted))

    def _read_header(self, dataset: Dataset, name: str) -> Sequence[SourceColumn]:
        rows = self._all_rows()
        first = next(((line, cells) for line, cells in rows if line > self._rows_before and any(cells)), None)
        if first is None and dataset.read.header:
            raise SourceError(
                f"{name}: the sheet {self._sheet.name!r} has no header; name another in readOptions.sheet"
            )
        line, cells = first or (0, [])
        width = max((place for place, cell in enumerate(cells, 1) if cell), default=0)
        if not dataset.read.header:
            declared = in_content(dataset)
            return name_positions(max(width, len(declared)), declared)
        self._rows_before = line
        return name_columns([cell or "" for cell in cells[:width]])

    def _all_rows(self) -> Iterator[tuple[int, Cells]]:
        rows = self._sheet.iter_rows()
        for line in count(1):
            try:
                row = next(rows, None)
            except BaseException as error:
                if not _is_out_of_range(error):
                    raise
                self._xml.faults[line] = CellFault(None, "a date or duration that is out of range")
                row = []
            if row is None:
                break
            yield line, self._texts(line, row)
        # a row of nothing but faults is none to calamine if no value follows it
        yield from ((beyond, []) for beyond in sorted(self._xml.faults) if beyond >= line)

    def _texts(self, line: int, row: Sequence[object]) -> Cells:
        cells = [text_of(value) for value in row]
        for column, exact in self._xml.numbers.get(line, {}).items():
            place = column - self._left
            if 0 <= place < len(row) and isinstance(row[place], float):
                cells[place] = exact
        return cells

    def _records(self) -> Iterator[tuple[int, Cells]]:
        for line, cells in self._all_rows():
            if line > self._rows_before and (line in self._xml.faults or any(cell is not None for cell in cells)):
                yield line, cells

    def _is_good(self, line: int, cells: Cells) -> bool:
        if not (reject := self._fault(line, cells)):
            return True
        place, rule, message = reject
        column = self._names[place] if place is not None and 0 <= place < len(self._names) else None
        self._spool.add(RawReject(line, self._raw(cells), column, rule, message))
        return False

    def _fault(self, line: int, cells: Cells) -> tuple[int | None, str, str] | None:
        if fault := self._xml.faults.get(line):
            return None if fault.column is None else fault.column - self._left, "type", fault.message
        for place, cell in enumerate(cells):
            if cell is not None and place >= len(self._names):
                return place, "structure", "a value to the right of the last header"
            if cell is not None and "\0" in cell:
                return place, "not_storable", "a NUL character, which PostgreSQL cannot store in text"
        return None

    def _table(self, rows: Sequence[tuple[int, Cells]]) -> pa.Table:
        places = [self._names.index(name) for name in self._kept]
        columns = [pa.array([_at(cells, place) for _, cells in rows], pa.string()) for place in places]
        lines = pa.array([line for line, _ in rows], pa.int64())
        table = pa.table([*columns, lines], names=[*self._kept, LINE])
        return append_values(table, self._path_values, self.schema)

    def _raw(self, cells: Cells) -> bytes:
        width = max((place for place, cell in enumerate(cells, 1) if cell is not None), default=0)
        headers = [*self._headers, *[""] * (width - len(self._headers))]
        return as_json(headers, (_at(cells, place) for place in range(len(headers))))


def _at(cells: Cells, place: int) -> str | None:
    return cells[place] if place < len(cells) else None


def _is_out_of_range(error: BaseException) -> bool:
    # Python's timedelta is exceeded, or Rust's; the latter's exception can be imported from nowhere
    return isinstance(error, OverflowError) or type(error).__name__ == "PanicException"


def _sheet_number(workbook: calamine.CalamineWorkbook, wanted: str | int | None, name: str) -> int:
    names = workbook.sheet_names
    if isinstance(wanted, str) and wanted in names:
        return names.index(wanted)
    number = 1 if wanted is None else wanted
    if isinstance(number, int) and 1 <= number <= len(names):
        return number - 1
    raise SourceError(f"{name}: has no sheet {wanted!r}; its sheets are {', '.join(map(repr, names)) or 'none'}")


def _refuse_bomb(path: Path, name: str) -> None:
    with zipfile.ZipFile(path) as archive:
        expanded = sum(entry.file_size for entry in archive.infolist())
    if expanded > max(EXPANSION_FREE, path.stat().st_size * EXPANSION_RATIO):
        raise SourceError(
            f"{name}: expands to {expanded:,} bytes, which looks like a decompression bomb; send it as CSV"
        )


def _refuse_far_cell(sheet: Sheet, name: str) -> None:
    if sheet.rows * sheet.columns > LARGEST_SHEET:
        raise SourceError(
            f"{name}: the sheet's last value is in row {sheet.rows:,} and column {sheet.columns:,}, and a sheet may"
            f" have {LARGEST_SHEET:,} cells up to there; delete what stands far from the table, or send it as CSV"
        )
