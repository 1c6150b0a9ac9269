"""One session and one COPY after the other, fed from a bounded queue by a thread of its own."""

from __future__ import annotations

import contextlib
import os
import queue
import socket
import sys
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Literal, cast

import psycopg2
from psycopg2 import sql

from pipeline.errors import LandfallError, TransientError
from pipeline.load.binary import HEAD, TAIL
from pipeline.load.connect import Connection, translate

Table = Literal["rows", "rejects"]

QUEUED = 3  # pieces that wait to be sent
STOP_SECONDS = 5.0
THREAD = "landfall-copy"
STALL_SECONDS = 300.0  # without the server taking a piece, or ending a COPY: then it will not any more


@dataclass(frozen=True)
class Copy:
    """A COPY FROM STDIN, and what its format wants before the first piece and after the last."""

    statement: sql.Composed
    head: bytes = b""
    tail: bytes = b""


def copy_into(table: sql.Identifier, columns: Sequence[str], *, binary: bool = False) -> Copy:
    """COPY of these columns, as CSV or in the binary format."""
    listed = sql.SQL(", ").join(map(sql.Identifier, columns))
    form = sql.SQL("binary" if binary else "csv")
    statement = sql.SQL("COPY {} ({}) FROM STDIN (FORMAT {})").format(table, listed, form)
    return Copy(statement, HEAD, TAIL) if binary else Copy(statement)


class Sender:
    """COPYs into tables of one session's transaction. `copies`: the COPY of each table.

    `put` and `finish` raise TransientError or DestinationError if the database fails, and TransientError if it has not
    moved for STALL_SECONDS; the caller then has to `abort`, or to `stop`.
    """

    def __init__(self, conn: Connection, copies: Mapping[Table, Copy]) -> None:
        self._conn = conn
        self._copies = copies
        self._pieces: queue.Queue[tuple[Table, bytes] | None] = queue.Queue(QUEUED)
        self._failure: BaseException | None = None
        self._copied: dict[Table, int] = dict.fromkeys(copies, 0)
        self._stopped = False
        self._all_taken = False
        self._thread = threading.Thread(target=self._run, name=THREAD, daemon=True)
        self._thread.start()

    def put(self, table: Table, piece: bytes) -> None:
        """Queue a piece, whole rows in the format of the table's COPY."""
        self._check()
        try:
            self._pieces.put((table, piece), timeout=STALL_SECONDS)
        except queue.Full:
            raise _stalled() from None

    def finish(self, patient: bool = False) -> dict[Table, int]:
        """Wait until all is sent. Returns how many rows of each table the server counted.

        `patient`: once it has the last row, the server gets all the time it wants: it checks foreign keys then.
        """
        self._end(STALL_SECONDS)
        if patient and self._all_taken:
            self._thread.join()
        if self._thread.is_alive():
            raise _stalled()
        self._check()
        return self._copied

    def abort(self) -> None:
        """Roll back and close, without waiting for a server or a network that does not answer."""
        if self._thread.is_alive():
            self._hang_up()
            self._end(None)
        self._conn.close()

    def stop(self) -> None:
        """End the COPY so that its transaction fails but the session lives on; close it if it does not answer soon."""
        self._stopped = True
        self._end(STOP_SECONDS)
        if self._thread.is_alive():
            self.abort()

    @property
    def failure(self) -> LandfallError | None:
        """What ended the sending, if something did."""
        try:
            self._check()
        except LandfallError as error:
            return error
        return None

    def _end(self, timeout: float | None) -> None:
        with contextlib.suppress(queue.Full):
            self._pieces.put(None, timeout=timeout)
            self._thread.join(timeout)

    def _hang_up(self) -> None:
        """End the connection under the thread's feet: the driver's cancel would freeze us on a dead network."""
        with contextlib.suppress(OSError, psycopg2.Error), socket.socket(fileno=os.dup(self._conn.fileno())) as line:
            line.shutdown(socket.SHUT_RDWR)

    def _check(self) -> None:
        if isinstance(self._failure, psycopg2.Error):
            raise translate(self._failure) from self._failure
        if self._failure is not None:
            raise LandfallError(f"COPY ended with an unexpected {type(self._failure).__name__}") from self._failure

    def _run(self) -> None:
        """Copy until the end of the queue; after a failure only drain it, so that nobody waits for a dead thread."""
        piece = self._pieces.get()
        while piece is not None:
            piece = self._copy(*piece) if self._failure is None else self._pieces.get()

    def _copy(self, table: Table, first: bytes) -> tuple[Table, bytes] | None:
        """One COPY, for as long as the pieces are of one table. Returns the piece after them."""
        copy = self._copies[table]
        feed = _Feed(self, table, copy.head + first, copy.tail)
        try:
            with self._conn.cursor() as cursor:
                cursor.copy_expert(copy.statement, cast(Any, feed))
                self._copied[table] += cursor.rowcount
        except Exception as error:  # noqa: BLE001 - handed to the caller's thread by _check
            self._failure = error
        return feed.rest if feed.ended else self._pieces.get()


class _Feed:
    """What psycopg2 reads a COPY's bytes from: the queue's pieces up to the first one of another table, then `tail`."""

    def __init__(self, sender: Sender, table: Table, first: bytes, tail: bytes) -> None:
        self._sender = sender
        self._table = table
        self._next: bytes | None = first
        self._tail = tail
        self.ended = False
        self.rest: tuple[Table, bytes] | None = None

    def read(self, _size: int = -1) -> bytes:
        if self._sender._stopped:
            raise InterruptedError("the load stopped")  # the driver tells the server that the COPY has failed
        if self._next is not None:
            piece, self._next = self._next, None
            return piece
        if self.ended:
            return b""
        self.rest = self._sender._pieces.get()
        if self.rest is not None and self.rest[0] == self._table:
            return self.rest[1]
        self.ended = True
        self._sender._all_taken = self.rest is None
        return self._tail


def _stalled() -> TransientError:
    return TransientError(
        f"the database has not taken any row for {STALL_SECONDS:.0f} s: is its disk or the network stuck? "
        "Nothing was published; load again"
    )


_show = sys.excepthook


def _show_all_but_noise(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """Of a connection that is lost in a COPY the driver gets two errors: it trips over the second, prints that as an
    uncaught SystemError, and raises as it should. No thread of ours ends by such an error: what comes here is noise."""
    if kind is not SystemError or threading.current_thread().name != THREAD:
        _show(kind, error, trace)


sys.excepthook = _show_all_but_noise
