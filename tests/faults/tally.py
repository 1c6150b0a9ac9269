"""Counting as Jepsen counts: what was attempted and acknowledged, what is lost, duplicated or unexpected."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Hashable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import psycopg2
from psycopg2 import sql

from pipeline.load.connect import Connection
from tests.faults.scenarios import Scenario

Thing = TypeVar("Thing", bound=Hashable)

SESSIONS_END = 30.0  # seconds until the server has noticed that a process is dead


@dataclass
class Tally:
    """Over many loads. `already_there`: second runs that had nothing to do, whether or not the first had said so.

    Lost, duplicated and unexpected count rows, rejects and ledger entries; `orphans`: staging tables. `found`: a word
    on each thing that should not be.
    """

    attempted: int = 0
    acknowledged: int = 0
    already_there: int = 0
    lost: int = 0
    duplicated: int = 0
    unexpected: int = 0
    orphans: int = 0
    found: list[str] = field(default_factory=list)

    @property
    def figures(self) -> dict[str, int]:
        """The counts, without the words."""
        return {name: count for name, count in asdict(self).items() if name != "found"}

    def compare(self, what: str, actual: Mapping[Thing, int], expected: Mapping[Thing, int]) -> None:
        """Count what is missing, what is there too often, and what should not be there at all."""
        for thing in {**expected, **actual}:
            surplus = actual.get(thing, 0) - expected.get(thing, 0)
            if surplus == 0:
                continue
            kind = "lost" if surplus < 0 else "duplicated" if thing in expected else "unexpected"
            setattr(self, kind, getattr(self, kind) + abs(surplus))
            self.found.append(f"{what}: {kind} {abs(surplus)} x {thing}")

    def surprise(self, what: str) -> None:
        """Count something that should not have happened."""
        self.unexpected += 1
        self.found.append(what)


def await_sessions(conn: Connection) -> int:
    """Wait until the sessions of all loads are over. Returns how many are not, in the end."""
    deadline = time.monotonic() + SESSIONS_END
    others = "application_name LIKE 'landfall:%' AND pid <> pg_backend_pid()"
    while left := _one(conn, f"SELECT count(*) FROM pg_stat_activity WHERE {others}"):
        if time.monotonic() > deadline:
            break
        time.sleep(0.02)
    return int(left)


def count(tally: Tally, conn: Connection, scenario: Scenario, number: int, path: Path) -> None:
    """Compare the table, the rejects and the ledger with what file `number`, at `path`, has to have left there."""
    what = f"{scenario.name}, file {number}"
    tally.compare(what, table(conn, scenario, number), scenario.expected())
    dataset, uri = scenario.dataset(number), f"file://{path.resolve()}"
    versions = number % 2 + 1 if scenario.mode == "append" and not scenario.anew else 1
    tally.compare(f"{what}, rejects", rejects(conn, dataset, uri), dict.fromkeys(scenario.rejects(), versions))
    entries = statuses(conn, dataset, uri)
    tally.compare(f"{what}, ledger", {"loaded": entries.pop("loaded", 0)}, {"loaded": versions})
    for status in set(entries) - {"failed interrupted", "failed transient", "failed connection", "already_loaded"}:
        tally.surprise(f"{what}, ledger: {entries[status]} x {status}")
    if orphans := _one(conn, "SELECT count(*) FROM pg_tables WHERE schemaname = 'landfall_staging'"):
        tally.orphans += orphans
        tally.found.append(f"{what}: {orphans} orphan tables")


def table(conn: Connection, scenario: Scenario, number: int) -> Counter[Any]:
    """The target's rows, without the columns that Landfall adds."""
    current = sql.SQL(", _is_current AND _valid_to IS NULL" if scenario.mode == "scd2" else "")
    name = sql.Identifier(scenario.dataset(number), "target")
    query = sql.SQL("SELECT id, name, amount::int{} FROM {}").format(current, name)
    try:
        return Counter(_all(conn, query))
    except psycopg2.errors.UndefinedTable:
        conn.rollback()
        return Counter()


def rejects(conn: Connection, dataset: str, uri: str) -> Counter[Any]:
    """(line, rule) of all rejects of one source object."""
    statement = (
        "SELECT line::int, rule FROM landfall.reject JOIN landfall.load USING (load_id) WHERE dataset = %s AND uri = %s"
    )
    return Counter(_all(conn, statement, dataset, uri))


def statuses(conn: Connection, dataset: str, uri: str) -> Counter[str]:
    """How often the ledger has each status, with the kind of error, for one source object."""
    statement = "SELECT concat_ws(' ', status, error_kind) FROM landfall.load WHERE dataset = %s AND uri = %s"
    return Counter(status for (status,) in _all(conn, statement, dataset, uri))


def _all(conn: Connection, statement: str | sql.Composable, *values: object) -> list[tuple[Any, ...]]:
    with conn, conn.cursor() as cursor:
        cursor.execute(statement, values or None)
        return cursor.fetchall()


def _one(conn: Connection, statement: str) -> int:
    found: int = _all(conn, statement)[0][0]
    return found
