"""A receipt as it grows: what each step of a load adds to it, and how a failure enters the ledger."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, replace
from datetime import UTC, datetime

import psycopg2

from pipeline.contract.dataset import Dataset, RowRule
from pipeline.errors import LandfallError, RefusedError
from pipeline.extract import Extraction
from pipeline.header import Header
from pipeline.load import ledger
from pipeline.load.begin import Begun, SourceFacts
from pipeline.load.connect import Connection
from pipeline.load.copy import Confirmation
from pipeline.load.request import Published, PublishFailedError, PublishRefusedError, Replay
from pipeline.receipt import Receipt, error_facts
from pipeline.source import Fetched


def opened(uri: str, engine: str | None) -> Receipt:
    """A receipt of which nothing is known yet."""
    now = datetime.now(UTC).isoformat(timespec="milliseconds")
    return Receipt(None, "failed", None, None, uri, engine=engine, started_at=now)


def of_dataset(receipt: Receipt, dataset: Dataset) -> Receipt:
    """With what is loaded, by which contract."""
    return replace(
        receipt,
        dataset=dataset.id,
        target=f"{dataset.schema}.{dataset.table}",
        mode=dataset.load.mode,
        contract=dataset.path,
        contract_sha256=dataset.sha256,
        restricted=tuple(column.name for column in dataset.columns if column.restricted),
    )


def of_source(receipt: Receipt, fetched: Fetched) -> Receipt:
    """With which bytes are loaded."""
    return replace(receipt, version=fetched.version, sha256=fetched.sha256, bytes=fetched.bytes)


def of_begun(receipt: Receipt, begun: Begun) -> Receipt:
    """With the load's id and what the ledger says about the object."""
    previous = str(begun.previous) if begun.previous else None
    status = "failed" if begun.status == "running" else begun.status
    return replace(receipt, load_id=str(begun.load_id), status=status, previous_load=previous)


def of_header(receipt: Receipt, header: Header, dialect: Mapping[str, object]) -> Receipt:
    """With the columns that the evolution policy ignored, filled or added, and how the sender writes."""
    return replace(
        receipt,
        columns={"ignored": header.ignored, "filled": header.filled, "added": header.added},
        dialect=dialect,
    )


def published(
    receipt: Receipt, result: Published, warned: Mapping[str, int], row_rules: tuple[RowRule, ...]
) -> Receipt:
    """With the counts, taken in the database, and the rules' results."""
    rules = [asdict(rule) for rule in result.rule_results]
    rules += [
        {"name": rule.name, "metric": "row_rule", "severity": rule.severity, "passed": not warned.get(rule.name),
         "value": warned.get(rule.name, 0), "expected": f"no row breaks: {rule.condition}"}
        for rule in row_rules
        if rule.severity != "error"
    ]  # fmt: skip
    return replace(
        receipt,
        status=result.status,
        rows=result.rows,
        rejects_by_rule=result.rejects_by_rule,
        rules=tuple(rules),
        ddl=result.ddl,
    )


def kept(receipt: Receipt) -> dict[str, object]:
    """The facts that the ledger keeps beside the counts."""
    facts = asdict(receipt)
    for name in ("rows", "rejects_by_rule", "rules", "ddl", "exit_code", "seconds", "error"):
        del facts[name]
    return facts


def failed(receipt: Receipt, error: LandfallError) -> Receipt:
    """With the error, and what a refusal counted before it said no."""
    if isinstance(error, PublishRefusedError | PublishFailedError):
        receipt = published(receipt, error.published, {}, ())
    status = "refused" if isinstance(error, RefusedError) else "failed"
    return replace(receipt, status=status, error=error_facts(error), exit_code=error.exit_code)


def enter_failure(conn: Connection, begun: Begun, receipt: Receipt, error: LandfallError) -> None:
    """Mark the load in the ledger, unless publish has done so; with the database gone, the next run's sweep will."""
    if isinstance(error, PublishRefusedError | PublishFailedError):
        return
    for _ in range(2):  # a signal's cancellation may come late, and hit this entry in place of what it was meant for
        with suppress(psycopg2.Error, LandfallError):
            ledger.fail(conn, begun.load_id, receipt.status, error, dict(receipt.rows), receipt=kept(receipt))
            return


def source_facts(fetched: Fetched, replay: Replay | None = None) -> SourceFacts:
    """What identifies the object in the ledger; a replay is an object of its own."""
    source = fetched.source
    if replay:
        return SourceFacts(uri=replay.uri, sha256=fetched.sha256, bytes=fetched.bytes, version=fetched.version)
    return SourceFacts(
        uri=source.uri,
        sha256=fetched.sha256,
        bytes=fetched.bytes,
        version=fetched.version,
        etag=source.etag,
        bucket=source.bucket,
        key=source.key,
        sequencer=source.sequencer,
    )


def rows_read(extraction: Extraction, confirmations: Sequence[Confirmation], dataset: Dataset) -> int:
    """Records of the file; after `explode`, the rows that they became (an outer explode loses no record)."""
    if dataset.load.explode is None:
        return extraction.records
    became = sum(each.staged + each.rejected + each.filtered for each in confirmations)
    return became + extraction.rejected
