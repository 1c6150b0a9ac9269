"""The fast path: a block of CSV as Arrow text columns, with a proof that Arrow read what the grammar means.

Arrow's reader is lenient: it takes quotes inside unquoted fields and text after a closing quote. So quotes are checked
here, all at once, before Arrow's result is believed.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from pyarrow import csv as arrow_csv

from pipeline.extract.blocks import Block, Positions
from pipeline.extract.csv_delimiter import restored
from pipeline.extract.csv_grammar import Dialect
from pipeline.extract.extraction import LINE

_LARGEST = 16 << 20
"""Bytes beyond which the places of quotes take too much memory; only blocks that wait for a closing quote get there."""
_BOM = b"\xef\xbb\xbf"


class TableReader:
    """Reads proven CSV bytes into a table of text columns. `names`: of all fields. `kept`: those that are carried."""

    def __init__(self, dialect: Dialect, names: Sequence[str], kept: Sequence[str]) -> None:
        self._names = list(names)
        self._longer = dialect.longer
        self._kept = list(kept)
        quote, escape = dialect.quote, dialect.escape
        self._parse = arrow_csv.ParseOptions(
            delimiter=dialect.delimiter.decode(),
            quote_char=quote.decode() if quote else False,
            double_quote=escape is None,
            escape_char=escape.decode() if escape else False,
            newlines_in_values=True,
            ignore_empty_lines=len(self._names) > 1,
        )
        self._convert = arrow_csv.ConvertOptions(
            column_types={name: pa.string() for name in names},
            include_columns=list(kept),
            strings_can_be_null=False,
            check_utf8=False,
        )

    def empty(self) -> pa.Table:
        """No rows."""
        return with_lines(pa.schema([(name, pa.string()) for name in self._kept]).empty_table(), np.empty(0, np.int64))

    def read(self, text: bytes) -> pa.Table:
        """The records of `text`, which must be valid UTF-8. Raises ArrowInvalid for a wrong number of fields."""
        if text.startswith(_BOM):
            text = _BOM + text  # Arrow drops a mark at the start; here it is the first field's own
        options = arrow_csv.ReadOptions(column_names=self._names, block_size=len(text) + 1, use_threads=False)
        table = arrow_csv.read_csv(pa.BufferReader(text), options, self._parse, self._convert)
        if self._longer is None:
            return table
        return pa.table([restored(column, self._longer) for column in table.columns], names=table.column_names)


class Proof:
    """Decides whether a block is clean beyond doubt, and how much of it ends with a record."""

    def __init__(self, dialect: Dialect, header: bytes | None) -> None:
        self._dialect = dialect
        self._header = header
        before = dialect.delimiter + b"\r\n"
        after = before if dialect.escape else before + (dialect.quote or b"")
        self._may_open = _table_of(before + (dialect.quote or b""))
        self._may_close = _table_of(after)

    def quotes(self, block: Block) -> Positions | None:
        """Where the quotes of a block are; None if something in it needs the strict path."""
        text, dialect = block.text, self._dialect
        if (
            len(text) > _LARGEST
            or b"\0" in text
            or (dialect.escape and dialect.escape in text)
            or (self._header and self._header in text)
        ):
            return None
        if dialect.comment and dialect.comment in text:
            return None
        if not block.is_valid:
            return None
        if not dialect.quote or dialect.quote not in text:
            return np.empty(0, np.int64)
        return np.flatnonzero(np.frombuffer(text, np.uint8) == dialect.quote[0])

    def end(self, block: Block, quotes: Positions) -> int:
        """The end of the last line that does not lie inside quotes; 0 without one."""
        if len(quotes) % 2 == 0:
            return len(block.text)
        outside = block.line_starts[self._inside(block.line_starts, quotes) == 0]
        return int(outside[-1])

    def holds(self, text: bytes, quotes: Positions) -> bool:
        """Whether every quote opens a field, closes one, or is doubled inside one."""
        if not len(quotes):
            return True
        data = np.frombuffer(text, np.uint8)
        opening, closing = quotes[0::2], quotes[1::2]
        first, last = int(opening[0] == 0), int(closing[-1] == len(text) - 1)
        before = data[opening[first:] - 1]
        after = data[closing[: len(closing) - last] + 1]
        return bool(self._may_open[before].all() and self._may_close[after].all())

    def record_starts(self, block: Block, quotes: Positions, end: int) -> Positions:
        """The line starts before `end` that are not inside quotes, each the start of a record."""
        starts = block.line_starts[:-1]
        starts = starts[starts < end]
        return starts[self._inside(starts, quotes) == 0] if len(quotes) else starts

    @staticmethod
    def _inside(positions: Positions, quotes: Positions) -> Positions:
        return np.searchsorted(quotes, positions) & 1


def with_lines(table: pa.Table, lines: Positions) -> pa.Table:
    """The table with its `_line` column."""
    # pa.array would import pandas to ask it what the lines are
    values = pa.Array.from_buffers(pa.int64(), len(lines), [None, pa.py_buffer(np.ascontiguousarray(lines, np.int64))])
    return table.append_column(pa.field(LINE, pa.int64()), values)


def _table_of(characters: bytes) -> npt.NDArray[np.bool_]:
    allowed = np.zeros(256, np.bool_)
    allowed[list(characters)] = True
    return allowed
