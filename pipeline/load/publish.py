"""The one transaction that moves staging into the target and writes the ledger: all of a file, or nothing of it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg2
from psycopg2 import sql

from pipeline.errors import DestinationError, LandfallError, RefusedError
from pipeline.load import (
    attempts,
    budget,
    duplicates,
    evolution,
    images,
    ledger,
    locks,
    rejects,
    replays,
    rules,
    scope,
    staging,
    straight,
)
from pipeline.load.balance import balance, receipt_rows
from pipeline.load.commit import commit
from pipeline.load.connect import Connection, translate
from pipeline.load.merge import merge
from pipeline.load.publishing import Publishing, names
from pipeline.load.request import Published, PublishFailedError, PublishRefusedError, PublishRequest
from pipeline.load.scd2 import keep_history

__all__ = ["PublishFailedError", "PublishRefusedError", "PublishRequest", "Published", "publish"]


def publish(conn: Connection, request: PublishRequest, begun: Publishing | None = None) -> Published:
    """Publish a staged load, or go on with one that has `begun` straight on `conn`, or refuse it; and commit.

    Raises PublishRefusedError when the contract says no and PublishFailedError when the target does, both with the
    rejects kept and the load's ledger row written; TransientError and any other error with nothing written at all.
    """
    try:
        with translated(request):
            return _publish(begun or _staged(conn, request))
    finally:
        if not conn.closed:
            conn.rollback()


def _staged(conn: Connection, request: PublishRequest) -> Publishing:
    work = Publishing(conn.cursor(), request)
    locks.settle(work)
    return work


def _publish(work: Publishing) -> Published:
    prepare(work)
    try:
        fill(work) if work.copied is None else _keep_copied(work)
    except (RefusedError, DestinationError) as error:
        if work.copied is not None:
            straight.take_back(work)
            prepare(work)
        raise _keep_rejects(work, error) from error
    published = _close(work)
    commit(work, "loaded")
    return published


def prepare(work: Publishing) -> None:
    """What needs no lock on the target: only staging is touched."""
    attempts.confirm(work)
    rejects.gather(work)
    duplicates.set_aside(work)
    duplicates.reject_repeated_values(work)
    rejects.find_raw(work)


def fill(work: Publishing) -> None:
    """From here on the target is ours: check against it, change it, fill it."""
    budget.check(work)
    locks.hold_target(work)
    replays.claim(work)
    if work.key and not work.fresh:
        work.run("ANALYZE {rows} ({key})", key=names(work.key))
    changes = evolution.plan(work)
    replaced = scope.replaced(work)
    scope.reject_contradictions(work, replaced)
    budget.check(work)
    rules.check(work)
    with work.savepoint("filled"), translated(work.request, work):
        evolution.apply(work, changes)
        keep_history(work) if work.dataset.load.mode == "scd2" else merge(work, replaced)
        evolution.complete(work)
        images.expire(work)


def _keep_copied(work: Publishing) -> None:
    """The target is ours and filled since before the first row was read: what is left to check is the budget."""
    budget.check(work)
    with translated(work.request, work):
        work.counts |= {"inserted": work.counts["staged"], "updated": 0, "unchanged": 0, "deleted": 0}
        evolution.complete(work)
        images.expire(work)


def _close(work: Publishing, error: LandfallError | None = None) -> Published:
    """Keep the rejects, balance, write the ledger row, drop staging; all within the transaction."""
    rejects.find_raw(work)
    by_rule = rejects.move(work)
    replays.settle(work, published=error is None)
    work.counts["rejected"] = sum(by_rule.values())
    status = "loaded" if error is None else "refused" if isinstance(error, RefusedError) else "failed"
    published = Published(status, receipt_rows(work), by_rule, work.rule_results, tuple(work.ddl))
    receipt = {**work.request.receipt, **published.facts()}
    conn, load_id = work.cursor.connection, work.request.load_id
    if error is None:
        balance(published.rows)
        ledger.finish(conn, load_id, published.rows, by_rule, receipt)
    else:
        ledger.refuse(conn, load_id, status, error, published.rows, by_rule, receipt)
    _drop_staging(work)
    return published


def _keep_rejects(work: Publishing, error: LandfallError) -> PublishRefusedError | PublishFailedError:
    """The load is over without a row published; what was rejected before is kept."""
    for count in ("inserted", "updated", "unchanged", "deleted"):
        work.counts.pop(count, None)
    work.ddl.clear()
    published = _close(work, error)
    commit(work, published.status)
    kind = PublishRefusedError if isinstance(error, RefusedError) else PublishFailedError
    return kind(str(error), published)


def _drop_staging(work: Publishing) -> None:
    staging.drop(work.cursor.connection, work.request.load_id)
    scratch = map(work.scratch, ("raw", "repeated", "conflicts", "partitions", "changes"))
    work.run("DROP TABLE IF EXISTS {scratch}", scratch=sql.SQL(", ").join(scratch))


@contextmanager
def translated(request: PublishRequest, work: Publishing | None = None) -> Iterator[None]:
    """Errors of the database become ours; one that a function raised while the target of `work` was filled names the
    triggers, since the server does not."""
    reveal = not any(column.restricted for column in request.dataset.columns)
    try:
        yield
    except psycopg2.Error as error:
        found = translate(error, reveal)
        triggers = work.live.triggers if work and work.live and "function" in (error.diag.context or "") else ()
        if triggers and isinstance(found, DestinationError):
            found = DestinationError(f"{found}. Triggers of the table: {', '.join(triggers)}")
        raise found from error
