"""Columns of JSON values as Arrow text: strings without their quotes and escapes, all else as the sender wrote it."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from pipeline.extract.blocks import Positions
from pipeline.extract.json_structure import string_bounds

Cell = msgspec.Raw | bytes
NULL = b"null"

_decode_strings = msgspec.json.Decoder(list[str]).decode
_QUOTE, _N, _BRACE, _BRACKET, _BACKSLASH, _SPACE, _TAB, _LF = b'"n{[\\ \t\n'


class Cells:
    """JSON values of one column, none with a line end in it, joined so that numpy sees them all at once."""

    def __init__(self, cells: Sequence[Cell]) -> None:
        self._cells = cells
        self._data = np.frombuffer(b"\n".join(cells) + b"\n", np.uint8) if cells else np.empty(0, np.uint8)
        self._ends = np.flatnonzero(self._data == _LF)
        self._starts = np.concatenate((self._ends[:0], [0], self._ends[:-1] + 1)) if len(cells) else self._ends
        first = self._data[self._starts]
        self.strings: npt.NDArray[np.bool_] = first == _QUOTE
        self.nulls: npt.NDArray[np.bool_] = first == _N
        self.nested: npt.NDArray[np.bool_] = (first == _BRACE) | (first == _BRACKET)

    def text(self) -> pa.Array:
        """The values as text; null is NULL. Objects and lists are JSON without blanks between their tokens."""
        blanks = self._blanks()
        lengths = self._ends - self._starts - 2 * self.strings
        lengths -= np.bincount(np.searchsorted(self._ends, blanks), minlength=len(lengths))
        lengths[self.nulls] = 0
        offsets = np.zeros(len(lengths) + 1, np.int32)
        np.cumsum(lengths, out=offsets[1:])
        content = self._contents()
        content[blanks] = False
        present = pa.array(~self.nulls).buffers()[1] if self.nulls.any() else None
        buffers = [present, pa.py_buffer(offsets), pa.py_buffer(self._data[content])]
        return self._unescaped(pa.Array.from_buffers(pa.string(), len(lengths), buffers))

    def _contents(self) -> npt.NDArray[np.bool_]:
        """Which bytes are content: not the line ends, the quotes around strings, the word null."""
        content = np.ones(len(self._data), np.bool_)
        content[self._ends] = False
        content[self._starts[self.strings]] = False
        content[self._ends[self.strings] - 1] = False
        for letter in range(len(NULL)):
            content[self._starts[self.nulls] + letter] = False
        return content

    def _blanks(self) -> Positions:
        """Where the blanks between tokens are; only nested values have any."""
        if not self.nested.any():
            return np.empty(0, np.int64)
        blanks = np.flatnonzero((self._data == _SPACE) | (self._data == _TAB))
        outside: Positions = blanks[np.searchsorted(string_bounds(self._data), blanks) & 1 == 0]
        return outside

    def _unescaped(self, array: pa.Array) -> pa.Array:
        backslashes = np.flatnonzero(self._data == _BACKSLASH)
        if not len(backslashes):
            return array
        escaped = np.zeros(len(array), np.bool_)
        escaped[np.searchsorted(self._ends, backslashes)] = True
        escaped &= self.strings
        if not escaped.any():
            return array
        written = [self._cells[i] for i in np.flatnonzero(escaped).tolist()]
        values = _decode_strings(b"[" + b",".join(written) + b"]")
        return pc.replace_with_mask(array, pa.array(escaped), pa.array(values, pa.string()))
