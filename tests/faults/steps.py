"""The steps of a load, found while it runs: each statement, COPY and COMMIT of each of its sessions, in order."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal

import psycopg2
from psycopg2 import extensions

Moment = Literal["before", "after"]
Fault = Literal["kill", "term", "terminate", "stop", "reset"]

HEX = re.compile(r"[0-9a-f]{8}-[0-9a-f-]{27}|[0-9a-f]{32}|\b\d+\b")


@dataclass(frozen=True)
class Strike:
    """`fault` befalls the load at its step `step` (from 1), before the server hears of the step or after it has acted
    on it."""

    fault: Fault
    step: int
    moment: Moment


@dataclass(frozen=True)
class Step:
    """One step: on which session, and what is asked of the server there."""

    session: extensions.connection
    text: bytes
    commits: bool

    @property
    def name(self) -> str:
        """The session's purpose and the statement, without what differs from load to load."""
        words = " ".join(HEX.sub("#", self.text.decode("utf-8", "replace")).split())
        return f"{self.session.info.dsn_parameters.get('application_name', '')}: {words[:100]}"


Befall = Callable[[Strike, Step], None]


class Steps:
    """Counts steps, and lets `befall` happen at the one of `strike`. `seen`: the names of all steps so far."""

    def __init__(self, strike: Strike | None, befall: Befall, settle: Callable[[], None]) -> None:
        self._strike = strike
        self._befall = befall
        self._settle = settle
        self._lock = threading.Lock()
        self.seen: list[str] = []
        self.struck: str | None = None

    @contextmanager
    def step(self, session: extensions.connection, text: bytes, commits: bool = False) -> Iterator[None]:
        """Around one step. A reset strikes on the wire: it is told before the step, whatever its moment."""
        found = Step(session, text, commits)
        with self._lock:
            self.seen.append(found.name)
            mine = self._strike is not None and len(self.seen) == self._strike.step
        if not mine or self._strike is None:
            yield
            return
        self.struck = found.name
        early = self._strike.moment == "before" or self._strike.fault == "reset"
        if early:
            self._befall(self._strike, found)
        try:
            yield
        finally:
            self._settle()
        if not early:
            self._befall(self._strike, found)


_current: Steps | None = None
_connect = psycopg2.connect


def watch(steps: Steps | None) -> None:
    """From now on count with `steps`, on all sessions of this process; None: do not count."""
    global _current
    _current = steps


def install() -> None:
    """Make every session that this process opens from now on one whose steps are counted."""

    def connect(*arguments: Any, **options: Any) -> extensions.connection:
        return unwatched(*arguments, connection_factory=_Session, cursor_factory=_Cursor, **options)

    psycopg2.connect = connect  # type: ignore[assignment]


def unwatched(*arguments: Any, **options: Any) -> extensions.connection:
    """A session whose steps are not counted."""
    session: extensions.connection = _connect(*arguments, **options)
    return session


class _Session(extensions.connection):
    def commit(self) -> None:
        if _current is None or self.closed or self.info.transaction_status == extensions.TRANSACTION_STATUS_IDLE:
            return super().commit()
        with _current.step(self, b"COMMIT", commits=True):
            return super().commit()


class _Cursor(extensions.cursor):
    def execute(self, query: Any, vars: Any = None) -> None:  # noqa: A002 - the driver's name
        if _current is None or self.connection.closed:
            return super().execute(query, vars)
        with _current.step(self.connection, self.mogrify(query, vars)):
            return super().execute(query, vars)

    def copy_expert(self, sql: Any, file: Any, size: int = 8192) -> None:
        if _current is None or self.connection.closed:
            return super().copy_expert(sql, file, size)
        with _current.step(self.connection, self.mogrify(sql)):
            return super().copy_expert(sql, file, size)
