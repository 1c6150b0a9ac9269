"""What every format answers with: raw rows as a sequence of parts, and the records that are no rows at all."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import pyarrow as pa

from pipeline.contract.dataset import Dataset
from pipeline.extract.parts import PartArea, RawPart
from pipeline.extract.rejects import RawReject, RejectSpool

LINE = "_line"
"""The column of every part that holds the physical line (or record number) a row came from, int64, from 1."""


@dataclass(frozen=True)
class SourceColumn:
    """A column of the source object. `header` is the sender's spelling, `name` its unique snake_case form.

    `duplicate`: an earlier column has the same header, so that `name` was made up. `path`: the value comes from the
    object's path (`dt=2024-01-01`), not from its content.
    """

    name: str
    header: str
    duplicate: bool = False
    path: bool = False


class Extraction(ABC):
    """One source object being read. `parts` reads it; the counts and `rejects` are final once `parts` is exhausted.

    `records` = rows in the parts + `rejected`. `bytes_read`: bytes of the file, as stored, that have been read so far.
    `header_raw`: the header record as sent, without its line end.
    `preamble`: byte order mark and skipped lines before it, as sent.
    """

    columns: tuple[SourceColumn, ...]
    schema: pa.Schema
    header_raw: bytes | None = None
    preamble: bytes = b""

    def __init__(self, area: PartArea) -> None:
        self._area = area
        self.rows = 0
        self.bytes_read = 0
        self._spool = RejectSpool(area.directory / "rejects.jsonl")

    @property
    def rejected(self) -> int:
        """Records that the grammar of the format refused so far."""
        return self._spool.count

    @property
    def records(self) -> int:
        """All records seen so far."""
        return self.rows + self.rejected

    def rejects(self) -> Iterator[RawReject]:
        """The structural rejects in the source's order."""
        return self._spool.read()

    @staticmethod
    def carried(dataset: Dataset, columns: Sequence[SourceColumn]) -> list[str]:
        """The columns that go into the parts: those the contract uses, all of them if it adopts new ones."""
        every = [column.name for column in columns]
        if dataset.load.evolution.new_columns == "add":
            return every
        return [name for name in every if name in dataset.source_columns] or every[:1]

    @abstractmethod
    def parts(self) -> Iterator[RawPart]:
        """Read the source, one part at a time; may be called once. Raises SourceError for a corrupt source."""

    @abstractmethod
    def raw_records(self, lines: Iterator[int]) -> Iterator[tuple[int, bytes]]:
        """The sender's bytes of the records starting at these lines (ascending), without line end; a second pass."""
