"""Zip archives: one or many files of one dataset. Names inside are quoted in messages and used for nothing else."""

from __future__ import annotations

import zipfile
from pathlib import Path

from pipeline.errors import SourceError
from pipeline.extract.compression import CORRUPT, ByteStream, GuardedStream, Member, bomb, corrupt, expansion_limit

_JUNK = ("__MACOSX/", ".DS_Store", "Thumbs.db")


def zip_members(path: Path, name: str) -> tuple[Member, ...]:
    """Its files, each a member. Raises SourceError if there are none, if it is corrupt, encrypted or a bomb."""
    try:
        with zipfile.ZipFile(path) as archive:
            entries = [entry for entry in archive.infolist() if _is_data(entry)]
    except CORRUPT as error:
        raise SourceError(corrupt(name, "zip", 0, error)) from error
    if not entries:
        raise SourceError(f"{name}: the zip archive holds no file")
    if any(entry.flag_bits & 0x1 for entry in entries):
        raise SourceError(f"{name}: the zip archive is encrypted; have it sent without a password")
    size = path.stat().st_size
    limit = expansion_limit(size)
    if sum(entry.file_size for entry in entries) > limit:  # no more than that is read of an entry, whatever it holds
        raise SourceError(bomb(name, "zip", limit))
    return tuple(_zip_member(path, name, entry, size) for entry in entries)


def _is_data(entry: zipfile.ZipInfo) -> bool:
    return not entry.is_dir() and not any(junk in entry.filename for junk in _JUNK)


def _zip_member(path: Path, name: str, entry: zipfile.ZipInfo, compressed: int) -> Member:
    label = f"{name}!{entry.filename!r}"

    def open_entry() -> ByteStream:
        file = path.open("rb")
        try:
            stream = zipfile.ZipFile(file).open(entry)  # noqa: SIM115 - closed with the stream
        except CORRUPT as error:
            file.close()
            raise SourceError(corrupt(label, "zip", 0, error)) from error
        return GuardedStream(file, stream, label, "zip", compressed)

    return Member(entry.filename, open_entry)
