"""Which format a sample has: by its first bytes, else by its name, else by how its text begins."""

from __future__ import annotations

import zipfile
from contextlib import closing, suppress
from pathlib import Path
from typing import Literal

from pipeline.errors import SourceError
from pipeline.extract.compression import Member, detect, open_members

Format = Literal["csv", "json", "parquet", "xlsx", "avro", "orc"]
_MAGIC: tuple[tuple[bytes, Format], ...] = ((b"PAR1", "parquet"), (b"Obj\x01", "avro"), (b"ORC", "orc"))
_CSV_NAMES = (".csv", ".tsv", ".tab", ".psv", ".txt", ".dat")
_JSON_NAMES = (".json", ".ndjson", ".jsonl", ".geojson")
_PACKED_NAMES = (".gz", ".bz2", ".xz", ".zst", ".zstd", ".zip")
# Blanks, byte order marks and the zero bytes of UTF-16 may stand before the first bracket.
_BEFORE = b" \t\r\n\0\xef\xbb\xbf\xff\xfe"
_LOOK = 4096


def form_of(path: Path, name: str) -> Format:
    """The format of the local file `path`, which the sender called `name`. Raises SourceError if it is empty."""
    if detect(path) == "zip" and _is_workbook(path):
        return "xlsx"
    head = _head(open_members(path, name)[0])
    if not head.strip(_BEFORE):
        raise SourceError(f"{name}: the file is empty; a contract needs a sample with rows")
    for magic, form in _MAGIC:
        if head.startswith(magic):
            return form
    lowered = bare_name(name).lower()
    if lowered.endswith(_CSV_NAMES):
        return "csv"
    return "json" if lowered.endswith(_JSON_NAMES) or head.lstrip(_BEFORE)[:1] in (b"{", b"[") else "csv"


def bare_name(name: str) -> str:
    """The last level of a path or URI without the suffixes of compression: `orders.csv` of `in/orders.csv.gz`."""
    bare = name.rsplit("/", 1)[-1]
    while bare.lower().endswith(_PACKED_NAMES):
        bare = bare.rpartition(".")[0]
    return bare


def _head(member: Member) -> bytes:
    with closing(member.open()) as stream:
        return stream.read(_LOOK)


def _is_workbook(path: Path) -> bool:
    with suppress(zipfile.BadZipFile), zipfile.ZipFile(path) as archive:
        return "[Content_Types].xml" in archive.namelist()
    return False
