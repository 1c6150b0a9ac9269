"""How an engine's worker writes to staging: Arrow batches in, one COPY stream out, one transaction, one
confirmation."""

from __future__ import annotations

import contextlib
import queue
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, cast

import psycopg2
import pyarrow as pa
from psycopg2 import sql

from pipeline.errors import BalanceError, TransientError
from pipeline.load.connect import Connection, connect, translate
from pipeline.load.encode import encode
from pipeline.load.staging import REJECT_COLUMNS, StagingTarget

CHUNK_BYTES = 4 << 20  # of Arrow data per piece of CSV; with QUEUED it bounds a worker's memory to a few times this
REJECT_ROWS = 5_000  # rejects are kept back until so many, since each switch of tables ends one COPY and starts another
QUEUED = 3


@dataclass(frozen=True)
class Confirmation:
    """What one writer committed. `attempt` is the `_attempt` of its rows, 0 if it wrote none; only confirmed attempts
    count."""

    attempt: int
    staged: int
    rejected: int
    filtered: int


class StagingWriter:
    """Writes the valid rows and the rejects of one partition, in one transaction on one connection, opened at the first
    row.

    A second thread sends while the caller encodes; at most QUEUED pieces wait between them. `write` and `close` raise
    TransientError or DestinationError once the database has failed. Whatever they raise, the writer is aborted by then.
    """

    def __init__(self, target: StagingTarget) -> None:
        self._target = target
        self._sender: _Sender | None = None
        self._rejects: list[pa.RecordBatch] = []
        self._kept_back = 0
        self._staged = self._rejected = self._filtered = 0

    def write(self, valid: pa.RecordBatch, rejects: pa.RecordBatch, filtered: int = 0) -> None:
        """Stage one batch. `valid`: the contract's columns and `_line`, in any order; `rejects`: REJECT_COLUMNS
        (`reasons` JSON text); `filtered`: how many rows `where` dropped."""
        with self._or_abort():
            self._filtered += filtered
            if valid.num_rows:
                self._send("rows", valid.select([*(name for name, _ in self._target.columns), "_line"]))
                self._staged += valid.num_rows
            if rejects.num_rows:
                self._rejects.append(rejects.select(list(REJECT_COLUMNS)))
                self._kept_back += rejects.num_rows
                self._rejected += rejects.num_rows
            if self._kept_back >= REJECT_ROWS:
                self._send_rejects()

    def close(self) -> Confirmation:
        """Send what is left and commit. Raises TransientError if the commit was not acknowledged: then nothing is
        confirmed."""
        attempt = 0
        with self._or_abort():
            self._send_rejects()
            if self._sender is not None:
                attempt = self._sender.commit({"rows": self._staged, "rejects": self._rejected})
        return Confirmation(attempt, self._staged, self._rejected, self._filtered)

    def abort(self) -> None:
        """Roll back and close the connection; harmless when closed already."""
        if self._sender is not None:
            self._sender.abort()

    @contextlib.contextmanager
    def _or_abort(self) -> Iterator[None]:
        """A writer that raised must not keep its session, nor the locks that it holds on the staging tables."""
        try:
            yield
        except BaseException:
            self.abort()
            raise

    def _send_rejects(self) -> None:
        for batch in self._rejects:
            self._send("rejects", batch)
        self._rejects, self._kept_back = [], 0

    def _send(self, table: str, batch: pa.RecordBatch) -> None:
        if self._sender is None:
            self._sender = _Sender(self._target)
        step = max(1, batch.num_rows * CHUNK_BYTES // max(1, batch.nbytes))
        for start in range(0, batch.num_rows, step):
            self._sender.put(table, encode(batch.slice(start, step), self._sender.attempt))


class _Sender:
    """The connection and the thread that feeds its COPY from a bounded queue."""

    def __init__(self, target: StagingTarget) -> None:
        self._conn: Connection = connect(target.destination, "staging")
        self._statements = _statements(target)
        self._pieces: queue.Queue[tuple[str, bytes] | None] = queue.Queue(QUEUED)
        self._failure: BaseException | None = None
        self._aborted = False
        self._copied = {"rows": 0, "rejects": 0}
        try:
            self.attempt = _next_attempt(self._conn)
        except psycopg2.Error as error:
            self._conn.close()
            raise translate(error) from error
        self._thread = threading.Thread(target=self._run, name="landfall-copy", daemon=True)
        self._thread.start()

    def put(self, table: str, piece: bytes) -> None:
        self._check()
        self._pieces.put((table, piece))

    def commit(self, expected: dict[str, int]) -> int:
        self._pieces.put(None)
        self._thread.join()
        self._check()
        if self._copied != expected:
            raise BalanceError(
                f"COPY took {self._copied} of {expected} rows: nothing was confirmed; please report this"
            )
        try:
            self._conn.commit()
        except psycopg2.Error as error:
            raise translate(error) from error
        finally:
            self._conn.close()
        return self.attempt

    def abort(self) -> None:
        self._aborted = True
        if self._thread.is_alive():
            with contextlib.suppress(psycopg2.Error):  # a session that is gone is what was wanted
                self._conn.cancel()
            self._pieces.put(None)
            self._thread.join()
        self._conn.close()

    def _check(self) -> None:
        if self._failure is None:
            return
        if isinstance(self._failure, psycopg2.Error):
            raise translate(self._failure) from self._failure
        raise self._failure

    def _run(self) -> None:
        """Copy until the end of the queue; after a failure only drain it, so that the caller never waits for a dead
        thread."""
        piece = self._pieces.get()
        while piece is not None:
            piece = self._copy(*piece) if self._failure is None else self._pieces.get()

    def _copy(self, table: str, first: bytes) -> tuple[str, bytes] | None:
        """One COPY, for as long as the pieces are of one table. Returns the piece after them."""
        feed = _Feed(self, table, first)
        try:
            with self._conn.cursor() as cursor:
                cursor.copy_expert(self._statements[table], cast(Any, feed))
                self._copied[table] += cursor.rowcount
        except Exception as error:  # noqa: BLE001 - handed to the caller's thread by _check
            self._failure = error
        return feed.rest if feed.ended else self._pieces.get()


class _Feed:
    """What psycopg2 reads a COPY's bytes from: the queue's pieces up to the first one of another table."""

    def __init__(self, sender: _Sender, table: str, first: bytes) -> None:
        self._sender = sender
        self._table = table
        self._next: bytes | None = first
        self.ended = False
        self.rest: tuple[str, bytes] | None = None

    def read(self, _size: int = -1) -> bytes:
        if self._next is not None:
            piece, self._next = self._next, None
            return piece
        if self.ended:
            return b""
        self.rest = self._sender._pieces.get()
        if self.rest is not None and self.rest[0] == self._table:
            return self.rest[1]
        self.ended = True
        if self._sender._aborted:
            raise TransientError("the load was interrupted. Nothing was published; load again")
        return b""


def _statements(target: StagingTarget) -> dict[str, sql.Composed]:
    columns = [*(name for name, _ in target.columns), "_line"]
    tables = {"rows": (target.rows, columns), "rejects": (target.rejects, list(REJECT_COLUMNS))}
    statement = sql.SQL("COPY {} ({}) FROM STDIN (FORMAT csv)")
    return {
        table: statement.format(name, sql.SQL(", ").join(map(sql.Identifier, [*names, "_attempt"])))
        for table, (name, names) in tables.items()
    }


def _next_attempt(conn: Connection) -> int:
    with conn.cursor() as cursor:
        cursor.execute("SELECT nextval('landfall_staging.attempt')")
        (attempt,) = cursor.fetchone() or (0,)
    return int(attempt)
