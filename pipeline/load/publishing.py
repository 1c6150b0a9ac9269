"""The publishing transaction: one cursor, the names of the tables involved, statements composed safely.

Statements are executed without driver parameters: values come in as `sql.Literal`, because a `%` in a column's name
would otherwise be taken for a placeholder.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any

import psycopg2
from psycopg2 import sql

from pipeline.contract.dataset import Dataset
from pipeline.errors import LandfallError
from pipeline.load.request import PublishRequest, RuleResult
from pipeline.load.staging import SCHEMA, written
from pipeline.load.table import LiveColumn, LiveTable, read

Composable = sql.Composable


@dataclass
class Publishing:
    """What the steps of one publish share.

    `counts`: the receipt's rows so far, and `staged`: valid rows still in staging. `ddl`: the statements run on the
    target. `live`: the target as it is, None while there is none. `fresh`: it had no rows when the publish came;
    `created`: this publish makes it.
    `copied`: rows that are in the target already, None when they are in staging.
    `backend`: process id and start of the server process that serves this session.
    """

    cursor: Any
    request: PublishRequest
    counts: dict[str, int] = field(default_factory=dict)
    ddl: list[str] = field(default_factory=list)
    rule_results: tuple[RuleResult, ...] = ()
    live: LiveTable | None = None
    fresh: bool = True
    created: bool = False
    copied: int | None = None
    backend: tuple[int, datetime] | None = None

    @property
    def dataset(self) -> Dataset:
        return self.request.dataset

    @property
    def key(self) -> tuple[str, ...]:
        return self.dataset.key

    @property
    def columns(self) -> tuple[str, ...]:
        return self.request.columns

    @property
    def target(self) -> sql.Identifier:
        return sql.Identifier(self.dataset.schema, self.dataset.table)

    @property
    def rows(self) -> sql.Identifier:
        return self.scratch("rows")

    @property
    def rejects(self) -> sql.Identifier:
        return self.scratch("rejects")

    @property
    def load_id(self) -> sql.Composed:
        return sql.SQL("{}::uuid").format(sql.Literal(str(self.request.load_id)))

    @property
    def present(self) -> LiveTable:
        """The target, where it must exist by now."""
        if self.live is None:
            raise LandfallError(f"the target {self.dataset.schema}.{self.dataset.table} is gone")
        return self.live

    @cached_property
    def types(self) -> Mapping[str, LiveColumn]:
        """The columns that the load writes, their types as the catalogue writes them."""
        known = {column.name: column.type.sql for column in self.dataset.columns}
        return written(self.cursor.connection, tuple((name, known.get(name, "text")) for name in self.columns))

    def refresh(self) -> None:
        """Read the target from the catalogue, and whether it has rows."""
        self.live = read(self.cursor, self.dataset.schema, self.dataset.table)
        self.fresh = self.live is None or not self.one("SELECT EXISTS (SELECT FROM {target})")[0]

    def scratch(self, name: str) -> sql.Identifier:
        """A table of this load in the staging schema; those made here live and die with the transaction."""
        return sql.Identifier(SCHEMA, f"{name}_{self.request.load_id.hex}")

    def run(self, template: str, **parts: Composable) -> int:
        """Execute one statement; the number of rows it touched. `{rows}`, `{rejects}`, `{target}` are always known."""
        self.cursor.execute(self.compose(template, **parts))
        count: int = self.cursor.rowcount
        return count

    def all(self, template: str, **parts: Composable) -> list[tuple[Any, ...]]:
        """Execute one query; its rows, none for a statement that is no query."""
        self.cursor.execute(self.compose(template, **parts))
        found: list[tuple[Any, ...]] = self.cursor.fetchall() if self.cursor.description else []
        return found

    def one(self, template: str, **parts: Composable) -> tuple[Any, ...]:
        """Execute one query; its first row."""
        return self.all(template, **parts)[0]

    def heavy(self, template: str, **parts: Composable) -> list[tuple[Any, ...]]:
        """Execute a big join; alone, if the server has too little shared memory for parallel workers.

        Containers have 64 MB by default; a parallel hash of millions of rows takes more and fails as `disk full`.
        """
        try:
            with self.savepoint("parallel"):
                return self.all(template, **parts)
        except psycopg2.errors.DiskFull:
            self.run("SELECT set_config('max_parallel_workers_per_gather', '0', true)")
            return self.all(template, **parts)

    @contextmanager
    def savepoint(self, name: str) -> Iterator[None]:
        """Undo what the block did, and only that, if it raises."""
        self.run("SAVEPOINT {name}", name=sql.Identifier(name))
        try:
            yield
        except BaseException:
            if not self.cursor.connection.closed:
                self.run("ROLLBACK TO SAVEPOINT {name}", name=sql.Identifier(name))
            raise
        self.run("RELEASE SAVEPOINT {name}", name=sql.Identifier(name))

    def compose(self, template: str, **parts: Composable) -> sql.Composed:
        """Fill a template's braces with identifiers and literals."""
        return sql.SQL(template).format(**{**self._known, **parts})

    @cached_property
    def _known(self) -> dict[str, Composable]:
        return {"rows": self.rows, "rejects": self.rejects, "target": self.target, "load_id": self.load_id}


def names(columns: tuple[str, ...], table: str | None = None) -> sql.Composed:
    """`"a", "b"`, or with a table's alias `t."a", t."b"`."""
    return sql.SQL(", ").join(name(column, table) for column in columns)


def name(column: str, table: str | None = None) -> sql.Identifier:
    """One column, quoted, with its table's alias if given."""
    return sql.Identifier(table, column) if table else sql.Identifier(column)


def equal(columns: tuple[str, ...], left: str, right: str) -> sql.Composed:
    """`l."a" = r."a" AND l."b" = r."b"`."""
    pairs = (sql.SQL("{} = {}").format(name(column, left), name(column, right)) for column in columns)
    return sql.SQL(" AND ").join(pairs)
