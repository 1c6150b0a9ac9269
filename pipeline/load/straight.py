"""The straight way of rows that nothing is compared with: COPY into the target, within the transaction that publishes.

It saves writing the rows twice. Until the publish commits nobody sees them, as with staging; if the target does not
take them, the load goes by way of staging after all, where the error is found again and the rejects are kept.
"""

from __future__ import annotations

import contextlib
from pathlib import Path
from uuid import UUID

from pipeline.errors import DestinationError
from pipeline.load import binary, ddl, evolution, locks, scope
from pipeline.load.connect import Connection
from pipeline.load.frames import Address
from pipeline.load.publishing import Publishing
from pipeline.load.relay import Relay
from pipeline.load.request import PublishRequest
from pipeline.load.sender import Sender, copy_into

# Of text. The target is held while the file is read, and others wait for it no longer than their `lock_wait` (600 s).
# At the 30 MB a second of a slow destination this takes less than five minutes.
MOST_BYTES = 8 << 30

# Sail's workers, threads of this process, find the load's session here: a session cannot be sent to them.
_under_way: dict[UUID, Straight] = {}


class Straight:
    """A publish that began before its rows were read. `put` may be called from several threads.

    `binary`: whether it takes them in COPY's binary format, which needs the very types of the contract, else as CSV.
    `address`: where other processes hand them in, by a socket in the directory `socket_in`.
    """

    def __init__(self, work: Publishing, socket_in: Path | None) -> None:
        self._work = work
        self._conn: Connection = work.cursor.connection
        self.binary = binary.carries([column.type for column in work.dataset.columns]) and _same_types(work)
        self._relay = Relay(self.put, socket_in) if socket_in else None
        self.address = Address(self._relay.path, self.binary) if self._relay else None
        columns = (*work.columns, "_line", "_load_id")
        try:
            self._sender = Sender(self._conn, {"rows": copy_into(work.target, columns, binary=self.binary)})
        except BaseException:
            if self._relay is not None:
                self._relay.close()
            raise
        _under_way[work.request.load_id] = self

    def put(self, piece: bytes) -> None:
        """Queue rows: the load's columns, `_line`, `_load_id`. Raises like `Sender.put`."""
        self._sender.put("rows", piece)

    @property
    def gave_up(self) -> bool:
        """Whether the rows may take the way by staging: the target did not take them, or a worker was lost on this."""
        failure = self._sender.failure
        if failure is None:
            return self._relay is not None and self._relay.lost
        return isinstance(failure, DestinationError)

    def finish(self, request: PublishRequest) -> Publishing:
        """Wait for the last row. Returns the publish, to go on with, of what is known of the load by now."""
        if self._relay is not None:
            self._relay.finish(sum(each.staged for each in request.confirmations))
        self._work.copied = self._sender.finish(patient=True)["rows"]
        self._work.request = request
        return self._work

    def stop(self) -> None:
        """Take no more rows. Unless the publish goes on (`finish`), take back all and leave the session as before."""
        _under_way.pop(self._work.request.load_id, None)
        if self._relay is not None:
            self._relay.close()
        if self._work.copied is not None:
            return
        self._sender.stop()
        if not self._conn.closed:
            self._conn.rollback()


def of(load_id: UUID) -> Straight | None:
    """The load's straight way, if it goes that way and this is the process that loads it."""
    return _under_way.get(load_id)


def begin(conn: Connection, request: PublishRequest, size: int, socket_in: Path | None) -> Straight | None:
    """Begin to publish a load of `size` bytes of text before its rows are there; None if it has to be staged.

    `socket_in`: the directory in which to listen, if its rows come from other processes of this machine.
    Its transaction is then open on `conn` until the publish has ended, or `stop`.
    """
    if size > MOST_BYTES or not _incomparable(request):
        return None
    work = Publishing(conn.cursor(), request)
    try:
        locks.settle(work)
        if locks.free_target(work) and _plain(work):
            work.run("SAVEPOINT straight")
            evolution.apply(work, [])
            with contextlib.suppress(OSError):  # where no socket can be, rows of other processes are staged
                return Straight(work, socket_in)
    except BaseException:
        conn.rollback()
        raise
    conn.rollback()
    return None


def take_back(work: Publishing) -> None:
    """Undo the rows, a table made for them, and all that was done since, within the transaction."""
    work.run("ROLLBACK TO SAVEPOINT straight")
    work.counts.clear()


def _same_types(work: Publishing) -> bool:
    live = {column: found.sql for column, found in work.present.columns.items()}
    wanted = {column: work.types[column].sql for column in work.columns} | dict(ddl.PROVENANCE)
    return all(live[column] == kind for column, kind in wanted.items())


def _incomparable(request: PublishRequest) -> bool:
    """Whether the contract asks nothing about a row that another row could answer."""
    dataset = request.dataset
    if request.replay or dataset.key or dataset.dataset_rules or dataset.load.mode not in ("append", "replace"):
        return False
    return not any(column.unique for column in dataset.columns)


def _plain(work: Publishing) -> bool:
    """Whether the target takes the rows as it is, and none of its rows has to go."""
    if work.live is None:
        return ddl.schema_exists(work) or locks.free_schema(work)
    if work.live.triggers or evolution.plan(work):
        return False
    return work.fresh or (work.dataset.load.mode == "append" and scope.replaced(work) is scope.NONE)
