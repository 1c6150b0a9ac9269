"""Promise: exactly once, all or nothing. A load is struck at its steps by every fault, and run again.

By default a slice: of every mode each COMMIT, before and after it, and some other steps, the faults taking turns. With
LANDFALL_FAULTS=all every step that leaves a mark meets every fault, which fills docs/guarantees.md (`make faults`).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from pipeline.load.connect import Destination
from tests.conftest import embedded_server, fresh_database
from tests.faults.matrix import FAULTS, Matrix, some_strikes, strikes, whole
from tests.faults.scenarios import Scenario, scenarios
from tests.faults.steps import Fault
from tests.faults.tally import Tally
from tests.figures import record

NAMES = [scenario.name for scenario in scenarios()]


@pytest.fixture(scope="module")
def crashable() -> Iterator[tuple[Path, Destination]]:
    """A server of its own, since some faults stop it."""
    with embedded_server() as found:
        yield found


@pytest.fixture
def scenario(request: pytest.FixtureRequest) -> Scenario:
    """A scenario of which no file is loaded yet."""
    return scenarios()[NAMES.index(request.param)]


@pytest.fixture
def matrix(crashable: tuple[Path, Destination], scenario: Scenario, tmp_path: Path) -> Iterator[Matrix]:
    """The scenario in a database of its own."""
    directory, server = crashable
    with fresh_database(server) as database, closing(Matrix(scenario, database, directory, tmp_path)) as found:
        yield found


@pytest.mark.skipif(whole(), reason="LANDFALL_FAULTS=all strikes more")
@pytest.mark.parametrize("scenario", NAMES, indirect=True)
def test_promise_2_exactly_once_whatever_befalls_a_load(matrix: Matrix, scenario: Scenario) -> None:
    tally = Tally()
    matrix.strike_all(lambda steps: some_strikes(steps, NAMES.index(scenario.name)), tally)
    assert tally.found == []
    assert tally.attempted > 30


@pytest.mark.skipif(not whole(), reason="takes many minutes: set LANDFALL_FAULTS=all, or make faults")
@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("scenario", NAMES, indirect=True)
def test_promise_2_exactly_once_whatever_befalls_a_load_at_any_step(
    matrix: Matrix, scenario: Scenario, fault: Fault
) -> None:
    tally = Tally()
    planned = matrix.strike_all(lambda steps: strikes(steps, fault), tally)
    record("Crash matrix", f"{scenario.name}, {FAULTS[fault]}", **tally.figures)
    assert tally.found == []
    assert tally.attempted > planned - 5
