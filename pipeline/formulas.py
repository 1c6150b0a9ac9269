"""Cells that a spreadsheet would run as formulas: an apostrophe before them makes them text, and is taken off again.

The signs are those of OWASP, "CSV Injection" (https://owasp.org/www-community/attacks/CSV_Injection), full-width forms
included. A plain number such as -12.50 is no formula.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

_SIGNS = "=+\\-@\t\r\n\uff1d\uff0b\uff0d\uff20"
# Blanks before a sign do not keep every spreadsheet from running it. Apostrophes of the sender stay tellable from ours.
_OURS = re.compile(rf"([ \ufeff]*)'('*[{_SIGNS}])")
_NUMBER = re.compile(r"[+-]?[0-9][0-9.,]*(?:[eE][+-]?[0-9]+)?\Z")


def harmless(record: str, style: Mapping[str, Any]) -> str:
    """A CSV record, or several, with an apostrophe before each cell that is a formula; every other character stays.

    `style`: `delimiter`, `quote` and `escape`, the last two None if there are none. A record that is no valid CSV is
    cut at its delimiters, as a spreadsheet does.
    """
    quote: str | None = style["quote"]
    escape: str | None = style["escape"]
    formula = _formula(escape)
    mark = "'" if quote != "'" else "''" if escape is None else f"{escape}'"

    def cell(found: re.Match[str]) -> str:
        text, end = found.group(1), found.group(2)
        if quote and len(text) > 1 and text.startswith(quote) and text.endswith(quote):
            return quote + _text(text[1:-1], mark, formula) + quote + end
        opened = quote if quote and text.startswith(quote) else ""
        safe = _text(text[len(opened) :], mark, formula)
        if quote == "'" and safe != text and not opened:
            safe = f"'{safe}'"
        return opened + safe + end

    return _cells(style["delimiter"], quote, escape).sub(cell, record)


def as_meant(cell: str) -> str:
    """The cell as it was before `harmless`."""
    return _OURS.sub(r"\1\2", cell, count=1) if _OURS.match(cell) else cell


def _text(cell: str, mark: str, formula: re.Pattern[str]) -> str:
    found = None if _NUMBER.match(cell) else formula.match(cell)
    return f"{found.group(1)}{mark}{cell[found.start(2) :]}" if found else cell


@lru_cache
def _formula(escape: str | None) -> re.Pattern[str]:
    """Blanks; then apostrophes, escaped or not, and the sign."""
    apostrophe = f"(?:{re.escape(escape)})?'" if escape else "'"
    return re.compile(rf"([ \ufeff]*)((?:{apostrophe})*[{_SIGNS}])")


@lru_cache
def _cells(delimiter: str, quote: str | None, escape: str | None) -> re.Pattern[str]:
    """One cell, with its quotes, and what ends it: a delimiter, line ends, the end."""
    end = rf"({re.escape(delimiter)}|[\r\n]+|\Z)"
    plain = rf"[^{re.escape(delimiter)}\r\n]*"
    if quote is None:
        return re.compile(f"({plain}){end}")
    q = re.escape(quote)
    inside = rf"(?:[^{q}{re.escape(escape)}]|{re.escape(escape)}.)*" if escape else f"(?:[^{q}]|{q}{q})*"
    return re.compile(f"({q}{inside}{q}|{plain}){end}", re.DOTALL)
