"""The dead are swept, the living are not."""

from __future__ import annotations

import time
from collections.abc import Callable
from uuid import UUID

import pytest
from psycopg2 import sql

from pipeline.load import ledger, staging
from pipeline.load.begin import begin, load_key, new_load_id, release
from pipeline.load.connect import Connection, Destination, connect
from pipeline.load.copy import StagingWriter
from pipeline.load.staging import StagingTarget
from tests.integration.load.racer import DATASET, object_facts
from tests.integration.load.staged import reject_rows, valid_rows


def tables(conn: Connection, load_id: UUID) -> int:
    with conn, conn.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_class WHERE relname LIKE %s", (f"%_{load_id.hex}",))
        (count,) = cursor.fetchone() or (0,)
    return int(count)


def status(conn: Connection, load_id: UUID) -> str:
    found = str(ledger.load(conn, load_id)["status"])
    conn.rollback()
    return found


def until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 5
    while not true():
        assert time.monotonic() < deadline, "did not happen in time"
        time.sleep(0.02)


@pytest.fixture
def loading(prepared: Destination) -> tuple[Connection, UUID, StagingTarget]:
    """A load that has begun, on a session of its own, with its staging tables."""
    session = connect(prepared, "test-loading", wait=10)
    begun = begin(session, object_facts(time.monotonic_ns()), DATASET, "sail")
    target = StagingTarget(prepared, begun.load_id, (("name", "text"),))
    staging.create(session, target)
    return session, begun.load_id, target


Loading = tuple[Connection, UUID, StagingTarget]


def test_a_load_whose_session_is_gone_is_failed_and_its_staging_dropped(conn: Connection, loading: Loading) -> None:
    session, load_id, _ = loading
    assert ledger.sweep(conn) == []
    assert (status(conn, load_id), tables(conn, load_id)) == ("running", 2)
    session.close()
    found: list[UUID] = []
    until(lambda: bool(found.extend(ledger.sweep(conn)) or found))
    assert found == [load_id]
    row = ledger.load(conn, load_id)
    assert (row["status"], row["error_kind"], tables(conn, load_id)) == ("failed", "interrupted", 0)
    assert row["finished_at"] is not None
    assert ledger.sweep(conn) == []


def test_a_session_does_not_sweep_its_own_load(loading: Loading) -> None:
    session, load_id, _ = loading
    assert ledger.sweep(session) == []
    assert (status(session, load_id), tables(session, load_id)) == ("running", 2)
    session.close()


def test_a_published_load_is_not_marked_dead(conn: Connection, loading: Loading) -> None:
    """Its session is gone and its row was `running` a moment ago, but the commit came first."""
    session, load_id, _ = loading
    with session:
        ledger.finish(session, load_id, {}, {}, {})
    session.close()
    until(lambda: ledger.sweep(conn) == [] and tables(conn, load_id) == 0)
    assert status(conn, load_id) == "loaded"


def test_staging_in_use_by_a_surviving_worker_is_left_for_the_next_sweep(conn: Connection, loading: Loading) -> None:
    session, load_id, target = loading
    writer = StagingWriter(target)
    writer.write(valid_rows(name=["a"]), reject_rows(1), 0)
    session.close()
    started = time.monotonic()
    until(lambda: load_id in ledger.sweep(conn))
    assert time.monotonic() - started < 10
    assert (status(conn, load_id), tables(conn, load_id)) == ("failed", 2)
    writer.abort()
    until(lambda: not ledger.sweep(conn) and tables(conn, load_id) == 0)


def test_staging_that_may_not_be_dropped_is_left(conn: Connection, prepared: Destination, loading: Loading) -> None:
    session, load_id, _ = loading
    role = sql.Identifier(f"landfall_test_{new_load_id().hex[-8:]}")
    with conn, conn.cursor() as cursor:
        cursor.execute(sql.SQL("CREATE ROLE {}").format(role))
        cursor.execute(sql.SQL("GRANT USAGE ON SCHEMA landfall, landfall_staging TO {}").format(role))
        cursor.execute(sql.SQL("GRANT SELECT, UPDATE ON landfall.load TO {}").format(role))
    session.close()
    try:
        with conn, conn.cursor() as cursor:
            cursor.execute(sql.SQL("SET ROLE {}").format(role))
        until(lambda: load_id in ledger.sweep(conn))
        assert tables(conn, load_id) == 2
    finally:
        with conn, conn.cursor() as cursor:
            cursor.execute("RESET ROLE")
            cursor.execute(sql.SQL("DROP OWNED BY {0}; DROP ROLE {0}").format(role))


def test_tables_that_only_look_alike_are_not_dropped(conn: Connection, prepared: Destination) -> None:
    with conn, conn.cursor() as cursor:
        cursor.execute("CREATE TABLE landfall_staging.rows_of_mine (a int)")
        cursor.execute("CREATE TABLE public.rows_0190163d8694739baea5966c26f8ad91 (a int)")
    assert ledger.sweep(conn) == []
    with conn, conn.cursor() as cursor:
        cursor.execute("DROP TABLE landfall_staging.rows_of_mine, public.rows_0190163d8694739baea5966c26f8ad91")


def test_the_sweep_computes_the_same_lock_as_the_load(conn: Connection) -> None:
    for _ in range(200):
        load_id = new_load_id()
        with conn, conn.cursor() as cursor:
            cursor.execute("SELECT ('x' || right(replace(%s::text, '-', ''), 16))::bit(64)::bigint", (str(load_id),))
            assert cursor.fetchone() == (load_key(load_id),)


def test_the_lock_of_a_load_ends_with_its_release(conn: Connection, loading: Loading) -> None:
    session, load_id, target = loading
    begun = begin(conn, object_facts(time.monotonic_ns()), DATASET, "sail")
    ledger.fail(conn, begun.load_id, "failed", ValueError())
    staging.create(conn, StagingTarget(target.destination, begun.load_id, target.columns))
    assert ledger.sweep(conn) == []
    assert tables(conn, begun.load_id) == 2
    release(conn, begun)
    assert ledger.sweep(conn) == []
    assert (tables(conn, begun.load_id), tables(conn, load_id)) == (0, 2)
    session.close()
