"""Reject reasons of a batch of rows, collected column by column, kept only for the rows that have one."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field

import pyarrow as pa
import pyarrow.compute as pc

from pipeline.scalars import as_python

# A message quotes at most this many characters of a value.
_QUOTED = 60


@dataclass
class Reasons:
    """Reasons by row number of the batch, in the order in which they were found."""

    by_row: dict[int, list[dict[str, str | None]]] = field(default_factory=dict)

    def add(self, mark: pa.Array | None, column: str | None, rule: str, message: Callable[[int], str]) -> None:
        """Give every row that `mark` (boolean; NULL is false) marks the reason `{column, rule, message(row)}`."""
        if mark is None or not pc.any(mark).as_py():
            return
        for row in pc.indices_nonzero(pc.fill_null(mark, False)).to_pylist():
            reason = {"column": column, "rule": rule, "message": message(row)}
            self.by_row.setdefault(row, []).append(reason)

    def as_array(self, rows: int) -> pa.Array:
        """One JSON list of `{column, rule, message}` a row, NULL for a row without a reason."""
        if not self.by_row:
            return pa.nulls(rows, pa.string())
        texts: list[str | None] = [None] * rows
        for row, reasons in self.by_row.items():
            texts[row] = json.dumps(reasons, ensure_ascii=False)
        return pa.array(texts, pa.string())


def quoted(array: pa.Array, row: int, restricted: bool) -> str:
    """The value for a message, shortened; a restricted column's value is never shown."""
    if restricted:
        return "the value (restricted)"
    text = str(as_python(array[row]))
    return repr(text if len(text) <= _QUOTED else text[:_QUOTED] + "…")
