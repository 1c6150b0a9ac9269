"""A process that runs loads with one engine, kept for all tests: a session of each engine in a process of its own."""

from __future__ import annotations

import atexit
import os
import sys
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from pipeline.load.connect import Destination
from pipeline.receipt import Receipt
from pipeline.settings import Settings

_stack = ExitStack()
_sessions: dict[str, Any] = {}


class Loader:
    """Loads files into one database with one engine, as `landfall load` does, and answers with the receipts."""

    def __init__(self, pool: ProcessPoolExecutor, engine: str, destination: Destination) -> None:
        self._pool = pool
        self.engine = engine
        self.destination = destination

    def __call__(self, *paths: Path | str, contracts: Path, **options: Any) -> list[Receipt]:
        """One receipt a source object, in order. `options` are further fields of `Settings`."""
        settings = Settings(
            contracts=str(contracts),
            database_url=self.destination.url,
            engine=self.engine,  # type: ignore[arg-type]
            **options,
        )
        return self._pool.submit(_load, settings, tuple(map(str, paths))).result(timeout=300)

    def one(self, path: Path | str, contracts: Path, **options: Any) -> Receipt:
        """The receipt of one source object."""
        (receipt,) = self(path, contracts=contracts, **options)
        return receipt


def command(path: Path, contract: Path, loader: Loader, *options: str) -> list[str]:
    """The command that loads one file as `loader` does, for a process of its own."""
    url = loader.destination.url.render_as_string(hide_password=False)
    start = [sys.executable, "-m", "pipeline", "load", str(path), "--contracts", str(contract)]
    return [*start, "--database-url", url, "--engine", loader.engine, *options]


def pool() -> ProcessPoolExecutor:
    """A fresh process, not a fork: the tests' own process has threads."""
    return ProcessPoolExecutor(1, get_context("spawn"), initializer=atexit.register, initargs=(_end,))


def _end() -> None:
    """Close the sessions and end as the command does: Python would take the engine's modules apart, and may not end."""
    _stack.close()
    os._exit(0)


def _load(settings: Settings, paths: tuple[str, ...]) -> list[Receipt]:
    from pipeline.job import run
    from pipeline.progress import Progress
    from pipeline.run import Run
    from pipeline.session import engine_session
    from pipeline.source import named

    if settings.engine not in _sessions:
        _sessions[settings.engine] = _stack.enter_context(engine_session(settings.engine, settings.streams))
    with Run(settings) as this:
        this.use_engine(_sessions[settings.engine])
        return [run(source, this, Progress()) for source in named(paths)]
