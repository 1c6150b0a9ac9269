"""One CSV file: from blocks to tables and rejects."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from itertools import pairwise

import numpy as np
import pyarrow as pa

from pipeline.contract.dataset import Dataset
from pipeline.extract.blocks import Block, BlockReader, Positions, overlong_reject
from pipeline.extract.compression import ByteStream
from pipeline.extract.csv_delimiter import DelimiterStandIn
from pipeline.extract.csv_grammar import Dialect, Grammar, Reading, Violation
from pipeline.extract.csv_header import read_beginning
from pipeline.extract.csv_scan import Scan, Scanner
from pipeline.extract.csv_table import Proof, TableReader, with_lines
from pipeline.extract.rejects import RawReject

BLOCK_BYTES = 4 << 20
"""Input bytes that are parsed at once: few enough for the CPU's cache, enough to make Python's share small."""

Reject = Callable[[RawReject], None]


class CsvFile:
    """A stream of CSV text. Opening it reads its header; `blocks` reads the rest."""

    def __init__(self, stream: ByteStream, dataset: Dataset, name: str, line: int, block_bytes: int) -> None:
        self._reader = BlockReader(stream, dataset.read.encoding, min(BLOCK_BYTES, block_bytes), line, name)
        self._dialect = Dialect.of(dataset.read)
        if self._dialect.longer:
            self._reader.encoding = DelimiterStandIn(self._reader.encoding, self._dialect.longer, name)
        first = self._reader.next()
        while first and first.lines <= dataset.read.skip_lines and not (first.last or first.full or first.overlong):
            first = self._reader.next()
        self.beginning = read_beginning(first, self._reader.mark, dataset, self._dialect, name)
        if first is not None:
            self._reader.consume(first, self.beginning.end)
        self._names = [column.name for column in self.beginning.columns]
        header = self.beginning.header if len(self._names) > 1 else None
        self._proof = Proof(self._dialect, header)
        self._scanner = Scanner(Grammar(self._dialect, len(self._names), header), Reading(self._dialect))

    @property
    def line(self) -> int:
        """The number of the next line to be read."""
        return self._reader.line

    def blocks(self, kept: Collection[str], reject: Reject) -> Iterator[tuple[Block, int, pa.Table]]:
        """Each block with how much of its text was consumed and its good rows: the `kept` columns and `_line`."""
        tables = TableReader(self._dialect, self._names, [name for name in self._names if name in kept])
        while (block := self._reader.next()) is not None:
            if block.overlong:
                reject(overlong_reject(block))
                continue
            fast = self._fast(block, tables)
            consumed, table = fast or self._strict(block, tables, reject)
            self._reader.consume(block, consumed)
            yield block, consumed, table

    def _fast(self, block: Block, tables: TableReader) -> tuple[int, pa.Table] | None:
        """The rows of a block that is clean beyond doubt, else None."""
        proof = self._proof
        quotes = proof.quotes(block)
        if quotes is None or not (end := proof.end(block, quotes)):
            return None
        quotes = quotes[: np.searchsorted(quotes, end)]
        text = block.text[:end] if end < len(block.text) else block.text
        if not proof.holds(text, quotes):
            return None
        try:
            table = tables.read(text)
        except pa.ArrowInvalid:
            return None
        if table.num_rows == block.lines_before(end):
            return end, with_lines(table, np.arange(block.line, block.line + table.num_rows))
        starts = proof.record_starts(block, quotes, end)
        if len(starts) != table.num_rows:
            return None
        return end, with_lines(table, _lines_at(block, starts))

    def _strict(self, block: Block, tables: TableReader, reject: Reject) -> tuple[int, pa.Table]:
        scan = self._scanner.scan(block)
        for start, end, violation in scan.refused:
            reject(self._reject(block, start, end, violation))
        texts = _joined(block.text, scan.kept)
        if not texts:
            return scan.consumed, tables.empty()
        table = pa.concat_tables([tables.read(text) for text in texts])
        return scan.consumed, with_lines(table, _lines_at(block, self._starts(block, scan, table.num_rows)))

    def _starts(self, block: Block, scan: Scan, rows: int) -> Positions:
        """Where the kept records start: on every line of the runs, unless quoted line ends make records longer."""
        starts = block.line_starts[:-1]
        runs = [starts[slice(*np.searchsorted(starts, run))] for run in scan.kept]
        lines = np.concatenate(runs)
        return lines if len(lines) == rows else self._scanner.record_starts(block.text, scan.kept)

    def _reject(self, block: Block, start: int, end: int, violation: Violation) -> RawReject:
        position, message = violation.column, violation.message
        column = self._names[position] if position is not None and position < len(self._names) else None
        raw = block.raw_slice(start, end)
        return RawReject(block.line_at(start), raw, column, violation.rule, message)


def _joined(text: bytes, runs: list[tuple[int, int]]) -> list[bytes]:
    """The runs as one text; as several where a CR at the end of one and an LF at the start of the next would meet."""
    pieces = [text[start:end] for start, end in runs]
    meet = [i for i in range(1, len(pieces)) if pieces[i].startswith(b"\n") and pieces[i - 1].endswith(b"\r")]
    return [b"".join(pieces[start:end]) for start, end in pairwise([0, *meet, len(pieces)])] if pieces else []


def _lines_at(block: Block, starts: Positions) -> Positions:
    return np.searchsorted(block.line_starts, starts) + block.line
