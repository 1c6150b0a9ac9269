"""All or nothing, and one at a time: readers, writers and other loads while a load is published."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pipeline.contract.dataset import Evolution
from pipeline.errors import TransientError
from pipeline.load import locks, straight
from pipeline.load.publish import publish

from .conftest import ITEMS, KEYLESS, Bench, column, counts, dataset

OLD = [(key, "old", 1) for key in range(300)]
NEW = [(key, "new", 1) for key in range(100, 400)]


@contextmanager
def slowly(bench: Bench, table: str = "shop.items") -> Iterator[None]:
    """Every 50th row written waits a little, so that there is time to look."""
    bench.query(
        "CREATE FUNCTION shop.wait() RETURNS trigger LANGUAGE plpgsql AS "
        "'BEGIN IF random() < 0.02 THEN PERFORM pg_sleep(0.02); END IF; RETURN coalesce(NEW, OLD); END';"
        f"CREATE TRIGGER slow BEFORE INSERT OR UPDATE OR DELETE ON {table} FOR EACH ROW EXECUTE FUNCTION shop.wait()"
    )
    yield


@pytest.mark.parametrize("mode", ["append", "upsert", "replace", "scd2"])
def test_a_reader_never_sees_half_a_load(bench: Bench, mode: str) -> None:
    of = dataset("items", ITEMS, mode=mode)
    bench.load(of, OLD, uri="file:///a.csv")
    looking, seen = threading.Event(), set()
    look = "SELECT count(*), count(*) FILTER (WHERE name = 'new') FROM shop.items"

    def watch() -> None:
        session = bench.connect()
        session.autocommit = True
        with session.cursor() as cursor:
            while not looking.is_set():
                cursor.execute(look)
                seen.add(cursor.fetchone())

    before = bench.query(look)[0]
    with slowly(bench):
        reader = threading.Thread(target=watch)
        reader.start()
        bench.load(of, NEW, uri="file:///a.csv")
        after = bench.query(look)[0]
        looking.set()
        reader.join()
    assert before == (300, 0) and after[1] == 300
    assert before in seen and seen <= {before, after}


def test_two_loads_at_once_into_one_new_table(bench: Bench) -> None:
    of = dataset("items", ITEMS, mode="upsert")
    other = Bench(bench.destination, bench.connect(), files=100)
    requests = [(bench, bench.stage(of, OLD)), (other, other.stage(of, NEW))]
    found: list[Any] = []
    threads = [threading.Thread(target=lambda pair=pair: found.append(pair[0].publish(pair[1]))) for pair in requests]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    totals = [counts(published) for published in found]
    assert sorted(total.get("inserted", 0) for total in totals) == [100, 300]
    assert sorted(total.get("updated", 0) for total in totals) == [0, 200]
    assert bench.query("SELECT count(*) FROM shop.items") == [(400,)]


def test_a_table_that_appears_while_its_lock_is_taken_is_locked_too(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody makes it after the question whether it is there; the rows of the load would meet its writers."""
    of = dataset("items", ITEMS, mode="upsert")
    bench.load(of, OLD)
    answers = iter([False, True])
    monkeypatch.setattr("pipeline.load.table.exists", lambda *_: next(answers))
    assert counts(bench.load(of, NEW)) == {"inserted": 100, "updated": 200}
    assert list(answers) == []


def test_first_loads_into_a_new_schema_wait_for_each_other(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first holds the schema for as long as its file is read; the second is staged, and tries more than once."""
    monkeypatch.setattr(locks, "TRY_MILLISECONDS", 100)
    other = Bench(bench.destination, bench.connect(), files=100)
    first = straight.begin(bench.conn, bench.stage(dataset("one", KEYLESS, schema="fresh"), []), 1, None)
    assert first is not None
    request = other.stage(dataset("two", KEYLESS, schema="fresh"), [("a", 1)])
    assert straight.begin(other.conn, request, 1, None) is None
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(other.publish, request)
        time.sleep(0.5)
        assert not waiting.done()
        first.stop()
        assert counts(waiting.result(30)) == {"inserted": 1}


def test_where_no_socket_can_be_rows_of_other_processes_are_staged(bench: Bench) -> None:
    request = bench.stage(dataset("items", KEYLESS), [("a", 1)])
    assert straight.begin(bench.conn, request, 1, Path("/nowhere")) is None
    assert counts(bench.publish(request)) == {"inserted": 1}


def test_an_open_reader_does_not_hold_up_a_load(bench: Bench) -> None:
    of = dataset("items", ITEMS, mode="replace")
    bench.load(of, OLD)
    with bench.connect().cursor() as reading:
        reading.execute("SELECT count(*) FROM shop.items")
        assert counts(bench.load(of, NEW, lock_wait=0.5))["deleted"] == 100


def test_an_open_writer_makes_the_load_wait_and_then_give_up(bench: Bench) -> None:
    of = dataset("items", ITEMS, mode="upsert")
    bench.load(of, OLD)
    session = bench.connect()
    request = bench.stage(of, NEW, lock_wait=0.5)
    with session.cursor() as writing:
        writing.execute("UPDATE shop.items SET name = 'mine' WHERE id = 1")
        with pytest.raises(TransientError, match=r"shop\.items has been in use by another load or writer"):
            publish(bench.conn, request)
        session.rollback()
    assert bench.query("SELECT count(*) FROM shop.items WHERE name = 'old'") == [(300,)]
    assert bench.ledger(request.load_id)["status"] == "running"
    assert counts(bench.publish(request)) == {"inserted": 100, "updated": 200}


def test_a_load_goes_on_when_the_writer_is_done(bench: Bench) -> None:
    of = dataset("items", ITEMS, mode="upsert")
    bench.load(of, OLD)
    session = bench.connect()
    with session.cursor() as writing:
        writing.execute("UPDATE shop.items SET name = 'mine' WHERE id = 1")
    threading.Timer(0.5, session.commit).start()
    started = time.monotonic()
    assert counts(bench.load(of, OLD[:2])) == {"updated": 1, "unchanged": 1}
    assert time.monotonic() - started > 0.4


def test_appending_without_a_key_does_not_wait_for_writers(bench: Bench) -> None:
    of = dataset("logs", (column("name"),))
    bench.load(of, [("a",)])
    with bench.connect().cursor() as writing:
        writing.execute("INSERT INTO shop.logs VALUES ('mine')")
        assert counts(bench.load(of, [("b",)], lock_wait=0.5)) == {"inserted": 1}


def test_replacing_an_objects_rows_without_a_key_waits_for_writers(bench: Bench) -> None:
    of = dataset("logs", (column("name"),))
    bench.load(of, [("a",)], uri="file:///a.csv")
    with bench.connect().cursor() as writing:
        writing.execute("UPDATE shop.logs SET name = 'mine'")
        with pytest.raises(TransientError, match="in use"):
            bench.load(of, [("b",)], uri="file:///a.csv", lock_wait=0.5)


def test_a_new_column_waits_for_readers(bench: Bench) -> None:
    bench.load(dataset("items", ITEMS, mode="upsert"), OLD)
    session = bench.connect()
    with session.cursor() as reading:
        reading.execute("SELECT count(*) FROM shop.items")
    threading.Timer(0.5, session.rollback).start()
    wider = dataset("items", (*ITEMS, column("size", "int")), mode="upsert", evolution=Evolution("add"))
    assert counts(bench.load(wider, [(1, "old", 1, 7)])) == {"updated": 1}


def test_a_cancelled_publish_writes_nothing(bench: Bench) -> None:
    of = dataset("items", ITEMS, mode="upsert")
    bench.load(of, OLD)
    request = bench.stage(of, NEW)
    bench.query(
        "CREATE FUNCTION shop.hang() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_sleep(60); RETURN NEW; END';"
        "CREATE TRIGGER hang BEFORE INSERT ON shop.items FOR EACH ROW EXECUTE FUNCTION shop.hang()"
    )
    sleeping = "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE wait_event = 'PgSleep' AND query LIKE '%shop%items%')"

    def cancel() -> None:
        while bench.query(sleeping) != [(True,)]:
            time.sleep(0.05)
        bench.conn.cancel()

    canceller = threading.Thread(target=cancel)
    canceller.start()
    with pytest.raises(TransientError, match="cancelled"):
        publish(bench.conn, request)
    canceller.join()
    assert bench.query("SELECT DISTINCT name FROM shop.items") == [("old",)]
    assert bench.ledger(request.load_id)["status"] == "running"


def test_a_load_that_was_given_up_is_not_published(bench: Bench) -> None:
    of = dataset("items", ITEMS)
    request = bench.stage(of, OLD)
    bench.query(f"UPDATE landfall.load SET status = 'failed' WHERE load_id = '{request.load_id}'")
    with pytest.raises(TransientError, match="Nothing was published"):
        bench.publish(replace(request, lock_wait=1))
    assert bench.query("SELECT to_regclass('shop.items')") == [(None,)]
