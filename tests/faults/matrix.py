"""Strikes a load at each of its steps, runs it again, and counts what is there then."""

from __future__ import annotations

import os
import re
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path

from pipeline.load.connect import Destination, connect
from tests.faults.scenarios import Scenario
from tests.faults.steps import Fault, Strike
from tests.faults.tally import Tally, await_sessions, count
from tests.faults.worker import Order, Outcome, Worker

FAULTS: dict[Fault, str] = {
    "kill": "SIGKILL",
    "term": "SIGTERM",
    "terminate": "backend terminated",
    "stop": "server stopped at once",
    "reset": "connection reset",
}

# In the slice that always runs: of the steps that are no COMMIT, each scenario strikes one in so many, another each.
STRIDE = 4


# Steps that the next one would not miss: they read, or mark a place within the transaction.
ONLY_LOOKS = re.compile(r": (SELECT (?!.*(advisory|nextval))|SAVEPOINT|RELEASE|SET )")


def whole() -> bool:
    """Whether every step that leaves a mark meets every fault, which takes many minutes."""
    return os.environ.get("LANDFALL_FAULTS") == "all"


@dataclass
class Matrix:
    """One scenario in one database of the embedded server in `server`. `number`: of the next file."""

    scenario: Scenario
    database: Destination
    server: Path
    directory: Path
    worker: Worker = field(default_factory=Worker)
    spare: Worker = field(default_factory=Worker)
    number: int = 0

    def close(self) -> None:
        """End the processes."""
        self.worker.close()
        self.spare.close()

    def strike_all(self, plan: Callable[[list[str]], Iterator[Strike]], tally: Tally) -> int:
        """Strike one load after the other as `plan` says, given the names of a load's steps. Returns how many.

        A new version of an object takes other steps than its first: append, where these alternate, has a plan of each.
        """
        runs = [self._clean(tally) for _ in range(4)][2:]  # before, the ledger and the table were created
        several = self.scenario.mode == "append" and not self.scenario.anew
        plans = [deque(plan(run)) for run in (runs if several else runs[:1])]
        planned = sum(map(len, plans))
        while any(plans):
            mine = plans[self.number % len(plans)]
            if mine:
                self._strike(mine.popleft(), tally)
            else:
                self._clean(tally)
        return planned

    def _clean(self, tally: Tally) -> list[str]:
        """Load the next file without a fault. The names of the steps."""
        order = self._order()
        outcome = self.worker.load(order)
        if not outcome.acknowledged:
            tally.surprise(f"a load without a fault: {outcome}")
        self._count(tally, order)
        return list(outcome.steps)

    def _strike(self, strike: Strike, tally: Tally) -> None:
        """Load the next file, struck; load it again; count."""
        order = self._order(strike)
        struck = self.worker.load(order)
        if not self.worker.alive:
            self.worker, self.spare = self.spare, Worker()
        if struck.code is None or struck.struck:  # else the load had a step less: there was nothing to strike
            tally.attempted += 1
            tally.acknowledged += struck.acknowledged
            self._again(order, struck, tally)
        self._count(tally, order)

    def _again(self, order: Order, struck: Outcome, tally: Tally) -> None:
        where = f"{self.scenario.name}, {order.strike}, {struck.struck}"
        if struck.code not in (0, 75, None):
            tally.surprise(f"{where}: exit code {struck.code}: {struck.errors}")
        with closing(connect(self.database, "count")) as conn:
            if left := await_sessions(conn):
                tally.surprise(f"{where}: {left} sessions are left")
        again = self.worker.load(replace(order, strike=None))
        tally.already_there += again.statuses == ("already_loaded",)
        possible = {("already_loaded",)} if struck.acknowledged else {("loaded",), ("already_loaded",)}
        if again.code != 0 or again.statuses not in possible:
            tally.surprise(f"{where}: {struck.statuses}, and again {again.statuses}, {again.code}: {again.errors}")

    def _order(self, strike: Strike | None = None) -> Order:
        path = self.scenario.file(self.directory, self.number)
        contract = self.scenario.contract(self.directory, self.number)
        return Order(
            (str(path),), contract, self.database.url.render_as_string(hide_password=False), self.server, strike
        )

    def _count(self, tally: Tally, order: Order) -> None:
        self.scenario.loaded(self.number)
        with closing(connect(self.database, "count")) as conn:
            count(tally, conn, self.scenario, self.number, Path(order.sources[0]))
        self.number += 1


def strikes(steps: list[str], fault: Fault) -> Iterator[Strike]:
    """Every step that leaves a mark, before the server hears of it; a COMMIT also after it; with a reset every answer
    may be lost."""
    for number, name in enumerate(steps, 1):
        if ONLY_LOOKS.search(name):
            continue
        yield Strike(fault, number, "before")
        if name.endswith("COMMIT") or fault == "reset":
            yield Strike(fault, number, "after")


def some_strikes(steps: list[str], offset: int) -> Iterator[Strike]:
    """Every COMMIT, before and after, and one in STRIDE of the other steps, with the faults taking turns."""
    for number, name in enumerate(steps, 1):
        fault = list(FAULTS)[(number // STRIDE + offset) % len(FAULTS)]
        if name.endswith("COMMIT") or number % STRIDE == offset % STRIDE:
            yield Strike(fault, number, "before")
        if name.endswith("COMMIT"):
            yield Strike(fault, number, "after")
