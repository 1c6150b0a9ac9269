"""CSV: block by block, the fast path where a block is proven clean and the strict path where it is not."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import pyarrow as pa

from pipeline.contract.dataset import Dataset
from pipeline.errors import SourceError
from pipeline.extract.compression import Member
from pipeline.extract.csv_file import CsvFile
from pipeline.extract.csv_grammar import Dialect, Reading
from pipeline.extract.extraction import LINE, Extraction
from pipeline.extract.line_index import LineIndex, Segment
from pipeline.extract.parts import PartArea, PartWriter, RawPart
from pipeline.extract.path_columns import append_values, path_values


class CsvExtraction(Extraction):
    """A CSV source object: one file or, in a zip, several with the same columns in one order. Lines count on from file
    to file."""

    def __init__(self, members: tuple[Member, ...], name: str, dataset: Dataset, area: PartArea) -> None:
        """Reads the first header. Raises SourceError if there is none or it is broken."""
        super().__init__(area)
        self._members = members
        self._name = name
        self._dataset = dataset
        self._index = LineIndex(members)
        with closing(members[0].open()) as stream:
            beginning = CsvFile(stream, dataset, name, 1, area.part_bytes).beginning
        self._path_values = path_values(name, dataset.source_columns, [c.name for c in beginning.columns])
        self._file_names = [column.name for column in beginning.columns]
        self.columns = (*beginning.columns, *self._path_values)
        self.header_raw, self.preamble = beginning.header_raw, beginning.preamble
        self._kept = self.carried(dataset, beginning.columns)
        names = [*self._kept, LINE, *(column.name for column in self._path_values)]
        self.schema = pa.schema([(name, pa.int64() if name == LINE else pa.string()) for name in names])

    def parts(self) -> Iterator[RawPart]:
        """See Extraction."""
        writer = PartWriter(self._area)
        line = 1
        for number, member in enumerate(self._members):
            with closing(member.open()) as stream:
                file = CsvFile(stream, self._dataset, member.label(self._name), line, self._area.part_bytes)
                self._require_same_columns(file, member)
                for table, size in self._tables(file, number):
                    self.bytes_read = stream.bytes_read
                    yield from writer.add(table, size)
                line = file.line
        yield from writer.finish()

    def raw_records(self, lines: Iterator[int]) -> Iterator[tuple[int, bytes]]:
        """See Extraction."""
        reading = Reading(Dialect.of(self._dataset.read))
        return self._index.records(lines, lambda text, at: reading.extent(text, at) or reading.line_end(text, at))

    def _tables(self, file: CsvFile, member: int) -> Iterator[tuple[pa.Table, int]]:
        for block, consumed, table in file.blocks(self._kept, self._spool.add):
            size = block.raw_position(consumed)
            if size:
                self._index.add(Segment(block.line, member, block.start, block.start + size, block.encoding))
            self.rows += table.num_rows
            yield append_values(table, self._path_values, self.schema).select(self.schema.names), size

    def _require_same_columns(self, file: CsvFile, member: Member) -> None:
        names = [column.name for column in file.beginning.columns]
        if names == self._file_names:
            return
        differing = ", ".join(sorted({*names} ^ {*self._file_names}))
        how = f"differ from those ({differing})" if differing else "stand in another order than those"
        raise SourceError(
            f"{member.label(self._name)}: its columns {how} of {self._members[0].name!r} in the same archive;"
            " send files of one layout together"
        )
