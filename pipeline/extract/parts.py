"""Writes raw rows as Parquet parts: as fast as Parquet goes, since each part is read once and thrown away."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.extract.extraction import RawPart


class PartWriter:
    """Collects tables of one schema and writes a part for every `part_bytes` bytes of input."""

    def __init__(self, work: Path, part_bytes: int) -> None:
        self._work = work
        self._part_bytes = part_bytes
        self._tables: list[pa.Table] = []
        self._bytes = 0
        self._parts = 0

    def add(self, table: pa.Table, size: int) -> Iterator[RawPart]:
        """Take rows that were `size` bytes of input; yields a part when enough have come together."""
        self._bytes += size
        if table.num_rows:
            self._tables.append(table)
        if self._bytes >= self._part_bytes:
            yield from self.finish()

    def finish(self) -> Iterator[RawPart]:
        """Write what is left, if anything."""
        size, self._bytes = self._bytes, 0
        if not self._tables:
            return
        table = pa.concat_tables(self._tables)
        self._tables = []
        path = self._work / f"part-{self._parts:05d}.parquet"
        self._parts += 1
        write_part(path, table)
        yield RawPart(path, table.num_rows, size)


def write_part(path: Path, table: pa.Table) -> None:
    """Write without dictionary and statistics: half the CPU, and nobody filters raw rows."""
    pq.write_table(table, path, compression="lz4", use_dictionary=False, write_statistics=False, store_schema=False)
