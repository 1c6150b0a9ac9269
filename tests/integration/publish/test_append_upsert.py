"""Append and upsert on a real PostgreSQL: what is inserted, what is rewritten, what is left alone."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from pipeline.errors import DestinationError
from pipeline.load import locks, straight
from pipeline.load.publishing import Publishing

from .conftest import ITEMS, KEYLESS, Bench, Raw, column, counts, dataset

ROWS = [(1, "ant", Decimal("1.00")), (2, "bee", Decimal("2.00")), (3, None, None)]


def test_append_creates_the_table_and_inserts(bench: Bench) -> None:
    of = dataset("items", ITEMS)
    published = bench.load(of, ROWS, structural=[Raw(9, b"1;2")], filtered=2)
    assert published.rows == {
        "read": 6, "inserted": 3, "updated": 0, "unchanged": 0, "deleted": 0, "duplicate": 0, "filtered": 2,
        "rejected": 1,
    }  # fmt: skip
    assert bench.table(of) == ROWS
    assert published.rejects_by_rule == {"structure": 1}
    assert bench.leftovers() == []


def test_every_row_names_its_load_and_line(bench: Bench) -> None:
    of = dataset("items", ITEMS)
    request = bench.stage(of, ROWS)
    bench.publish(request)
    assert bench.table(of, "id, _line, _load_id::text") == [
        (key, line, str(request.load_id)) for key, line in ((1, 2), (2, 3), (3, 4))
    ]


def test_append_without_a_key_adds_equal_rows(bench: Bench) -> None:
    of = dataset("logs", KEYLESS)
    bench.load(of, [("a", 1), ("a", 1)])
    published = bench.load(of, [("a", 1)])
    assert counts(published) == {"inserted": 1}
    assert len(bench.table(of)) == 3


def test_append_of_a_new_version_replaces_the_objects_earlier_rows(bench: Bench) -> None:
    of = dataset("items", ITEMS)
    bench.load(of, [(9, "other", 9)])
    bench.load(of, ROWS, uri="file:///a.csv")
    before = dict(bench.table(of, "id, xmin::text"))
    published = bench.load(of, [ROWS[0], (2, "bee", 3), (4, "cow", 4)], uri="file:///a.csv")
    assert counts(published) == {"inserted": 1, "updated": 1, "unchanged": 1, "deleted": 1}
    assert [row[0] for row in bench.table(of)] == [1, 2, 4, 9]
    after = dict(bench.table(of, "id, xmin::text"))
    assert (before[1], before[9]) == (after[1], after[9])


def test_append_of_a_new_version_without_a_key_compares_whole_rows(bench: Bench) -> None:
    of = dataset("logs", KEYLESS)
    bench.load(of, [("a", 1), ("other", 1)], uri="file:///other.csv")
    bench.load(of, [("a", 1), ("a", 1), ("b", None), ("c", 3)], uri="file:///a.csv")
    published = bench.load(of, [("a", 1), ("b", None), ("b", None)], uri="file:///a.csv")
    assert counts(published) == {"inserted": 1, "unchanged": 2, "deleted": 2}
    expected = [("a", 1), ("a", 1), ("b", None), ("b", None), ("other", 1)]
    assert bench.table(of) == expected


def test_append_rejects_a_key_that_another_object_brought(bench: Bench) -> None:
    of = dataset("items", ITEMS)
    bench.load(of, ROWS)
    request = bench.stage(of, [(3, "dup", None), (4, "new", None)])
    published = bench.publish(request)
    assert counts(published) == {"inserted": 1, "rejected": 1}
    assert published.rejects_by_rule == {"duplicate_key": 1}
    (reject,) = bench.rejects(request)
    assert (reject["line"], reject["column_name"], bytes(reject["raw"])) == (2, "id", b"raw 2")
    assert bench.table(of)[2] == (3, None, None)


def test_upsert_rewrites_only_what_changed(bench: Bench) -> None:
    of = dataset("items", ITEMS, mode="upsert")
    bench.load(of, ROWS)
    before = dict(bench.table(of, "id, xmin::text"))
    published = bench.load(of, [ROWS[0], (2, "bee", Decimal("2.50")), (4, "cow", None)])
    after = dict(bench.table(of, "id, xmin::text"))
    assert counts(published) == {"inserted": 1, "updated": 1, "unchanged": 1}
    assert bench.table(of) == [ROWS[0], (2, "bee", Decimal("2.50")), ROWS[2], (4, "cow", None)]
    assert [before[key] == after[key] for key in (1, 2, 3)] == [True, False, True]


@pytest.mark.parametrize(
    ("kind", "old", "new"),
    [
        ("text", "a", None), ("text", None, ""), ("text", "a", "a "), ("double precision", "0", "-0"),
        ("double precision", float("nan"), 1.0), ("jsonb", '{"a": 1}', '{"a": 1.0}'), ("text[]", ["a"], ["a", None]),
        ("char(3)", "abc", "abd"), ("bytea", b"\x00", b"\x01"), ("numeric", "1.0", "1.00"), ("boolean", True, False),
    ],
)  # fmt: skip
def test_upsert_sees_every_kind_of_change(bench: Bench, kind: str, old: Any, new: Any) -> None:
    of = dataset("kinds", [column("id", "bigint", key_position=1), column("value", kind)], mode="upsert")
    bench.load(of, [(1, old), (2, old)])
    assert counts(bench.load(of, [(1, new), (2, old)])) == {"updated": 1, "unchanged": 1}
    assert counts(bench.load(of, [(1, new), (2, old)], force=True)) == {"unchanged": 2}


def test_upsert_into_a_table_of_the_users_own_without_a_key(bench: Bench) -> None:
    of = dataset("items", ITEMS, mode="upsert")
    bench.query("CREATE SCHEMA shop; CREATE TABLE shop.items (id bigint, name text, price numeric(12,2), note text)")
    bench.query("INSERT INTO shop.items VALUES (1, 'old', 1, 'mine'), (2, 'bee', 2, 'too')")
    published = bench.load(of, [(1, "new", 1), (2, "bee", 2), (3, "cow", 3)])
    assert counts(published) == {"inserted": 1, "updated": 1, "unchanged": 1}
    assert bench.table(of, "id, name, note") == [(1, "new", "mine"), (2, "bee", "too"), (3, "cow", None)]


def test_upsert_refuses_a_table_with_two_rows_of_one_key(bench: Bench) -> None:
    of = dataset("items", ITEMS, mode="upsert")
    bench.query("CREATE SCHEMA shop; CREATE TABLE shop.items (id bigint, name text, price numeric(10,2))")
    bench.query("INSERT INTO shop.items VALUES (1, 'a', 1), (1, 'b', 1)")
    bench.query("CREATE UNIQUE INDEX ON shop.items (id) WHERE name = 'a'; CREATE UNIQUE INDEX ON shop.items (id, name)")
    with pytest.raises(DestinationError, match=r"shop\.items has several rows with one key \(id\)"):
        bench.load(of, ROWS)
    assert len(bench.table(of)) == 2


def test_upsert_of_a_table_that_is_all_key(bench: Bench) -> None:
    of = dataset("pairs", [column("a", key_position=1), column("b", "int", key_position=2)], mode="upsert")
    bench.load(of, [("x", 1), ("x", 2)])
    assert counts(bench.load(of, [("x", 2), ("y", 1)])) == {"inserted": 1, "unchanged": 1}


def test_any_unicode_name_of_63_bytes_works(bench: Bench) -> None:
    names = ['no "quotes" 100 %', "größe {x}", "数" * 21, "a'b;--", "present", "staged"]
    columns = [column(names[0], "int", key_position=1), *(column(name) for name in names[1:])]
    of = dataset("täble %s {0}", columns, schema='Sch"ema', mode="upsert", dedupe="`größe {x}` desc")
    bench.query('DROP SCHEMA IF EXISTS "Sch""ema" CASCADE')
    bench.load(of, [(1, "b", "c", "d", "e", "f"), (1, "a", "c", "d", "e", "f")])
    published = bench.load(of, [(1, "z", "c", "d", "e", "f"), (2, "b", "c", "d", "e", "f")])
    assert counts(published) == {"inserted": 1, "updated": 1}
    assert bench.query('SELECT "größe {x}" FROM "Sch""ema"."täble %s {0}" ORDER BY 1') == [("b",), ("z",)]


def test_a_join_that_lacks_shared_memory_runs_without_parallel_workers(bench: Bench) -> None:
    work = Publishing(bench.conn.cursor(), bench.stage(dataset("items", ITEMS), ROWS))
    work.run(
        "CREATE FUNCTION pg_temp.crowded() RETURNS text LANGUAGE plpgsql AS $$BEGIN"
        " IF current_setting('max_parallel_workers_per_gather') <> '0' THEN"
        " RAISE 'could not resize shared memory segment' USING ERRCODE = 'disk_full'; END IF; RETURN 'alone'; END$$"
    )
    assert work.heavy("SELECT pg_temp.crowded()") == [("alone",)]
    bench.conn.rollback()


def test_a_small_server_loads_with_its_own_memory_settings(bench: Bench) -> None:
    work = Publishing(bench.conn.cursor(), bench.stage(dataset("items", ITEMS), ROWS))
    locks.settle(work)
    kilobytes = int(work.one("SELECT setting FROM pg_settings WHERE name = 'work_mem'")[0])
    assert 65536 <= kilobytes <= 262144
    bench.conn.rollback()
    assert work.one("SELECT current_setting('lock_timeout')")[0] == "0"
    bench.conn.rollback()


@pytest.mark.parametrize("beyond", [0, 1])
def test_a_file_of_more_than_so_many_bytes_is_staged(bench: Bench, beyond: int) -> None:
    """Until it is read the table would be held, and other loads of it would wait."""
    request = bench.stage(dataset("lines", KEYLESS, mode="append"), [])
    begun = straight.begin(bench.conn, request, straight.MOST_BYTES + beyond, None)
    if begun is not None:
        begun.stop()
    assert (begun is None) == bool(beyond)
