"""Writes raw rows as parts, files for the engine: as fast as it goes, since each is read once and thrown away."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import pyarrow as pa
import pyarrow.parquet as pq

PartForm = Literal["arrow", "parquet"]
"""Engine sail reads Arrow files, which cost a quarter of the CPU of Parquet; Spark does not."""
BATCH_ROWS = 1 << 16
"""At most so many rows are read, or written to a part, at a time."""


@dataclass(frozen=True)
class PartArea:
    """Where the parts of a source go: an existing directory, a file for every `part_bytes` bytes of input.

    The first has `first_bytes`, each other twice as many as the one before, up to `part_bytes`: so whoever takes them
    can begin sooner.
    """

    directory: Path
    part_bytes: int = 64 << 20
    form: PartForm = "parquet"
    first_bytes: int | None = None

    def size(self, number: int) -> int:
        """Bytes of input of the part of this number, from 0."""
        return self.part_bytes if self.first_bytes is None else min(self.part_bytes, self.first_bytes << number)


@dataclass(frozen=True)
class RawPart:
    """A file of `rows` raw rows, in the source's order, that were `size` bytes of (unpacked) input."""

    path: Path
    rows: int
    size: int = 0

    @property
    def form(self) -> str:
        """The format of the file, as engines call it."""
        return self.path.suffix[1:]


class PartWriter:
    """Collects tables of one schema and writes a part whenever enough have come together."""

    def __init__(self, area: PartArea) -> None:
        self._area = area
        self._tables: list[pa.Table] = []
        self._bytes = 0
        self._parts = 0

    def add(self, table: pa.Table, size: int) -> Iterator[RawPart]:
        """Take rows that were `size` bytes of input; yields a part when enough have come together."""
        self._bytes += size
        if table.num_rows:
            self._tables.append(table)
        if self._bytes >= self._area.size(self._parts):
            yield from self.finish()

    def finish(self) -> Iterator[RawPart]:
        """Write what is left, if anything."""
        size, self._bytes = self._bytes, 0
        if not self._tables:
            return
        table = pa.concat_tables(self._tables)
        self._tables = []
        path = self._area.directory / f"part-{self._parts:05d}.{self._area.form}"
        self._parts += 1
        write_part(path, table)
        yield RawPart(path, table.num_rows, size)


def write_part(path: Path, table: pa.Table) -> None:
    """Write a part in the form that its suffix names, without what helps later readers of a part of their choice, such
    as dictionaries and statistics."""
    if path.suffix == ".parquet":
        pq.write_table(table, path, compression="lz4", use_dictionary=False, write_statistics=False, store_schema=False)
        return
    with pa.ipc.new_file(path, table.schema) as writer:
        writer.write_table(table, max_chunksize=BATCH_ROWS)
