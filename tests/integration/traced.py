"""A table that tells how its rows came: its column `how` is `current_query()` by default, `COPY` or `INSE`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from pipeline.load.connect import Connection
from pipeline.receipt import Receipt
from tests.integration.loader import Loader, command

COLUMNS = [
    "{name: id, logicalType: integer, required: true}",
    "{name: name, logicalType: string}",
]
PATIENT = "{mode: append, rejects: {max: 60, unit: percent}}"


class Table:
    """A contract, its target with the column `how`, and files for it."""

    def __init__(self, contract: Path, directory: Path, conn: Connection, loader: Loader) -> None:
        self.contract, self.directory, self.conn, self.loader = contract, directory, conn, loader
        self.name = f"{contract.name.removesuffix('.odcs.yaml')}.target"

    @classmethod
    def of(cls, test: str, contract: Callable[..., Path], directory: Path, conn: Connection, loader: Loader) -> Table:
        """The table of one test."""
        name = f"t{abs(hash(test)) % 10**12}"
        return cls(contract(name, COLUMNS, load=PATIENT), directory, conn, loader)

    def make(self, more: str = "") -> None:
        """Create the target as somebody else would, with what `more` says."""
        schema = self.name.partition(".")[0]
        with self.conn, self.conn.cursor() as cursor:
            cursor.execute(
                f"CREATE SCHEMA {schema}; CREATE TABLE {self.name} (id bigint NOT NULL, name text, _load_id uuid,"
                f" _line bigint, how text DEFAULT left(btrim(current_query(), E' \\n'), 4)); {more.format(target=self.name)}"
            )

    def load(self, text: str, name: str = "a.csv", **options: Any) -> Receipt:
        path = self.directory / name
        path.write_text(text)
        return self.loader.one(path, self.contract, **options)

    def rows(self, columns: str = "id, name, how") -> list[tuple[Any, ...]]:
        with self.conn, self.conn.cursor() as cursor:
            cursor.execute(f"SELECT {columns} FROM {self.name} ORDER BY 1, 2")
            return cursor.fetchall()

    def command(self, text: str, *options: str) -> list[str]:
        """The command that loads `text`, for a process of its own."""
        path = self.directory / "big.csv"
        path.write_text(text)
        return command(path, self.contract, self.loader, *options)
