"""Eight processes that load at the same time: each object once, nobody in another's way, nobody sees half a file."""

from __future__ import annotations

import json
import random
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from psycopg2 import sql

from pipeline.load.connect import Connection, Destination, connect
from tests.faults.worker import Order, Outcome, Worker
from tests.figures import record
from tests.integration.s3.conftest import aws, bucket, moto, s3  # noqa: F401 - fixtures

Contract = Callable[..., Path]
Query = Callable[..., list[tuple[Any, ...]]]

PROCESSES = 8
OBJECTS = 50
ROWS = 200  # of each file
STEP = 20  # files' keys overlap: each begins so many keys after the one before
KEYED = ["{name: id, logicalType: integer, primaryKey: true}", "{name: file, logicalType: integer}"]
KEYLESS = ["{name: id, logicalType: integer}", "{name: file, logicalType: integer}"]


@pytest.fixture(scope="module")
def workers() -> Iterator[list[Worker]]:
    """Eight processes, their engines running."""
    started = [Worker() for _ in range(PROCESSES)]
    yield started
    for worker in started:
        worker.close()


def content(number: int) -> str:
    """File `number`: some keys that no other file has, and many that its neighbours have, too."""
    first = number * STEP
    return "id,file\n" + "".join(f"{key},{number}\n" for key in range(first, first + ROWS))


def files(directory: Path, objects: int = OBJECTS) -> list[str]:
    """The paths of the files, written."""
    paths = [directory / f"{number}.csv" for number in range(objects)]
    for number, path in enumerate(paths):
        path.write_text(content(number))
    return [str(path) for path in paths]


def at_once(workers: list[Worker], database: Destination, contract: Path, sources: list[list[str]]) -> list[Outcome]:
    """What becomes of loading `sources`, a list for each process, all begun together."""
    url = database.url.render_as_string(hide_password=False)
    for worker, mine in zip(workers, sources, strict=True):
        worker.begin(Order(tuple(mine), contract, url))
    return [worker.end() for worker in workers]


def shuffled(sources: list[str]) -> list[list[str]]:
    """All of them for each process, in an order of its own."""
    chance = random.Random(8)
    return [chance.sample(sources, len(sources)) for _ in range(PROCESSES)]


def statuses(outcomes: list[Outcome]) -> Counter[str]:
    return Counter(status for outcome in outcomes for status in outcome.statuses)


class Reader:
    """Another session that looks at the target again and again. `seen`: the numbers of rows that loads ever had."""

    def __init__(self, database: Destination, schema: str) -> None:
        self.seen: set[int] = set()
        self.looks = 0
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._look_on, args=(database, schema))

    def __enter__(self) -> Reader:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join()

    def _look_on(self, database: Destination, schema: str) -> None:
        query = sql.SQL("SELECT count(*) FROM {} GROUP BY _load_id").format(sql.Identifier(schema, "target"))
        with closing(connect(database, "reader")) as conn:
            conn.autocommit = True
            while not self._done.wait(0.002):
                with conn.cursor() as cursor:
                    cursor.execute("SELECT to_regclass(%s)", (f"{schema}.target",))
                    if cursor.fetchone() != (None,):
                        cursor.execute(query)
                        self.seen |= {rows for (rows,) in cursor.fetchall()}
                        self.looks += 1


@pytest.mark.parametrize("mode", ["append", "upsert", "replace", "scd2"])
def test_promise_2_one_object_from_eight_processes_is_loaded_once(
    mode: str, workers: list[Worker], database: Destination, contract: Contract, tmp_path: Path, rows: Query
) -> None:
    name = f"one_{mode}"
    (path,) = files(tmp_path, 1)
    outcomes = at_once(
        workers, database, contract(name, KEYED, load=f"{{mode: {mode}}}"), [[path] for _ in range(PROCESSES)]
    )
    assert statuses(outcomes) == {"loaded": 1, "already_loaded": PROCESSES - 1}
    assert {outcome.code for outcome in outcomes} == {0}
    assert rows(f"SELECT count(*), count(DISTINCT id), count(DISTINCT _load_id) FROM {name}.target") == [
        (ROWS, ROWS, 1)
    ]
    record("Concurrency", f"one object, {mode}", processes=PROCESSES, objects=1, attempted=PROCESSES, loaded=1)


def test_promise_3_readers_see_whole_files_while_eight_processes_append_fifty(
    workers: list[Worker], database: Destination, contract: Contract, tmp_path: Path, rows: Query
) -> None:
    of = contract("fifty_append", KEYLESS, load="{mode: append}")
    with Reader(database, "fifty_append") as reader:
        outcomes = at_once(workers, database, of, shuffled(files(tmp_path)))
    assert statuses(outcomes) == {"loaded": OBJECTS, "already_loaded": OBJECTS * (PROCESSES - 1)}
    assert rows("SELECT count(*), count(DISTINCT (file, id)) FROM fifty_append.target") == [(OBJECTS * ROWS,) * 2]
    assert reader.seen == {ROWS}
    assert reader.looks > 10
    record(
        "Concurrency", "many objects, append, and a reader", processes=PROCESSES, objects=OBJECTS,
        attempted=OBJECTS * PROCESSES, loaded=OBJECTS, reads=reader.looks, partial_files_seen=0,
    )  # fmt: skip


@pytest.mark.parametrize("mode", ["upsert", "scd2"])
def test_promise_2_the_load_published_last_wins_each_key(
    mode: str, workers: list[Worker], database: Destination, contract: Contract, tmp_path: Path, rows: Query
) -> None:
    name = f"fifty_{mode}"
    outcomes = at_once(workers, database, contract(name, KEYED, load=f"{{mode: {mode}}}"), shuffled(files(tmp_path)))
    assert statuses(outcomes) == {"loaded": OBJECTS, "already_loaded": OBJECTS * (PROCESSES - 1)}
    order = rows(
        "SELECT substring(uri FROM '([0-9]+)[.]csv$')::int FROM landfall.load WHERE dataset = %s AND status = 'loaded'"
        " ORDER BY finished_at",
        name,
    )
    expected = {key: number for (number,) in order for key in range(number * STEP, number * STEP + ROWS)}
    current = "WHERE _is_current" if mode == "scd2" else ""
    assert dict(rows(f"SELECT id, file FROM {name}.target {current}")) == expected
    assert rows(f"SELECT count(*) FROM {name}.target {current}") == [(len(expected),)]
    assert rows("SELECT count(*) FROM landfall.load WHERE dataset = %s AND status = 'failed'", name) == [(0,)]
    record(
        "Concurrency", f"many objects with the same keys, {mode}", processes=PROCESSES, objects=OBJECTS,
        attempted=OBJECTS * PROCESSES, loaded=OBJECTS, deadlocks=0,
    )  # fmt: skip


def test_promise_2_of_an_objects_versions_the_later_sequencer_wins(
    workers: list[Worker], database: Destination, contract: Contract, conn: Connection, rows: Query,
    s3: Any, bucket: Callable[..., str], aws: dict[str, str],  # noqa: F811
) -> None:  # fmt: skip
    landing, versions = bucket(), 20
    of = contract("versions", KEYED, load="{mode: upsert}")
    of.write_text(of.read_text().replace("s3://landing/", f"s3://{landing}/"))
    events = []
    for number in range(versions):
        put = s3.put_object(Bucket=landing, Key="items.csv", Body=content(number).encode())
        events.append(
            {"bucket": landing, "key": "items.csv", "versionId": put["VersionId"], "sequencer": f"{number:016X}"}
        )
    chance = random.Random(20)
    url = database.url.render_as_string(hide_password=False)
    for worker in workers:
        mine = json.dumps(chance.sample(events, versions))
        worker.begin(Order((), of, url, objects=mine, environment=tuple(aws.items())))
    found = statuses([worker.end() for worker in workers])
    assert set(found) == {"loaded", "already_loaded", "stale"}
    assert sum(found.values()) == versions * PROCESSES
    loaded = rows(
        "SELECT sequencer FROM landfall.load WHERE dataset = 'versions' AND status = 'loaded' ORDER BY finished_at"
    )
    assert loaded == sorted(loaded)
    assert loaded[-1] == (f"{versions - 1:016X}",)
    newest = versions - 1
    assert rows("SELECT DISTINCT file FROM versions.target WHERE id >= %s", newest * STEP) == [(newest,)]
    record("Concurrency", "versions of one object, out of order, upsert", processes=PROCESSES, objects=versions,
           attempted=versions * PROCESSES, loaded=found["loaded"], stale=found["stale"])  # fmt: skip


@pytest.mark.parametrize(("same_content", "loaded"), [("skip", 1), ("load", PROCESSES)])
def test_promise_2_the_same_bytes_under_eight_names(
    same_content: str, loaded: int, workers: list[Worker], database: Destination, contract: Contract, tmp_path: Path,
    rows: Query,
) -> None:  # fmt: skip
    name = f"same_{same_content}"
    of = contract(name, KEYLESS, load=f"{{mode: append, sameContent: {same_content}}}")
    paths = [tmp_path / f"name_{number}.csv" for number in range(PROCESSES)]
    for path in paths:
        path.write_text(content(0))
    outcomes = at_once(workers, database, of, [[str(path)] for path in paths])
    assert statuses(outcomes)["loaded"] == loaded
    assert rows(f"SELECT count(*) FROM {name}.target") == [(loaded * ROWS,)]
    receipts = [receipt for outcome in outcomes for receipt in outcome.receipts]
    others = {receipt["previous_load"] for receipt in receipts if receipt["status"] == "already_loaded"}
    if same_content == "skip":
        assert others == {receipt["load_id"] for receipt in receipts if receipt["status"] == "loaded"}
