"""Loads by hand: rows staged as an engine's worker would, then published on a real PostgreSQL."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import pytest
from psycopg2 import sql
from psycopg2.extras import execute_values

from pipeline.contract.dataset import Budget, Column, ColumnType, Dataset, LoadPlan, ReadOptions
from pipeline.load import ledger, staging
from pipeline.load.connect import Connection, Destination, connect
from pipeline.load.copy import Confirmation
from pipeline.load.publish import Published, PublishRequest, publish
from pipeline.load.staging import StagingTarget


class Raw(NamedTuple):
    """A structural reject."""

    line: int
    raw: bytes
    column: str | None = None
    rule: str = "structure"
    message: str = "2 fields instead of 3"


def dataset(table: str, columns: Sequence[Column], schema: str = "shop", **plan: Any) -> Dataset:
    """A small dataset; `plan`: fields of LoadPlan, or of Dataset where that has them."""
    of_dataset = {name: plan.pop(name) for name in ("dataset_rules", "description") if name in plan}
    return Dataset(
        id=f"{schema}-{table}",
        version="1.0.0",
        path=f"{table}.odcs.yaml",
        sha256="0" * 64,
        location=f"{table}_*.csv",
        read=ReadOptions("csv"),
        schema=schema,
        table=table,
        columns=tuple(columns),
        source_columns=tuple(column.name for column in columns),
        load=LoadPlan(**{"budget": Budget(100), **plan}),
        **of_dataset,
    )


def column(name: str, kind: str = "text", **facts: Any) -> Column:
    """A column by its PostgreSQL type."""
    return Column(name, ColumnType("string", kind), source=name, **facts)


ITEMS = (
    column("id", "bigint", required=True, key_position=1),
    column("name"),
    column("price", "numeric(10,2)"),
)
KEYLESS = (column("name"), column("price", "numeric(10,2)"))


def counts(published: Published) -> dict[str, int]:
    """The receipt's counts that are not 0, without `read`."""
    return {name: rows for name, rows in published.rows.items() if rows and name != "read"}


@dataclass
class Bench:
    """Loads rows into a dataset's table and looks at what came of it."""

    destination: Destination
    conn: Connection
    files: int = 0
    opened: list[Connection] = field(default_factory=list)
    begun: dict[uuid.UUID, ledger.Begun] = field(default_factory=dict)

    def load(self, of: Dataset, rows: Sequence[Sequence[Any]], uri: str | None = None, **facts: Any) -> Published:
        """Stage and publish. `rows`: values of the columns; lines count from 2. `rejects`: (line, column, rule)."""
        return self.publish(self.stage(of, rows, uri, **facts))

    def publish(self, request: PublishRequest) -> Published:
        """Publish, check that the receipt balances, and free the object's locks."""
        try:
            published = publish(self.conn, request)
        finally:
            if not self.conn.closed:
                ledger.release(self.conn, self.begun[request.load_id])
        rows = published.rows
        fates = ("inserted", "updated", "unchanged", "duplicate", "filtered", "rejected")
        assert rows["read"] == sum(rows[fate] for fate in fates)
        return published

    def rejects(self, request: PublishRequest) -> list[dict[str, Any]]:
        """The load's rejects, as the ledger keeps them."""
        return list(ledger.rejects(self.conn, request.load_id))

    def stage(
        self,
        of: Dataset,
        rows: Sequence[Sequence[Any]],
        uri: str | None = None,
        rejects: Sequence[tuple[int, str | None, str]] = (),
        structural: Sequence[Raw] = (),
        filtered: int = 0,
        force: bool = False,
        version: str | None = None,
        read: int | None = None,
        **more: Any,
    ) -> PublishRequest:
        """Everything up to publish: the ledger row, the staging tables, their rows, one confirmation."""
        self.files += 1
        content = repr((of.columns, rows, rejects)).encode()
        facts = ledger.SourceFacts(
            uri or f"file:///in/{self.files}.csv", hashlib.sha256(content).hexdigest(), 1, version
        )
        begun = ledger.begin(self.conn, facts, of, "sail", force)
        assert begun.status == "running", begun
        self.begun[begun.load_id] = begun
        columns = tuple((each.name, each.type.sql) for each in of.columns)
        target = StagingTarget(self.destination, begun.load_id, columns)
        staging.create(self.conn, target)
        self.fill(target, rows, rejects)
        total = len(rows) + len(rejects) + len(structural) + filtered
        request = PublishRequest(
            load_id=begun.load_id,
            dataset=of,
            uri=facts.uri,
            read=total if read is None else read,
            confirmations=(Confirmation(1, len(rows), len(rejects), filtered),),
            structural_rejects=lambda: iter(structural),
            raw_records=lambda lines: ((line, b"raw %d" % line) for line in lines),
            reconnect=self.connect,
            lock_wait=5,
        )
        return replace(request, **more)

    def fill(
        self,
        target: StagingTarget,
        rows: Sequence[Sequence[Any]],
        rejects: Sequence[tuple[int, str | None, str]] = (),
        attempt: int = 1,
    ) -> None:
        """Write staged rows as a worker's attempt would."""
        with self.conn, self.conn.cursor() as cursor:
            if rows:
                statement = sql.SQL("INSERT INTO {} VALUES %s").format(target.rows).as_string(cursor)
                execute_values(cursor, statement, [(*row, line, attempt) for line, row in enumerate(rows, 2)])
            if rejects:
                statement = sql.SQL("INSERT INTO {} VALUES %s").format(target.rejects).as_string(cursor)
                values = [(line, name, rule, f"{rule} broken", "[]", attempt) for line, name, rule in rejects]
                execute_values(cursor, statement, values)

    def connect(self) -> Connection:
        """Another session, closed after the test."""
        session = connect(self.destination, "test", wait=10)
        self.opened.append(session)
        return session

    def query(self, statement: str) -> list[tuple[Any, ...]]:
        """Run a query, or any statement, on a session of its own, committed."""
        session = self.connect()
        with session, session.cursor() as cursor:
            cursor.execute(statement)
            found: list[tuple[Any, ...]] = cursor.fetchall() if cursor.description else []
        session.close()
        return found

    def table(self, of: Dataset, columns: str = "*", order: str = "1, 2") -> list[tuple[Any, ...]]:
        """The target's rows."""
        names = ", ".join(f'"{each.name}"' for each in of.columns) if columns == "*" else columns
        return self.query(f'SELECT {names} FROM "{of.schema}"."{of.table}" ORDER BY {order}')

    def ledger(self, load_id: uuid.UUID) -> dict[str, Any]:
        """The load's ledger row."""
        return ledger.load(self.conn, load_id)

    def leftovers(self) -> list[str]:
        """Tables left in the staging schema."""
        found = self.query("SELECT relname FROM pg_class WHERE relnamespace = 'landfall_staging'::regnamespace")
        return [name for (name,) in found if name != "attempt"]


@pytest.fixture
def bench(database: Destination) -> Iterator[Bench]:
    """A bench in the module's database, where schema `shop` is new for each test."""
    conn = connect(database, "test", wait=10)
    ledger.ensure(conn)
    with conn, conn.cursor() as cursor:
        cursor.execute("DROP SCHEMA IF EXISTS shop CASCADE; TRUNCATE landfall.load CASCADE")
    bench = Bench(database, conn)
    yield bench
    for session in (conn, *bench.opened):
        session.close()
