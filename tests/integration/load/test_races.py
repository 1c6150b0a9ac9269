"""Several processes at once on one ledger: every object is loaded once, and only the dead are swept."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import Any

import pytest

from pipeline.load import ledger
from pipeline.load.connect import Connection, Destination, connect
from tests.integration.load import racer
from tests.integration.load.racer import Race

PROCESSES = 8

# One clean process imports what the racers need, and each racer is a fork of it.
FORKS = get_context("forkserver")
FORKS.set_forkserver_preload(["tests.integration.load.racer"])


@pytest.fixture(scope="module")
def processes() -> Iterator[ProcessPoolExecutor]:
    """Eight processes, all of them up before the first race."""
    with ProcessPoolExecutor(PROCESSES, FORKS) as pool:
        list(pool.map(time.sleep, [1.0] * PROCESSES))
        yield pool


@pytest.fixture
def empty(database: Destination) -> Destination:
    """The module's database without a ledger."""
    conn = connect(database, "test", wait=10)
    query(conn, "DROP SCHEMA IF EXISTS landfall, landfall_staging CASCADE; SELECT 1")
    conn.close()
    return database


@pytest.fixture
def with_ledger(empty: Destination, conn: Connection) -> Destination:
    """The module's database with an empty ledger."""
    ledger.ensure(conn)
    return empty


def soon() -> float:
    return time.time() + 0.5


def query(conn: Connection, statement: str) -> list[tuple[Any, ...]]:
    with conn, conn.cursor() as cursor:
        cursor.execute(statement)
        return cursor.fetchall()


@pytest.mark.parametrize("_round", range(3))
def test_eight_processes_create_one_ledger(
    empty: Destination, conn: Connection, processes: ProcessPoolExecutor, _round: int
) -> None:
    race = Race(empty, 0, soon())
    assert set(processes.map(racer.install, [race] * PROCESSES)) == {"installed"}
    assert query(conn, "SELECT version FROM landfall.version") == [(1,), (2,), (3,)]


@pytest.mark.parametrize("_round", range(5))
def test_the_same_object_from_eight_processes_is_loaded_once(
    with_ledger: Destination, conn: Connection, processes: ProcessPoolExecutor, _round: int
) -> None:
    race = Race(with_ledger, 1, soon())
    statuses = Counter(status for (status,) in processes.map(racer.load_all, [race] * PROCESSES))
    assert statuses == {"running": 1, "already_loaded": PROCESSES - 1}
    assert query(conn, "SELECT status, count(*) FROM landfall.load GROUP BY status ORDER BY status") == [
        ("already_loaded", PROCESSES - 1),
        ("loaded", 1),
    ]


def test_sweeping_meanwhile_harms_no_living_load(
    with_ledger: Destination, conn: Connection, processes: ProcessPoolExecutor
) -> None:
    race = Race(with_ledger, 60, soon())
    loading = [processes.submit(racer.load_all, race) for _ in range(PROCESSES - 2)]
    sweeping = [processes.submit(racer.sweep_on, race) for _ in range(2)]
    statuses = Counter(status for future in loading for status in future.result(timeout=120))
    assert [future.result(timeout=120) for future in sweeping] == [[], []]
    assert statuses == {"running": 60, "already_loaded": 60 * (PROCESSES - 3)}
    assert query(conn, "SELECT count(*) FROM landfall.load WHERE status NOT IN ('loaded', 'already_loaded')") == [(0,)]


def test_the_killed_are_swept_and_their_object_can_be_loaded(with_ledger: Destination, conn: Connection) -> None:
    races = [Race(with_ledger, number, soon()) for number in range(3)]
    killed = [FORKS.Process(target=racer.die_loading, args=(race,)) for race in races]
    for process in killed:
        process.start()
    for process in killed:
        process.join(60)
    assert [process.exitcode for process in killed] == [-9, -9, -9]
    assert query(conn, "SELECT count(*) FROM landfall.load WHERE load_id IS NOT NULL") == [(3,)]
    deadline = time.monotonic() + 30
    dead: list[Any] = []
    while len(dead) < 3 or query(conn, "SELECT FROM pg_tables WHERE schemaname = 'landfall_staging'"):
        assert time.monotonic() < deadline, "the server still holds a killed load's locks"
        dead += ledger.sweep(conn)
    assert query(conn, "SELECT status, error_kind, count(*) FROM landfall.load GROUP BY 1, 2") == [
        ("failed", "interrupted", 3)
    ]
    assert racer.load_all(Race(with_ledger, 3, 0)) == ["running"] * 3
