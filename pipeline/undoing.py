"""`landfall undo`: one load's effect taken back, with a receipt of it."""

from __future__ import annotations

import json
from dataclasses import asdict

import click

from pipeline.load import ledger
from pipeline.load.undo import Undone, undo
from pipeline.run import Run
from pipeline.settings import Settings
from pipeline.visible import visible_name


def undo_load(settings: Settings, load_id: str, as_json: bool) -> None:
    """Undo a load and print the receipt. Raises `RefusedError` when later loads changed its rows."""
    with Run(settings) as this:
        done = undo(this.connection, ledger.load(this.connection, load_id))
    if as_json:
        click.echo(json.dumps({"status": "undone", **asdict(done)}, ensure_ascii=False))
        return
    click.echo(_line(done))


def _line(done: Undone) -> str:
    if done.already:
        return f"= undone         load {done.load_id}\n  nothing to do: it was undone before"
    return (
        f"✔ undone         {visible_name(done.uri)} -> {done.target}\n"
        f"  {done.removed:,} inserted rows removed, {done.restored:,} updated rows restored, "
        f"{done.brought_back:,} deleted rows brought back\n"
        f"  load {done.load_id}; the same file can be loaded again"
    )
