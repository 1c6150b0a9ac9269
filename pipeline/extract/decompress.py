"""Decompressors as readers of plain bytes: many streams one after the other are one."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
from collections.abc import Callable
from functools import partial
from typing import BinaryIO, Protocol

import pyarrow as pa

_BUFFER = 1 << 20
_INPUT = 1 << 16


class Readable(Protocol):
    """What gives plain bytes."""

    def read(self, size: int, /) -> bytes: ...

    def close(self) -> None: ...


def decompressed(file: BinaryIO, kind: str) -> Readable:
    """The plain bytes of a file of this kind: gzip, bzip2, xz or zstd."""
    match kind:
        case "gzip":
            return gzip.GzipFile(fileobj=file)
        case "bzip2":
            return _buffered(_Streams(file, bz2.BZ2Decompressor))
        case "xz":
            return _buffered(_Streams(file, partial(lzma.LZMADecompressor, lzma.FORMAT_XZ), padded=True))
        case _:
            return _buffered(pa.CompressedInputStream(pa.PythonFile(file), "zstd"))


class _Streams:
    """Streams of bzip2 or xz one after the other, read as one; `padded`: zeros may stand between them, four by four.

    The standard library's own files end where a stream does not begin, and so pass over what is broken there.
    """

    def __init__(
        self, file: BinaryIO, begin: Callable[[], bz2.BZ2Decompressor | lzma.LZMADecompressor], padded: bool = False
    ) -> None:
        self._file = file
        self._begin = begin
        self._padded = padded
        self._stream = begin()

    def read(self, size: int, /) -> bytes:
        """At most `size` bytes, none only at the end. Raises EOFError, OSError or LZMAError for what is broken."""
        piece, more = b"", b""
        while not piece:
            if self._stream.eof:
                if not (more := self._next()):
                    return b""
                self._stream = self._begin()
            elif self._stream.needs_input and not (more := self._file.read(_INPUT)):
                raise EOFError("it ends within a stream")
            piece = self._stream.decompress(more, size)
            more = b""
        return piece

    def _next(self) -> bytes:
        """What follows the stream that has ended, padding left out."""
        rest, zeros = self._stream.unused_data or self._file.read(_INPUT), 0
        while self._padded and rest.startswith(b"\0"):
            begun = rest.lstrip(b"\0")
            zeros += len(rest) - len(begun)
            rest = begun or self._file.read(_INPUT)
        if zeros % 4:
            raise lzma.LZMAError("padding that is no multiple of four bytes")
        return rest


def _buffered(stream: pa.NativeFile | _Streams) -> io.BufferedReader:
    return io.BufferedReader(_Raw(stream), _BUFFER)


class _Raw(io.RawIOBase):
    """A stream as Python's raw stream, for one whose `read` may stop early, at a frame's end."""

    def __init__(self, stream: pa.NativeFile | _Streams) -> None:
        self._stream = stream

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        piece = self._stream.read(len(buffer))
        buffer[: len(piece)] = piece
        return len(piece)
