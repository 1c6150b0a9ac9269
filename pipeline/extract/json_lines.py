"""NDJSON: one document on each physical line."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass

import numpy as np

from pipeline.extract.blocks import Block, BlockReader, Positions, overlong_reject
from pipeline.extract.compression import Member
from pipeline.extract.line_index import LineIndex, Segment
from pipeline.extract.rejects import RawReject

BLOCK_BYTES = 2 << 20
"""Input bytes that are decoded at once; their values are Python objects for a moment, at about 100 bytes each."""

_LINE = re.compile(rb"[^\r\n]*+(?:\r\n?|\n)?+")


@dataclass(frozen=True)
class DocumentBlock:
    """Documents in order. `lines`: the line (or, in an array, the number) of each. `raw_of`: its bytes as sent.

    `text`: all of them and nothing but white space and commas between them. `size`: bytes of content that they took.
    """

    documents: Sequence[bytes]
    lines: Positions
    text: bytes
    size: int
    raw_of: Callable[[int], bytes]


class LinesLayout:
    """The documents of one file, or of the several files of an archive, whose lines count on from file to file."""

    def __init__(self, members: tuple[Member, ...], name: str, encoding: str, part_bytes: int) -> None:
        self._members = members
        self._name = name
        self._encoding = encoding
        self._block_bytes = min(BLOCK_BYTES, part_bytes)
        self._index = LineIndex(members)
        self.bytes_read = 0

    def blocks(self, reject: Callable[[RawReject], None]) -> Iterator[DocumentBlock]:
        """All documents, block by block. Lines of nothing but blanks are no documents."""
        self._index = LineIndex(self._members)
        line = 1
        for number, member in enumerate(self._members):
            with closing(member.open()) as stream:
                reader = BlockReader(stream, self._encoding, self._block_bytes, line, member.label(self._name))
                while (block := reader.next()) is not None:
                    self.bytes_read = stream.bytes_read
                    if block.overlong:
                        reject(overlong_reject(block))
                        continue
                    reader.consume(block, len(block.text))
                    end = block.start + len(block.raw)
                    self._index.add(Segment(block.line, number, block.start, end, block.encoding))
                    yield _documents(block)
                line = reader.line

    def raw_records(self, lines: Iterator[int]) -> Iterator[tuple[int, bytes]]:
        """The bytes of these ascending lines, out of the blocks read so far."""
        return self._index.records(lines, _line_end)


def _line_end(text: bytes, position: int) -> int:
    match = _LINE.match(text, position)
    return match.end() if match else position


def _documents(block: Block) -> DocumentBlock:
    lines = block.text.splitlines()
    places = np.array([i for i, line in enumerate(lines) if line and not line.isspace()], np.int64)

    def raw_of(document: int) -> bytes:
        place = int(places[document])
        return block.raw_slice(int(block.line_starts[place]), int(block.line_starts[place + 1]))

    documents = lines if len(places) == len(lines) else [lines[place] for place in places]
    return DocumentBlock(documents, places + block.line, block.text, len(block.raw), raw_of)
