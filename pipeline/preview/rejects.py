"""Rejects of a preview."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace

import pyarrow as pa


@dataclass(frozen=True)
class Reject:
    """A row that would not be loaded. `raw`: the sender's record as text, None where it may not be shown."""

    line: int
    column: str | None
    rule: str
    message: str
    raw: str | None = None

    def with_raw(self, raw: str | None) -> Reject:
        """With the sender's record."""
        return replace(self, raw=raw)


def typed_rejects(rejected: pa.Table) -> list[Reject]:
    """The rejects of rows that a cast or a rule refused: one a row, under its first reason, naming the others."""
    return list(_rejects(rejected))


def _rejects(rejected: pa.Table) -> Iterator[Reject]:
    for row in rejected.to_pylist():
        reasons = json.loads(row["_reasons"])
        first = reasons[0]
        yield Reject(row["_line"], first["column"], first["rule"], "; ".join(_said(reason) for reason in reasons))


def _said(reason: dict[str, str | None]) -> str:
    return f"{reason['column']}: {reason['message']}" if reason["column"] else str(reason["message"])
