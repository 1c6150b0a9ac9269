"""`landfall report`: what the ledger knows as one HTML page that needs nothing beside it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any

import click

from pipeline.errors import UsageError
from pipeline.history import receipt_of
from pipeline.load import ledger
from pipeline.load.connect import Connection
from pipeline.load.profile import profile
from pipeline.load.reject_groups import reject_groups
from pipeline.load.restricted import restricted
from pipeline.report.many import many
from pipeline.report.one import one
from pipeline.report.over_time import LATEST
from pipeline.run import Run
from pipeline.settings import Settings

MOST_LOADS = 1_000
"""Loads of a report of many, the newest."""


def report(
    settings: Settings, load_id: str | None, dataset: str | None, since: datetime | None, out: Path | None
) -> None:
    """Write the report of one load, or of all that `dataset` and `since` (UTC) choose, to `out`, else to stdout.

    Raises UsageError if there is no such load or the file cannot be written.
    """
    with Run(settings) as this:
        if load_id:
            text = _one(this.connection, load_id)
        else:
            text = _many(this.connection, dataset, since.replace(tzinfo=UTC) if since else None)
    if out is None:
        click.echo(text, nl=False)
        return
    try:
        out.write_text(text, encoding="utf-8")
    except OSError as error:
        raise UsageError(f"{out} cannot be written: {error.strerror}; name another file with --out") from error
    click.echo(f"{out}: open it in a browser", err=True)


def _one(conn: Connection, load_id: str) -> str:
    row = ledger.load(conn, load_id)
    receipt = receipt_of(row)
    groups = reject_groups(conn, [str(row["load_id"])])
    hidden = restricted(conn, row["dataset"], str(row["load_id"]))
    found = profile(conn, row["target"], str(row["load_id"]), hidden)
    return one(receipt, groups, found, _loads(conn, LATEST, row["dataset"], None), datetime.now(UTC))


def _many(conn: Connection, dataset: str | None, since: datetime | None) -> str:
    loads = _loads(conn, MOST_LOADS + 1, dataset, since)
    shown = loads[:MOST_LOADS]
    groups = reject_groups(conn, [str(load["load_id"]) for load in shown])
    return many(shown, groups, dataset, len(loads) > len(shown), datetime.now(UTC))


def _loads(conn: Connection, most: int, dataset: str | None, since: datetime | None) -> Sequence[dict[str, Any]]:
    found = list(islice(ledger.loads(conn, dataset, None, since), most))
    conn.rollback()
    return found
