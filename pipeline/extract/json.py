"""JSON: documents on lines or in one array; text columns, or typed ones where the contract has a readSchema."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import closing, contextmanager

import numpy as np
import pyarrow as pa

from pipeline.contract.dataset import Dataset
from pipeline.extract.compression import Member
from pipeline.extract.encoding import resolve
from pipeline.extract.extraction import LINE, Extraction, SourceColumn
from pipeline.extract.json_array import ArrayLayout
from pipeline.extract.json_columns import JsonColumns, Refusal
from pipeline.extract.json_documents import Fault, read_documents
from pipeline.extract.json_lines import DocumentBlock, LinesLayout
from pipeline.extract.parts import PartArea, PartWriter, RawPart
from pipeline.extract.rejects import RawReject

_BEFORE = b" \t\r\n\0\xef\xbb\xbf\xff\xfe"
"""Blanks, byte order marks and the zero bytes of UTF-16: what may stand before the first bracket."""


class JsonExtraction(Extraction):
    """A JSON source object: one file or, in a zip, several."""

    def __init__(self, members: tuple[Member, ...], name: str, dataset: Dataset, area: PartArea) -> None:
        """Reads the first documents to learn their keys; all of them if the contract adopts or refuses new keys."""
        super().__init__(area)
        layout = ArrayLayout if _is_array(dataset.read.json_layout, members[0]) else LinesLayout
        self._layout: ArrayLayout | LinesLayout = layout(members, name, dataset.read.encoding, area.part_bytes)
        self._table = JsonColumns(dataset, name)
        self._learn_keys(everything=dataset.load.evolution.new_columns != "ignore")
        self.schema = self._table.schema()
        self.preamble = _mark(members[0], dataset.read.encoding, name)

    @property
    def columns(self) -> tuple[SourceColumn, ...]:  # type: ignore[override]
        """The contract's source columns, and the other keys seen so far."""
        return self._table.columns

    def parts(self) -> Iterator[RawPart]:
        """See Extraction."""
        writer = PartWriter(self._area)
        for block in self._layout.blocks(self._spool.add):
            with _uncollected():
                table = self._rows(block)
            self.rows += table.num_rows
            self.bytes_read = self._layout.bytes_read
            yield from writer.add(table, block.size)
        yield from writer.finish()

    def raw_records(self, lines: Iterator[int]) -> Iterator[tuple[int, bytes]]:
        """See Extraction."""
        return self._layout.raw_records(lines)

    def _rows(self, block: DocumentBlock) -> pa.Table:
        """A block's good documents as a table; the others become rejects, in order."""
        read = read_documents(block.documents, block.text)
        places = np.arange(len(block.documents)) if read.good is None else np.array(read.good, np.int64)
        table, refusals = self._table.build(read.rows, self.schema)
        found: dict[int, Fault | Refusal] = dict(read.faults)
        for row, refusal in refusals.items():
            found.setdefault(int(places[row]), refusal)
        for place in sorted(found):
            why = found[place]
            self._spool.add(RawReject(int(block.lines[place]), block.raw_of(place), why.column, why.rule, why.message))
        table = table.append_column(pa.field(LINE, pa.int64()), pa.array(block.lines[places], pa.int64()))
        if refusals:
            table = table.filter(pa.array([row not in refusals for row in range(len(places))], pa.bool_()))
        return table.select(self.schema.names)

    def _learn_keys(self, everything: bool) -> None:
        for block in self._layout.blocks(lambda _: None):
            self._table.learn(read_documents(block.documents, block.text).rows)
            if not everything and len(block.documents):
                break


def _mark(member: Member, encoding: str, name: str) -> bytes:
    with closing(member.open()) as stream:
        return resolve(encoding, stream.read(4), name)[1]


@contextmanager
def _uncollected() -> Iterator[None]:
    """Without the cyclic garbage collector: walking a block's many small objects took 40 percent of the time."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def _is_array(declared: str, member: Member) -> bool:
    if declared != "auto":
        return declared == "array"
    with closing(member.open()) as stream:
        while (head := stream.read(4096)) and not (head := head.lstrip(_BEFORE)):
            pass
    return head.startswith(b"[")
