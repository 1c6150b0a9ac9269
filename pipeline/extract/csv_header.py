"""The beginning of a CSV file: byte order mark, preamble, header, and so the columns."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from pipeline.contract.dataset import Dataset
from pipeline.errors import SourceError
from pipeline.extract.blocks import Block
from pipeline.extract.csv_grammar import Dialect, Grammar, Reading
from pipeline.extract.encoding import Encoding
from pipeline.extract.extraction import SourceColumn
from pipeline.extract.headers import in_content, name_columns, name_positions

_SAMPLE = 100


@dataclass(frozen=True)
class Beginning:
    """What precedes the first record. `end`: where in the block's text that one starts. `header`: in UTF-8."""

    columns: tuple[SourceColumn, ...]
    end: int
    preamble: bytes
    header_raw: bytes | None
    header: bytes | None


def read_beginning(block: Block | None, mark: bytes, dataset: Dataset, dialect: Dialect, name: str) -> Beginning:
    """The columns of a file from its first block. Raises SourceError if the header is missing or broken."""
    reading, options = Reading(dialect), dataset.read
    if block is None or block.overlong:
        block = _nothing(block, dataset, name)
    start = _after_preamble(block, dataset, name)
    preamble = mark + block.raw[: block.raw_position(start)]
    if not options.header:
        declared = in_content(dataset)
        count = options.fields
        if count is None or count < len(declared):
            count = _usual_count(block, start, reading, dialect, len(declared))
        return Beginning(name_positions(count, declared), start, preamble, None, None)
    start = _skip_empty(block, start, dialect, reading)
    end = _header_end(block, start, reading, name)
    header = block.text[start:end].rstrip(b"\r\n")
    values = [dialect.value(field).decode() for field in reading.split(header)]
    return Beginning(name_columns(values), end, preamble, block.raw_slice(start, end), header)


def _nothing(block: Block | None, dataset: Dataset, name: str) -> Block:
    if block is not None:
        raise SourceError(f"{name}, line {block.line}: the first line is too long to be a header; is it a text file?")
    if dataset.read.header or dataset.read.skip_lines:
        raise SourceError(f"{name}: the file is empty, not even a header; have it sent again")
    return Block(b"", b"", Encoding("utf-8"), 1, 0, last=True)


def _after_preamble(block: Block, dataset: Dataset, name: str) -> int:
    skip = dataset.read.skip_lines
    if skip > block.lines and not block.last:
        raise SourceError(f"{name}: the {skip} lines before the header are too long; is it a text file?")
    if skip > block.lines:
        raise SourceError(f"{name}: has {block.lines} lines, but the contract skips the first {skip}")
    return int(block.line_starts[skip])


def _skip_empty(block: Block, start: int, dialect: Dialect, reading: Reading) -> int:
    several = Grammar(dialect, 2)
    while start < len(block.text) and several.is_no_record(block.text, start):
        start = reading.line_end(block.text, start)
    return start


def _header_end(block: Block, start: int, reading: Reading, name: str) -> int:
    if start >= len(block.text):
        raise SourceError(f"{name}: no header found; the file ends after line {block.lines}")
    line = block.line_at(start)
    end = reading.extent(block.text, start)
    if end is None:
        broken = reading.broken(block.text, start)
        why = broken.message if broken else "a quote is never closed"
        raise SourceError(f"{name}, line {line}: the header is broken: {why}; correct the dialect in the contract")
    try:
        block.text[start:end].decode()
    except UnicodeDecodeError:
        encoding = block.encoding.name.upper()
        raise SourceError(
            f"{name}, line {line}: the header is not valid {encoding}; correct `encoding` in the contract"
        ) from None
    return end


def _usual_count(block: Block, start: int, reading: Reading, dialect: Dialect, declared: int) -> int:
    """Fields of a record without header: the contract's number if an early record has it, else the most common."""
    counts: Counter[int] = Counter()
    any_count = Grammar(dialect, 2)
    while start < len(block.text) and counts.total() < _SAMPLE:
        end = reading.extent(block.text, start) or reading.line_end(block.text, start)
        if not any_count.is_no_record(block.text, start):
            counts[len(reading.split(block.text, start))] += 1
        start = end
    if not counts or declared in counts:
        return max(declared, 1)
    return counts.most_common(1)[0][0]
