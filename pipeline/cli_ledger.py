"""The commands that act on what the ledger knows of earlier loads."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from pipeline.options import database_options, run_options, settings_of, telling_options


@click.command()
@click.argument("table")
@click.argument("key", nargs=-1, required=True, metavar="KEY...")
@database_options
@click.option("--json", "as_json", is_flag=True, help="As one JSON document.")
def why(table: str, key: tuple[str, ...], as_json: bool, **options: Any) -> None:
    """Which file, line and load set the row of TABLE with this key, and what was there before.

    KEY is the key's values in order, or COLUMN=VALUE,... with any columns.
    """
    from pipeline import origins

    origins.why(settings_of(**options), table, key, as_json)


@click.command()
@click.argument("load_id")
@database_options
@click.option("--json", "as_json", is_flag=True, help="As one JSON document.")
def undo(load_id: str, as_json: bool, **options: Any) -> None:
    """Take back what one load did, exactly; refused when later loads changed its rows."""
    from pipeline import undoing

    undoing.undo_load(settings_of(**options), load_id, as_json)


@click.command()
@click.argument("load_id")
@click.option(
    "--file",
    "corrected",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="What `landfall rejects --csv` wrote, corrected by the sender.",
)
@run_options
@telling_options
@click.option("--json", "as_json", is_flag=True, help="The receipt as JSON.")
@click.option("--quiet", is_flag=True, help="No progress on stderr.")
def replay(load_id: str, corrected: Path | None, as_json: bool, quiet: bool, **options: Any) -> None:
    """Load the rejects of one load again: the contract was fixed, or the sender corrected them."""
    from pipeline.replay import replay as again

    sys.exit(again(settings_of(**options), load_id, corrected, as_json, quiet))


@click.command()
@click.argument("source")
@run_options
@click.option("--force", is_flag=True, help="Plan even what was loaded before.")
@click.option("--json", "form", flag_value="json", help="As one JSON document.")
@click.option("--markdown", "form", flag_value="markdown", help="As Markdown, for a pull request.")
@click.option("--quiet", is_flag=True, help="No progress on stderr.")
def plan(source: str, form: str | None, quiet: bool, **options: Any) -> None:
    """What loading SOURCE would change: DDL, rows, cells, rejects. Exit code 0: nothing, 3: something."""
    from pipeline.planning import plan as planned

    sys.exit(planned(settings_of(**options), source, form or "text", quiet))


@click.command()
@click.argument("load_id", required=False)
@database_options
@click.option("--dataset", help="Without LOAD_ID: only the loads of this dataset.")
@click.option("--since", type=click.DateTime(), help="Without LOAD_ID: only loads started at or after this time (UTC).")
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE", help="[default: stdout]")
def report(load_id: str | None, dataset: str | None, since: Any, out: Path | None, **options: Any) -> None:
    """One HTML page of one load, or of all: rows, rejects with examples, columns, receipts. It needs no network."""
    from pipeline import report as reporting

    reporting.report(settings_of(**options), load_id, dataset, since, out)


COMMANDS = (why, undo, replay, plan, report)
