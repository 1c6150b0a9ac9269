"""`landfall why`: which file, line and load set a row, and what set it before."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict

import click

from pipeline.errors import UsageError
from pipeline.load.origin import MOST, Origin, origins
from pipeline.run import Run
from pipeline.settings import Settings
from pipeline.visible import visible_name


def why(settings: Settings, table: str, key: tuple[str, ...], as_json: bool) -> None:
    """Print the origins of a row. Raises `UsageError` when there is and was none."""
    with Run(settings) as this:
        found = origins(this.connection, table, key)
    if not found:
        raise UsageError(f"{table} has no row with {', '.join(key)}, and no before-image tells of an earlier one")
    if as_json:
        click.echo(json.dumps([asdict(each) for each in found], default=str, ensure_ascii=False))
        return
    click.echo("\n".join(_lines(f"{table} {', '.join(key)}", found)))


def _lines(head: str, found: list[Origin]) -> Iterator[str]:
    yield head
    if all(each.ended_by for each in found):
        yield f"  no longer there: {_ended(found[0])}"
    for each in found:
        yield f"  {_when(each)}: {_set_by(each)}"
    if len(found) == MOST:
        yield f"  and perhaps more: only the first {MOST} are shown"


def _when(origin: Origin) -> str:
    if origin.ended_by:
        return f"before ({_ended(origin)})"
    if origin.valid_from is None:
        return "now"
    until = f" until {origin.valid_to:%Y-%m-%d %H:%M:%S}" if origin.valid_to else ""
    return f"from {origin.valid_from:%Y-%m-%d %H:%M:%S}{until}"


def _ended(origin: Origin) -> str:
    done = "deleted" if origin.action == "delete" else "changed"
    when = f" {origin.ended_at:%Y-%m-%d %H:%M:%S}" if origin.ended_at else ""
    return f"{done}{when} by load {origin.ended_by}"


def _set_by(origin: Origin) -> str:
    if origin.uri is None:
        return "set by nothing that the ledger knows of (a row that was there before, or written by hand)"
    return (
        f"line {origin.line} of {visible_name(origin.uri)}, load {origin.load_id}, "
        f"{origin.loaded_at:%Y-%m-%d %H:%M:%S} UTC, contract {origin.dataset} {origin.contract_version}"
    )
