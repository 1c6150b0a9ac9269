"""The whole story of one load: fetch -> extract -> transform -> validate -> stage -> publish."""

from __future__ import annotations

import json
import time
from collections import Counter
from contextlib import closing, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pipeline import account
from pipeline.ahead import ahead, in_parallel
from pipeline.contract.dataset import Dataset
from pipeline.contract.match import match
from pipeline.contract.metadata import FileFacts
from pipeline.dialect import dialect_of
from pipeline.direct import without_sql
from pipeline.errors import LandfallError, TransientError
from pipeline.extract import Extraction, PartArea, RawPart, open_source
from pipeline.extract.compression import detect
from pipeline.extract.parts import PartForm
from pipeline.failure import as_landfall_error, by_sql, worker_killed
from pipeline.header import Header, MissingColumnsError, check_header
from pipeline.load import ledger, staging, straight
from pipeline.load.begin import Begun
from pipeline.load.connect import connect
from pipeline.load.copy import Confirmation
from pipeline.load.publish import publish
from pipeline.load.publishing import Publishing
from pipeline.load.request import PublishRequest, Replay
from pipeline.load.staging import StagingTarget
from pipeline.load.straight import Straight
from pipeline.progress import Progress
from pipeline.receipt import Receipt
from pipeline.renames import with_values
from pipeline.run import Run
from pipeline.settings import Engine
from pipeline.source import Fetched, SourceObject, fetch

# With parts of 64 MB Sail is no faster and takes 100 MB more; Spark pays for each job that it starts.
_PARTS: dict[Engine, tuple[int, PartForm, int | None]] = {
    "sail": (32 << 20, "arrow", 4 << 20),
    "spark": (64 << 20, "parquet", None),
}
_UNPACKED = 4  # bytes of text that a byte of gzip or Parquet stands for, in files of ordinary tables


@dataclass(frozen=True)
class Load:
    """One load under way: what is loaded, as what, by which run, into which working directory."""

    fetched: Fetched
    dataset: Dataset
    begun: Begun
    run: Run
    work: Path
    progress: Progress
    replay: Replay | None = None


@dataclass(frozen=True)
class Staged:
    """What the workers confirmed: their attempts, and how many staged rows break each warning."""

    confirmations: tuple[Confirmation, ...]
    warned: Counter[str]


@dataclass(frozen=True)
class Prepared:
    """A load that only has to be published. `begun`: its publish, if the rows are in the target already."""

    request: PublishRequest
    receipt: Receipt
    warned: Counter[str]
    begun: Publishing | None


def run(source: SourceObject, this: Run, progress: Progress) -> Receipt:
    """Load one source object and return its receipt, which tells also of a refusal or a failure."""
    started = time.monotonic()
    receipt = account.opened(source.uri, this.settings.engine)
    try:
        with this.work_area() as work:
            dataset = match(this.datasets, source.uri, only=this.only_contract)
            receipt = account.of_dataset(receipt, dataset)
            progress.stage("fetch", source.uri)
            this.warm_up(source.size or 0)
            fetched = fetch(source, Path(work))
            receipt = account.of_source(receipt, fetched)
            receipt = load_alone(fetched, dataset, this, Path(work), progress, receipt)
    except Exception as error:
        if this.settings.debug:
            raise
        receipt = account.failed(receipt, as_landfall_error(error))
    return replace(receipt, seconds=round(time.monotonic() - started, 3))


def load_alone(
    fetched: Fetched,
    dataset: Dataset,
    this: Run,
    work: Path,
    progress: Progress,
    receipt: Receipt,
    replay: Replay | None = None,
) -> Receipt:
    """The load proper, while no other process has the same object or the same bytes."""
    facts = account.source_facts(fetched, replay)
    progress.stage("begin", dataset.id)
    conn = this.connection
    begun = ledger.begin(conn, facts, dataset, this.settings.engine, this.settings.force or replay is not None)
    receipt = account.of_begun(receipt, begun)
    try:
        if begun.status != "running":
            return receipt
        return _load(Load(fetched, dataset, begun, this, work, progress, replay), receipt)
    except BaseException as error:
        refusal = as_landfall_error(error)
        receipt = account.failed(receipt, refusal)
        with suppress(LandfallError):  # of a database that stays away the next run's sweep enters the failure
            account.enter_failure(this.connection, begun, receipt, refusal)
        if this.settings.debug or not isinstance(error, Exception):
            raise
        return receipt
    finally:
        ledger.release(conn, begun)


def _load(load: Load, receipt: Receipt) -> Receipt:
    ready = prepared(load, receipt, straight_too=load.run.settings.on_this_machine)
    load.progress.stage("publish", f"{load.dataset.schema}.{load.dataset.table}")
    published = publish(load.run.connection, ready.request, ready.begun)
    return account.published(ready.receipt, published, ready.warned, load.dataset.row_rules)


def prepared(load: Load, receipt: Receipt, straight_too: bool = False) -> Prepared:
    """Everything up to the publish, with the rows in staging or, if `straight_too` and fit for it, in the target."""
    load.progress.stage("extract", load.dataset.id)
    extraction = _open(load)
    try:
        header = check_header(load.dataset, extraction.columns, load.fetched.source.uri)
    except MissingColumnsError as refusal:
        raise with_values(refusal, load.fetched, load.dataset, load.run.connection, load.work) from None
    as_given, load = load, replace(load, dataset=header.dataset)
    target = _staging_target(load)
    request = _request(header, load)
    begun = _begin(load, request) if straight_too else None
    if begun is None:
        staging.create(load.run.connection, target)
    try:
        done = _stage(extraction, load, replace(target, relay=begun.address) if begun else target)
        load.fetched.require_unchanged()
        receipt = account.of_header(
            replace(receipt, status="loaded"), header, dialect_of(extraction, load.dataset.read)
        )
        request = _complete(request, extraction, done, load, receipt)
        return Prepared(request, receipt, done.warned, begun.finish(request) if begun else None)
    except Exception as error:
        stopped = by_sql(error, load.dataset)  # at a row, which is found by way of staging
        if begun is None or isinstance(error, TransientError) or not (begun.gave_up or worker_killed(error) or stopped):
            raise
    finally:
        if begun:
            begun.stop()
    staging.discard(load.run.connection, load.begun.load_id)
    return prepared(as_given, receipt)


def _begin(load: Load, request: PublishRequest) -> Straight | None:
    socket_in = None
    if load.run.settings.engine == "spark":  # whose workers are processes of their own, and whose start takes long
        socket_in = load.work
        load.run.engine  # noqa: B018 - from here on the target is held
    return straight.begin(load.run.connection, request, _text_bytes(load), socket_in)


def _text_bytes(load: Load) -> int:
    """How large the source object is, or about how large it would be as text."""
    packed = load.dataset.read.format not in ("csv", "json") or detect(load.fetched.path) is not None
    return load.fetched.bytes * (_UNPACKED if packed else 1)


def _open(load: Load) -> Extraction:
    size, form, first = _PARTS[load.run.settings.engine]
    area = PartArea(load.work, size, "arrow" if without_sql(load.dataset) else form, first)
    return open_source(load.fetched.path, load.fetched.source.uri, load.dataset, area)


def _stage(extraction: Extraction, load: Load, target: StagingTarget) -> Staged:
    """Every part through the engine into staging, `streams` parts at a time, while the next is being extracted."""
    confirmations: list[Confirmation] = []
    warned: Counter[str] = Counter()
    file = FileFacts(load.fetched.source.name, load.fetched.source.uri, load.fetched.bytes)

    stopping: list[int] = []  # the lines at which the engine stops

    def through(part: RawPart) -> list[dict[str, Any]]:
        # Imported late: PySpark takes longer to import than the ledger takes to say that there is nothing to do.
        from pipeline.through import through_engine

        rows = through_engine(load.run.engine, part, extraction.schema, load.dataset, file, target, stopping)
        part.path.unlink()
        load.progress.rows(part.rows, part.size)
        return rows

    # Closed here: after an error nobody would close it before the garbage collector does, and it would go on.
    with closing(ahead(extraction.parts())) as parts:
        for rows in in_parallel(through, parts, load.run.settings.streams):
            for row in rows:
                warned.update(json.loads(row.pop("warned")))
                confirmations.append(Confirmation(**row))
    return Staged(tuple(confirmations), warned)


def _staging_target(load: Load) -> StagingTarget:
    columns = tuple((column.name, column.type.sql) for column in load.dataset.columns)
    return StagingTarget(load.run.destination, load.begun.load_id, columns)


def _request(header: Header, load: Load) -> PublishRequest:
    """What is known of the publish before a row is read."""
    return PublishRequest(
        load_id=load.begun.load_id,
        dataset=load.dataset,
        uri=load.replay.uri if load.replay else load.fetched.source.uri,
        replay=load.replay,
        added=header.added,
        reconnect=lambda: connect(load.run.destination, "ledger"),
    )


def _complete(
    request: PublishRequest, extraction: Extraction, done: Staged, load: Load, receipt: Receipt
) -> PublishRequest:
    return replace(
        request,
        read=account.rows_read(extraction, done.confirmations, load.dataset),
        confirmations=done.confirmations,
        structural_rejects=extraction.rejects,
        raw_records=extraction.raw_records,
        receipt=account.kept(receipt),
    )
