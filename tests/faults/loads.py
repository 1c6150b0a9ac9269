"""What striking loads and killing them have in common: a file after the other, a worker that may die, the counting."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from pipeline.load.connect import Destination, connect
from tests.faults.scenarios import Scenario
from tests.faults.steps import Strike
from tests.faults.tally import Tally, await_sessions, count
from tests.faults.worker import Order, Worker

Statuses = tuple[str, ...]

DONE: frozenset[Statuses] = frozenset({("loaded",), ("already_loaded",)})


@dataclass
class Loads:
    """The loads of one scenario into one database of the embedded server in `server`. `number`: of the next file."""

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

    def order(self, strike: Strike | None = None) -> Order:
        """To load the next file, which is written."""
        path = self.scenario.file(self.directory, self.number)
        contract = self.scenario.contract(self.directory, self.number)
        url = self.database.url.render_as_string(hide_password=False)
        return Order((str(path),), contract, url, self.server, strike)

    def replace_dead(self) -> None:
        """The spare process takes the place of one that did not survive its load."""
        if not self.worker.alive:
            self.worker, self.spare = self.spare, Worker()

    def require_no_sessions(self, where: str, tally: Tally) -> None:
        """Wait for the sessions of dead processes to end; those that do not are a surprise."""
        with closing(connect(self.database, "count")) as conn:
            if left := await_sessions(conn):
                tally.surprise(f"{where}: {left} sessions are left")

    def finish(self, order: Order, where: str, tally: Tally, possible: frozenset[Statuses] = DONE) -> None:
        """Load to the end, undisturbed, with one of the `possible` statuses."""
        outcome = self.worker.load(order)
        tally.already_there += outcome.statuses == ("already_loaded",)
        if outcome.code != 0 or outcome.statuses not in possible:
            tally.surprise(f"{where}: {outcome.statuses}, {outcome.code}: {outcome.errors}")

    def count(self, order: Order, tally: Tally) -> None:
        """The file of the order is loaded: compare what is there now, and go on to the next file."""
        self.scenario.loaded(self.number)
        with closing(connect(self.database, "count")) as conn:
            count(tally, conn, self.scenario, self.number, Path(order.sources[0]))
        self.number += 1
