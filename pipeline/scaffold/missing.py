"""Texts that mean that there is no value: which of the usual ones a file uses."""

from __future__ import annotations

from collections.abc import Mapping

import pyarrow as pa
import pyarrow.compute as pc

from pipeline.scaffold.distinct import Distinct
from pipeline.scaffold.infer import infer

# Nobody means anything else by these, whatever the column.
_UNMISTAKABLE = ("\\N", "#N/A", "#N/A N/A", "#NA", "<NA>", "<null>", "(null)", "[NULL]", "NULL", "null", "N/A", "n/a")
# These are also words, codes or signs: only where they stand among numbers, dates or booleans they mean nothing else.
_AMBIGUOUS = (
    "", "NA", "na", "N.A.", "n.a.", "Null", "NaN", "nan", "NAN", "-NaN", "-nan", "None", "none", "NONE", "nil", "NIL",
    "-", "--", "---", ".", "..", "...", "?", "??", "*", "_", "missing", "Missing", "MISSING", "unknown", "Unknown",
    "UNKNOWN", "#VALUE!", "#REF!", "#DIV/0!", "#NULL!", "#NUM!", "#NAME?",
)  # fmt: skip
_TOKENS = (*_UNMISTAKABLE, *_AMBIGUOUS)


def missing_values(columns: Mapping[str, Distinct], usual: tuple[str, ...]) -> tuple[str, ...]:
    """The texts that mean missing in the file as a whole; `usual`: those of the format, which stay among them."""
    found: set[str] = set()
    for name, column in columns.items():
        present = {token for token, _ in present_tokens(column)}
        found |= present & set(_UNMISTAKABLE)
        doubtful = present - set(_UNMISTAKABLE) - set(usual)
        if doubtful:
            rest = column.without({*_TOKENS, *usual})
            if len(rest.values) and not infer(rest, name).is_text:
                found |= doubtful
    return (*usual, *(token for token in _TOKENS if token in found - set(usual)))


def present_tokens(column: Distinct) -> list[tuple[str, int]]:
    """The usual words for a missing value that a text column has as values, with their counts."""
    return list(column.having(pc.is_in(column.values, pa.array(_TOKENS))))
