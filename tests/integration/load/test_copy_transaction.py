"""A staging writer is one transaction: all of a partition or nothing, whatever happens on the way."""

from __future__ import annotations

import itertools
import pickle
import threading
import time
import tracemalloc
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import psycopg2
import pyarrow as pa
import pytest
from psycopg2 import sql

from pipeline.errors import BalanceError, DestinationError, TransientError
from pipeline.load import copy as room
from pipeline.load import sender, staging
from pipeline.load.connect import Connection, Destination, connect
from pipeline.load.copy import Confirmation, StagingWriter
from pipeline.load.staging import StagingTarget
from tests.integration.load.staged import MakeTarget, reject_rows, rows_of, valid_rows
from tests.proxy import proxied

NO_ROWS = valid_rows(name=pa.array([], pa.string()))
NO_REJECTS = reject_rows()
WIDE = valid_rows(name=["x" * 1000] * 1000)  # 1 MB


def sessions(conn: Connection) -> int:
    """How many staging sessions the server has."""
    conn.rollback()
    with conn.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_stat_activity WHERE application_name = 'landfall:staging'")
        (count,) = cursor.fetchone() or (0,)
    conn.rollback()
    return int(count)


def wait_until(true: Callable[[], bool], seconds: float = 5.0) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "did not happen in time"
        time.sleep(0.02)


@pytest.fixture
def target(make_target: MakeTarget) -> StagingTarget:
    return make_target(("name", "text"))


@pytest.fixture(autouse=True)
def no_session_is_left(conn: Connection) -> Iterator[None]:
    yield
    wait_until(lambda: sessions(conn) == 0)


def test_valid_rows_and_rejects_are_committed_together(target: StagingTarget, conn: Connection) -> None:
    writer = StagingWriter(target)
    writer.write(valid_rows(name=["a", "b"]), reject_rows(7), filtered=3)
    writer.write(valid_rows(name=["c"]), NO_REJECTS, filtered=2)
    assert rows_of(conn, target.rows, "name") == []
    conn.rollback()
    confirmation = writer.close()
    assert confirmation == Confirmation(confirmation.attempt, staged=3, rejected=1, filtered=5)
    assert sorted(rows_of(conn, target.rows, "name", "_attempt")) == [(n, confirmation.attempt) for n in "abc"]
    assert rows_of(conn, target.rejects, "line", "column_name", "rule", "message", "reasons", "_attempt") == [
        (7, "amount", "type", "not a number", [{"rule": "type"}], confirmation.attempt)
    ]


def test_many_rejects_between_many_rows_all_arrive(
    target: StagingTarget, conn: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(room, "REJECT_ROWS", 2)
    writer = StagingWriter(target)
    for n in range(50):
        writer.write(valid_rows(name=[str(n)]), reject_rows(n), 0)
    assert writer.close() == Confirmation(writer_attempt(conn, target), 50, 50, 0)
    assert sorted(int(name) for (name,) in rows_of(conn, target.rows, "name")) == list(range(50))
    assert [line for (line,) in rows_of(conn, target.rejects, "line")] == list(range(50))


def writer_attempt(conn: Connection, target: StagingTarget) -> int:
    return int(rows_of(conn, target.rows, "_attempt")[0][0])


@pytest.mark.parametrize("patient", [True, False])
def test_a_server_that_checks_what_it_has_taken_is_waited_for(
    database: Destination, conn: Connection, monkeypatch: pytest.MonkeyPatch, patient: bool
) -> None:
    """As it does for foreign keys: after the last row, and for as long as it takes."""
    monkeypatch.setattr(sender, "STALL_SECONDS", 0.5)
    with conn, conn.cursor() as cursor:
        cursor.execute("""
            CREATE TABLE public.checked (name text);
            CREATE FUNCTION public.check_slowly() RETURNS trigger LANGUAGE plpgsql AS
            'BEGIN PERFORM pg_sleep(2); RETURN NULL; END';
            CREATE TRIGGER late AFTER INSERT ON public.checked FOR EACH ROW EXECUTE FUNCTION public.check_slowly()
        """)
    try:
        with closing(connect(database, "test")) as own:
            copying = sender.Sender(own, {"rows": sender.copy_into(sql.Identifier("public", "checked"), ["name"])})
            copying.put("rows", b"a\n")
            if patient:
                assert copying.finish(patient=True) == {"rows": 1}
            else:
                with pytest.raises(TransientError, match="has not taken any row"):
                    copying.finish()
            copying.abort()
    finally:
        with conn, conn.cursor() as cursor:
            cursor.execute("DROP TABLE public.checked; DROP FUNCTION public.check_slowly")


def test_a_partition_without_rows_needs_no_session(target: StagingTarget, conn: Connection) -> None:
    writer = StagingWriter(target)
    writer.write(NO_ROWS, NO_REJECTS, filtered=9)
    assert sessions(conn) == 0
    assert writer.close() == Confirmation(0, 0, 0, 9)


def test_only_rejects_or_only_rows(target: StagingTarget, conn: Connection) -> None:
    writer = StagingWriter(target)
    writer.write(NO_ROWS, reject_rows(1, 2), 0)
    assert writer.close().rejected == 2
    assert rows_of(conn, target.rows, "name") == []


def test_columns_may_come_in_any_order(make_target: MakeTarget, conn: Connection) -> None:
    target = make_target(("a", "text"), ('Odd "name" ; --', "text"))
    batch = pa.record_batch({"_line": pa.array([1]), 'Odd "name" ; --': ["second"], "a": ["first"], "stray": [1]})
    writer = StagingWriter(target)
    writer.write(batch, NO_REJECTS, 0)
    writer.close()
    assert rows_of(conn, target.rows, "*") == [("first", "second", 1, writer_attempt(conn, target))]


def test_a_retried_attempt_is_told_from_the_first(target: StagingTarget, conn: Connection) -> None:
    attempts = []
    for _ in range(2):
        writer = StagingWriter(target)
        writer.write(valid_rows(name=["a"]), NO_REJECTS, 0)
        attempts.append(writer.close().attempt)
    assert attempts[0] != attempts[1]
    assert sorted(rows_of(conn, target.rows, "_attempt")) == sorted((attempt,) for attempt in attempts)


def test_an_aborted_writer_leaves_nothing(target: StagingTarget, conn: Connection) -> None:
    writer = StagingWriter(target)
    for _ in range(10):
        writer.write(WIDE, reject_rows(*range(6000)), 0)
    writer.abort()
    writer.abort()
    assert (rows_of(conn, target.rows, "name"), rows_of(conn, target.rejects, "line")) == ([], [])


def test_a_target_travels_to_threads_that_write_at_once(target: StagingTarget, conn: Connection) -> None:
    def write(start: int) -> None:
        writer = StagingWriter(pickle.loads(pickle.dumps(target)))
        for n in range(start, start + 100):
            writer.write(valid_rows(name=[str(n)]), reject_rows(n), 0)
        writer.close()

    threads = [threading.Thread(target=write, args=(start,)) for start in range(0, 800, 100)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(int(name) for (name,) in rows_of(conn, target.rows, "name")) == list(range(800))
    assert [line for (line,) in rows_of(conn, target.rejects, "line")] == list(range(800))
    assert len(set(rows_of(conn, target.rows, "_attempt"))) == 8


def test_two_writers_make_the_table_of_rejects_at_once(target: StagingTarget, conn: Connection) -> None:
    with conn, conn.cursor() as cursor:
        cursor.execute(sql.SQL("DROP TABLE {}").format(target.rejects))
    first, second = connect(target.destination, "test"), connect(target.destination, "test")
    with first.cursor() as cursor:
        staging.create_rejects(cursor, target.rejects)

    def make() -> None:
        with second, second.cursor() as cursor:
            staging.create_rejects(cursor, target.rejects)

    with closing(first), closing(second), ThreadPoolExecutor() as pool:
        waiting = pool.submit(make)
        time.sleep(0.2)
        assert not waiting.done()
        first.commit()
        waiting.result(30)
    assert rows_of(conn, target.rejects, "line") == []


def test_memory_does_not_grow_with_the_partition(target: StagingTarget) -> None:
    writer = StagingWriter(target)
    tracemalloc.start()
    for _ in range(200):
        writer.write(WIDE, NO_REJECTS, 0)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert writer.close().staged == 200_000
    assert peak < 30e6  # of 200 MB written


def test_a_huge_batch_is_sent_in_pieces(
    target: StagingTarget, conn: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(room, "CHUNK_BYTES", 1 << 20)
    batch = valid_rows(name=["y" * 100] * 200_000)
    tracemalloc.start()
    writer = StagingWriter(target)
    writer.write(batch, NO_REJECTS, 0)
    confirmation = writer.close()
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert confirmation.staged == 200_000
    assert peak < 8 * room.CHUNK_BYTES  # of 20 MB
    assert rows_of(conn, target.rows, "count(*) OVER () AS n, min(_line) OVER (), max(_line) OVER (), _line")[0][:3] == (
        200_000, 1, 200_000,
    )  # fmt: skip


def test_a_value_that_the_column_cannot_hold_is_named_without_the_value(
    make_target: MakeTarget, conn: Connection
) -> None:
    target = make_target(("code", "varchar(2)"))
    writer = StagingWriter(target)
    with pytest.raises(DestinationError, match="a value of column code") as caught:
        writer.write(valid_rows(code=["topsecret"]), NO_REJECTS, 0)
        writer.close()
    assert "topsecret" not in str(caught.value)
    assert rows_of(conn, target.rows, "code") == []


def test_rows_that_copy_did_not_take_are_not_confirmed(target: StagingTarget, conn: Connection) -> None:
    """Here a trigger drops them; whatever the reason, the server's count decides."""
    with conn, conn.cursor() as cursor:
        cursor.execute("CREATE FUNCTION pg_temp.drop_it() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'")
        cursor.execute(
            sql.SQL("CREATE TRIGGER t BEFORE INSERT ON {} FOR EACH ROW WHEN (NEW.name = 'b')"
                    " EXECUTE FUNCTION pg_temp.drop_it()").format(target.rows)
        )  # fmt: skip
    writer = StagingWriter(target)
    writer.write(valid_rows(name=["a", "b", "c"]), NO_REJECTS, 0)
    with pytest.raises(BalanceError, match=r"'rows': 2, 'rejects': 0\} of \{'rows': 3"):
        writer.close()
    assert rows_of(conn, target.rows, "name") == []


def test_a_failure_while_more_is_written_is_told_when_its_copy_ends_and_never_hangs(make_target: MakeTarget) -> None:
    """libpq goes on swallowing a COPY's data after the server has refused it."""
    target = make_target(("name", "varchar(2)"))
    writer = StagingWriter(target)
    for _ in range(30):
        writer.write(WIDE, NO_REJECTS, 0)
    with pytest.raises(DestinationError, match="column name"):
        for n in itertools.count():
            writer.write(WIDE, reject_rows(n), 0) if n % 2 else writer.write(NO_ROWS, reject_rows(*range(5000)), 0)


def test_staging_that_is_gone_is_an_error_of_the_destination(target: StagingTarget, conn: Connection) -> None:
    staging.drop(conn, target.load_id)
    conn.commit()
    writer = StagingWriter(target)
    writer.write(valid_rows(name=["a"]), NO_REJECTS, 0)
    with pytest.raises(DestinationError, match="does not exist"):
        writer.close()


def test_a_terminated_session_is_transient(target: StagingTarget, conn: Connection) -> None:
    writer = StagingWriter(target)
    writer.write(WIDE, NO_REJECTS, 0)
    with conn.cursor() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'landfall:staging'"
        )
    with pytest.raises(TransientError, match="Nothing was published"):
        for _ in range(100):
            writer.write(WIDE, NO_REJECTS, 0)
    assert rows_of(conn, target.rows, "name") == []


@pytest.mark.parametrize("fault", ["reset", "close"])
def test_a_connection_cut_in_copy_is_transient(target: StagingTarget, conn: Connection, fault: str) -> None:
    with proxied(target.destination) as (proxy, through):
        proxy.cut_after, proxy.fault = 5_000_000, fault
        writer = StagingWriter(StagingTarget(through, target.load_id, target.columns))
        with pytest.raises(TransientError, match="connection to the database was lost"):
            for _ in range(20):
                writer.write(WIDE, NO_REJECTS, 0)
        assert proxy.strikes == 1
    wait_until(lambda: sessions(conn) == 0)
    assert rows_of(conn, target.rows, "name") == []


@pytest.mark.parametrize("delivered", [False, True])
def test_a_commit_without_acknowledgement_confirms_nothing(
    target: StagingTarget, conn: Connection, delivered: bool
) -> None:
    """If the commit did arrive, the rows are there, but under an attempt that nobody confirmed."""
    with proxied(target.destination) as (proxy, through):
        proxy.deliver = delivered
        writer = StagingWriter(StagingTarget(through, target.load_id, target.columns))
        writer.write(valid_rows(name=["a"]), NO_REJECTS, 0)
        proxy.cut_at = b"COMMIT"
        with pytest.raises(TransientError):
            writer.close()
        assert proxy.strikes == 1
    wait_until(lambda: sessions(conn) == 0)
    assert len(rows_of(conn, target.rows, "name")) == delivered


@pytest.mark.parametrize("in_commit", [False, True])
def test_a_network_that_swallows_everything_is_given_up(
    target: StagingTarget, conn: Connection, monkeypatch: pytest.MonkeyPatch, in_commit: bool
) -> None:
    monkeypatch.setattr(sender, "STALL_SECONDS", 1.0)
    with proxied(target.destination) as (proxy, through):
        proxy.cut_after, proxy.fault = 3_000_000, "stall"
        writer = StagingWriter(StagingTarget(through, target.load_id, target.columns))
        started = time.monotonic()
        with pytest.raises(TransientError, match="has not taken any row for 1 s"):
            for _ in range(4 if in_commit else 50):
                writer.write(WIDE, NO_REJECTS, 0)
            writer.close()
        assert time.monotonic() - started < 6
        assert proxy.strikes
        proxy.hang_up()


def test_abort_in_another_thread_ends_a_copy_that_waits(target: StagingTarget, conn: Connection) -> None:
    """The server waits for a lock that somebody holds: abort must not wait with it."""
    with conn.cursor() as cursor:
        cursor.execute(sql.SQL("LOCK TABLE {} IN ACCESS EXCLUSIVE MODE").format(target.rows))
    writer = StagingWriter(target)
    writer.write(WIDE, NO_REJECTS, 0)
    time.sleep(0.2)
    started = time.monotonic()
    writer.abort()
    assert time.monotonic() - started < 2


def test_a_cancelled_statement_is_transient(target: StagingTarget, conn: Connection) -> None:
    from pipeline.load.connect import cancel_running

    with conn.cursor() as cursor:
        cursor.execute(sql.SQL("LOCK TABLE {} IN ACCESS EXCLUSIVE MODE").format(target.rows))
    writer = StagingWriter(target)
    writer.write(WIDE, NO_REJECTS, 0)
    time.sleep(0.2)
    cancel_running()
    with pytest.raises(TransientError, match="cancelled"):
        writer.close()


def test_without_the_ledger_there_is_a_clear_error(target: StagingTarget, conn: Connection) -> None:
    with conn, conn.cursor() as cursor:
        cursor.execute("ALTER SEQUENCE landfall_staging.attempt RENAME TO gone")
    try:
        writer = StagingWriter(target)
        with pytest.raises(DestinationError, match=r"landfall_staging\.attempt"):
            writer.write(valid_rows(name=["a"]), NO_REJECTS, 0)
    finally:
        with conn, conn.cursor() as cursor:
            cursor.execute("ALTER SEQUENCE landfall_staging.gone RENAME TO attempt")


def test_a_type_that_is_no_type_is_not_spliced_into_ddl(conn: Connection, target: StagingTarget) -> None:
    from pipeline.errors import ContractError

    for text in ("text); DROP TABLE x; --", "text DEFAULT 1", "int -- ", "a.b", ""):
        with pytest.raises(ContractError, match="physicalType"):
            staging.create(conn, StagingTarget(target.destination, target.load_id, (("a", text),)))


def test_the_other_session_still_works(target: StagingTarget) -> None:
    session = connect(target.destination, "test", wait=10)
    with pytest.raises(psycopg2.errors.UndefinedTable):
        rows_of(session, sql.Identifier("nowhere"), "a")
    session.close()
