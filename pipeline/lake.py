"""What is kept of loads in S3, beside the ledger: each receipt, and the rejects as the sender's own file.

Under the lake's prefix: `<outcome>/<dataset>/<load id>/receipt.json` and `rejects.csv`, `<outcome>` being loaded,
rejected (the contract said no) or failed. A load that found nothing to do leaves nothing. Landing objects are never
touched.
"""

from __future__ import annotations

import hashlib
import logging
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any

import psycopg2

from pipeline.dialect import send_back
from pipeline.errors import LandfallError, UsageError
from pipeline.load import ledger
from pipeline.load.connect import Connection
from pipeline.receipt import Receipt
from pipeline.run import Run

log = logging.getLogger(__name__)

# Status of a load -> the prefix below the lake's; the task's rights name the same ones (terraform/ecs.tf).
OUTCOMES = {"loaded": "loaded", "refused": "rejected", "failed": "failed"}


def check_lake(uri: str) -> str:
    """`uri` itself. Raises `UsageError` unless it is `s3://bucket` or `s3://bucket/prefix`."""
    if uri.startswith("s3://") and uri.removeprefix("s3://").split("/")[0]:
        return uri
    raise UsageError(f"--lake {uri}: expected s3://bucket/prefix")


def keep(receipt: Receipt, this: Run) -> None:
    """Write the receipt, and the rejects if there are any, to the lake that the settings name, if any.

    A lake that cannot be written to is warned of and does not change the load's result: ledger and rows are committed.
    """
    lake = this.settings.lake
    if not lake or receipt.status not in OUTCOMES:
        return
    try:
        _write(receipt, this, check_lake(lake))
    except (LandfallError, psycopg2.Error, OSError) as error:
        log.warning("load %s stands, but could not be reported to the lake: %s", receipt.load_id, error)


def _write(receipt: Receipt, this: Run, lake: str) -> None:
    from pipeline.s3.client import client, explained

    bucket, _, prefix = lake.removeprefix("s3://").partition("/")
    directory = "/".join(filter(None, [prefix.strip("/"), _place(receipt)]))
    with explained(f"s3://{bucket}/{directory}", needs="s3:PutObject"):
        if receipt.rows.get("rejected") and receipt.load_id:
            with tempfile.TemporaryFile(dir=_directory(this.settings.work_dir)) as file:
                _rejects(file, this.connection, receipt.load_id, receipt.dialect)
                key, details = f"{directory}/rejects.csv", {"ContentType": "text/csv"}
                client().upload_fileobj(file, bucket, key, ExtraArgs=details)
        key, body = f"{directory}/receipt.json", receipt.as_json().encode()
        client().put_object(Bucket=bucket, Key=key, Body=body, ContentType="application/json")


def _rejects(file: IO[bytes], conn: Connection, load_id: str, dialect: Mapping[str, Any]) -> None:
    try:
        send_back(file, ledger.rejects(conn, load_id), dialect)
    finally:
        if not conn.closed:
            conn.rollback()  # an open transaction would hold back vacuum while the next object is awaited
    file.seek(0)


def _place(receipt: Receipt) -> str:
    """Of a load that never got an id, because its contract or its object was not to be had, the source's hash."""
    unnamed = hashlib.sha256(f"{receipt.started_at} {receipt.source}".encode()).hexdigest()[:32]
    dataset = (receipt.dataset or "unknown").replace("/", "_")
    return f"{OUTCOMES[receipt.status]}/{dataset}/{receipt.load_id or unnamed}"


def _directory(work: Path | None) -> Path | None:
    if work is not None:
        work.mkdir(parents=True, exist_ok=True)
    return work
