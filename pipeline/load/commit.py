"""COMMIT, and what to believe when its answer is lost: the ledger, never a guess."""

from __future__ import annotations

from contextlib import closing

import psycopg2
from psycopg2 import sql

from pipeline.errors import TransientError
from pipeline.load.connect import Connection, translate
from pipeline.load.publishing import Publishing

# The lost session may still be at its COMMIT, or hang unaware that its client is gone: it gets this long, then it is
# ended.
WAIT_SECONDS = 10
TRIES = 6


def commit(work: Publishing, status: str) -> None:
    """Commit. If the connection dies meanwhile, ask the ledger on a new one whether the load has reached `status`.

    Raises TransientError when it has not: then nothing was written at all, and loading again is safe either way.
    """
    conn: Connection = work.cursor.connection
    try:
        conn.commit()
    except psycopg2.Error as error:
        if not conn.closed:
            raise translate(error) from error
        if _outcome(work) != status:
            raise TransientError(
                "the connection to the database was lost at COMMIT, and the ledger says that the load was not "
                "committed. Nothing was published; load again"
            ) from error


def _outcome(work: Publishing) -> str | None:
    """The load's status, once the session that was to commit it is over."""
    with closing(work.request.reconnect()) as conn:
        for _ in range(TRIES):
            try:
                return _status(conn, work)
            except psycopg2.errors.LockNotAvailable:
                conn.rollback()
                _end_lost_session(conn, work)
    raise TransientError(
        "the connection to the database was lost at COMMIT, and the lost session cannot be ended. Load again: if the "
        "rows were published after all, that is noticed"
    )


def _status(conn: Connection, work: Publishing) -> str | None:
    """Waits for the row lock that the lost session's update of this row holds until its transaction ends."""
    with conn, conn.cursor() as cursor:
        cursor.execute(sql.SQL("SET LOCAL lock_timeout = {}").format(sql.Literal(f"{WAIT_SECONDS}s")))
        statement = sql.SQL("SELECT status FROM landfall.load WHERE load_id = {} FOR UPDATE")
        cursor.execute(statement.format(sql.Literal(str(work.request.load_id))))
        found = cursor.fetchone()
        return found[0] if found else None


def _end_lost_session(conn: Connection, work: Publishing) -> None:
    pid, started = work.backend or (0, None)
    statement = sql.SQL(
        "SELECT pg_terminate_backend(pid) FROM pg_catalog.pg_stat_activity WHERE pid = {} AND backend_start = {}"
    )
    with conn, conn.cursor() as cursor:
        cursor.execute(statement.format(sql.Literal(pid), sql.Literal(started)))
