"""What the loads of one run share, and that it is closed in the end."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from pipeline.errors import LandfallError
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
