"""One JSON array as a stream of documents: cut at the commas between its elements, never held in memory as a whole."""

from __future__ import annotations

import codecs
from collections.abc import Callable, Iterator
from contextlib import closing
from itertools import takewhile

import numpy as np

from pipeline.errors import SourceError
from pipeline.extract.blocks import LONGEST_RECORD, Positions
from pipeline.extract.compression import ByteStream, Member
from pipeline.extract.encoding import Encoding, resolve
from pipeline.extract.json_lines import BLOCK_BYTES, DocumentBlock
from pipeline.extract.json_structure import string_bounds
from pipeline.extract.rejects import RawReject

_BLANKS = b" \t\r\n"
_COMMA, _LF, _CR = b",\n\r"
_STEP = np.zeros(256, np.int8)
_STEP[list(b"{[")] = 1
_STEP[list(b"}]")] = -1
_STRUCTURAL = _STEP != 0
_STRUCTURAL[_COMMA] = True


_KEPT = "landfall_kept"
_KEPT_FROM = 0xDC00


def _keep(error: UnicodeError) -> tuple[str | bytes, int]:
    """A lone surrogate in place of each byte that the encoding does not allow, and back: so it stays wrong, and known.

    An encoder takes back all in a row at once: those of UTF-16 want whole characters.
    """
    if isinstance(error, UnicodeDecodeError):
        return "".join(chr(_KEPT_FROM + byte) for byte in error.object[error.start : error.end]), error.end
    if not isinstance(error, UnicodeEncodeError):
        raise error
    codes = takewhile(lambda code: 0 <= code - _KEPT_FROM < 256, map(ord, error.object[error.start :]))
    kept = bytes(code - _KEPT_FROM for code in codes)
    if not kept:
        raise error
    return kept, error.start + len(kept)


codecs.register_error(_KEPT, _keep)


class _Utf8:
    """A stream's content in UTF-8, whatever the declared encoding; what that does not allow is invalid UTF-8."""

    def __init__(self, stream: ByteStream, declared: str, name: str) -> None:
        self._stream = stream
        head = stream.read(4)
        self.encoding, mark = resolve(declared, head, name)
        self._head = head[len(mark) :]
        self._decoder = None if self.encoding.is_utf8 else codecs.getincrementaldecoder(self.encoding.name)(_KEPT)

    def read(self, size: int) -> bytes:
        """About `size` bytes; none at the end."""
        raw, self._head = self._head + self._stream.read(size), b""
        if self._decoder is None:
            return raw
        while not (text := self._decoder.decode(raw, final=not raw)) and raw:
            raw = self._stream.read(size)  # less than a character so far
        return text.encode("utf-8", "surrogatepass")


class ArrayLayout:
    """The elements of one array, or of the arrays in the several files of an archive, counted from file to file."""

    def __init__(self, members: tuple[Member, ...], name: str, encoding: str, part_bytes: int) -> None:
        self._members = members
        self._name = name
        self._encoding = encoding
        self._block_bytes = min(BLOCK_BYTES, part_bytes)
        self.bytes_read = 0

    def blocks(self, _reject: Callable[[RawReject], None]) -> Iterator[DocumentBlock]:
        """All elements, block by block."""
        number = 1
        for member in self._members:
            with closing(member.open()) as stream:
                reader = ArrayReader(stream, self._encoding, self._block_bytes, number, member.label(self._name))
                for block in reader.blocks():
                    self.bytes_read = stream.bytes_read
                    yield block
                number = reader.number

    def raw_records(self, lines: Iterator[int]) -> Iterator[tuple[int, bytes]]:
        """The bytes of these ascending elements; the arrays are cut into elements again, but not decoded."""
        wanted = next(lines, None)
        for block in self.blocks(lambda _: None):
            while wanted is not None and len(block.lines) and wanted <= block.lines[-1]:
                yield wanted, block.raw_of(wanted - int(block.lines[0]))
                wanted = next(lines, None)
            if wanted is None:
                return


class ArrayReader:
    """Reads the elements of an array; the first has the number `first`."""

    def __init__(self, stream: ByteStream, encoding: str, block_bytes: int, first: int, name: str) -> None:
        self._content = _Utf8(stream, encoding, name)
        self._block_bytes = block_bytes
        self._name = name
        self._pending = b""
        self._is_open = True
        self._any = False
        self.number = first

    def blocks(self) -> Iterator[DocumentBlock]:
        """The elements in order. Raises SourceError if the array is not closed, or something follows it."""
        self._begin()
        while self._is_open:
            piece = self._content.read(max(self._block_bytes, len(self._pending)))
            if not piece and not self._pending:
                raise self._error("is never closed")
            self._pending += piece
            cuts, end = _cuts(self._pending)
            if not len(cuts):
                self._require_progress(piece)
                continue
            yield self._documents(cuts, end)
        self._require_nothing_more()

    def _begin(self) -> None:
        while not self._pending.lstrip(_BLANKS) and (piece := self._content.read(self._block_bytes)):
            self._pending += piece
        self._pending = self._pending.lstrip(_BLANKS)
        if not self._pending.startswith(b"["):
            raise self._error("does not begin with [")
        self._pending = self._pending[1:]

    def _documents(self, cuts: Positions, end: int | None) -> DocumentBlock:
        """The elements before each of the cuts: commas between elements, and the array's own closing bracket."""
        text, taken = self._pending, int(cuts[-1]) + 1
        self._pending, self._is_open = text[taken:], end is None
        starts = np.concatenate(([0], cuts[:-1] + 1))
        if end is not None and not self._any and len(cuts) == 1 and not text[:end].strip(_BLANKS):
            starts = cuts = cuts[:0]  # an empty array
        self._any = True
        lines = np.arange(self.number, self.number + len(cuts))
        self.number += len(cuts)
        on_lines = _on_one_line(text[: taken - 1], cuts)
        documents = on_lines.split(b"\n") if len(cuts) else []
        return DocumentBlock(documents, lines, on_lines, taken, lambda i: self._raw(text[starts[i] : cuts[i]]))

    def _raw(self, element: bytes) -> bytes:
        element = element.strip(_BLANKS)
        encoding: Encoding = self._content.encoding
        return element if encoding.is_utf8 else element.decode("utf-8", "surrogatepass").encode(encoding.name, _KEPT)

    def _require_progress(self, piece: bytes) -> None:
        if not piece:
            raise self._error("is never closed")
        if len(self._pending) > LONGEST_RECORD:
            raise self._error(f"has an element longer than {LONGEST_RECORD:,} bytes, or brackets that do not match")

    def _require_nothing_more(self) -> None:
        rest = self._pending
        while not rest.strip(_BLANKS) and (rest := self._content.read(self._block_bytes)):
            pass
        if rest.strip(_BLANKS):
            raise self._error("is closed, but something follows it")

    def _error(self, what: str) -> SourceError:
        return SourceError(
            f"{self._name}, element {self.number}: the JSON array {what}; have it sent again, or as one document a line"
        )


def _cuts(text: bytes) -> tuple[Positions, int | None]:
    """The commas at the top level, and then where the array is closed, if it is."""
    data = np.frombuffer(text, np.uint8)
    quotes = string_bounds(data)
    places = np.flatnonzero(_STRUCTURAL[data])
    places = places[np.searchsorted(quotes, places) & 1 == 0]
    kinds = data[places]
    depth = np.cumsum(_STEP[kinds], dtype=np.int64)
    closed = np.flatnonzero(depth < 0)
    end = int(closed[0]) if len(closed) else len(places)
    commas = places[:end][(kinds[:end] == _COMMA) & (depth[:end] == 0)]
    if not len(closed):
        return commas, None
    return np.append(commas, places[end]), int(places[end])


def _on_one_line(text: bytes, cuts: Positions) -> bytes:
    """The elements, one a line. A line end inside a string, which JSON forbids, becomes a character it forbids, too."""
    data = np.frombuffer(text, np.uint8).copy()
    quotes = string_bounds(data)
    ends = np.flatnonzero((data == _LF) | (data == _CR))
    data[ends] = np.where(np.searchsorted(quotes, ends) & 1, 1, 32)
    data[cuts[:-1]] = _LF
    return data.tobytes()
