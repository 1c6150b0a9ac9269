"""The ledger: which source object was loaded when, with which result, and who is loading it now."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import datetime
from importlib.resources import files
from typing import Any
from uuid import UUID

from psycopg2 import sql
from psycopg2.extras import RealDictCursor

from pipeline.errors import DestinationError, LandfallError, TransientError, UsageError
from pipeline.load.begin import Begun, SourceFacts, begin, release
from pipeline.load.connect import Connection
from pipeline.load.sweep import sweep

__all__ = [
    "Begun", "SourceFacts", "begin", "ensure", "fail", "finish", "install", "load", "loads", "refuse", "rejects",
    "release", "sweep",
]  # fmt: skip

VERSION = 3
_SCRIPTS = ("ledger.sql", "ledger_2.sql", "ledger_3.sql")  # the n-th brings the ledger to version n
INSTALL_LOCK = 5_495_316_201  # any constant: serialises the creation of the ledger within one database
COUNTS = ("read", "inserted", "updated", "unchanged", "deleted", "duplicate", "filtered", "rejected")


def ensure(conn: Connection) -> None:
    """Create the ledger's schemas and tables, or bring them up to date, and commit; several processes may at once.

    Raises DestinationError when the ledger is of a newer Landfall.
    """
    with conn, conn.cursor() as cursor:
        installed = _installed(cursor)
    if installed is None or installed < VERSION:
        with conn, conn.cursor() as cursor:  # one that had looked before the wait might go on believing in no ledger
            installed = install(cursor)
    if installed != VERSION:
        raise DestinationError(
            f"the ledger in schema landfall has version {installed}, this Landfall knows {VERSION}: "
            "use the Landfall that the other loads use"
        )


def finish(
    conn: Connection,
    load_id: UUID,
    rows: Mapping[str, int],
    rejects_by_rule: Mapping[str, int],
    receipt: Mapping[str, Any],
) -> None:
    """Mark the load `loaded` within the caller's transaction (that of publish). `rows`: counts by the names of
    COUNTS."""
    _close(conn, load_id, "loaded", rows, rejects_by_rule, receipt=receipt)


def refuse(
    conn: Connection,
    load_id: UUID,
    status: str,
    error: BaseException,
    rows: Mapping[str, int],
    rejects_by_rule: Mapping[str, int],
    receipt: Mapping[str, Any],
) -> None:
    """Mark the load `refused` or `failed` within the caller's transaction, the one that keeps its rejects."""
    _close(conn, load_id, status, rows, rejects_by_rule, error=error, receipt=receipt)


def fail(
    conn: Connection,
    load_id: UUID,
    status: str,
    error: BaseException,
    rows: Mapping[str, int] | None = None,
    rejects_by_rule: Mapping[str, int] | None = None,
    receipt: Mapping[str, Any] | None = None,
) -> None:
    """Mark the load `refused`, `failed` or `stale` with the error and the counts so far, and commit.

    A load that is no longer running (published after all, or swept) stays as it is.
    """
    conn.rollback()
    with conn:
        _close(conn, load_id, status, rows or {}, rejects_by_rule or {}, error=error, receipt=receipt)


def loads(
    conn: Connection, dataset: str | None = None, status: str | None = None, since: datetime | None = None
) -> Iterator[dict[str, Any]]:
    """The loads, newest first, as dicts of the columns of landfall.load without `receipt`."""
    statement = """
        SELECT load_id, dataset, uri, version, sha256, bytes, engine, mode, target, status, started_at, finished_at,
               rows_read, rows_inserted, rows_updated, rows_unchanged, rows_deleted, rows_duplicate, rows_filtered,
               rows_rejected, rejects_by_rule, error_kind, error_message, previous_load
        FROM landfall.load
        WHERE (%(dataset)s IS NULL OR dataset = %(dataset)s) AND (%(status)s IS NULL OR status = %(status)s)
          AND (%(since)s IS NULL OR started_at >= %(since)s)
        ORDER BY started_at DESC, load_id DESC
    """
    return _stream(conn, statement, {"dataset": dataset, "status": status, "since": since})


def load(conn: Connection, load_id: UUID | str) -> dict[str, Any]:
    """One load with all columns of landfall.load. Raises UsageError if there is none."""
    found = next(_stream(conn, "SELECT * FROM landfall.load WHERE load_id = %(id)s", {"id": _uuid(load_id)}), None)
    conn.rollback()
    if found is None:
        raise UsageError(f"no load {load_id} in the ledger; `landfall loads` lists them")
    return found


def rejects(conn: Connection, load_id: UUID | str) -> Iterator[dict[str, Any]]:
    """The rejects of a load in the order of their lines, fetched as they are read (`raw` as bytes)."""
    statement = "SELECT * FROM landfall.reject WHERE load_id = %(id)s ORDER BY line, ordinal"
    for reject in _stream(conn, statement, {"id": _uuid(load_id)}):
        yield {**reject, "raw": None if reject["raw"] is None else bytes(reject["raw"])}


def install(cursor: Any) -> int | None:
    """Create what the ledger lacks within the caller's transaction; its version then."""
    cursor.execute("SELECT pg_advisory_xact_lock(%s)", (INSTALL_LOCK,))
    for name in _SCRIPTS[_installed(cursor) or 0 :]:
        cursor.execute(files("pipeline.load").joinpath(name).read_text(encoding="utf-8"))
    return _installed(cursor)


def _installed(cursor: Any) -> int | None:
    """The ledger's version. Asks the catalogue's tables: to_regclass answers from a cache that may be out of date."""
    cursor.execute(
        "SELECT FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace"
        " WHERE n.nspname = 'landfall' AND c.relname = 'version'"
    )
    if cursor.fetchone() is None:
        return None
    cursor.execute("SELECT max(version) FROM landfall.version")
    version: int = cursor.fetchone()[0]
    return version


def _close(
    conn: Connection,
    load_id: UUID,
    status: str,
    rows: Mapping[str, int],
    rejects_by_rule: Mapping[str, int],
    error: BaseException | None = None,
    receipt: Mapping[str, Any] | None = None,
) -> None:
    counts = sql.SQL(", ").join(
        sql.SQL("{} = {}").format(sql.Identifier(f"rows_{name}"), sql.Placeholder(name)) for name in COUNTS
    )
    statement = sql.SQL("""
        UPDATE landfall.load SET status = %(status)s, finished_at = clock_timestamp(), {},
               rejects_by_rule = %(rejects_by_rule)s, error_kind = %(kind)s, error_message = %(message)s,
               receipt = %(receipt)s
        WHERE load_id = %(load_id)s AND status = 'running'
    """).format(counts)
    values = {name: rows.get(name) for name in COUNTS} | {
        "status": status,
        "rejects_by_rule": json.dumps(dict(rejects_by_rule)),
        "kind": _kind(error),
        "message": _message(error),
        "receipt": None if receipt is None else json.dumps(receipt, default=str),
        "load_id": str(load_id),
    }
    with conn.cursor() as cursor:
        cursor.execute(statement, values)
        if status == "loaded" and cursor.rowcount != 1:
            raise TransientError(
                f"load {load_id} lost its session, and with it the right to publish. Nothing was published; load again"
            )


def _kind(error: BaseException | None) -> str | None:
    return None if error is None else error.kind if isinstance(error, LandfallError) else "bug"


def _message(error: BaseException | None) -> str | None:
    """Only our own messages are known to hold no row value; of others the class must do."""
    return None if error is None else str(error) if isinstance(error, LandfallError) else type(error).__name__


def _stream(conn: Connection, statement: str, values: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    with conn.cursor(name="landfall_rows", cursor_factory=RealDictCursor) as cursor:
        cursor.itersize = 2000
        cursor.execute(statement, values)
        for row in cursor:
            yield dict(row)


def _uuid(load_id: UUID | str) -> str:
    try:
        return str(UUID(str(load_id)))
    except ValueError:
        raise UsageError(f"{load_id!r} is not a load id; `landfall loads` lists them") from None
