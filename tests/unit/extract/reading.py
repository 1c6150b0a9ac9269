"""What the tests of extract share: a dataset in one line, and a source read to its end."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.contract.dataset import Dataset, Evolution, LoadPlan, ReadOptions
from pipeline.extract import LINE, Extraction, PartArea, RawReject, open_source


def dataset(columns: Sequence[str], new_columns: str = "ignore", location: str = "*", **options: Any) -> Dataset:
    """A dataset with these source columns; `options` are read options, csv unless said otherwise."""
    read = ReadOptions(**{"format": "csv", **options})
    plan = LoadPlan(evolution=Evolution(new_columns=new_columns))  # type: ignore[arg-type]
    return Dataset("d", "1.0.0", "d.odcs.yaml", "0" * 64, location, read, "public", "d", (), tuple(columns), plan)


@dataclass
class Outcome:
    """All that an extraction gave."""

    extraction: Extraction
    table: pa.Table
    rejects: list[RawReject] = field(default_factory=list)

    @property
    def rows(self) -> list[tuple[Any, ...]]:
        """The loaded rows without their lines."""
        columns = [column.to_pylist() for name, column in self._columns() if name != LINE]
        return list(zip(*columns, strict=True)) if columns else [()] * self.table.num_rows

    @property
    def lines(self) -> list[int]:
        """The line of each loaded row."""
        return self.table.column(LINE).to_pylist()  # type: ignore[no-any-return]

    @property
    def rules(self) -> list[tuple[int, str]]:
        """Line and rule of each reject."""
        return [(reject.line, reject.rule) for reject in self.rejects]

    def raw(self, *lines: int) -> list[bytes]:
        """The sender's bytes of the records on these lines."""
        return [raw for _, raw in self.extraction.raw_records(iter(lines))]

    def _columns(self) -> list[tuple[str, pa.ChunkedArray]]:
        return list(zip(self.table.column_names, self.table.columns, strict=True))


def read(path: Path, described: Dataset, name: str | None = None, part_bytes: int = 64 << 20) -> Outcome:
    """Extract a file; the work area is a new directory beside it."""
    work = path.parent / f"{path.name}.work"
    work.mkdir(exist_ok=True)
    extraction = open_source(path, name or path.name, described, PartArea(work, part_bytes))
    tables = [pq.read_table(part.path) for part in extraction.parts()]
    table = pa.concat_tables(tables) if tables else extraction.schema.empty_table()
    outcome = Outcome(extraction, table, list(extraction.rejects()))
    assert extraction.rows == table.num_rows
    assert extraction.records == table.num_rows + len(outcome.rejects)
    return outcome


def read_bytes(directory: Path, content: bytes, described: Dataset, **more: Any) -> Outcome:
    """Extract content that is written to a file first."""
    path = directory / "source"
    path.write_bytes(content)
    return read(path, described, **more)
