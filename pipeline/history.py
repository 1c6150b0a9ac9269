"""What the ledger tells afterwards: `landfall init`, `loads`, `show` and `rejects`."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import click

from pipeline.dialect import reasons, send_back
from pipeline.errors import UsageError
from pipeline.load import ledger
from pipeline.load.bootstrap import bootstrap
from pipeline.load.connect import connect
from pipeline.receipt import COUNTS, Receipt, lines
from pipeline.run import Run, destination_of
from pipeline.settings import Settings
from pipeline.visible import visible, visible_name


def init(settings: Settings, role: str | None, admin_secret: str | None) -> None:
    """Create the ledger; with `role`, first the role that owns it. Nothing happens to what is there.

    `admin_secret`: JSON with `username` and `password` of a role that may create roles, as RDS keeps it.
    """
    if role is None:
        with Run(settings) as this:
            ledger.ensure(this.connection)
            click.echo(f"the ledger is ready in {this.destination.address} (schema landfall)")
        return
    destination = replace(destination_of(settings), iam_auth=False)
    if admin_secret:
        username, password = secret_login(admin_secret)
        destination = replace(destination, url=destination.url.set(username=username, password=password))
    with closing(connect(destination, "bootstrap")) as admin:
        for line in bootstrap(admin, role):
            click.echo(line)


def secret_login(secret: str) -> tuple[str, str]:
    """User name and password of an RDS secret. Raises `UsageError`, without repeating the text, if it is none."""
    try:
        fields = json.loads(secret)
        return str(fields["username"]), str(fields["password"])
    except (ValueError, KeyError, TypeError):
        raise UsageError('LANDFALL_ADMIN_SECRET expects {"username": "...", "password": "..."}') from None


def loads(settings: Settings, dataset: str | None, status: str | None, since: datetime | None, as_json: bool) -> None:
    """The history, newest first, as a table or as JSON lines."""
    moment = since.replace(tzinfo=UTC) if since else None
    with Run(settings) as this:
        found = ledger.loads(this.connection, dataset, status, moment)
        if as_json:
            for row in found:
                click.echo(json.dumps(row, default=str, ensure_ascii=False))
            return
        _table(found)


def show(settings: Settings, load_id: str, as_json: bool) -> None:
    """One receipt, from the ledger."""
    with Run(settings) as this:
        row = ledger.load(this.connection, load_id)
    found = receipt_of(row)
    click.echo(found.as_json() if as_json else "\n".join(lines(found)))


def rejects(settings: Settings, load_id: str, as_csv: bool, exact: bool = False) -> None:
    """The rejects of one load: a readable list, or of those still open the sender's own lines with a reason column,
    formulas disarmed unless `exact`."""
    with Run(settings) as this:
        load = ledger.load(this.connection, load_id)
        found = ledger.rejects(this.connection, load_id)
        if as_csv:
            still = (reject for reject in found if reject["status"] == "open")
            send_back(sys.stdout.buffer, still, (load["receipt"] or {}).get("dialect") or {}, exact)
            return
        for reject in found:
            click.echo(f"line {reject['line']}: {visible(reasons(reject))}")
            click.echo(f"    {visible(reject['raw_text'] or '')}")


def receipt_of(row: Mapping[str, Any]) -> Receipt:
    """The receipt of a ledger row (all columns of landfall.load)."""
    kept: dict[str, Any] = row["receipt"] or {}
    finished, started = row["finished_at"], row["started_at"]
    error = {"kind": row["error_kind"], "message": row["error_message"]} if row["error_kind"] else None
    return Receipt(
        load_id=str(row["load_id"]),
        status=row["status"],
        dataset=row["dataset"],
        target=row["target"],
        source=row["uri"],
        version=row["version"],
        sha256=row["sha256"],
        bytes=row["bytes"],
        engine=row["engine"],
        mode=row["mode"],
        contract=kept.get("contract"),
        contract_sha256=row["contract_sha256"],
        restricted=tuple(kept.get("restricted", ())),
        started_at=started.isoformat(timespec="milliseconds"),
        seconds=round((finished - started).total_seconds(), 3) if finished else 0.0,
        rows={name: row[f"rows_{name}"] or 0 for name in COUNTS},
        rejects_by_rule=row["rejects_by_rule"] or {},
        rules=tuple(kept.get("rules", ())),
        columns={name: tuple(names) for name, names in kept.get("columns", {}).items()},
        ddl=tuple(kept.get("ddl", ())),
        dialect=kept.get("dialect", {}),
        previous_load=str(row["previous_load"]) if row["previous_load"] else None,
        error=error,
    )


def _table(found: Iterator[dict[str, Any]]) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, header_style="bold", pad_edge=False)
    for name in ("started", "status", "dataset", "read", "written", "rejected", "load", "source"):
        table.add_column(name, justify="right" if name in ("read", "written", "rejected") else "left")
    for row in found:
        written = (row["rows_inserted"] or 0) + (row["rows_updated"] or 0)
        table.add_row(
            f"{row['started_at']:%Y-%m-%d %H:%M:%S}",
            row["status"],
            row["dataset"],
            f"{row['rows_read'] or 0:,}",
            f"{written:,}",
            f"{row['rows_rejected'] or 0:,}",
            str(row["load_id"]),
            Text(visible_name(row["uri"])),  # not markup: a name may hold square brackets
        )
    Console(width=None if sys.stdout.isatty() else 240).print(table)
