"""A database with a ledger, and short ways to a dataset, a staging target and its rows."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from pipeline.load import ledger, staging
from pipeline.load.begin import new_load_id
from pipeline.load.connect import Connection, Destination, connect
from pipeline.load.staging import StagingTarget
from tests.integration.load.staged import MakeTarget


@pytest.fixture(scope="module")
def prepared(database: Destination) -> Destination:
    """The module's database, with a ledger in it."""
    session = connect(database, "test-ledger", wait=10)
    ledger.ensure(session)
    session.close()
    return database


@pytest.fixture
def make_target(prepared: Destination, conn: Connection) -> Iterator[MakeTarget]:
    """`make_target(("name", "type"), ..., destination=...)`: staging tables, dropped after the test."""
    made: list[StagingTarget] = []

    def make(*columns: tuple[str, str], destination: Destination = prepared) -> StagingTarget:
        target = StagingTarget(destination, new_load_id(), columns)
        staging.create(conn, target)
        made.append(target)
        return target

    yield make
    conn.rollback()
    for target in made:
        staging.drop(conn, target.load_id)
    conn.commit()
