"""What processes that race for source objects do; run in processes of their own."""

from __future__ import annotations

import hashlib
import os
import random
import signal
import time
from contextlib import closing
from dataclasses import dataclass

from pipeline.contract.dataset import Column, ColumnType, Dataset, ReadOptions
from pipeline.load import ledger, staging
from pipeline.load.begin import SourceFacts, begin, release
from pipeline.load.connect import Destination, connect
from pipeline.load.copy import StagingWriter
from pipeline.load.staging import StagingTarget
from tests.integration.load.staged import reject_rows, valid_rows

COLUMNS = (Column("name", ColumnType("string", "text"), "name"),)
DATASET = Dataset("race", "1", "p", "c" * 64, "*", ReadOptions("csv"), "public", "t", COLUMNS, ("name",))


@dataclass(frozen=True)
class Race:
    """`objects`: how many; each process loads them all, beginning at `first_moment` (Unix time) in an order of its own."""

    destination: Destination
    objects: int
    first_moment: float


def object_facts(number: int) -> SourceFacts:
    """Source object `number`, always with the same content."""
    sha256 = hashlib.sha256(str(number).encode()).hexdigest()
    return SourceFacts(f"s3://landing/{number}.csv", sha256, 1, version=sha256)


def install(race: Race) -> str:
    """Create the ledger."""
    _wait(race)
    with closing(connect(race.destination, "racer", wait=30)) as conn:
        ledger.ensure(conn)
    return "installed"


def load_all(race: Race) -> list[str]:
    """Load every object, one after the other, as one process does. Returns the status of each."""
    with closing(connect(race.destination, "racer", wait=30)) as conn:
        _wait(race)
        return [_load(conn, race, number) for number in random.sample(range(race.objects), race.objects)]


def sweep_on(race: Race) -> list[str]:
    """Sweep again and again for three seconds. Returns the loads that were marked dead."""
    _wait(race)
    dead = []
    with closing(connect(race.destination, "racer", wait=30)) as conn:
        while time.time() < race.first_moment + 3:
            dead += [str(load_id) for load_id in ledger.sweep(conn)]
    return dead


def die_loading(race: Race) -> None:
    """Begin a load, stage half of it and be killed."""
    _wait(race)
    conn = connect(race.destination, "racer", wait=30)
    begun = begin(conn, object_facts(race.objects), DATASET, "sail", wait=30)
    writer = _stage(conn, race.destination, begun.load_id)
    time.sleep(0.2)
    os.kill(os.getpid(), signal.SIGKILL)
    writer.close()


def _load(conn, race, number) -> str:  # type: ignore[no-untyped-def]
    begun = begin(conn, object_facts(number), DATASET, "sail", wait=60)
    if begun.status == "running":
        _stage(conn, race.destination, begun.load_id).close()
        time.sleep(random.uniform(0, 0.02))
        with conn:
            staging.drop(conn, begun.load_id)
            ledger.finish(conn, begun.load_id, {"read": 1}, {}, {})
    release(conn, begun)
    return begun.status


def _stage(conn, destination, load_id) -> StagingWriter:  # type: ignore[no-untyped-def]
    target = StagingTarget(destination, load_id, (("name", "text"),))
    staging.create(conn, target)
    writer = StagingWriter(target)
    writer.write(valid_rows(name=["a"]), reject_rows(1), 0)
    return writer


def _wait(race: Race) -> None:
    time.sleep(max(0.0, race.first_moment - time.time()))
