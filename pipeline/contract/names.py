"""Names of columns: a sender's header made into an SQL name, the same way everywhere."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from urllib.parse import unquote

LONGEST_NAME = 63  # bytes: PostgreSQL cuts longer identifiers silently (NAMEDATALEN - 1)
_ALREADY_SNAKE = re.compile(r"[a-z_][a-z0-9_]*\Z")
_WORD_END = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_NOT_A_WORD = re.compile(r"[\W_]+")


def snake_case(header: str) -> str:
    """A header as a column name: `Order No` and `orderNo` become `order_no`; what is snake_case already stays as it is.

    Letters of every script are kept (NFC, lower case). At most 63 bytes of UTF-8: a longer name is cut and ends with a
    hash of the whole, so two long headers never meet. A header without a letter or digit gives "".
    """
    if _ALREADY_SNAKE.match(header):
        return shorten(header)
    # the lower case of Turkish İ is two characters, the second of which is no part of a name
    plain = unicodedata.normalize("NFC", header).replace("İ", "I")
    words = _WORD_END.sub("_", plain)
    return shorten(_NOT_A_WORD.sub("_", words).strip("_").lower())


def path_columns(location: str) -> tuple[str, ...]:
    """The source columns that a location's `name=*` levels give, in order."""
    levels = location.split("/")[:-1]
    return tuple(snake_case(unquote(level.partition("=")[0])) for level in levels if "=" in level)


def shorten(name: str) -> str:
    """The name itself if it has at most 63 bytes, else its beginning, `_` and 8 hex digits of its SHA-256."""
    encoded = name.encode("utf-8", "surrogatepass")
    if len(encoded) <= LONGEST_NAME:
        return name
    mark = "_" + hashlib.sha256(encoded).hexdigest()[:8]
    return encoded[: LONGEST_NAME - len(mark)].decode("utf-8", "ignore").rstrip("_") + mark
