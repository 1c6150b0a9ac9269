"""Promise: exactly once, all or nothing. Loads of 100,000 rows are killed at random moments, and run again.

By default 3 kills of each mode; with LANDFALL_FAULTS=all 25 of each (`make faults`), which fills docs/guarantees.md.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from pipeline.load.connect import Destination
from tests.conftest import embedded_server, fresh_database
from tests.faults.kills import Kills, chains
from tests.faults.matrix import whole
from tests.faults.scenarios import Scenario
from tests.faults.tally import Tally
from tests.figures import record

ROWS = 100_000
KILLS = 25 if whole() else 3
SEED = 20_261_121


@pytest.fixture(scope="module")
def own_server() -> Iterator[tuple[Path, Destination]]:
    """A server on which nobody else has sessions."""
    with embedded_server() as found:
        yield found


@pytest.mark.parametrize("mode", ["append", "upsert", "replace", "scd2"])
def test_promise_3_all_or_nothing_when_killed_at_random_moments(
    mode: str, own_server: tuple[Path, Destination], tmp_path: Path
) -> None:
    directory, server = own_server
    scenario = Scenario(mode, mode, keyed=mode != "append", anew=mode == "append", size=ROWS)
    tally = Tally()
    with fresh_database(server) as database, closing(Kills(scenario, database, directory, tmp_path)) as kills:
        kills.undisturbed(tally)
        for parts in chains(KILLS, SEED):
            kills.chain(parts, tally)
    if whole():
        record("Random kills", mode, rows=ROWS, **tally.figures)
    assert tally.found == []
    assert tally.attempted == KILLS
