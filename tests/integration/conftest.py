"""Loads with each engine that can run here, and contracts made for a test."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from pipeline.load.connect import Connection, Destination
from tests.integration import loader
from tests.integration.loader import Loader

CONTRACT = """
apiVersion: v3.2.0
kind: DataContract
id: {id}
version: 1.0.0
status: active
servers:
  - server: source
    type: s3
    location: s3://landing/{location}
{source}
  - {{server: target, type: postgres, host: localhost, port: 5432, database: dwh, schema: {id}}}
schema:
  - name: target
    customProperties:
      - property: load
        value: {load}
{quality}
    properties:
{properties}
"""


@pytest.fixture(scope="session", params=["sail", "spark"])
def engine_pool(request: pytest.FixtureRequest) -> Iterator[tuple[str, ProcessPoolExecutor]]:
    """One process per engine; `spark` needs Java."""
    if request.param == "spark" and shutil.which("java") is None:
        pytest.skip("engine spark needs Java, and there is none on this machine")
    with loader.pool() as pool:
        yield request.param, pool


@pytest.fixture
def load(engine_pool: tuple[str, ProcessPoolExecutor], database: Destination) -> Loader:
    """Load files into the module's database; runs the test once with each engine."""
    engine, pool = engine_pool
    return Loader(pool, engine, database)


@pytest.fixture(scope="session")
def sail_pool() -> Iterator[ProcessPoolExecutor]:
    """The process of engine sail, for tests in which the engine takes no part."""
    with loader.pool() as pool:
        yield pool


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
        lines = "\n".join(f"      - {line}" for line in properties)
        quality = f"    quality:\n{quality}" if quality else ""
        path.write_text(
            CONTRACT.format(
                id=name, properties=lines, load=load, source=source.rstrip(), quality=quality, location=location
            )
        )
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
