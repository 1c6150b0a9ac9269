"""COMMIT whose answer is lost, on the wire: the ledger is asked, and never guessed."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace

import pytest

from pipeline.errors import TransientError
from pipeline.load import commit
from pipeline.load.connect import Connection, Destination, connect
from pipeline.load.publish import publish

from .conftest import ITEMS, Bench, counts, dataset

ROWS = [(1, "ant", 1)]


class Wire:
    """A proxy before the server. `fate` of the next COMMIT: `answer lost`, `never sent`, or `hangs` (the server keeps
    the session and never hears of the COMMIT)."""

    def __init__(self, destination: Destination) -> None:
        self.fate = ""
        self._url = destination.url
        self._kept: list[socket.socket] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        threading.Thread(target=self._accept, daemon=True).start()
        port = self._listener.getsockname()[1]
        self.destination = replace(
            destination, url=self._url.set(host="127.0.0.1", port=port).difference_update_query(["host", "port"])
        )

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            server = self._dial()
            for source, sink in ((client, server), (server, client)):
                threading.Thread(target=self._pass, args=(source, sink, source is client), daemon=True).start()

    def _dial(self) -> socket.socket:
        host = str(self._url.query.get("host") or self._url.host or "localhost")
        port = int(str(self._url.query.get("port") or self._url.port or 5432))
        if not host.startswith("/"):
            return socket.create_connection((host, port))
        server = socket.socket(socket.AF_UNIX)
        server.connect(f"{host}/.s.PGSQL.{port}")
        return server

    def _pass(self, source: socket.socket, sink: socket.socket, asking: bool) -> None:
        try:
            while data := source.recv(65536):
                if asking and self.fate and b"COMMIT\0" in data:
                    self._cut(data, source, sink)
                    return
                sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    def _cut(self, data: bytes, client: socket.socket, server: socket.socket) -> None:
        self._kept.append(server)
        client.shutdown(socket.SHUT_RDWR)
        if self.fate == "answer lost":
            server.sendall(data)
        elif self.fate == "never sent":
            server.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Stop, and let go of sessions that hang."""
        self._listener.close()
        for server in self._kept:
            with suppress(OSError):
                server.shutdown(socket.SHUT_RDWR)


@pytest.fixture
def wire(bench: Bench) -> Iterator[Wire]:
    """A proxy before the bench's server."""
    found = Wire(bench.destination)
    yield found
    found.close()


def through(wire: Wire, bench: Bench) -> tuple[Bench, Connection]:
    """A bench whose session goes through the wire, and that session."""
    session = connect(wire.destination, "test", wait=10)
    return Bench(bench.destination, session, files=50), session


def test_a_commit_whose_answer_is_lost_counts_as_published(bench: Bench, wire: Wire) -> None:
    cut, session = through(wire, bench)
    request = cut.stage(dataset("items", ITEMS), ROWS)
    wire.fate = "answer lost"
    published = publish(session, request)
    assert session.closed
    assert counts(published) == {"inserted": 1}
    assert bench.table(request.dataset) == ROWS
    assert bench.ledger(request.load_id)["status"] == "loaded"


@pytest.mark.parametrize("fate", ["never sent", "hangs"])
def test_a_commit_that_never_arrived_is_not_published(
    bench: Bench, wire: Wire, fate: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(commit, "WAIT_SECONDS", 1)
    cut, session = through(wire, bench)
    request = cut.stage(dataset("items", ITEMS), ROWS)
    wire.fate = fate
    with pytest.raises(TransientError, match="the ledger says that the load was not committed"):
        publish(session, request)
    assert bench.query("SELECT to_regclass('shop.items')") == [(None,)]
    assert bench.ledger(request.load_id)["status"] == "running"
    assert bench.query("SELECT count(*) FROM pg_stat_activity WHERE application_name = 'landfall:test'")[0][0] <= 3


def test_a_server_that_cannot_be_asked_is_no_reason_to_guess(bench: Bench, wire: Wire) -> None:
    def unreachable() -> Connection:
        raise TransientError("the server is gone")

    cut, session = through(wire, bench)
    request = cut.stage(dataset("items", ITEMS), ROWS, reconnect=unreachable)
    wire.fate = "answer lost"
    with pytest.raises(TransientError, match="the server is gone"):
        publish(session, request)
