"""The structure of JSON text seen all at once: what lies in strings, and how many keys there are."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from pipeline.extract.blocks import Positions

_QUOTE, _BACKSLASH, _COLON, _SPACE, _TAB = b'"\\: \t'


def string_bounds(data: npt.NDArray[np.uint8]) -> Positions:
    """Where strings begin and end, in turn: the quotes after an even number of backslashes."""
    quotes = np.flatnonzero(data == _QUOTE)
    backslash = data == _BACKSLASH
    if not backslash.any():
        return quotes
    others = np.concatenate(([-1], np.flatnonzero(~backslash)))
    before = others[np.searchsorted(others, quotes) - 1]
    bounds: Positions = quotes[(quotes - before - 1) % 2 == 0]
    return bounds


def most_keys(text: bytes) -> int:
    """At least the number of keys in valid JSON, quickly: a key's colon follows a quote or a blank; others may, too."""
    data = np.frombuffer(text, np.uint8)
    colons = np.flatnonzero(data[1:] == _COLON)
    before = data[colons]
    return int(np.count_nonzero((before == _QUOTE) | (before == _SPACE) | (before == _TAB)))


def keys(text: bytes) -> int:
    """The number of keys in valid JSON: its colons outside strings."""
    data = np.frombuffer(text, np.uint8)
    colons = np.flatnonzero(data == _COLON)
    return int(np.count_nonzero(np.searchsorted(string_bounds(data), colons) & 1 == 0))
