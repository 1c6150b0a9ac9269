"""How an engine's worker writes to staging: Arrow batches in, one transaction, one confirmation."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from uuid import UUID

import psycopg2
import pyarrow as pa

from pipeline.contract.dataset import ColumnType
from pipeline.errors import BalanceError
from pipeline.load import binary, straight
from pipeline.load.connect import Connection, connect, translate
from pipeline.load.encode import encode
from pipeline.load.line import Line
from pipeline.load.sender import Copy, Sender, Table, copy_into
from pipeline.load.staging import REJECT_COLUMNS, StagingTarget, create_rejects

CHUNK_BYTES = 4 << 20  # of Arrow data per piece of CSV: a worker's memory is bounded to a few times this
REJECT_ROWS = 5_000  # rejects are kept back until so many, since each switch of tables ends one COPY and starts another


@dataclass(frozen=True)
class Confirmation:
    """What one writer committed. `attempt`: the `_attempt` of its rows, 0 without any. Only confirmed ones count."""

    attempt: int
    staged: int
    rejected: int
    filtered: int


class StagingWriter:
    """Writes the valid rows and the rejects of one partition in one transaction, on a session opened at the first row.

    A second thread sends while the caller encodes. `write` and `close` raise TransientError or DestinationError once
    the database has failed. Whatever they raise, the writer is aborted by then. Rows of a load that goes straight into
    its target are handed to that load's session instead, through its relay where this is another process. With
    `types`, those of the target's columns, rows go in COPY's binary format where it carries all of them (`binary`).
    """

    def __init__(self, target: StagingTarget, types: Sequence[ColumnType] = ()) -> None:
        self._target = target
        self._types = types
        self._line = Line(target.relay) if target.relay else None
        self._straight = self._line or straight.of(target.load_id)
        self.binary = self._straight.binary if self._straight else bool(types) and binary.carries(types)
        self._session: _Session | None = None
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
        with self._or_abort():
            self._send_rejects()
            if self._session is not None:
                self._session.commit({"rows": 0 if self._straight else self._staged, "rejects": self._rejected})
            if self._line is not None:  # last: rejects of an attempt that comes to nothing here do not count
                self._line.finish(self._staged)
        attempt = 0 if self._session is None else self._session.attempt
        return Confirmation(attempt, self._staged, self._rejected, self._filtered)

    def abort(self) -> None:
        """Roll back and close the connections; harmless when closed already."""
        if self._line is not None:
            self._line.abort()
        if self._session is not None:
            self._session.sender.abort()

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

    def _send(self, table: Table, batch: pa.RecordBatch) -> None:
        step = max(1, batch.num_rows * CHUNK_BYTES // max(1, batch.nbytes))
        for start in range(0, batch.num_rows, step):
            piece = batch.slice(start, step)
            if table == "rows" and self._straight is not None:
                self._straight.put(self._encoded(piece, self._target.load_id))
                continue
            if self._session is None:
                self._session = _Session(self._target, binary=self.binary, straight=self._straight is not None)
            attempt = self._session.attempt
            rows = self._encoded(piece, attempt) if table == "rows" else encode(piece, attempt)
            self._session.sender.put(table, rows)

    def _encoded(self, piece: pa.RecordBatch, last: int | UUID) -> bytes:
        if self.binary:
            return binary.encode(piece, self._types, last)
        return encode(piece, last)


class _Session:
    """The transaction of one writer. `attempt`: the `_attempt` of its rows, unique in the database."""

    def __init__(self, target: StagingTarget, *, binary: bool, straight: bool) -> None:
        self._conn: Connection = connect(target.destination, "staging")
        try:
            self.attempt = _next_attempt(self._conn)
            if straight:
                with self._conn, self._conn.cursor() as cursor:
                    create_rejects(cursor, target.rejects)
        except psycopg2.Error as error:
            self._conn.close()
            raise translate(error) from error
        rows = [*(name for name, _ in target.columns), "_line", "_attempt"]
        copies: dict[Table, Copy] = {
            "rows": copy_into(target.rows, rows, binary=binary),
            "rejects": copy_into(target.rejects, [*REJECT_COLUMNS, "_attempt"]),
        }
        self.sender = Sender(self._conn, copies)

    def commit(self, written: dict[Table, int]) -> None:
        """Commit if the server counts as many rows as were written."""
        copied = self.sender.finish()
        if copied != written:
            raise BalanceError(f"COPY took {copied} of {written} rows: nothing was confirmed; report this")
        try:
            self._conn.commit()
        except psycopg2.Error as error:
            raise translate(error) from error
        finally:
            self._conn.close()


def _next_attempt(conn: Connection) -> int:
    with conn.cursor() as cursor:
        cursor.execute("SELECT nextval('landfall_staging.attempt')")
        (attempt,) = cursor.fetchone() or (0,)
    return int(attempt)
