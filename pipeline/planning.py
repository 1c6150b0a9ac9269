"""`landfall plan`: a load in a transaction that is rolled back, and what it would have done."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from uuid import UUID

import click

from pipeline import account, plan_text, progress
from pipeline.contract.dataset import Dataset
from pipeline.contract.match import match
from pipeline.errors import UsageError
from pipeline.job import Load, prepared
from pipeline.load import staging
from pipeline.load.begin import Begun, decide, load_key, new_load_id
from pipeline.load.rehearsal import Planned, rehearse
from pipeline.progress import Progress
from pipeline.run import Run
from pipeline.settings import Settings
from pipeline.source import Fetched, fetch, named
from pipeline.visible import visible

CHANGES = 3  # exit code


def plan(settings: Settings, source: str, form: str, quiet: bool) -> int:
    """Print what loading `source` would do, as `text`, `json` or `markdown`. Returns the exit code: 0 no change, 3
    changes, else that of the refusal."""
    with Run(settings) as this, progress.chosen(quiet) as shown, this.work_area() as work:
        objects = list(named((source,)))
        if len(objects) != 1:
            raise UsageError(f"{source}: holds {len(objects)} objects; a plan is of one")
        dataset = match(this.datasets, objects[0].uri, only=this.only_contract)
        fetched = fetch(objects[0], Path(work))
        earlier = None if settings.force else _earlier(fetched, dataset, this)
        found = None if earlier else _plan(fetched, dataset, this, Path(work), shown)
    click.echo(plan_text.written(form, fetched.source.uri, dataset, found, earlier))
    if found and found.error:
        if form != "text":
            click.echo(f"landfall: {visible(str(found.error))}", err=True)
        return found.error.exit_code
    return CHANGES if found and found.changes else 0


def _earlier(fetched: Fetched, dataset: Dataset, this: Run) -> tuple[str, str] | None:
    """The status and the earlier load with which the load would end at once; None if it would run."""
    with this.connection as conn, conn.cursor() as cursor:
        status, load = decide(cursor, account.source_facts(fetched), dataset)
    return None if status == "running" else (status, str(load))


def _plan(fetched: Fetched, dataset: Dataset, this: Run, work: Path, shown: Progress) -> Planned:
    # The samples are taken from before-images, which vanish with the transaction.
    dataset = replace(dataset, load=replace(dataset.load, undo_days=max(1, dataset.load.undo_days)))
    receipt = account.of_dataset(account.opened(fetched.source.uri, this.settings.engine), dataset)
    with _load_id(this) as load_id:
        load = Load(fetched, dataset, Begun(load_id, "running", None), this, work, shown)
        return rehearse(this.connection, prepared(load, receipt).request)


@contextmanager
def _load_id(this: Run) -> Iterator[UUID]:
    """The id of a load that never enters the ledger; no sweep takes its staging tables, which are gone in the end."""
    load_id, conn = new_load_id(), this.connection
    with conn, conn.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s)", (load_key(load_id),))
    try:
        yield load_id
    finally:
        if not conn.closed:
            conn.rollback()
            with conn, conn.cursor() as cursor:
                staging.drop(conn, load_id)
                cursor.execute("SELECT pg_advisory_unlock(%s)", (load_key(load_id),))
