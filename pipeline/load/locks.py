"""How a publish gets the target to itself: no other load, no other writer; readers are never held up by waiting."""

from __future__ import annotations

import random
import time
from collections.abc import Callable

import psycopg2
from psycopg2 import sql

from pipeline.errors import TransientError
from pipeline.load import table
from pipeline.load.publishing import Publishing
from pipeline.load.scope import compares

# One try's wait, in milliseconds. While a lock is waited for, later writers queue behind it, so a try is short.
TRY_MILLISECONDS = 3_000

# Worth another try within the same transaction, after going back to a savepoint.
BUSY = (psycopg2.errors.LockNotAvailable, psycopg2.errors.DeadlockDetected, psycopg2.errors.UndefinedTable)

# Nothing of the role's or database's own limits may end a long publish; parallel plans and hashes get more memory on
# bigger servers: a quarter of shared_buffers, between 64 and 256 MB.
SETTINGS = """
    SELECT set_config('statement_timeout', '0', true), set_config('lock_timeout', '30s', true),
           set_config('idle_in_transaction_session_timeout', '0', true), set_config('row_security', 'off', true),
           set_config('client_min_messages', 'warning', true),
           set_config('work_mem', memory.kb || 'kB', true), set_config('maintenance_work_mem', memory.kb || 'kB', true),
           activity.pid, activity.backend_start
    FROM (SELECT greatest(65536, least(262144, pg_size_bytes(current_setting('shared_buffers')) / 4096)) AS kb)
         AS memory,
         pg_catalog.pg_stat_get_activity(pg_catalog.pg_backend_pid()) AS activity
"""


def settle(work: Publishing) -> None:
    """Begin: settings that hold until the transaction ends."""
    *_, pid, started = work.one(SETTINGS)
    work.backend = pid, started


def hold_target(work: Publishing) -> None:
    """Take the target's advisory lock and, if the table exists, keep other writers out until the transaction ends.

    Readers, and rows of other tables that refer to the target, are not held up. Raises TransientError when it is still
    taken after the request's `lock_wait` seconds.
    """
    _insist(work, lambda: _take(work))


def free_target(work: Publishing) -> bool:
    """Take what hold_target takes if nobody has it; False, without waiting for it, if somebody does."""
    return _try(work, lambda: _take(work))


def hold_schema(work: Publishing) -> None:
    """Take the right to make the target's schema. Raises TransientError like hold_target."""
    _insist(work, lambda: _take_schema(work))


def free_schema(work: Publishing) -> bool:
    """Take what hold_schema takes if nobody has it; False, without waiting for it, if somebody does."""
    return _try(work, lambda: _take_schema(work))


def hold_readers(work: Publishing) -> None:
    """Keep readers out as well, which changing a column takes. Raises TransientError like hold_target."""
    _insist(work, lambda: work.run("LOCK TABLE {target} IN ACCESS EXCLUSIVE MODE") is not None)


def _insist(work: Publishing, take: Callable[[], bool]) -> None:
    deadline = time.monotonic() + work.request.lock_wait
    while not _try(work, take):
        if time.monotonic() >= deadline:
            raise TransientError(
                f"{work.dataset.schema}.{work.dataset.table} has been in use by another load or writer for over "
                f"{work.request.lock_wait:.0f} s. Nothing was published; load again"
            )
        time.sleep(random.uniform(0.05, 0.5))  # noqa: S311 - a pause, no secret  # nosec B311


def _try(work: Publishing, take: Callable[[], bool]) -> bool:
    try:
        with work.savepoint("locking"):
            work.run("SELECT set_config('lock_timeout', {wait}, true)", wait=sql.Literal(str(TRY_MILLISECONDS)))
            return take()
    except BUSY:
        return False


def _take_schema(work: Publishing) -> bool:
    return _alone(work, f"landfall schema {work.dataset.schema}")


def _alone(work: Publishing, name: str) -> bool:
    """Take the advisory lock of this name, until the transaction ends; False if somebody else has it."""
    statement = "SELECT pg_try_advisory_xact_lock(hashtextextended({name}, 0))"
    return bool(work.one(statement, name=sql.Literal(name))[0])


def _take(work: Publishing) -> bool:
    if not _alone(work, f"landfall target {work.dataset.schema}.{work.dataset.table}"):
        return False
    there = table.exists(work.cursor, work.dataset.schema, work.dataset.table)
    if there:
        mode = sql.SQL("SHARE ROW EXCLUSIVE" if compares(work) else "ROW EXCLUSIVE")
        work.run("LOCK TABLE {target} IN {mode} MODE", mode=mode)
    work.refresh()
    return there == (work.live is not None)  # if not, somebody has just made it
