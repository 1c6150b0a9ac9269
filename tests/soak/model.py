"""What has to be in the soak's tables: sums of digests, and the digest of each key's row."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from tests.soak.data import Kind, Row, digest


@dataclass
class Table:
    """The table of one dataset: `current` by key, or only `sum` and `count` where rows are only ever added.

    `read` and `rejected` count the rows of all files that were loaded.
    """

    kind: Kind
    files: int = 0
    read: int = 0
    rejected: int = 0
    faults: Counter[str] = field(default_factory=Counter)
    count: int = 0
    sum: int = 0
    current: dict[int, int] = field(default_factory=dict)

    def loaded(self, rows: list[Row], good: int) -> None:
        """A file of these rows, of which `good` are good, is in the table."""
        self.files += 1
        self.read += len(rows)
        self.rejected += len(rows) - good
        digests = {row[0]: digest(row) for row in rows if row[2] >= 0}
        if self.kind.mode == "replace":
            self._forget(self.current)
        elif self.kind.mode == "upsert":
            self._forget({key: self.current[key] for key in digests if key in self.current})
        elif self.kind.mode == "scd2":
            digests = {key: value for key, value in digests.items() if self.current.get(key) != value}
        if self.kind.keyed:
            self.current |= digests
        self.count += len(digests)
        self.sum += sum(digests.values())

    def _forget(self, gone: dict[int, int]) -> None:
        self.count -= len(gone)
        self.sum -= sum(gone.values())
        self.current = {key: value for key, value in self.current.items() if key not in gone}
