"""Delimiters that are not one ASCII character: a stand-in takes their place before anything is parsed."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from pipeline.errors import SourceError
from pipeline.extract.encoding import Encoding

STAND_IN = b"\x1f"
"""U+001F, ASCII's own "unit separator": unlikely in text, and refused if it is there."""


class DelimiterStandIn(Encoding):
    """An encoding whose text has the stand-in wherever the delimiter was, inside quotes, too: see `restored`."""

    def __init__(self, encoding: Encoding, delimiter: str, name: str) -> None:
        super().__init__(encoding.name)
        self.is_utf8 = False
        self._delimiter = delimiter.encode()
        self._name = name

    def to_utf8(self, raw: bytes) -> bytes:
        """See Encoding. Raises SourceError if the stand-in is in the text."""
        text = raw if self.name == "utf-8" else super().to_utf8(raw)
        if STAND_IN in text:
            raise SourceError(
                f"{self._name}: holds the control character U+001F, which cannot be told from the delimiter"
                f" {self._delimiter.decode()!r}; have it sent with a delimiter of one ASCII character"
            )
        return text.replace(self._delimiter, STAND_IN)


def restored(array: pa.ChunkedArray, delimiter: str) -> pa.ChunkedArray:
    """Text in which the delimiter is itself again: the ones that were inside quotes."""
    return pc.replace_substring(array, STAND_IN.decode(), delimiter)
