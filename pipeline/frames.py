"""Where an error came from: a traceback without the messages that may quote rows or secrets."""

from __future__ import annotations

import re
import traceback
from collections.abc import Iterator

import psycopg2

from pipeline.errors import LandfallError

# Their messages speak of the program or of files. Those of drivers and engines, and every `ValueError`, may quote rows.
_ABOUT_THE_PROGRAM = (LandfallError, TypeError, AttributeError, NameError, ImportError, AssertionError, OSError)
# What an engine hands over of a worker's traceback.
_FRAME = re.compile(r'^\s*File ".*", line \d+, in \S+$', re.MULTILINE)


def frames(error: BaseException) -> str:
    """The traceback of `error` and of what caused it, oldest first, each with its type and a harmless message."""
    return "\nwhich led to:\n\n".join("".join(_lines(each)) for each in reversed(list(_chain(error))))


def _chain(error: BaseException) -> Iterator[BaseException]:
    seen: set[int] = set()
    found: BaseException | None = error
    while found is not None and id(found) not in seen:
        seen.add(id(found))
        yield found
        found = found.__cause__ or (None if found.__suppress_context__ else found.__context__)


def _lines(error: BaseException) -> Iterator[str]:
    yield "Traceback (most recent call last):\n"
    yield from traceback.format_tb(error.__traceback__)
    if type(error).__module__.startswith("pyspark"):
        yield from (f"{found.group()}\n" for found in _FRAME.finditer(str(error)))
    yield f"{type(error).__module__}.{type(error).__qualname__}: {_said(error)}\n"


def _said(error: BaseException) -> str:
    if isinstance(error, psycopg2.Error):
        return f"SQLSTATE {error.pgcode} (message withheld: it may quote rows; it is in the server's log)"
    if isinstance(error, _ABOUT_THE_PROGRAM):
        return str(error)
    return "(message withheld: it may quote rows)"
