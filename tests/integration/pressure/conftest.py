"""A dataset in each of two modes, and somebody else's session."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from pipeline.load.connect import Connection, Destination, connect
from tests.integration.loader import Loader
from tests.integration.pressure.case import Case, Contract, Query


@pytest.fixture(params=["append", "upsert"])
def mode(request: pytest.FixtureRequest) -> str:
    """Append has no key, so that its rows need no staging; upsert has one."""
    mode: str = request.param
    return mode


@pytest.fixture
def case(
    request: pytest.FixtureRequest, mode: str, sail: Loader, contract: Contract, tmp_path: Path, rows: Query
) -> Case:
    name = re.sub(r"\W+", "_", request.node.name.removeprefix("test_").replace(f"{mode}-", "").replace(f"[{mode}]", ""))
    return Case(name, mode, sail, contract, tmp_path, rows)


@pytest.fixture
def other(database: Destination) -> Iterator[Connection]:
    """A session of somebody else's."""
    with closing(connect(database, "test-other", wait=10)) as session:
        yield session
