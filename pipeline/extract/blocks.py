"""A stream of text as blocks of whole physical lines, in UTF-8, that remember the sender's own bytes.

A physical line ends with LF, CRLF or CR. A block starts where the previous one was consumed to, so a record that does
not end inside a block is seen again, whole, at the start of the next one.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pipeline.extract.compression import ByteStream
from pipeline.extract.encoding import Encoding, resolve
from pipeline.extract.rejects import RawReject

LONGEST_RECORD = 64 << 20
"""Bytes that one record may have; bounds the memory that an unterminated quote or an endless line can take."""
KEPT_OF_OVERLONG = 1 << 16
"""Bytes that are kept of a physical line longer than that."""

_LF = 10
_LONGEST_MARK = 4
_UTF8 = Encoding("utf-8")
Positions = npt.NDArray[np.int64]


@dataclass
class Block:
    """Whole physical lines. `line`: number of the first. `start`: where `raw` begins in the plain bytes of the stream.

    `text` is `raw` in UTF-8; bytes that the encoding does not allow are invalid UTF-8 in it too. `last`: nothing
    follows. `full`: as long as a record may be, so that what is open here stays open.
    `overlong`: the block is the beginning of one line that is longer than a record may be.
    """

    raw: bytes
    text: bytes
    encoding: Encoding
    line: int
    start: int
    last: bool
    full: bool = False
    overlong: bool = False

    @cached_property
    def line_starts(self) -> Positions:
        """Where in `text` each physical line starts, with the end of the text as the last element."""
        return _UTF8.line_starts(self.text)

    @cached_property
    def _raw_line_starts(self) -> Positions:
        return self.encoding.line_starts(self.raw)

    @cached_property
    def lines(self) -> int:
        """How many physical lines the block has."""
        if b"\r" in self.text:
            return len(self.line_starts) - 1
        ended = int(np.count_nonzero(np.frombuffer(self.text, np.uint8) == _LF))
        return ended + (not self.text.endswith(b"\n") and bool(self.text))

    def lines_before(self, position: int) -> int:
        """How many lines start before a position of `text` where a line starts or the text ends."""
        return self.lines if position == len(self.text) else int(np.searchsorted(self.line_starts, position))

    def line_at(self, position: int) -> int:
        """The number of the physical line at a position of `text`."""
        return self.line + int(np.searchsorted(self.line_starts, position, "right")) - 1

    def raw_position(self, position: int) -> int:
        """The place in `raw` of a position of `text` where a line starts or the text ends."""
        if self.encoding.is_utf8:
            return position
        if position == len(self.text):
            return len(self.raw)
        return int(self._raw_line_starts[np.searchsorted(self.line_starts, position)])

    def raw_slice(self, start: int, end: int) -> bytes:
        """The sender's bytes between two line starts of `text`, without the line end."""
        raw = self.raw[self.raw_position(start) : self.raw_position(end)]
        return self.encoding.without_line_end(raw)

    @cached_property
    def is_valid(self) -> bool:
        """Whether every byte is right in the declared encoding."""
        return is_utf8(self.text)


def overlong_reject(block: Block) -> RawReject:
    """The reject that an overlong line is."""
    message = "a line longer than 64 MiB, which no record may have; only its first 65,536 bytes are kept"
    return RawReject(block.line, block.raw, None, "structure", message)


def is_utf8(text: bytes) -> bool:
    """Whether the bytes are valid UTF-8, as Arrow and PostgreSQL define it: no overlong forms, no surrogates."""
    if text.isascii():
        return True
    offsets = pa.py_buffer(np.array([0, len(text)], np.int64))
    try:
        pa.Array.from_buffers(pa.large_string(), 1, [None, offsets, pa.py_buffer(text)]).validate(full=True)
    except pa.ArrowInvalid:
        return False
    return True


class BlockReader:
    """Reads a stream block by block; the caller consumes as much of each block as it understands."""

    def __init__(self, stream: ByteStream, declared: str, block_bytes: int, line: int, name: str) -> None:
        """Raises SourceError if the stream's byte order mark contradicts the declared encoding."""
        self._stream = stream
        self._block_bytes = block_bytes
        head = stream.read(_LONGEST_MARK)
        self.encoding, self.mark = resolve(declared, head, name)
        self._pending = head[len(self.mark) :]
        self._ended = False
        self._skipping = False
        self.line = line
        self.start = len(self.mark)

    def next(self) -> Block | None:
        """The next block, starting where the last was consumed to; None at the end of the stream."""
        if self._skipping:
            self._skip_line()
        while True:
            self._fill()
            if not self._pending:
                return None
            full = len(self._pending) > LONGEST_RECORD
            end = self._whole_lines(full)
            if end:
                return self._block(end, full)
            if full:
                return self._overlong()

    def consume(self, block: Block, position: int) -> None:
        """Go on at a position of the block's text, a line start or its end."""
        consumed = block.raw_position(position)
        self._pending = self._pending[consumed:]
        self.start += consumed
        self.line += block.lines_before(position)

    def _fill(self) -> None:
        if self._ended:
            return
        # doubling keeps the work linear when a record needs several blocks to end
        room = LONGEST_RECORD + 1 - len(self._pending)
        wanted = max(self._block_bytes, min(len(self._pending), room))
        wanted += -wanted % self.encoding.width  # half a character would shift all that follow
        piece = self._stream.read(wanted)
        self._ended = len(piece) < wanted
        self._pending = self._pending + piece if self._pending else piece

    def _whole_lines(self, full: bool) -> int:
        if full:
            return self.encoding.last_line_end(self._pending[:LONGEST_RECORD])
        return len(self._pending) if self._ended else self.encoding.last_line_end(self._pending)

    def _block(self, end: int, full: bool) -> Block:
        raw = self._pending[:end] if end < len(self._pending) else self._pending
        last = self._ended and end == len(self._pending)
        return Block(raw, self.encoding.to_utf8(raw), self.encoding, self.line, self.start, last, full=full)

    def _overlong(self) -> Block:
        self._skipping = True
        raw = self._pending[:KEPT_OF_OVERLONG]
        return Block(raw, raw, self.encoding, self.line, self.start, False, overlong=True)

    def _skip_line(self) -> None:
        """Drop the rest of an overlong line; only a last CR is kept back, since its LF may be still to come."""
        self._skipping = False
        while not (end := self.encoding.first_line_end(self._pending)) and not self._ended:
            self._drop(max(0, len(self._pending) - self.encoding.width))
            self._fill()
        self._drop(end or len(self._pending))
        self.line += 1

    def _drop(self, size: int) -> None:
        self._pending = self._pending[size:]
        self.start += size
