"""Compression by magic bytes: a source object as one or many streams of plain bytes.

What a file is called says nothing here. Names inside a zip are only ever quoted in messages: nothing is unpacked to a
path that a sender chose. Expansion is limited, an archive inside an archive is refused, and a truncated or corrupt
archive is a SourceError at the byte where it shows.
"""

from __future__ import annotations

import io
import lzma
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from pipeline.errors import SourceError
from pipeline.extract.decompress import Readable, decompressed

EXPANSION_FREE = 1 << 30
"""Bytes that any archive may expand to."""
EXPANSION_RATIO = 250
"""Beyond that, how many times larger than the archive its content may be. Text rarely passes 30, a bomb has 1,000."""

MAGIC = {
    b"\x1f\x8b": "gzip",
    b"BZh": "bzip2",
    b"\xfd7zXZ\x00": "xz",
    b"\x28\xb5\x2f\xfd": "zstd",
    **{bytes([low]) + b"\x2a\x4d\x18": "zstd" for low in range(0x50, 0x60)},  # a frame to skip comes first
    b"PK\x03\x04": "zip",
    b"PK\x05\x06": "zip",
}
_SUFFIXES = (".gz", ".bz2", ".xz", ".zst", ".zip")
_LOOK = 16
_COPY = 1 << 20
CORRUPT: tuple[type[Exception], ...] = (
    OSError,
    EOFError,
    zlib.error,
    lzma.LZMAError,
    zipfile.BadZipFile,
    NotImplementedError,
    RuntimeError,
)


class ByteStream:
    """Plain bytes of a file, in order; `read` gives less than asked only at the end."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file

    def read(self, size: int, /) -> bytes:
        """At most `size` bytes."""
        return self._file.read(size)

    def skip(self, size: int) -> None:
        """Go on `size` bytes further."""
        self._file.seek(size, io.SEEK_CUR)

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    @property
    def bytes_read(self) -> int:
        """Bytes of the file, compressed if it is, that have been read so far."""
        return self._file.tell()


@dataclass(frozen=True)
class Member:
    """One file of a source object: the object itself, or a member of a zip (then `name` is the member's name)."""

    name: str | None
    open: Callable[[], ByteStream]

    def label(self, name: str) -> str:
        """What messages call this file of the source object `name`."""
        return f"{name}!{self.name!r}" if self.name else name


def detect(path: Path) -> str | None:
    """gzip, bzip2, xz, zstd, zip or None, from the first bytes."""
    with path.open("rb") as file:
        return _kind(file.read(_LOOK))


def open_members(path: Path, name: str) -> tuple[Member, ...]:
    """The plain files in a source object; `name` is what messages call it.

    Raises SourceError if it is an archive without files, a corrupt one, or one with archives inside.
    """
    kind, size = detect(path), path.stat().st_size
    if not size and name.lower().endswith(_SUFFIXES):
        raise SourceError(f"{name}: is empty, where its name promises an archive; have it sent again")
    if kind == "zip":
        from pipeline.extract.zip_archive import zip_members

        return zip_members(path, name)
    if kind is None:
        return (Member(None, lambda: ByteStream(path.open("rb"))),)

    def open_archive() -> ByteStream:
        file = path.open("rb")
        return GuardedStream(file, decompressed(file, kind), name, kind, size)

    return (Member(None, open_archive),)


def materialise(member: Member, path: Path) -> Path:
    """Write a member's plain bytes to `path`, for formats that need to seek."""
    stream = member.open()
    with path.open("wb") as file:
        while piece := stream.read(_COPY):
            file.write(piece)
    stream.close()
    return path


def _kind(head: bytes) -> str | None:
    kind = next((kind for magic, kind in MAGIC.items() if head.startswith(magic)), None)
    if kind == "bzip2" and head[4:10] not in (b"1AY&SY", b"\x17rE8P\x90"):
        return None  # text may begin with "BZh": a real stream goes on with a block or its end
    return kind


class GuardedStream(ByteStream):
    """A decompressing stream whose failures are SourceErrors and whose output is limited."""

    def __init__(self, file: BinaryIO, stream: Readable, name: str, kind: str, compressed: int) -> None:
        super().__init__(file)
        self._stream = stream
        self._name = name
        self._kind = kind
        self._limit = expansion_limit(compressed)
        self._read = 0
        self._head: bytes | None = None

    def read(self, size: int, /) -> bytes:
        if self._head is None:
            self._head = self._decompressed(_LOOK)
            _refuse_nested(self._head, self._name)
        piece, self._head = self._head[:size], self._head[size:]
        if len(piece) < size:
            piece += self._decompressed(size - len(piece))
        self._read += len(piece)
        if self._read > self._limit:
            raise SourceError(bomb(self._name, self._kind, self._limit))
        return piece

    def _decompressed(self, size: int) -> bytes:
        try:
            return self._stream.read(size)
        except CORRUPT as error:
            raise SourceError(corrupt(self._name, self._kind, self._read, error)) from error

    def skip(self, size: int) -> None:
        while size > 0 and (piece := self.read(min(size, _COPY))):
            size -= len(piece)

    def close(self) -> None:
        self._stream.close()
        super().close()


def expansion_limit(compressed: int) -> int:
    """Bytes that an archive of this size may expand to."""
    return max(EXPANSION_FREE, compressed * EXPANSION_RATIO)


def bomb(name: str, kind: str, limit: int) -> str:
    """The message for an archive that goes beyond its limit."""
    return (
        f"{name}: the {kind} archive expands to more than {limit:,} bytes, which looks like a"
        " decompression bomb; if it is real, send it in smaller files or uncompressed"
    )


def corrupt(name: str, kind: str, read: int, error: Exception) -> str:
    """The message for an archive that ends or breaks after `read` bytes of content."""
    return (
        f"{name}: the {kind} archive is truncated or corrupt after {read:,} bytes of content"
        f" ({str(error) or type(error).__name__}); have it sent again"
    )


def _refuse_nested(head: bytes, name: str) -> None:
    if inner := _kind(head):
        raise SourceError(f"{name}: a {inner} archive inside an archive is not read; send one layer of compression")
