"""Parquet: the file's own types, row group by row group."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.extract.parts import BATCH_ROWS
from pipeline.extract.typed import TypedExtraction


class ParquetExtraction(TypedExtraction):
    """A Parquet file."""

    format = "Parquet"

    def _open(self, path: Path) -> pa.Schema:
        self._file = pq.ParquetFile(path, pre_buffer=False, page_checksum_verification=True)
        return self._file.schema_arrow

    def _read(self) -> Iterator[tuple[pa.RecordBatch, float]]:
        groups = self._file.num_row_groups
        for group in range(groups):
            for batch in self._file.iter_batches(BATCH_ROWS, row_groups=[group]):
                yield batch, (group + 1) / groups
