"""Formats whose values have types: rows come in Arrow batches, and the number of the row is its line."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa

from pipeline.contract.dataset import Dataset
from pipeline.errors import SourceError
from pipeline.extract.engine_types import engine_type, to_engine
from pipeline.extract.extraction import LINE, Extraction
from pipeline.extract.headers import name_columns
from pipeline.extract.parts import PartArea, PartWriter, RawPart
from pipeline.extract.path_columns import append_values, infer_values, path_values
from pipeline.extract.rejects import RawReject
from pipeline.extract.rows_as_json import first_as_json

_CORRUPT = (OSError, pa.ArrowException, EOFError, ValueError, IndexError, KeyError)

_NO_TEXT = ("encoding", "bytes that are no UTF-8 in a column of text")
_NOT_KEPT = ("type", "a value finer or larger than PostgreSQL keeps, such as nanoseconds")


class TypedExtraction(Extraction):
    """A file with its own types. Those that the engines do not read become their nearest exact relative."""

    format: str

    def __init__(self, path: Path, name: str, dataset: Dataset, area: PartArea) -> None:
        """Reads the file's own schema. Raises SourceError if it is missing or broken."""
        super().__init__(area)
        self._path = path
        self._name = name
        self._seen = 0
        try:
            own = self._open(path)
        except _CORRUPT as error:
            raise self._corrupt(error) from error
        columns = name_columns(own.names)
        self._kept = self.carried(dataset, columns)
        self._positions = [i for i, column in enumerate(columns) if column.name in self._kept]
        text = path_values(name, dataset.source_columns, [column.name for column in columns])
        self._path_values = infer_values(text, dataset)
        self.columns = (*columns, *self._path_values)
        fields = [pa.field(columns[i].name, engine_type(own.types[i])) for i in self._positions]
        path_fields = [pa.field(column.name, value.type) for column, value in self._path_values.items()]
        self.schema = pa.schema([*fields, pa.field(LINE, pa.int64()), *path_fields])

    @abstractmethod
    def _open(self, path: Path) -> pa.Schema:
        """Open the file; its own schema."""

    @abstractmethod
    def _read(self) -> Iterator[tuple[pa.RecordBatch, float]]:
        """All columns of all rows in batches, each with the share of the file that was read with it, 0 to 1."""

    def parts(self) -> Iterator[RawPart]:
        """See Extraction."""
        writer = PartWriter(self._area)
        size = self._path.stat().st_size
        for batch, share in self._batches():
            table = self._raw(batch)
            self.rows += table.num_rows
            self._seen += batch.num_rows
            self.bytes_read = int(size * share)
            yield from writer.add(table, table.nbytes)
        yield from writer.finish()

    def raw_records(self, lines: Iterator[int]) -> Iterator[tuple[int, bytes]]:
        """The rows on these ascending lines, as JSON."""
        wanted = next(lines, None)
        seen = 0
        for batch, _ in self._batches() if wanted is not None else ():
            while wanted is not None and wanted <= seen + batch.num_rows:
                yield wanted, first_as_json(batch.slice(wanted - seen - 1, 1))
                wanted = next(lines, None)
            seen += batch.num_rows

    def _batches(self) -> Iterator[tuple[pa.RecordBatch, float]]:
        batches = self._read()
        while True:
            try:
                read = next(batches, None)
            except _CORRUPT as error:
                raise self._corrupt(error) from error
            if read is None:
                return
            yield read

    def _raw(self, batch: pa.RecordBatch) -> pa.Table:
        lines = np.arange(self._seen + 1, self._seen + 1 + batch.num_rows)
        try:
            arrays = [_exact(batch.column(i)) for i in self._positions]
        except pa.ArrowInvalid:
            # Taken, not sliced: a slice of lists still has the values of all rows, and they would all be judged.
            rows = (batch.take(pa.array([i])) for i in range(batch.num_rows))
            good = np.array([self._is_exact(row, line) for row, line in zip(rows, lines.tolist(), strict=True)], bool)
            batch, lines = batch.filter(pa.array(good)), lines[good]
            arrays = [_exact(batch.column(i)) for i in self._positions]
        table = pa.Table.from_arrays([*arrays, pa.array(lines, pa.int64())], names=[*self._kept, LINE])
        return append_values(table, self._path_values, self.schema)

    def _is_exact(self, row: pa.RecordBatch, line: int) -> bool:
        """Whether a row's values keep their exact value in the engines' types; if not, it is a reject."""
        for position, name in zip(self._positions, self._kept, strict=True):
            try:
                _exact(row.column(position))
            except pa.ArrowInvalid as error:
                rule, message = _NO_TEXT if "UTF8" in str(error) else _NOT_KEPT
                self._spool.add(RawReject(line, first_as_json(row), name, rule, message))
                return False
        return True

    def _corrupt(self, error: BaseException) -> SourceError:
        said = " ".join(str(error).split())
        return SourceError(
            f"{self._name}: not a readable {self.format} file, truncated or corrupt ({said}); have it sent again"
        )


def _exact(array: pa.Array) -> pa.Array:
    """The array in its engine type. Raises ArrowInvalid if a value would change on the way, or is no valid one: a
    writer may have called any bytes a string, which one engine refuses to read and another turns into U+FFFD."""
    exact = to_engine(array)
    exact.validate(full=True)
    return exact
