"""Cleaning up after loads that died: their ledger rows become `failed`, their staging tables go."""

from __future__ import annotations

import logging
from uuid import UUID

import psycopg2

from pipeline.load import staging
from pipeline.load.connect import Connection

log = logging.getLogger(__name__)

# A load takes the advisory lock of its id before its row becomes visible and never takes it again: once a visible
# running load has no lock, it is dead for good. The row is read before the locks are, and a load that was published in
# between is no longer `running` when the update rechecks it. The key is the id's last 8 bytes, as in begin.load_key.
SWEEP = """
    WITH held AS MATERIALIZED (
        SELECT (classid::bigint << 32) | objid::bigint AS key FROM pg_catalog.pg_locks
        WHERE locktype = 'advisory' AND objsubid = 1 AND granted
          AND database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = current_database()))
    UPDATE landfall.load SET status = 'failed', finished_at = clock_timestamp(), error_kind = 'interrupted',
           error_message = 'the load ended without a word: killed, crashed or cut off from the database. Load again'
    WHERE status = 'running'
      AND ('x' || right(replace(load_id::text, '-', ''), 16))::bit(64)::bigint NOT IN (SELECT key FROM held)
    RETURNING load_id
"""

# Staging tables of loads that hold no lock: of dead ones, and left over when a drop was refused.
ORPHANS = """
    WITH held AS MATERIALIZED (
        SELECT (classid::bigint << 32) | objid::bigint AS key FROM pg_catalog.pg_locks
        WHERE locktype = 'advisory' AND objsubid = 1 AND granted
          AND database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = current_database()))
    SELECT DISTINCT substring(relname FROM '_([0-9a-f]{32})$') FROM pg_catalog.pg_class
    WHERE relnamespace = to_regnamespace('landfall_staging') AND relkind = 'r'
      AND relname ~ '^(rows|rejects)_[0-9a-f]{32}$'
      AND ('x' || right(relname, 16))::bit(64)::bigint NOT IN (SELECT key FROM held)
"""


def sweep(conn: Connection) -> list[UUID]:
    """Mark dead loads `failed` (error kind `interrupted`), drop orphan staging tables, commit. Returns the loads so
    marked.

    Live loads, and loads that end meanwhile, are not touched. A table that is still in use, or another role's, is left
    for the next sweep.
    """
    with conn, conn.cursor() as cursor:
        cursor.execute(SWEEP)
        dead = [UUID(str(row[0])) for row in cursor.fetchall()]
        cursor.execute(ORPHANS)
        orphans = [UUID(row[0]) for row in cursor.fetchall()]
    for orphan in orphans:
        _drop(conn, orphan)
    return dead


def _drop(conn: Connection, load_id: UUID) -> None:
    """A worker of a dead load may still be writing: do not wait for it."""
    try:
        with conn, conn.cursor() as cursor:
            cursor.execute("SET LOCAL lock_timeout = '500ms'")
            staging.drop(conn, load_id)
    except (psycopg2.errors.LockNotAvailable, psycopg2.errors.InsufficientPrivilege) as error:
        log.info("staging tables of load %s stay for now: %s", load_id, type(error).__name__)
