"""Extract: one source object becomes raw rows in Parquet parts, plus the records that its format's grammar refuses.

`open_source` finds out how the bytes are packed and answers with an `Extraction`. Text is never interpreted here.
"""

from __future__ import annotations

from pathlib import Path

from pipeline.contract.dataset import Dataset
from pipeline.errors import SourceError
from pipeline.extract.compression import open_members
from pipeline.extract.extraction import LINE, Extraction, RawPart, SourceColumn
from pipeline.extract.rejects import RawReject

__all__ = ["LINE", "Extraction", "RawPart", "RawReject", "SourceColumn", "open_source"]


def open_source(path: Path, name: str, dataset: Dataset, work: Path, part_bytes: int = 64 << 20) -> Extraction:
    """Begin to read the local file `path`, which messages and path columns know as `name`.

    Parts of about `part_bytes` bytes of input are written into the existing directory `work`. Raises SourceError if the
    file is not what its contract says, corrupt, or empty where a header must be.
    """
    members = open_members(path, name)
    match dataset.read.format:
        case "csv":
            from pipeline.extract.csv import CsvExtraction

            return CsvExtraction(members, name, dataset, work, part_bytes)
        case other:
            raise SourceError(f"{name}: the format {other} cannot be read")
