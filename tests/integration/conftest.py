"""Loads with each engine that can run here, and contracts made for a test."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from pipeline.load.connect import Connection, Destination
from tests.contracts import contract_text, source_server
from tests.integration import loader
from tests.integration.loader import Loader


@pytest.fixture(scope="session")
def pools() -> Iterator[Callable[[str], ProcessPoolExecutor]]:
    """The process of each engine, started when a test first asks for it, kept for all tests."""
    started: dict[str, ProcessPoolExecutor] = {}
    with ExitStack() as stack:

        def of(engine: str) -> ProcessPoolExecutor:
            if engine not in started:
                started[engine] = stack.enter_context(loader.pool())
            return started[engine]

        yield of


@pytest.fixture(scope="session", params=["sail", "spark"])
def engine_pool(
    request: pytest.FixtureRequest, pools: Callable[[str], ProcessPoolExecutor]
) -> tuple[str, ProcessPoolExecutor]:
    """The process of each engine in turn; `spark` needs Java."""
    if request.param == "spark" and shutil.which("java") is None:
        pytest.skip("engine spark needs Java, and there is none on this machine")
    return request.param, pools(request.param)


@pytest.fixture
def load(engine_pool: tuple[str, ProcessPoolExecutor], database: Destination) -> Loader:
    """Load files into the module's database; runs the test once with each engine."""
    engine, pool = engine_pool
    return Loader(pool, engine, database)


@pytest.fixture(scope="session")
def sail_pool(pools: Callable[[str], ProcessPoolExecutor]) -> ProcessPoolExecutor:
    """The process of engine sail, for tests in which the engine takes no part."""
    return pools("sail")


@pytest.fixture
def sail(sail_pool: ProcessPoolExecutor, database: Destination) -> Loader:
    """Load files with engine sail only."""
    return Loader(sail_pool, "sail", database)


@pytest.fixture
def contract(tmp_path: Path) -> Callable[..., Path]:
    """Write a contract of `properties` (YAML lines) for CSV, or what `source` says; its id is also its schema."""

    def write(
        name: str,
        properties: list[str],
        load: str = "{mode: append}",
        source: str = "    format: csv",
        quality: str = "",
        location: str = "*",
    ) -> Path:
        path = tmp_path / f"{name}.odcs.yaml"
        server = source_server(source, location)
        path.write_text(contract_text(name, properties, load=load, source=server, quality=quality))
        return path

    return write


@pytest.fixture
def rows(conn: Connection) -> Callable[..., list[tuple[Any, ...]]]:
    """Run a query and return its rows."""

    def query(statement: str, *values: object) -> list[tuple[Any, ...]]:
        with conn, conn.cursor() as cursor:
            cursor.execute(statement, values)
            return cursor.fetchall()

    return query
