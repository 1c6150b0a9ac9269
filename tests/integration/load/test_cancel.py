"""SIGTERM while the server works for us: it stops at once, and nothing is left of what it did."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator

import psycopg2
import pytest

from pipeline.load.cancel import cancelling
from pipeline.load.connect import Connection, cancel_running


class InterruptedError_(Exception):  # noqa: N801, N818
    """What the tests' signal handler raises."""


@pytest.fixture(autouse=True)
def _handler() -> Iterator[None]:
    def interrupt(number: int, frame: object) -> None:
        raise InterruptedError_

    before = signal.signal(signal.SIGTERM, interrupt)
    yield
    signal.signal(signal.SIGTERM, before)


def terminate_in(seconds: float) -> None:
    threading.Timer(seconds, os.kill, (os.getpid(), signal.SIGTERM)).start()


def test_a_signal_cancels_a_statement_that_python_waits_for(conn: Connection) -> None:
    started = time.monotonic()
    with cancelling(signal.SIGTERM), pytest.raises(InterruptedError_), conn.cursor() as cursor:
        terminate_in(0.3)
        cursor.execute("SELECT pg_sleep(20)")
    assert time.monotonic() - started < 5
    conn.rollback()
    with conn.cursor() as cursor:
        cursor.execute("SELECT 1")


def test_without_it_python_would_wait_for_the_server(conn: Connection) -> None:
    started = time.monotonic()
    with pytest.raises(InterruptedError_), conn.cursor() as cursor:
        terminate_in(0.2)
        cursor.execute("SELECT pg_sleep(1.5)")
    assert time.monotonic() - started > 1.4
    conn.rollback()


def test_other_signals_cancel_nothing(conn: Connection) -> None:
    signal.signal(signal.SIGUSR1, lambda number, frame: None)
    with cancelling(signal.SIGTERM), conn.cursor() as cursor:
        threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGUSR1)).start()
        cursor.execute("SELECT pg_sleep(0.6), 1")


def test_what_was_there_before_is_restored() -> None:
    before = signal.set_wakeup_fd(-1)
    signal.set_wakeup_fd(before)
    threads = threading.active_count()
    with cancelling(signal.SIGTERM):
        assert threading.active_count() == threads + 1
    after = signal.set_wakeup_fd(before)
    assert (after, threading.active_count()) == (before, threads)


def test_cancelling_idle_and_closed_sessions_is_harmless(conn: Connection) -> None:
    cancel_running()
    with conn.cursor() as cursor:
        cursor.execute("SELECT 1")
        assert cursor.fetchone() == (1,)


def test_the_driver_reports_the_cancel(conn: Connection) -> None:
    threading.Timer(0.2, cancel_running).start()
    with pytest.raises(psycopg2.errors.QueryCanceled), conn.cursor() as cursor:
        cursor.execute("SELECT pg_sleep(20)")
    conn.rollback()
