"""What the server's errors become: worth a retry or not, telling what to do, and silent about values."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Iterator
from contextlib import closing

import psycopg2
import pytest
from psycopg2 import sql

from pipeline.errors import DestinationError, LandfallError, TransientError
from pipeline.load.connect import Connection, Destination, connect, translate

SECRET = "4111111111111111"

SETUP = """
    DROP SCHEMA IF EXISTS shop CASCADE;
    CREATE SCHEMA shop;
    CREATE TABLE shop.parent (id text PRIMARY KEY);
    CREATE TABLE shop.child (
        id text UNIQUE, parent text CONSTRAINT has_parent REFERENCES shop.parent, age smallint CONSTRAINT adult CHECK (age > 17),
        name text NOT NULL DEFAULT 'n', EXCLUDE USING btree (parent WITH =));
    CREATE FUNCTION shop.guard() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN RAISE EXCEPTION 'not this one: %', NEW.id; END $$;
    CREATE TABLE shop.guarded (id text);
    CREATE TRIGGER guard BEFORE INSERT ON shop.guarded FOR EACH ROW EXECUTE FUNCTION shop.guard();
    INSERT INTO shop.parent VALUES ('p');
    INSERT INTO shop.child (id) VALUES ('4111111111111111');
"""


@pytest.fixture(scope="module", autouse=True)
def _tables(database: Destination) -> None:
    with closing(connect(database, "test", wait=10)) as conn, conn, conn.cursor() as cursor:
        cursor.execute(SETUP)


@pytest.fixture
def other(database: Destination) -> Iterator[Connection]:
    session = connect(database, "test-other", wait=10)
    yield session
    session.close()


def failure(conn: Connection, statement: str, reveal: bool = False) -> LandfallError:
    """What our tree makes of the statement's error."""
    with pytest.raises(psycopg2.Error) as caught, conn.cursor() as cursor:
        cursor.execute(statement)
    translated = translate(caught.value, reveal)
    conn.rollback()
    return translated


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        (f"INSERT INTO shop.child (id) VALUES ('{SECRET}')", "unique constraint child_id_key of shop.child"),
        (f"INSERT INTO shop.child (parent) VALUES ('{SECRET}')", "foreign key constraint has_parent of shop.child"),
        (f"INSERT INTO shop.child (id, age) VALUES ('x{SECRET}', 3)", "check constraint adult of shop.child"),
        (f"INSERT INTO shop.child (id, name) VALUES ('x{SECRET}', NULL)", "not-null constraint name of shop.child"),
        (
            f"INSERT INTO shop.parent VALUES ('{SECRET}');"
            f"INSERT INTO shop.child (parent) VALUES ('{SECRET}'), ('{SECRET}')",
            "exclusion constraint child_parent_excl of shop.child",
        ),
        (f"INSERT INTO shop.guarded VALUES ('{SECRET}')", r"in function shop\.guard\(\) \(SQLSTATE P0001\)"),
        (f"SELECT 'x{SECRET}'::int", "SQLSTATE 22P02"),
        (f"INSERT INTO shop.child (age) VALUES ({SECRET})", "SQLSTATE 22003"),
        ("SELECT missing FROM shop.child", 'column "missing" does not exist.*Was the table changed'),
        ("SELECT * FROM shop.nowhere", 'relation "shop.nowhere" does not exist'),
        ("SET TRANSACTION READ ONLY; DELETE FROM shop.child", "read-only.*writer"),
        ("SET LOCAL ROLE pg_monitor; DELETE FROM shop.child", "missing rights.*GRANT"),
    ],
)
def test_what_a_retry_will_not_change_names_the_object_and_no_value(
    conn: Connection, statement: str, said: str
) -> None:
    error = failure(conn, statement)
    assert isinstance(error, DestinationError)
    assert SECRET not in str(error)
    assert re.search(said, str(error)), str(error)


def test_the_servers_own_words_are_quoted_if_no_column_is_restricted(conn: Connection) -> None:
    error = failure(conn, "INSERT INTO shop.guarded VALUES ('42')", reveal=True)
    assert "not this one: 42" in str(error)


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ("SET LOCAL statement_timeout = '50ms'; SELECT pg_sleep(5)", "statement_timeout.*57014"),
        ("SELECT pg_terminate_backend(pg_backend_pid())", "connection to the database was lost|told to end"),
        ("SET LOCAL idle_in_transaction_session_timeout = '50ms'; SELECT 1", None),
    ],
)
def test_what_may_pass_is_transient(database: Destination, statement: str, said: str | None) -> None:
    with closing(connect(database, "test", wait=10)) as session, session.cursor() as cursor:
        with pytest.raises(psycopg2.Error) as caught:
            cursor.execute(statement)
            time.sleep(0.3)
            cursor.execute("SELECT 1")
        error = translate(caught.value)
    assert isinstance(error, TransientError)
    assert "load again" in str(error)
    if said:
        assert re.search(said, str(error)), str(error)


def test_a_lock_that_is_not_free_in_time_is_transient(conn: Connection, other: Connection) -> None:
    with other.cursor() as cursor:
        cursor.execute("LOCK TABLE shop.child")
    error = failure(conn, "SET LOCAL lock_timeout = '100ms'; DELETE FROM shop.child")
    assert isinstance(error, TransientError)
    assert "55P03" in str(error)
    other.rollback()


def test_a_deadlock_is_transient(conn: Connection, other: Connection) -> None:
    for session, table in ((conn, "parent"), (other, "child")):
        with session.cursor() as cursor:
            cursor.execute("SET LOCAL deadlock_timeout = '100ms'")
            cursor.execute(sql.SQL("LOCK TABLE {}").format(sql.Identifier("shop", table)))
    errors: list[LandfallError] = []

    def lock(session: Connection, table: str) -> None:
        try:
            with session.cursor() as cursor:
                cursor.execute(sql.SQL("LOCK TABLE {}").format(sql.Identifier("shop", table)))
        except psycopg2.Error as error:
            errors.append(translate(error))
        session.rollback()

    threads = [threading.Thread(target=lock, args=pair) for pair in ((conn, "child"), (other, "parent"))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [type(error) for error in errors] == [TransientError]
    assert "deadlock" in str(errors[0])


def test_a_serialization_failure_is_transient(conn: Connection, other: Connection) -> None:
    with conn.cursor() as cursor:
        cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ; SELECT * FROM shop.child")
    with other, other.cursor() as cursor:
        cursor.execute("UPDATE shop.child SET name = 'changed'")
    error = failure(conn, "UPDATE shop.child SET name = 'mine'")
    assert isinstance(error, TransientError)
    assert "40001" in str(error)


def test_a_disk_or_quota_that_is_full_is_transient(conn: Connection) -> None:
    error = failure(
        conn,
        "SET LOCAL temp_file_limit = '1MB'; SET LOCAL work_mem = '64kB';"
        "SELECT count(*) FROM (SELECT n FROM generate_series(1, 1000000) n ORDER BY md5(n::text)) s",
    )
    assert isinstance(error, TransientError)
    assert "53400" in str(error)


def test_misuse_of_a_closed_connection_is_transient(database: Destination) -> None:
    session = connect(database, "test", wait=10)
    session.close()
    with pytest.raises(psycopg2.Error) as caught:
        session.cursor()
    assert isinstance(translate(caught.value), TransientError)


def test_a_misuse_of_the_driver_is_a_bug(conn: Connection) -> None:
    with pytest.raises(psycopg2.Error) as caught, conn.cursor() as cursor:
        cursor.fetchone()
    error = translate(caught.value)
    assert (type(error), error.exit_code) == (LandfallError, 70)
