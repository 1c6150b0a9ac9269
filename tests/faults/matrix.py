"""Strikes a load at each of its steps, runs it again, and counts what is there then."""

from __future__ import annotations

import os
import re
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import replace

from tests.faults.loads import DONE, Loads
from tests.faults.steps import Fault, Strike
from tests.faults.tally import Tally
from tests.faults.worker import Order, Outcome

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


class Matrix(Loads):
    """Strikes the loads of a scenario."""

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
        order = self.order()
        outcome = self.worker.load(order)
        if not outcome.acknowledged:
            tally.surprise(f"a load without a fault: {outcome}")
        self.count(order, tally)
        return list(outcome.steps)

    def _strike(self, strike: Strike, tally: Tally) -> None:
        """Load the next file, struck; load it again; count."""
        order = self.order(strike)
        struck = self.worker.load(order)
        self.replace_dead()
        if struck.code is None or struck.struck:  # else the load had a step less: there was nothing to strike
            tally.attempted += 1
            tally.acknowledged += struck.acknowledged
            self._again(order, struck, tally)
        self.count(order, tally)

    def _again(self, order: Order, struck: Outcome, tally: Tally) -> None:
        where = f"{self.scenario.name}, {order.strike}, {struck.struck}"
        if struck.code not in (0, 75, None):
            tally.surprise(f"{where}: exit code {struck.code}: {struck.errors}")
        self.require_no_sessions(where, tally)
        possible = frozenset({("already_loaded",)}) if struck.acknowledged else DONE
        self.finish(replace(order, strike=None), f"{where}: {struck.statuses}, and again", tally, possible)


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
