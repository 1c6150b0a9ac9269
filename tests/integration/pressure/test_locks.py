"""Other sessions in the way: locks, deadlocks, time limits, a table that changes meanwhile."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import closing
from functools import partial

import psycopg2
import pytest
from psycopg2 import sql

from pipeline.load.connect import Connection, Destination, connect
from tests.conftest import maintain
from tests.integration.pressure.case import CALM, RAISES, Case, Query, Waiting, execute, until_waiting


def _impatient(seconds: float | None) -> None:
    """In the engine's process: how long a publish waits for its table. None: as always."""
    from pipeline import job
    from pipeline.load.request import PublishRequest

    request = PublishRequest if seconds is None else partial(PublishRequest, lock_wait=seconds)
    job.PublishRequest = request  # type: ignore[attr-defined]


@pytest.fixture
def impatient(sail_pool: ProcessPoolExecutor) -> Iterator[None]:
    """Loads give up on a lock after a second."""
    sail_pool.submit(_impatient, 1.0).result()
    yield
    sail_pool.submit(_impatient, None).result()


@pytest.mark.usefixtures("impatient")
def test_a_lock_that_is_not_given_back(case: Case, other: Connection) -> None:
    execute(other, case.sql("LOCK TABLE {target} IN SHARE ROW EXCLUSIVE MODE; SELECT 1"))
    receipt = case.load()
    other.rollback()
    case.failed(receipt, 75, "in use by another load or writer.*load again|lock was not free")
    case.recovered()


def test_a_deadlock(case: Case, conn: Connection, other: Connection, rows: Query) -> None:
    """The load holds the table and wants `desk`; the other session holds `desk` and wants the table."""
    trigger = RAISES % "LOCK TABLE {schema}.desk"
    with conn:
        execute(conn, case.sql("CREATE TABLE {schema}.desk ();" + trigger))
    execute(other, case.sql("SET deadlock_timeout = '1h'; BEGIN; LOCK TABLE {schema}.desk"))
    waiting = Waiting(case)
    until_waiting(rows, case.sql("{schema}.desk"))
    execute(other, case.sql("LOCK TABLE {target} IN SHARE ROW EXCLUSIVE MODE"))  # granted once the load is the victim
    other.rollback()
    case.failed(waiting.receipt(), 75, "deadlock.*load again")
    with conn:
        execute(conn, case.sql(CALM))
    case.recovered()


def test_a_statement_timeout_of_the_role_does_not_end_a_load(
    case: Case, conn: Connection, server: Destination, database: Destination
) -> None:
    name = sql.Identifier(str(database.url.database))
    with conn:
        execute(conn, case.sql(RAISES % "PERFORM pg_sleep(0.4)"))
    maintain(server, sql.SQL("ALTER DATABASE {} SET statement_timeout = '300ms'").format(name))
    try:
        with closing(connect(database, "test-probe")) as session:
            execute(session, "RESET statement_timeout")
            with pytest.raises(psycopg2.errors.QueryCanceled):
                execute(session, "SELECT pg_sleep(5)")
        receipt = case.load()
    finally:
        maintain(server, sql.SQL("ALTER DATABASE {} RESET statement_timeout").format(name))
    case.recovered(receipt)


@pytest.mark.parametrize(
    ("change", "said", "back"),
    [
        ("ALTER TABLE {target} ALTER name TYPE integer USING 0", "name", "ALTER TABLE {target} ALTER name TYPE text"),
        ("ALTER TABLE {target} RENAME TO moved", None, None),
        ("ALTER TABLE {target} DROP COLUMN name", None, None),
    ],
    ids=["retyped", "renamed", "dropped"],
)
def test_a_table_that_changes_while_a_load_waits_for_it(
    case: Case, other: Connection, rows: Query, change: str, said: str | None, back: str | None, conn: Connection
) -> None:
    execute(other, case.sql("LOCK TABLE {target} IN ACCESS EXCLUSIVE MODE;" + change))
    waiting = Waiting(case)
    until_waiting(rows, case.sql("{target}"))
    other.commit()
    receipt = waiting.receipt()
    if "RENAME" in change:
        assert receipt.error is None
        assert (case.ids(), receipt.rows["inserted"]) == ([4, 5, 7], 3)
        return
    if said is None:
        assert receipt.ddl == (case.sql('ALTER TABLE "{schema}"."target" ADD COLUMN "name" text'),)
        case.recovered(receipt)
        return
    assert back is not None
    case.failed(receipt, 65, said)
    with conn:
        execute(conn, case.sql(back))
    case.recovered()
