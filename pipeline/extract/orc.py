"""ORC: the file's own types, stripe by stripe."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
from pyarrow import orc

from pipeline.extract.typed import TypedExtraction


class OrcExtraction(TypedExtraction):
    """An ORC file."""

    format = "ORC"

    def _open(self, path: Path) -> pa.Schema:
        self._file = orc.ORCFile(str(path))
        return self._file.schema

    def _read(self) -> Iterator[tuple[pa.RecordBatch, float]]:
        for stripe in range(self._file.nstripes):
            yield self._file.read_stripe(stripe), (stripe + 1) / self._file.nstripes
