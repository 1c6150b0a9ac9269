"""The straight way out of other processes: the engine's workers hand their encoded rows to the load's own session."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from pipeline.errors import LandfallError
from pipeline.load.frames import END, FRAME, REFUSED, TAKEN, exactly

# A socket's address has 108 bytes for its path on Linux (unix(7)), 104 on macOS.
_LONGEST_PARENT = 95


class Relay:
    """Listens until `close`; a thread for each connection hands what arrives to `put`, and waits with it.

    Its socket is in `directory`, which nobody else may enter and the caller removes; or in one like it, if that has too
    long a name. Raises OSError if there can be none.
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
        try:
            self._listener.bind(self.path)
            self._listener.listen()
            _start(self._listen)
        except BaseException:
            self.close()
            raise

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
        try:
            while self._accept():
                pass
        except (OSError, RuntimeError):  # it was shut by `close`; or there is no file, or no thread, left
            with self._lock:
                if not self._closed:
                    self._lose()
                for line in self._open:
                    _shut(line)
        finally:
            self._listener.close()

    def _accept(self) -> bool:
        line, _ = self._listener.accept()
        with self._lock:
            if self._closed:
                line.close()
                return False
            self._open.add(line)
        _start(self._serve, line)
        return True

    def _serve(self, line: socket.socket) -> None:
        """One connection, to its END or to its end."""
        with line, line.makefile("rb") as stream:
            try:
                self._take(line, stream)
            except LandfallError as error:
                self._end(line, error)
                said = f"{type(error).__name__}: {error}".encode()
                with contextlib.suppress(OSError):
                    line.sendall(FRAME.pack(REFUSED, len(said)) + said)
            except (OSError, EOFError):
                self._end(line, None)

    def _take(self, line: socket.socket, stream: BinaryIO) -> None:
        while True:
            kind, number = FRAME.unpack(exactly(stream, FRAME.size))
            if kind == END:
                self._confirm(line, number)
                line.sendall(FRAME.pack(TAKEN, number))
                return
            piece = exactly(stream, number)
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


def _short(directory: Path) -> Path:
    """It, if a socket's address can name a file there, else a new one."""
    if len(os.fsencode(directory)) < _LONGEST_PARENT:
        return directory
    parent = tempfile.gettempdir()
    if len(os.fsencode(parent)) >= _LONGEST_PARENT - 20:
        parent = "/tmp"  # noqa: S108 - mkdtemp makes it safe  # nosec B108
    return Path(tempfile.mkdtemp(prefix="landfall-", dir=parent))


def _start(work: Callable[..., None], *arguments: object) -> None:
    threading.Thread(target=work, args=arguments, name="landfall-relay", daemon=True).start()


def _shut(line: socket.socket) -> None:
    with contextlib.suppress(OSError):
        line.shutdown(socket.SHUT_RDWR)
