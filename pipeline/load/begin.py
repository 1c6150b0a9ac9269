"""How a load begins: alone with its source object, and only if there is something left to do."""

from __future__ import annotations

import hashlib
import random
import secrets
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Literal
from uuid import UUID

import psycopg2

from pipeline.contract.dataset import Dataset
from pipeline.errors import TransientError
from pipeline.load.connect import Connection

LOCK_WAIT = 900.0

# "Effective" loads: the latest loaded one of each object; what an object's newer version replaced counts no more.
SAME_OBJECT = """
    SELECT load_id, version, sha256, sequencer FROM landfall.load
    WHERE dataset = %(dataset)s AND uri = %(uri)s AND status = 'loaded' ORDER BY finished_at DESC, load_id DESC
"""
SAME_CONTENT_EFFECTIVE = """
    SELECT load_id FROM landfall.load AS this
    WHERE dataset = %(dataset)s AND sha256 = %(sha256)s AND uri <> %(uri)s AND status = 'loaded'
      AND NOT EXISTS (SELECT FROM landfall.load AS newer
                      WHERE newer.dataset = this.dataset AND newer.uri = this.uri AND newer.status = 'loaded'
                        AND (newer.finished_at, newer.load_id) > (this.finished_at, this.load_id))
    ORDER BY finished_at DESC LIMIT 1
"""
SAME_CONTENT_LATEST = """
    SELECT load_id FROM (SELECT load_id, sha256, uri FROM landfall.load
                         WHERE dataset = %(dataset)s AND status = 'loaded'
                         ORDER BY finished_at DESC, load_id DESC LIMIT 1) AS latest
    WHERE sha256 = %(sha256)s AND uri <> %(uri)s
"""
INSERT = """
    INSERT INTO landfall.load (load_id, dataset, uri, bucket, key, version, etag, sequencer, sha256, bytes, contract_id,
        contract_version, contract_sha256, engine, mode, target, status, started_at, finished_at, previous_load)
    VALUES (%(load_id)s, %(dataset)s, %(uri)s, %(bucket)s, %(key)s, %(version)s, %(etag)s, %(sequencer)s, %(sha256)s,
        %(bytes)s, %(contract_id)s, %(contract_version)s, %(contract_sha256)s, %(engine)s, %(mode)s, %(target)s,
        %(status)s, clock_timestamp(), CASE WHEN %(status)s <> 'running' THEN clock_timestamp() END, %(previous)s)
"""

Status = Literal["running", "already_loaded", "stale"]


@dataclass(frozen=True)
class SourceFacts:
    """Which source object this is. `version`: S3 VersionId, else etag; of a local file its sha256. `bytes`: size as
    stored.

    `sequencer`: S3's hexadecimal order of events on one key, None when unknown. `sha256`: hex digest of the bytes as
    stored.
    """

    uri: str
    sha256: str
    bytes: int
    version: str | None = None
    etag: str | None = None
    bucket: str | None = None
    key: str | None = None
    sequencer: str | None = None

    @property
    def versioned(self) -> bool:
        """Whether `version` names one upload of the object, not only its content."""
        return self.version is not None and self.version not in (self.etag, self.sha256, "null")


@dataclass(frozen=True)
class Begun:
    """A load that is in the ledger. `previous`: for `running` the object's latest load, else the load that made this
    needless."""

    load_id: UUID
    status: Status
    previous: UUID | None
    locks: tuple[int, ...] = ()


def begin(
    conn: Connection, facts: SourceFacts, dataset: Dataset, engine: str, force: bool = False, wait: float = LOCK_WAIT
) -> Begun:
    """Enter the load in the ledger, committed, and decide whether it has to run.

    `conn` then holds the advisory locks of the object, of its content and of the load until `release`, and must be the
    one that publishes: if it is lost, so is the right to publish. Raises TransientError when another load of the same
    object or the same bytes is not over within `wait` seconds.
    """
    keys = [object_key(dataset.id, facts.uri)]
    if dataset.load.same_content == "skip":
        keys.append(content_key(dataset.id, facts.sha256))
    locks = _take(conn, keys, facts, wait)
    try:
        return _enter(conn, facts, dataset, engine, force, locks)
    except BaseException:
        _unlock(conn, locks)
        raise


def release(conn: Connection, begun: Begun) -> None:
    """Give back the locks of a load that is over. A connection that is lost has given them back already."""
    with suppress(psycopg2.OperationalError, psycopg2.InterfaceError):
        _unlock(conn, list(begun.locks))


def decide(cursor: Any, facts: SourceFacts, dataset: Dataset) -> tuple[Status, UUID | None]:
    """What the ledger says about the object: to be loaded (after which load of the same object), already loaded, or
    stale."""
    cursor.execute(SAME_OBJECT, {"dataset": dataset.id, "uri": facts.uri})
    earlier = cursor.fetchall()
    if earlier:
        latest, version, sha256, sequencer = earlier[0]
        if facts.sha256 == sha256 or (facts.version is not None and facts.version == version):
            return "already_loaded", UUID(latest)
        if facts.versioned and facts.sequencer and sequencer and _older(facts.sequencer, sequencer):
            return "stale", UUID(latest)
        known = [UUID(load) for load, version, _, _ in earlier if version == facts.version]
        if facts.versioned and known:
            return "already_loaded", known[0]
    if dataset.load.same_content == "skip":
        statement = SAME_CONTENT_EFFECTIVE if dataset.load.mode == "append" else SAME_CONTENT_LATEST
        cursor.execute(statement, {"dataset": dataset.id, "sha256": facts.sha256, "uri": facts.uri})
        if found := cursor.fetchone():
            return "already_loaded", UUID(found[0])
    return "running", UUID(earlier[0][0]) if earlier else None


def load_key(load_id: UUID) -> int:
    """The advisory lock that a live load holds: the last 8 bytes of its id as a signed bigint (see sweep.SWEEP)."""
    return int.from_bytes(load_id.bytes[8:], "big", signed=True)


def object_key(dataset: str, uri: str) -> int:
    """The advisory lock of one source object of a dataset."""
    return _key("object", dataset, uri)


def content_key(dataset: str, sha256: str) -> int:
    """The advisory lock of one content of a dataset, whatever its name."""
    return _key("content", dataset, sha256)


def new_load_id() -> UUID:
    """A UUID version 7 (RFC 9562, section 5.7): milliseconds since 1970 in 48 bits, then random bits, so that ids sort
    by time."""
    milliseconds = time.time_ns() // 1_000_000
    value = (milliseconds & (2**48 - 1)) << 80 | 7 << 76 | secrets.randbits(12) << 64 | 2 << 62 | secrets.randbits(62)
    return UUID(int=value)


def _enter(conn: Connection, facts: SourceFacts, dataset: Dataset, engine: str, force: bool, locks: list[int]) -> Begun:
    load_id = new_load_id()
    with conn, conn.cursor() as cursor:
        status, previous = decide(cursor, facts, dataset)
        if force and status != "running":
            cursor.execute(SAME_OBJECT, {"dataset": dataset.id, "uri": facts.uri})
            status, previous = "running", next((UUID(row[0]) for row in cursor.fetchall()), None)
        if status == "running":
            cursor.execute("SELECT pg_advisory_lock(%s)", (load_key(load_id),))
            locks.append(load_key(load_id))
        cursor.execute(INSERT, _row(load_id, facts, dataset, engine, status, previous))
    return Begun(load_id, status, previous, tuple(locks))


def _row(
    load_id: UUID, facts: SourceFacts, dataset: Dataset, engine: str, status: Status, previous: UUID | None
) -> dict[str, Any]:
    return {
        "load_id": str(load_id),
        "dataset": dataset.id,
        **{
            name: getattr(facts, name)
            for name in ("uri", "bucket", "key", "version", "etag", "sequencer", "sha256", "bytes")
        },
        "contract_id": dataset.id,
        "contract_version": dataset.version,
        "contract_sha256": dataset.sha256,
        "engine": engine,
        "mode": dataset.load.mode,
        "target": f"{dataset.schema}.{dataset.table}",
        "status": status,
        "previous": None if previous is None else str(previous),
    }


def _take(conn: Connection, keys: list[int], facts: SourceFacts, wait: float) -> list[int]:
    """Take the session locks one after the other by asking again and again: a wait inside the server would hold back
    vacuum there and could not be interrupted here."""
    deadline = time.monotonic() + wait
    taken = _try(conn, keys)
    while len(taken) < len(keys):
        if time.monotonic() >= deadline:
            _unlock(conn, taken)
            raise TransientError(
                f"another process has been loading {facts.uri}, or the same bytes, for over {wait:.0f} s. "
                "Load again when it is done"
            )
        time.sleep(random.uniform(0.05, 0.5))  # noqa: S311 - a pause, no secret  # nosec B311
        taken += _try(conn, keys[len(taken) :])
    return taken


def _try(conn: Connection, keys: list[int]) -> list[int]:
    """Those that were free, up to the first that was not: two loads that want the same must not each hold one."""
    taken: list[int] = []
    with conn, conn.cursor() as cursor:
        for key in keys:
            cursor.execute("SELECT pg_try_advisory_lock(%s)", (key,))
            if cursor.fetchone() != (True,):
                break
            taken.append(key)
    return taken


def _unlock(conn: Connection, keys: list[int]) -> None:
    if conn.closed:
        return
    conn.rollback()
    with conn, conn.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_unlock(key) FROM unnest(%s::bigint[]) AS key", (keys,))


def _key(*parts: str) -> int:
    digest = hashlib.sha256("\0".join(("landfall", *parts)).encode()).digest()
    return int.from_bytes(digest[:8], "big", signed=True)


def _older(sequencer: str, other: str) -> bool:
    """S3 sequencers are hexadecimal; the shorter is padded with zeros on its right, then they compare as text (S3 user
    guide)."""
    width = max(len(sequencer), len(other))
    return sequencer.ljust(width, "0").upper() < other.ljust(width, "0").upper()
