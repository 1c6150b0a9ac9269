"""Loads killed at random moments, one or several times in a row, then run to their end, and counted."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from pipeline.load.connect import Destination, connect
from tests.faults.scenarios import Scenario
from tests.faults.tally import Tally, await_sessions, count
from tests.faults.worker import Order, Worker

# Some moments come after the load's end: then a process is killed that has said all it had to say.
BEYOND = 1.1
# At most so many kills of one load.
CHAIN = 4


@dataclass
class Kills:
    """The loads of one scenario into one database. `duration`: seconds of a load that nobody kills."""

    scenario: Scenario
    database: Destination
    server: Path
    directory: Path
    worker: Worker = field(default_factory=Worker)
    spare: Worker = field(default_factory=Worker)
    number: int = 0
    duration: float = 0.0

    def close(self) -> None:
        """End the processes."""
        self.worker.close()
        self.spare.close()

    def undisturbed(self, tally: Tally) -> None:
        """Two loads that nobody kills: the first creates the table, the second tells how long one takes."""
        for _ in range(2):
            started = time.monotonic()
            self._to_the_end(tally, self._order())
            self.duration = time.monotonic() - started

    def chain(self, parts: list[float], tally: Tally) -> None:
        """Kill the next load at each of `parts` of its duration, running it again each time; then let it end; count."""
        order = self._order()
        for part in parts:
            outcome = self.worker.load_until(order, part * self.duration)
            tally.attempted += 1
            tally.acknowledged += outcome.acknowledged
            if outcome.code not in (0, None):
                tally.surprise(f"{self.scenario.name}: exit code {outcome.code}: {outcome.errors}")
            if not self.worker.alive:
                self.worker, self.spare = self.spare, Worker()
        with closing(connect(self.database, "count")) as conn:
            if left := await_sessions(conn):
                tally.surprise(f"{self.scenario.name}: {left} sessions are left")
        self._to_the_end(tally, order)

    def _to_the_end(self, tally: Tally, order: Order) -> None:
        outcome = self.worker.load(order)
        tally.already_there += outcome.statuses == ("already_loaded",)
        if outcome.code != 0 or outcome.statuses not in {("loaded",), ("already_loaded",)}:
            tally.surprise(f"{self.scenario.name}: {outcome.statuses}, {outcome.code}: {outcome.errors}")
        self.scenario.loaded(self.number)
        with closing(connect(self.database, "count")) as conn:
            count(tally, conn, self.scenario, self.number, Path(order.sources[0]))
        self.number += 1

    def _order(self) -> Order:
        path = self.scenario.file(self.directory, self.number)
        contract = self.scenario.contract(self.directory, self.number)
        return Order((str(path),), contract, self.database.url.render_as_string(hide_password=False), self.server)


def chains(kills: int, seed: int) -> Iterator[list[float]]:
    """`kills` moments, as parts of a load's duration, evenly spread and shuffled, in chains of 1 to CHAIN."""
    chance = random.Random(seed)
    parts = [(place + chance.random()) / kills * BEYOND for place in range(kills)]
    chance.shuffle(parts)
    while parts:
        length = chance.randint(1, CHAIN)
        yield parts[:length]
        parts = parts[length:]
