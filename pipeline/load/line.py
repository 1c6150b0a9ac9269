"""The worker's side of the relay: rows of one partition, handed to the load that another process runs."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator

from pipeline import errors
from pipeline.errors import LandfallError, TransientError
from pipeline.load.frames import END, FRAME, PIECE, REFUSED, Address, exactly
from pipeline.load.sender import STALL_SECONDS

# A worker waits longer than the load does for the database: the load knows better what to say.
_PATIENCE = 2 * STALL_SECONDS


class Line:
    """A worker's connection to the load, opened by the first piece. All raise the load's error if it takes no more,
    and TransientError if it is not there any more."""

    def __init__(self, address: Address) -> None:
        self._address = address
        self._socket: socket.socket | None = None
        self.binary = address.binary

    def put(self, piece: bytes) -> None:
        """Send whole rows in the format of the load's COPY; waits while its queue is full."""
        with self._told():
            line = self._connected()
            line.sendall(FRAME.pack(PIECE, len(piece)))
            line.sendall(piece)

    def finish(self, rows: int) -> None:
        """Wait until the load has queued all that was sent, which were so many rows."""
        if self._socket is None:
            return
        with self._told():
            self._socket.sendall(FRAME.pack(END, rows))
            self._answer(self._socket)
        self.abort()

    def abort(self) -> None:
        """Hang up. Without a `finish` before, the load takes nothing more."""
        if self._socket is not None:
            self._socket.close()

    def _connected(self) -> socket.socket:
        if self._socket is None:
            self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            self._socket.settimeout(_PATIENCE)
            self._socket.connect(self._address.path)
        return self._socket

    @contextlib.contextmanager
    def _told(self) -> Iterator[None]:
        """Of a load that hung up, the reason that it gave before."""
        try:
            yield
        except TimeoutError as error:
            raise _gone() from error
        except OSError as error:
            with contextlib.suppress(OSError):
                self._answer(self._connected())
            raise _gone() from error

    def _answer(self, line: socket.socket) -> None:
        with line.makefile("rb") as stream:
            try:
                kind, number = FRAME.unpack(exactly(stream, FRAME.size))
                said = exactly(stream, number).decode() if kind == REFUSED else ""
            except EOFError:
                raise _gone() from None
        if kind == REFUSED:
            name, _, message = said.partition(": ")
            raise getattr(errors, name, LandfallError)(message)


def _gone() -> TransientError:
    return TransientError("the load that this worker sends its rows to has ended; load again")
