"""A TCP proxy in front of a PostgreSQL server that can cut, reset, stall or slow what passes through it."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Literal

from pipeline.load.connect import Destination

Fault = Literal["reset", "close", "stall"]


@dataclass
class Proxy:
    """`cut_after`: bytes from client to server, per connection, after which `fault` strikes (None: never).

    `cut_at`: bytes of a client message on whose sight `fault` strikes, before (with `deliver`: after) passing it on.
    `acting`: seconds that the server gets to act on a delivered message before the fault strikes.
    `delay`: seconds before each piece is passed on. `down`: new connections are reset.
    """

    upstream: tuple[str, int] | str
    cut_after: int | None = None
    cut_at: bytes | None = None
    deliver: bool = False
    acting: float = 0.3
    fault: Fault = "reset"
    delay: float = 0.0
    down: bool = False
    strikes: int = 0
    _listener: socket.socket = field(init=False, repr=False)
    _stalled: threading.Event = field(default_factory=threading.Event, init=False, repr=False)

    def __post_init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        """Stop accepting; sessions under way go on until one side ends them."""
        self._listener.close()

    def hang_up(self) -> None:
        """End the sessions that a stall has left open."""
        self._stalled.set()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                if self.down:
                    _end(client, reset=True)
                    continue
                server = self._connect()
                muted = threading.Event()
                threading.Thread(target=self._upwards, args=(client, server, muted), daemon=True).start()
                threading.Thread(target=self._downwards, args=(client, server, muted), daemon=True).start()

    def _connect(self) -> socket.socket:
        if isinstance(self.upstream, tuple):
            return socket.create_connection(self.upstream)
        server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        server.connect(self.upstream)
        return server

    def _upwards(self, client: socket.socket, server: socket.socket, muted: threading.Event) -> None:
        passed = 0
        with _both_end(client, server):
            while piece := client.recv(65536):
                time.sleep(self.delay)
                passed += len(piece)
                if self._strikes(piece, passed):
                    if self.deliver:
                        muted.set()
                        server.sendall(piece)
                        time.sleep(self.acting)
                    return self._strike(client, server)
                server.sendall(piece)
            server.shutdown(socket.SHUT_WR)
        return None

    def _downwards(self, client: socket.socket, server: socket.socket, muted: threading.Event) -> None:
        with _both_end(client, server):
            while piece := server.recv(65536):
                if muted.is_set():
                    continue  # what the server answers to the fatal message never arrives
                client.sendall(piece)
            client.shutdown(socket.SHUT_WR)

    def _strikes(self, piece: bytes, passed: int) -> bool:
        struck = (self.cut_after is not None and passed > self.cut_after) or (
            self.cut_at is not None and self.cut_at in piece
        )
        self.strikes += struck
        return struck

    def _strike(self, client: socket.socket, server: socket.socket) -> None:
        if self.fault == "stall":
            self._stalled.wait(3600)
        for end in (client, server):
            _end(end, reset=self.fault == "reset")


@contextmanager
def proxied(destination: Destination) -> Iterator[tuple[Proxy, Destination]]:
    """A harmless proxy before the server of `destination`, and the destination that leads through it."""
    url = destination.url
    directory = url.query.get("host")
    port = url.port or 5432
    proxy = Proxy(f"{directory}/.s.PGSQL.{port}" if directory else (url.host or "localhost", port))
    through = url.difference_update_query(["host"]).set(host="127.0.0.1", port=proxy.port)
    through = through.update_query_dict({"sslmode": "disable"}) if directory else through
    try:
        yield proxy, replace(destination, url=through)
    finally:
        proxy.close()


@contextmanager
def _both_end(client: socket.socket, server: socket.socket) -> Iterator[None]:
    """A session of which one end has failed must not be left half open: the other would wait for ever."""
    try:
        yield
    except OSError:
        for end in (client, server):
            _end(end, reset=True)


def _end(end: socket.socket, reset: bool) -> None:
    """Close with RST or with FIN; the shutdown wakes the thread that reads from it, which would keep it open."""
    with contextlib.suppress(OSError):
        if reset:
            end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        end.shutdown(socket.SHUT_RD if reset else socket.SHUT_RDWR)
        end.close()
