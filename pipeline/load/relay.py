"""The straight way out of other processes: the engine's workers hand their encoded rows to the load's own session.

The load listens on a unix socket in its work area, a directory that only its user may enter. A worker opens one
connection for its partition and sends frames: a kind and a number (big-endian, 9 bytes together), then the payload.

    PIECE   length   that many bytes, whole rows          from the worker; not answered
    END     rows     how many rows all pieces held        from the worker; answered by TAKEN or by REFUSED
    TAKEN   rows     the same number: all pieces queued   from the load
    REFUSED length   `kind: message` of the load's error  from the load, instead of taking more

What was sent cannot be taken back one by one: a connection that ends without END, as of a worker that was killed or
that will be tried again, makes the whole load unfit for this way (`lost`).
"""

from __future__ import annotations

import contextlib
import shutil
import socket
import struct
import tempfile
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from pipeline import errors
from pipeline.errors import LandfallError, TransientError, UsageError
from pipeline.load.sender import STALL_SECONDS

PIECE, END, TAKEN, REFUSED = b"PETR"
_FRAME = struct.Struct(">BQ")
# A socket's address has 108 bytes for its path on Linux (unix(7)), 104 on macOS.
_LONGEST_PARENT = 95
# A worker waits longer than the load does for the database: the load knows better what to say.
_PATIENCE = 2 * STALL_SECONDS


@dataclass(frozen=True)
class Address:
    """Where a worker of another process finds the load. `binary`: whether it takes rows in COPY's binary format."""

    path: str
    binary: bool


class Relay:
    """Listens until `close`; a thread for each connection hands what arrives to `put`, and waits with it.

    Its socket is in `directory`, which nobody else may enter and the caller removes; or in one like it, if that has too
    long a name. Raises UsageError if there can be none.
    """

    def __init__(self, put: Callable[[bytes], None], directory: Path) -> None:
        self._put = put
        self._lock = threading.Lock()
        self._open: set[socket.socket] = set()
        self._closed = False
        self._rows = 0
        self._failure: LandfallError | None = None
        self._lost = False
        self._given, self._own = directory, _short(directory)
        self.path = str(self._own / "rows")
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._listener.bind(self.path)
        self._listener.listen()
        _start(self._listen)

    @property
    def lost(self) -> bool:
        """Once the engine has ended: whether a connection did, or will, end without its END, and not by our doing."""
        with self._lock:
            if self._open:
                self._lose()
            return self._lost

    def finish(self, rows: int) -> None:
        """Take no more connections. Raises LandfallError if one was lost, or has not ended although the engine has, or
        if other rows arrived than the `rows` that the workers confirmed to the engine."""
        with self._lock:
            self._closed = True
            if self._open or self._rows != rows:
                self._lose()
            self._check()

    def close(self) -> None:
        """End every connection and remove the socket; workers that still send get an error. Harmless when closed."""
        with self._lock:
            self._closed = True
            for line in (self._listener, *self._open):
                _shut(line)
        self._listener.close()
        Path(self.path).unlink(missing_ok=True)
        if self._own != self._given:
            shutil.rmtree(self._own, ignore_errors=True)

    def _listen(self) -> None:
        with contextlib.suppress(OSError):  # which the listener raises once it is shut
            while True:
                line, _ = self._listener.accept()
                with self._lock:
                    if self._closed:
                        line.close()
                        return
                    self._open.add(line)
                _start(self._serve, line)

    def _serve(self, line: socket.socket) -> None:
        """One connection, to its END or to its end."""
        with line, line.makefile("rb") as stream:
            try:
                self._take(line, stream)
            except LandfallError as error:
                self._end(line, error)
                said = f"{type(error).__name__}: {error}".encode()
                with contextlib.suppress(OSError):
                    line.sendall(_FRAME.pack(REFUSED, len(said)) + said)
            except (OSError, EOFError):
                self._end(line, None)

    def _take(self, line: socket.socket, stream: BinaryIO) -> None:
        while True:
            kind, number = _FRAME.unpack(_exactly(stream, _FRAME.size))
            if kind == END:
                self._confirm(line, number)
                line.sendall(_FRAME.pack(TAKEN, number))
                return
            piece = _exactly(stream, number)
            self._check()
            self._put(piece)

    def _confirm(self, line: socket.socket, rows: int) -> None:
        with self._lock:
            self._check()
            self._open.discard(line)
            self._rows += rows

    def _end(self, line: socket.socket, error: LandfallError | None) -> None:
        """Without its END, unless it was confirmed before. The first failure is every other connection's, too."""
        with self._lock:
            if line in self._open:
                self._open.discard(line)
                self._failure = self._failure or error
                self._lose()

    def _lose(self) -> None:
        if self._failure is None:
            self._lost = True
            self._failure = LandfallError("a worker of the engine was lost in the middle of its rows; load again")

    def _check(self) -> None:
        """What a worker sends once more would be there twice."""
        if self._failure is not None:
            raise self._failure


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
            line.sendall(_FRAME.pack(PIECE, len(piece)))
            line.sendall(piece)

    def finish(self, rows: int) -> None:
        """Wait until the load has queued all that was sent, which were so many rows."""
        if self._socket is None:
            return
        with self._told():
            self._socket.sendall(_FRAME.pack(END, rows))
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
                kind, number = _FRAME.unpack(_exactly(stream, _FRAME.size))
                said = _exactly(stream, number).decode() if kind == REFUSED else ""
            except EOFError:
                raise _gone() from None
        if kind == REFUSED:
            name, _, message = said.partition(": ")
            raise getattr(errors, name, LandfallError)(message)


def _short(directory: Path) -> Path:
    """It, if a socket's address can name a file there, else a new one."""
    if len(str(directory)) < _LONGEST_PARENT:
        return directory
    usual = tempfile.gettempdir()
    parent = usual if len(usual) < _LONGEST_PARENT - 20 else "/tmp"  # noqa: S108 - mkdtemp makes it safe
    try:
        return Path(tempfile.mkdtemp(prefix="landfall-", dir=parent))
    except OSError as error:
        raise UsageError(f"{parent} cannot hold a socket ({error.strerror}): let --work-dir be a short path") from error


def _start(work: Callable[..., None], *arguments: object) -> None:
    threading.Thread(target=work, args=arguments, name="landfall-relay", daemon=True).start()


def _exactly(stream: BinaryIO, size: int) -> bytes:
    """So many bytes, in one piece. Raises EOFError if the other side hangs up before."""
    found = stream.read(size)
    if len(found) < size:
        raise EOFError
    return found


def _shut(line: socket.socket) -> None:
    with contextlib.suppress(OSError):
        line.shutdown(socket.SHUT_RDWR)


def _gone() -> TransientError:
    return TransientError("the load that this worker sends its rows to has ended; load again")
