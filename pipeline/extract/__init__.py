"""Extract: one source object becomes raw rows in parts, plus the records that its format's grammar refuses.

`open_source` finds out how the bytes are packed and answers with an `Extraction`. Text is never interpreted here.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from pipeline.contract.dataset import Dataset
from pipeline.errors import SourceError, UsageError
from pipeline.extract.compression import Member, detect, materialise, open_members
from pipeline.extract.extraction import LINE, Extraction, SourceColumn
from pipeline.extract.parts import PartArea, RawPart
from pipeline.extract.rejects import RawReject
from pipeline.extract.signature import refuse_binary

__all__ = ["LINE", "Extraction", "PartArea", "RawPart", "RawReject", "SourceColumn", "open_source"]


def open_source(path: Path, name: str, dataset: Dataset, area: PartArea) -> Extraction:
    """Begin to read the local file `path`, which messages and path columns know as `name`.

    Its parts go into `area`. Raises SourceError if the file is not what its contract says, corrupt, or empty where a
    header must be; UsageError if a library is missing.
    """
    try:
        extraction, source = _chosen(path, name, dataset, area.directory)
    except ModuleNotFoundError as missing:
        extra = dataset.read.format
        raise UsageError(
            f"{name}: to read {extra}, install {missing.name}: pip install 'landfall[{extra}]'"
        ) from missing
    return extraction(source, name, dataset, area)


def _chosen(path: Path, name: str, dataset: Dataset, work: Path) -> tuple[Callable[..., Extraction], object]:
    """The format's extraction, and the source as it wants it. Only the libraries that are needed are imported."""
    match dataset.read.format:
        case "csv":
            from pipeline.extract.csv import CsvExtraction

            return CsvExtraction, _text(path, name, "csv")
        case "json":
            from pipeline.extract.json import JsonExtraction

            return JsonExtraction, _text(path, name, "json")
        case "parquet":
            from pipeline.extract.parquet import ParquetExtraction

            return ParquetExtraction, _seekable(path, name, work)
        case "xlsx":
            from pipeline.extract.xlsx import XlsxExtraction

            return XlsxExtraction, _spreadsheet(path, name, work)
        case "avro":
            from pipeline.extract.avro import AvroExtraction

            return AvroExtraction, _seekable(path, name, work)
        case "orc":
            from pipeline.extract.orc import OrcExtraction

            return OrcExtraction, _seekable(path, name, work)


def _text(path: Path, name: str, declared: str) -> tuple[Member, ...]:
    members = open_members(path, name)
    refuse_binary(members, name, declared)
    return members


def _seekable(path: Path, name: str, work: Path) -> Path:
    """A file that can be read from its end: the path itself, or its only member unpacked into the work area."""
    if detect(path) is None:
        return path
    return materialise(_only(open_members(path, name), name), work / "unpacked")


def _spreadsheet(path: Path, name: str, work: Path) -> Path:
    """An XLSX file is a zip archive itself; only another compression around it is taken off."""
    kind = detect(path)
    if kind is None:
        raise SourceError(f"{name}: not an XLSX file, which its contract says it is; correct `format` or send XLSX")
    return path if kind == "zip" else _seekable(path, name, work)


def _only(members: tuple[Member, ...], name: str) -> Member:
    if len(members) > 1:
        raise SourceError(f"{name}: holds {len(members)} files, and only text formats are read from an archive of many")
    return members[0]
