"""Append and upsert on a real PostgreSQL: what is inserted, what is rewritten, what is left alone."""

from __future__ import annotations

from decimal import Decimal

from .conftest import ITEMS, KEYLESS, Bench, Raw, dataset

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


def test_upsert_rewrites_only_what_changed(bench: Bench) -> None:
    of = dataset("items", ITEMS, mode="upsert")
    bench.load(of, ROWS)
    before = dict(bench.table(of, "id, xmin::text"))
    published = bench.load(of, [ROWS[0], (2, "bee", Decimal("2.50")), (4, "cow", None)])
    after = dict(bench.table(of, "id, xmin::text"))
    assert {name: published.rows[name] for name in ("inserted", "updated", "unchanged")} == {
        "inserted": 1, "updated": 1, "unchanged": 1,
    }  # fmt: skip
    assert bench.table(of) == [ROWS[0], (2, "bee", Decimal("2.50")), ROWS[2], (4, "cow", None)]
    assert [before[key] == after[key] for key in (1, 2, 3)] == [True, False, True]


def test_append_without_a_key_adds_equal_rows(bench: Bench) -> None:
    of = dataset("logs", KEYLESS)
    bench.load(of, [("a", 1), ("a", 1)])
    published = bench.load(of, [("a", 1)])
    assert published.rows["inserted"] == 1
    assert len(bench.table(of)) == 3
