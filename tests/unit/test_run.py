"""What the loads of one run share, and that it is closed in the end."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy import make_url

from pipeline.errors import LandfallError, TransientError
from pipeline.load.connect import Destination
from pipeline.run import Run
from pipeline.settings import Settings


class Engine:
    """Stands for an engine that starts when `ready` is set, and tells when it was closed."""

    def __init__(self) -> None:
        self.starting, self.ready, self.closed = threading.Event(), threading.Event(), threading.Event()

    @contextmanager
    def session(self, *_: Any) -> Iterator[Engine]:
        self.starting.set()
        assert self.ready.wait(10)
        yield self
        self.closed.set()


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> Engine:
    made = Engine()
    monkeypatch.setattr("pipeline.session.engine_session", made.session)
    return made


def test_a_database_that_is_away_is_waited_for_once(monkeypatch: pytest.MonkeyPatch) -> None:
    waits: list[float | None] = []
    there = False

    def connect(destination: Destination, purpose: str, wait: float | None = None) -> Any:
        waits.append(destination.wait if wait is None else wait)
        if not there:
            raise TransientError("no database")
        return SimpleNamespace(closed=True, close=lambda: None)

    monkeypatch.setattr("pipeline.run.connect", connect)
    monkeypatch.setattr("pipeline.run.ledger", SimpleNamespace(ensure=lambda _: None, sweep=lambda _: None))
    with Run(Settings(database_url=make_url("postgresql://h/d"), database_wait=180.0)) as this:
        for _ in range(3):
            with pytest.raises(TransientError):
                this.connection  # noqa: B018
        there = True
        this.connection  # noqa: B018
        this.connection  # noqa: B018 - lost again meanwhile
    assert waits == [180.0, 0.0, 0.0, 0.0, 180.0]


def test_an_engine_that_is_started_while_the_run_ends_is_closed_too(engine: Engine) -> None:
    with Run(Settings()) as this:
        this.warm_up(1 << 30)
        assert engine.starting.wait(10)
    assert not engine.closed.is_set()
    engine.ready.set()
    assert engine.closed.wait(10)


def test_an_engine_is_started_for_a_large_object_before_it_is_needed(engine: Engine) -> None:
    engine.ready.set()
    with Run(Settings()) as this:
        this.warm_up(1_000)
        assert not engine.starting.wait(0.2)
        this.warm_up(1 << 30)
        assert engine.starting.wait(10)
        assert this.engine is engine  # type: ignore[comparison-overlap]
    assert engine.closed.is_set()


def test_no_engine_is_started_once_the_run_is_over(engine: Engine) -> None:
    with Run(Settings()) as this:
        pass
    with pytest.raises(LandfallError, match="over"):
        this.engine  # noqa: B018
    assert not engine.starting.is_set()
