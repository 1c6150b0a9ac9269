"""A column as its distinct values and how often each occurs: everything about types can be learnt from these."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

_SHOWN = 40


@dataclass(frozen=True)
class Distinct:
    """`values`: distinct, without NULL; `counts`: int64, of each. `nulls`: rows without a value. `rows`: all rows."""

    values: pa.Array
    counts: pa.Array
    nulls: int
    rows: int

    @property
    def present(self) -> int:
        """Rows with a value."""
        return self.rows - self.nulls

    def without(self, tokens: Collection[str]) -> Distinct:
        """The same column when these texts mean that there is no value."""
        if not tokens or not len(self.values):
            return self
        missing = pc.is_in(self.values, pa.array(list(tokens), self.values.type))
        lost = pc.sum(self.counts.filter(missing)).as_py() or 0
        kept = pc.invert(missing)
        return Distinct(self.values.filter(kept), self.counts.filter(kept), self.nulls + lost, self.rows)

    def having(self, mark: pa.Array) -> Iterator[tuple[str, int]]:
        """The values that are marked true, with their counts, most frequent first."""
        marked = sorted(
            zip(self.values.filter(mark).to_pylist(), self.counts.filter(mark).to_pylist(), strict=True),
            key=lambda pair: (-pair[1], pair[0]),
        )
        yield from marked


def distinct(column: pa.ChunkedArray) -> Distinct:
    """The distinct values of a column whose type has equality."""
    found = pc.value_counts(column)
    values, counts = found.field("values"), found.field("counts")
    present = pc.is_valid(values)
    nulls = column.null_count
    return Distinct(values.filter(present), counts.filter(present), nulls, len(column))


def shown(value: object) -> str:
    """A value for a comment: on one line, printable, shortened."""
    text = value if isinstance(value, str) else str(value)
    text = text if len(text) <= _SHOWN else text[:_SHOWN] + "…"
    return repr(text) if isinstance(value, str) else text
