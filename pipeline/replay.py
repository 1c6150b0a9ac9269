"""`landfall replay`: the rejects of one load again, after the contract was fixed or the sender corrected them."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from uuid import UUID

import click
import pyarrow.parquet as pq

from pipeline import account, progress, reread, returned
from pipeline.checksum import checksum
from pipeline.contract.dataset import Budget, Dataset
from pipeline.errors import RefusedError, UsageError
from pipeline.extract import LINE, PartArea, open_source
from pipeline.job import load_alone
from pipeline.load import ledger
from pipeline.load.request import Replay
from pipeline.loading import check_told, tell
from pipeline.progress import Progress
from pipeline.receipt import Receipt, lines, shown_error
from pipeline.run import Run
from pipeline.settings import Settings
from pipeline.source import Fetched, SourceObject

Reject = Mapping[str, Any]
_OF = "replay of "
# Rejects that another reading of the same bytes may join into other records.
_BROKEN = ("structure", "encoding")


def replay(settings: Settings, load_id: str, corrected: Path | None, as_json: bool, quiet: bool) -> int:
    """Load a load's open rejects again and print the receipt. Returns the exit code."""
    check_told(settings)
    with Run(settings) as this, progress.chosen(quiet) as shown:
        load = ledger.load(this.connection, load_id)
        found = replay_load(load, corrected, this, shown)
        if found:
            tell(found, this, shown)
    if found is None:
        click.echo(f"= nothing to do: load {load_id} has no open rejects")
        return 0
    click.echo(found.as_json() if as_json else "\n".join(lines(found)))
    if as_json and found.error:
        click.echo(f"landfall: {shown_error(found)}", err=True)
    return found.exit_code


def replay_load(load: Mapping[str, Any], corrected: Path | None, this: Run, shown: Progress) -> Receipt | None:
    """The receipt of the new load; None when no reject is open. Raises UsageError or RefusedError for a load whose
    rejects cannot be loaded by themselves."""
    started = time.monotonic()
    dataset = _dataset(load, this.datasets)
    rejects = [each for each in ledger.rejects(this.connection, load["load_id"]) if each["status"] == "open"]
    this.connection.rollback()
    if not rejects:
        return None
    receipt = account.of_dataset(account.opened(f"{_OF}{load['load_id']}", this.settings.engine), dataset)
    with this.work_area() as work:
        fetched, again = _file(load, rejects, corrected, dataset, Path(work))
        receipt = replace(account.of_source(receipt, fetched), source=again.uri)
        receipt = load_alone(fetched, _as_written(dataset, load), this, Path(work), shown, receipt, again)
    return replace(receipt, seconds=round(time.monotonic() - started, 3))


def _dataset(load: Mapping[str, Any], datasets: Sequence[Dataset]) -> Dataset:
    """The dataset of the load as its contract is now, with room for any number of rejects and no rule on it."""
    load_id = load["load_id"]
    if str(load["uri"]).startswith(_OF):
        original = str(load["uri"]).removeprefix(_OF).split()[0]
        raise UsageError(f"load {load_id} is itself a replay: what it rejected again is open in load {original}")
    if load["status"] != "loaded":
        raise RefusedError(
            f"load {load_id} is {load['status']}: no row of it was published; load its file again instead"
        )
    dataset = next((each for each in datasets if each.id == load["dataset"]), None)
    if dataset is None:
        raise UsageError(f"no contract has the id {load['dataset']}, which load {load_id} was of; see --contracts")
    if dataset.load.mode in ("replace", "scd2"):
        raise RefusedError(
            f"{dataset.id} is loaded with mode {dataset.load.mode}, where a file stands for more than its own "
            "rows: some rows alone would do harm. Load the corrected file as a whole"
        )
    if dataset.load.explode and dataset.load.mode == "append":
        raise RefusedError(f"{dataset.id} makes several rows of a record; those that loaded would be there twice")
    rules = tuple(rule for rule in dataset.dataset_rules if rule.metric != "rowCount")
    return replace(dataset, load=replace(dataset.load, budget=Budget(100, "percent")), dataset_rules=rules)


def _as_written(dataset: Dataset, load: Mapping[str, Any]) -> Dataset:
    """The dataset whose file is the file of rejects: JSON on lines in UTF-8, Parquet for formats without text,
    CSV without header with as many fields as the load's file had."""
    if _dialect(load).get("format") in reread.FORMATS:
        return replace(dataset, read=replace(dataset.read, format="parquet"))
    encoding = "utf-8" if dataset.read.format == "json" else dataset.read.encoding
    fields = _dialect(load).get("fields")
    return replace(dataset, read=replace(dataset.read, json_layout="lines", encoding=encoding, fields=fields))


def _file(
    load: Mapping[str, Any], rejects: Sequence[Reject], corrected: Path | None, dataset: Dataset, work: Path
) -> tuple[Fetched, Replay]:
    """The rejects as a file in the work area, and which record of it is which reject."""
    path, dialect = work / "rejects", _dialect(load)
    if corrected:
        returned.corrected(path, corrected, dialect, dataset.read.skip_lines)
    elif dialect.get("format") in reread.FORMATS:
        rejects = reread.from_source(path, load, rejects, dataset)
    else:
        rejects = _as_sent(path, load, rejects, dataset)
    starts = _starts(path, load["uri"], _as_written(dataset, load))
    if len(starts) != len(rejects):
        raise UsageError(
            f"{corrected or 'the file of rejects'} has {len(starts):,} records, but load {load['load_id']} has "
            f"{len(rejects):,} open rejects. Keep all of them, in the order of `landfall rejects --csv`"
        )
    return _identified(path, load, rejects, starts)


def _as_sent(path: Path, load: Mapping[str, Any], rejects: Sequence[Reject], dataset: Dataset) -> Sequence[Reject]:
    """Write the rejects as they were sent; without those that spoil the reading of others, if there are any."""
    returned.as_sent(path, rejects, _dialect(load))
    if len(_starts(path, load["uri"], _as_written(dataset, load))) != len(rejects):
        rejects = [each for each in rejects if each["rule"] not in _BROKEN]
        returned.as_sent(path, rejects, _dialect(load))
    return rejects


def _dialect(load: Mapping[str, Any]) -> Mapping[str, Any]:
    return (load["receipt"] or {}).get("dialect") or {}


def _identified(
    path: Path, load: Mapping[str, Any], rejects: Sequence[Reject], starts: list[int]
) -> tuple[Fetched, Replay]:
    """Path columns and expressions see the original object's name; the ledger sees a name of its own."""
    digest, size = checksum(path)
    source = SourceObject(uri=load["uri"], path=path, bucket=load["bucket"], key=load["key"], size=size)
    records = tuple((each["line"], each["ordinal"], now) for each, now in zip(rejects, starts, strict=True))
    moment = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    uri = f"{_OF}{load['load_id']} at {moment} ({digest[:12]})"
    return Fetched(source, path, digest, size, version=digest), Replay(UUID(str(load["load_id"])), uri, records)


def _starts(path: Path, uri: str, dataset: Dataset) -> list[int]:
    """The lines on which the file's records start, in their order."""
    with TemporaryDirectory(dir=path.parent) as area:
        extraction = open_source(path, uri, dataset, PartArea(Path(area)))
        found = [line for part in extraction.parts() for line in _part_lines(part.path)]
        return sorted(found + [reject.line for reject in extraction.rejects()])


def _part_lines(path: Path) -> Iterator[int]:
    yield from pq.read_table(path, columns=[LINE]).column(LINE).to_pylist()
