"""Extract: one source object becomes raw rows in Parquet parts, plus the records that its format's grammar refuses.

`open_source` finds out how the bytes are packed and answers with an `Extraction`. Text is never interpreted here.
"""

from __future__ import annotations

from pathlib import Path

from pipeline.contract.dataset import Dataset
from pipeline.errors import SourceError
from pipeline.extract.compression import Member, detect, materialise, open_members
from pipeline.extract.extraction import LINE, Extraction, RawPart, SourceColumn
from pipeline.extract.rejects import RawReject

__all__ = ["LINE", "Extraction", "RawPart", "RawReject", "SourceColumn", "open_source"]


def open_source(path: Path, name: str, dataset: Dataset, work: Path, part_bytes: int = 64 << 20) -> Extraction:
    """Begin to read the local file `path`, which messages and path columns know as `name`.

    Parts of about `part_bytes` bytes of input are written into the existing directory `work`. Raises SourceError if the
    file is not what its contract says, corrupt, or empty where a header must be.
    """
    # each format brings its own libraries, so only the one that is needed is imported
    match dataset.read.format:
        case "csv":
            from pipeline.extract.csv import CsvExtraction

            return CsvExtraction(open_members(path, name), name, dataset, work, part_bytes)
        case "json":
            from pipeline.extract.json import JsonExtraction

            return JsonExtraction(open_members(path, name), name, dataset, work, part_bytes)
        case "parquet":
            from pipeline.extract.parquet import ParquetExtraction

            return ParquetExtraction(_seekable(path, name, work), name, dataset, work, part_bytes)
        case other:
            raise SourceError(f"{name}: the format {other} cannot be read")


def _seekable(path: Path, name: str, work: Path) -> Path:
    """A file that can be read from its end: the path itself, or its only member unpacked into the work area."""
    if detect(path) is None:
        return path
    return materialise(_only(open_members(path, name), name), work / "unpacked")


def _only(members: tuple[Member, ...], name: str) -> Member:
    if len(members) > 1:
        raise SourceError(f"{name}: holds {len(members)} files, and only text formats are read from an archive of many")
    return members[0]
