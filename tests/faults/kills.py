"""Loads killed at random moments, one or several times in a row, then run to their end, and counted."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from dataclasses import dataclass

from tests.faults.loads import Loads
from tests.faults.tally import Tally
from tests.faults.worker import Order

# Some moments come after the load's end: then a process is killed that has said all it had to say.
BEYOND = 1.1
# At most so many kills of one load.
CHAIN = 4


@dataclass
class Kills(Loads):
    """`duration`: seconds of a load that nobody kills."""

    duration: float = 0.0

    def undisturbed(self, tally: Tally) -> None:
        """Two loads that nobody kills: the first creates the table, the second tells how long one takes."""
        for _ in range(2):
            started = time.monotonic()
            self._to_the_end(self.order(), tally)
            self.duration = time.monotonic() - started

    def chain(self, parts: list[float], tally: Tally) -> None:
        """Kill the next load at each of `parts` of its duration, running it again each time; then let it end; count."""
        order = self.order()
        for part in parts:
            outcome = self.worker.load_until(order, part * self.duration)
            tally.attempted += 1
            tally.acknowledged += outcome.acknowledged
            if outcome.code not in (0, None):
                tally.surprise(f"{self.scenario.name}: exit code {outcome.code}: {outcome.errors}")
            self.replace_dead()
        self.require_no_sessions(self.scenario.name, tally)
        self._to_the_end(order, tally)

    def _to_the_end(self, order: Order, tally: Tally) -> None:
        self.finish(order, self.scenario.name, tally)
        self.count(order, tally)


def chains(kills: int, seed: int) -> Iterator[list[float]]:
    """`kills` moments, as parts of a load's duration, evenly spread and shuffled, in chains of 1 to CHAIN."""
    chance = random.Random(seed)
    parts = [(place + chance.random()) / kills * BEYOND for place in range(kills)]
    chance.shuffle(parts)
    while parts:
        length = chance.randint(1, CHAIN)
        yield parts[:length]
        parts = parts[length:]
