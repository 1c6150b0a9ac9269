"""Rejects found while reading, kept on disk so that a hostile file cannot fill the memory."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from io import TextIOWrapper
from pathlib import Path


@dataclass(frozen=True)
class RawReject:
    """A record that is no row. `line`: physical line it starts on, from 1. `raw`: its bytes exactly as sent.

    `column`: name of the column at fault, None when it is the record as a whole. `rule`: encoding, structure, type or
    not_storable.
    """

    line: int
    raw: bytes
    column: str | None
    rule: str
    message: str


class RejectSpool:
    """An append-only file of rejects; made when the first one arrives."""

    def __init__(self, path: Path) -> None:
        self.count = 0
        self._path = path
        self._file: TextIOWrapper | None = None

    def add(self, reject: RawReject) -> None:
        """Keep one reject."""
        if self._file is None:
            self._file = self._path.open("w", encoding="ascii")
        # latin-1 maps each byte to one character, so JSON carries any bytes unchanged
        fields = [reject.line, reject.raw.decode("latin-1"), reject.column, reject.rule, reject.message]
        self._file.write(json.dumps(fields) + "\n")
        self.count += 1

    def read(self) -> Iterator[RawReject]:
        """All rejects so far, in the order they came."""
        if self._file is None:
            return
        self._file.flush()
        with self._path.open(encoding="ascii") as spooled:
            for text in spooled:
                line, raw, column, rule, message = json.loads(text)
                yield RawReject(line, raw.encode("latin-1"), column, rule, message)
