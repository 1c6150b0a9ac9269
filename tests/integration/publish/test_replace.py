"""Replace: the file is the table's new content, or that of the partitions it has rows of."""

from __future__ import annotations

from typing import Any

import pytest

from pipeline.contract.dataset import Column

from .conftest import ITEMS, KEYLESS, Bench, column, counts, dataset

MONTHS = (column("month"), column("id", "int"), column("name"))
KEYED_MONTHS = (column("month"), column("id", "int", key_position=1), column("name"))


def test_replace_by_key_writes_only_differences(bench: Bench) -> None:
    of = dataset("items", ITEMS, mode="replace")
    bench.load(of, [(1, "ant", 1), (2, "bee", 2), (3, "cow", 3)])
    before = dict(bench.table(of, "id, xmin::text"))
    published = bench.load(of, [(1, "ant", 1), (2, "bat", 2), (4, "dog", 4)])
    assert counts(published) == {"inserted": 1, "updated": 1, "unchanged": 1, "deleted": 1}
    assert bench.table(of) == [(1, "ant", 1), (2, "bat", 2), (4, "dog", 4)]
    assert bench.table(of, "id, xmin::text")[0] == (1, before[1])


def test_replace_without_a_key_pairs_equal_rows(bench: Bench) -> None:
    of = dataset("logs", KEYLESS, mode="replace")
    bench.load(of, [("a", 1), ("a", 1), ("a", 1), (None, None), ("b", 2)])
    published = bench.load(of, [("a", 1), ("a", 1), (None, None), (None, None), ("c", 2)])
    assert counts(published) == {"inserted": 2, "unchanged": 3, "deleted": 2}
    assert bench.table(of) == [("a", 1), ("a", 1), ("c", 2), (None, None), (None, None)]


def test_replace_by_an_empty_file_empties_the_table(bench: Bench) -> None:
    of = dataset("items", ITEMS, mode="replace")
    bench.load(of, [(1, "ant", 1)])
    assert counts(bench.load(of, [])) == {"deleted": 1}
    assert bench.table(of) == []


@pytest.mark.parametrize("columns", [MONTHS, KEYED_MONTHS], ids=["keyless", "keyed"])
def test_replace_by_partition_leaves_the_others(bench: Bench, columns: tuple[Column, ...]) -> None:
    of = dataset("sales", columns, mode="replace", replace_by=("month",))
    bench.load(of, [("jan", 1, "a"), ("jan", 2, "b"), ("feb", 3, "c")])
    published = bench.load(of, [("jan", 1, "a"), ("jan", 4, "d"), ("mar", 5, "e")])
    assert counts(published) == {"inserted": 2, "unchanged": 1, "deleted": 1}
    assert bench.table(of) == [("feb", 3, "c"), ("jan", 1, "a"), ("jan", 4, "d"), ("mar", 5, "e")]


def test_a_missing_partition_value_is_a_partition(bench: Bench) -> None:
    of = dataset("sales", MONTHS, mode="replace", replace_by=("month",))
    bench.load(of, [(None, 1, "a"), ("feb", 2, "b")])
    assert counts(bench.load(of, [(None, 3, "c")])) == {"inserted": 1, "deleted": 1}
    assert bench.table(of) == [("feb", 2, "b"), (None, 3, "c")]


def test_replace_by_partition_rejects_a_key_of_another_partition(bench: Bench) -> None:
    of = dataset("sales", KEYED_MONTHS, mode="replace", replace_by=("month",))
    bench.load(of, [("jan", 1, "a"), ("feb", 2, "b")])
    published = bench.load(of, [("jan", 1, "a"), ("jan", 2, "taken")])
    assert counts(published) == {"unchanged": 1, "rejected": 1}
    assert bench.table(of) == [("feb", 2, "b"), ("jan", 1, "a")]


def test_a_partition_of_rejected_rows_only_is_not_replaced(bench: Bench) -> None:
    of = dataset("sales", KEYED_MONTHS, mode="replace", replace_by=("month",))
    bench.load(of, [("jan", 1, "a"), ("feb", 3, "c"), ("feb", 4, "d"), (None, 5, "e"), (None, 6, "f")])
    published = bench.load(
        of, [("feb", 1, "of jan"), ("mar", 4, "of feb, which stays"), ("mar", 8, "x"), (None, 9, "y")]
    )
    assert counts(published) == {"inserted": 2, "rejected": 2, "deleted": 2}
    assert bench.table(of) == [
        ("feb", 3, "c"), ("feb", 4, "d"), ("jan", 1, "a"), ("mar", 8, "x"), (None, 9, "y"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    "plan",
    [{"mode": "append"}, {"mode": "upsert"}, {"mode": "replace"}, {"mode": "replace", "replace_by": ("name",)},
     {"mode": "scd2"}],
    ids=["append", "upsert", "replace", "replaceBy", "scd2"],
)  # fmt: skip
def test_a_rerun_changes_nothing_in_any_mode(bench: Bench, plan: dict[str, Any]) -> None:
    of = dataset("items", ITEMS, **plan)
    rows = [(1, "ant", 1), (2, "bee", None), (3, None, 3)]
    bench.load(of, rows, uri="file:///a.csv")
    before = bench.table(of, "id, xmin::text, ctid::text, _load_id")
    again = bench.load(of, rows, uri="file:///a.csv", force=True)
    assert counts(again) == {"unchanged": 3}
    assert bench.table(of, "id, xmin::text, ctid::text, _load_id") == before


def test_replace_of_a_partitioned_table(bench: Bench) -> None:
    bench.query(
        "CREATE SCHEMA shop; CREATE TABLE shop.sales (month text, id int, name text) PARTITION BY LIST (month);"
        "CREATE TABLE shop.jan PARTITION OF shop.sales FOR VALUES IN ('jan');"
        "CREATE TABLE shop.rest PARTITION OF shop.sales DEFAULT"
    )
    of = dataset("sales", MONTHS, mode="replace")
    bench.load(of, [("jan", 1, "a"), ("feb", 1, "a"), ("mar", 2, "b")])
    published = bench.load(of, [("jan", 1, "a"), ("feb", 1, "b"), ("mar", 2, "b")])
    assert counts(published) == {"inserted": 1, "unchanged": 2, "deleted": 1}
    assert bench.table(of) == [("feb", 1, "b"), ("jan", 1, "a"), ("mar", 2, "b")]


@pytest.mark.parametrize("mode", ["upsert", "replace"])
def test_rows_at_the_same_place_of_two_partitions_are_told_apart(bench: Bench, mode: str) -> None:
    bench.query(
        "CREATE SCHEMA shop; CREATE TABLE shop.sales (month text, id int, name text, PRIMARY KEY (month, id))"
        " PARTITION BY LIST (month); CREATE TABLE shop.jan PARTITION OF shop.sales FOR VALUES IN ('jan');"
        "CREATE TABLE shop.rest PARTITION OF shop.sales DEFAULT"
    )
    columns = (column("month", key_position=1), column("id", "int", key_position=2), column("name"))
    of = dataset("sales", columns, mode=mode)
    bench.load(of, [("jan", 1, "a"), ("feb", 1, "a")])
    assert counts(bench.load(of, [("jan", 1, "b"), ("feb", 1, "a")])) == {"updated": 1, "unchanged": 1}
    assert bench.table(of) == [("feb", 1, "a"), ("jan", 1, "b")]
