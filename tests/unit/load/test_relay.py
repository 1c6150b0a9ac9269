"""The frames between an engine's workers and the load, over real sockets; no engine, no database."""

from __future__ import annotations

import socket
import stat
import struct
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from pipeline.errors import DestinationError, LandfallError, TransientError
from pipeline.load import relay as room
from pipeline.load.frames import Address
from pipeline.load.line import Line
from pipeline.load.relay import Relay

SECONDS = 20


class Load:
    """A relay and what it took. `gate`: closed, the database takes nothing; `refusal`: what it says instead."""

    def __init__(self, directory: Path) -> None:
        self.taken: list[bytes] = []
        self.gate = threading.Event()
        self.gate.set()
        self.refusal: LandfallError | None = None
        self.relay = Relay(self._put, directory)

    def line(self) -> Line:
        return Line(Address(self.relay.path, binary=True))

    def _put(self, piece: bytes) -> None:
        assert self.gate.wait(SECONDS)
        if self.refusal:
            raise self.refusal
        self.taken.append(piece)


@pytest.fixture
def load() -> Iterator[Load]:
    with tempfile.TemporaryDirectory() as directory, ExitStack() as stack:
        made = Load(Path(directory))
        stack.callback(made.relay.close)
        yield made


def test_every_piece_is_taken_before_the_end_is_acknowledged(load: Load) -> None:
    first, second = load.line(), load.line()
    pieces = [b"a", b"b" * 3_000_000, b"", b"c"]
    for piece in pieces:
        first.put(piece)
    first.finish(5)
    assert load.taken == pieces
    second.put(b"d")
    second.finish(2)
    assert load.taken == [*pieces, b"d"]
    load.relay.finish(7)
    assert not load.relay.lost


def test_a_worker_without_rows_is_not_heard_of(load: Load) -> None:
    load.line().finish(0)
    load.line().abort()
    load.relay.finish(0)


def test_a_worker_waits_while_the_database_does(load: Load) -> None:
    load.gate.clear()
    sent: list[int] = []

    def work() -> None:
        line = load.line()
        for number in range(20):
            line.put(b"x" * (1 << 20))
            sent.append(number)
        line.finish(20)

    worker = threading.Thread(target=work)
    worker.start()
    _until(lambda: bool(sent))
    time.sleep(0.3)
    assert len(sent) < 4  # one in the hand of the load's thread, what the socket holds, one being sent
    load.gate.set()
    worker.join(SECONDS)
    assert len(load.taken) == 20
    load.relay.finish(20)


@pytest.mark.parametrize("ended", [b"", b"P", struct.pack(">BQ", ord("P"), 8) + b"half"])
def test_a_connection_that_ends_without_its_end_makes_the_load_unfit(load: Load, ended: bytes) -> None:
    good = load.line()
    good.put(b"1")
    with socket.socket(socket.AF_UNIX) as killed:
        killed.connect(load.relay.path)
        killed.sendall(struct.pack(">BQ", ord("P"), 1) + b"2" + ended)
    with pytest.raises(LandfallError, match="lost in the middle of its rows"):
        for _ in range(10_000):
            good.put(b"1")
    with pytest.raises(LandfallError, match="lost in the middle of its rows"):
        _send(load.line(), b"2")  # the same rows again, of a task that is tried once more
    assert load.taken.count(b"2") == 1
    assert load.relay.lost
    with pytest.raises(LandfallError, match="lost in the middle of its rows"):
        load.relay.finish(1)


def test_a_worker_that_aborts_takes_back_the_whole_load(load: Load) -> None:
    line = _one_taken(load)
    line.abort()
    with pytest.raises(LandfallError, match="lost in the middle of its rows"):
        load.relay.finish(0)


def test_a_connection_still_open_when_the_engine_has_ended_is_lost(load: Load) -> None:
    _line = _one_taken(load)
    assert load.relay.lost


def test_rows_that_the_engine_does_not_know_of_are_lost(load: Load) -> None:
    _send(load.line(), b"1")  # and the worker was killed before it could tell the engine
    with pytest.raises(LandfallError, match="lost in the middle of its rows"):
        load.relay.finish(0)
    assert load.relay.lost


def test_the_worker_raises_what_the_database_said(load: Load) -> None:
    load.refusal = DestinationError("numeric field overflow: correct physicalType")
    line = load.line()
    with pytest.raises(DestinationError, match="numeric field overflow: correct physicalType"):
        for _ in range(1_000):
            line.put(b"x" * 100_000)
    with pytest.raises(DestinationError, match="numeric field overflow"):
        _send(load.line(), b"1")
    assert not load.relay.lost  # by nobody's death: it is for the database's failure to say what follows


@pytest.mark.parametrize("busy", [True, False])
def test_workers_do_not_wait_for_a_load_that_has_stopped(load: Load, busy: bool) -> None:
    line = _one_taken(load)
    if busy:
        load.gate.clear()
        line.put(b"2")
    load.relay.close()
    load.gate.set()
    with pytest.raises(TransientError, match="has ended; load again"):
        line.finish(1)
    with pytest.raises(TransientError, match="has ended; load again"):
        load.line().put(b"2")


def test_a_straggler_that_comes_late_is_not_let_in(load: Load) -> None:
    load.relay.finish(0)
    with pytest.raises(TransientError, match="has ended; load again"):
        _send(load.line(), b"1")
    assert load.taken == []


def test_nothing_of_it_stays(load: Load) -> None:
    line = load.line()
    line.put(b"1")
    load.relay.close()
    load.relay.close()
    assert not Path(load.relay.path).exists()
    _until(lambda: not [each for each in threading.enumerate() if each.name == "landfall-relay"])


@pytest.mark.parametrize("name", ["x" * 100, "ä" * 50])
def test_a_directory_whose_name_is_too_long_for_a_socket_is_not_used(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    with tempfile.TemporaryDirectory(prefix=name) as long:
        monkeypatch.setattr(tempfile, "tempdir", long)
        with closing(Relay(lambda piece: None, Path(long))) as relay:
            own = Path(relay.path).parent
            assert own.parent == Path("/tmp")
            assert stat.S_IMODE(own.stat().st_mode) == 0o700
        assert not own.exists()
        monkeypatch.setattr(tempfile, "tempdir", "/nowhere")
        with pytest.raises(OSError, match="/nowhere"):
            Relay(lambda piece: None, Path(long))


def test_without_a_thread_for_a_worker_the_load_is_lost_at_once(load: Load, monkeypatch: pytest.MonkeyPatch) -> None:
    def none_left(*_: object) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(room, "_start", none_left)
    monkeypatch.setattr("pipeline.load.line._PATIENCE", 2)
    with pytest.raises(TransientError, match="has ended; load again") as told:
        _send(load.line(), b"1")
    assert not isinstance(told.value.__cause__, TimeoutError)
    with pytest.raises(LandfallError, match="lost in the middle of its rows"):
        load.relay.finish(0)


def _one_taken(load: Load) -> Line:
    """A connection in the middle of its rows."""
    line = load.line()
    line.put(b"1")
    _until(lambda: load.taken == [b"1"])
    return line


def _send(line: Line, piece: bytes) -> None:
    line.put(piece)
    line.finish(1)


def _until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + SECONDS
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.005)
