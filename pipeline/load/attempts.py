"""Which staged rows count: those of partitions whose writer was heard to have committed."""

from __future__ import annotations

from psycopg2 import sql

from pipeline.errors import BalanceError
from pipeline.load.publishing import Publishing


def confirm(work: Publishing) -> None:
    """Drop what unconfirmed attempts staged (a retried partition's first try) and count the rest.

    Raises BalanceError if a confirmed attempt has not the rows that it reported.
    """
    confirmations = [each for each in work.request.confirmations if each.attempt]
    if work.copied is None:
        work.counts["staged"] = _keep(work, work.rows, {each.attempt: each.staged for each in confirmations})
    else:
        work.counts["staged"] = _copied(work, work.copied)
    # On the straight way the first reject makes the table, and a partition that was lost ends the load.
    there = confirmations or work.copied is None
    rejected = {each.attempt: each.rejected for each in confirmations}
    work.counts["rejected"] = _keep(work, work.rejects, rejected) if there else 0


def _keep(work: Publishing, table: sql.Identifier, reported: dict[int, int]) -> int:
    # A straggler of a lost attempt may still be writing: nothing may be added to what is counted here.
    work.run("LOCK TABLE {table} IN SHARE ROW EXCLUSIVE MODE", table=table)
    found = dict(work.all("SELECT _attempt, count(*) FROM {table} GROUP BY _attempt", table=table))
    if set(found) - set(reported):
        attempts = sql.Literal(list(reported) or [0])
        work.run("DELETE FROM {table} WHERE _attempt <> ALL ({attempts})", table=table, attempts=attempts)
    wrong = [attempt for attempt, rows in reported.items() if found.get(attempt, 0) != rows]
    if wrong:
        raise BalanceError(
            f"partition attempts {wrong} reported {[reported[each] for each in wrong]} rows, but the staging table has "
            f"{[found.get(each, 0) for each in wrong]}. Nothing was published; please report this as a bug"
        )
    return sum(reported.values())


def _copied(work: Publishing, rows: int) -> int:
    """COPY's own count of what went straight into the target must be what the partitions sent."""
    sent = sum(each.staged for each in work.request.confirmations)
    if sent != rows:
        raise BalanceError(
            f"the partitions sent {sent} rows, but the target took {rows}. Nothing was published; please report this "
            "as a bug"
        )
    return rows
