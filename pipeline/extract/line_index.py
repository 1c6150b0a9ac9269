"""From a line number back to the sender's bytes: which stretch of the plain content holds it."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from pipeline.extract.blocks import Block
from pipeline.extract.compression import ByteStream, Member
from pipeline.extract.encoding import Encoding


@dataclass(frozen=True)
class Segment:
    """Bytes `start` to `end` of a member's plain content: whole records, the first of them on `line`."""

    line: int
    member: int
    start: int
    end: int
    encoding: Encoding


class LineIndex:
    """Segments in reading order: one for each block, so a few hundred bytes for each 4 MB of input."""

    def __init__(self, members: tuple[Member, ...]) -> None:
        self._members = members
        self._segments: list[Segment] = []
        self._lines: list[int] = []

    def add(self, segment: Segment) -> None:
        """Note the next segment."""
        self._segments.append(segment)
        self._lines.append(segment.line)

    def records(self, lines: Iterator[int], end_of: Callable[[bytes, int], int]) -> Iterator[tuple[int, bytes]]:
        """The raw records that start on these ascending lines; `end_of(text, position)` tells where one ends."""
        content = _Content(self._members)
        segment, block = None, None
        for line in lines:
            wanted = self._segments[bisect_right(self._lines, line) - 1]
            if wanted is not segment or block is None:
                segment, raw = wanted, content.read(wanted)
                block = Block(raw, wanted.encoding.to_utf8(raw), wanted.encoding, wanted.line, wanted.start, last=True)
            start = int(block.line_starts[line - wanted.line])
            yield line, block.raw_slice(start, end_of(block.text, start))
        content.close()


class _Content:
    """Reads segments of members in ascending order, each member's stream once."""

    def __init__(self, members: tuple[Member, ...]) -> None:
        self._members = members
        self._stream: ByteStream | None = None
        self._member = -1
        self._position = 0

    def read(self, segment: Segment) -> bytes:
        """The bytes of a segment that lies after the one read before."""
        if segment.member != self._member:
            self.close()
            self._stream = self._members[segment.member].open()
            self._member, self._position = segment.member, 0
        if self._stream:
            self._stream.skip(segment.start - self._position)
        raw = self._stream.read(segment.end - segment.start) if self._stream else b""
        self._position = segment.end
        return raw

    def close(self) -> None:
        """Close the member that is open."""
        if self._stream:
            self._stream.close()
