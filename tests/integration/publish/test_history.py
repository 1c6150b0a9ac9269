"""scd2: a changed row closes its current version and opens a new one."""

from __future__ import annotations

import pytest

from pipeline.errors import DestinationError, RefusedError

from .conftest import ITEMS, Bench, column, counts, dataset

VERSIONS = "id, name, _valid_from = _load_time, _valid_to IS NULL, _is_current"
DATED = (
    column("id", "int", key_position=1), column("name"), column("note"), column("since", "date", required=True),
)  # fmt: skip


def history(bench: Bench, of: object) -> list[tuple[object, ...]]:
    """All versions, oldest first: key, name, note or price, open, current."""
    return bench.query("SELECT id, name, _valid_to IS NULL, _is_current FROM shop.items ORDER BY id, _valid_from")


def test_a_change_closes_the_current_version_and_opens_one(bench: Bench) -> None:
    of = dataset("items", ITEMS, mode="scd2")
    bench.load(of, [(1, "ant", 1), (2, "bee", 2)])
    published = bench.load(of, [(1, "ant", 1), (2, "bat", 2), (3, "cow", 3)])
    assert counts(published) == {"inserted": 1, "updated": 1, "unchanged": 1}
    assert history(bench, of) == [
        (1, "ant", True, True), (2, "bee", False, False), (2, "bat", True, True), (3, "cow", True, True),
    ]  # fmt: skip


def test_versions_of_a_key_meet_without_gap_or_overlap(bench: Bench) -> None:
    of = dataset("items", ITEMS, mode="scd2")
    for name in ("a", "b", "c", "a"):
        bench.load(of, [(1, name, 1)])
    rows = bench.query("SELECT _valid_from, _valid_to FROM shop.items ORDER BY _valid_from")
    assert len(rows) == 4
    assert [end for _, end in rows] == [start for start, _ in rows[1:]] + [None]


def test_a_key_that_is_missing_from_a_file_stays_current(bench: Bench) -> None:
    of = dataset("items", ITEMS, mode="scd2")
    bench.load(of, [(1, "ant", 1), (2, "bee", 2)])
    assert counts(bench.load(of, [(1, "ant", 1)])) == {"unchanged": 1}
    assert history(bench, of) == [(1, "ant", True, True), (2, "bee", True, True)]


def test_an_untracked_column_is_overwritten_in_place(bench: Bench) -> None:
    of = dataset("items", ITEMS, mode="scd2", track_columns=("name",))
    bench.load(of, [(1, "ant", 1), (2, "bee", 2)])
    published = bench.load(of, [(1, "ant", 7), (2, "bat", 8)])
    assert counts(published) == {"updated": 2}
    found = bench.query("SELECT id, name, price FROM shop.items ORDER BY id, _valid_from")
    assert found == [(1, "ant", 7), (2, "bee", 2), (2, "bat", 8)]


def test_history_is_dated_by_the_declared_column(bench: Bench) -> None:
    of = dataset("items", DATED, mode="scd2", valid_from="since")
    bench.load(of, [(1, "ant", "x", "2024-01-01")])
    published = bench.load(of, [(1, "bee", "x", "2024-02-01")])
    assert counts(published) == {"updated": 1}
    found = bench.query("SELECT name, _valid_from::date::text, _valid_to::date::text FROM shop.items ORDER BY 2")
    assert found == [("ant", "2024-01-01", "2024-02-01"), ("bee", "2024-02-01", None)]


@pytest.mark.parametrize("day", ["2024-01-15", "2024-02-01"])
def test_history_out_of_order_is_refused(bench: Bench, day: str) -> None:
    of = dataset("items", DATED, mode="scd2", valid_from="since")
    bench.load(of, [(1, "ant", "x", "2024-02-01"), (2, "bee", "x", "2024-02-01")])
    before = bench.query("SELECT * FROM shop.items ORDER BY 1")
    with pytest.raises(RefusedError, match=r"1 rows \(the first on line 3\) would change shop\.items .* in order"):
        bench.load(of, [(2, "bee", "x", "2024-02-01"), (1, "old", "x", day)])
    assert bench.query("SELECT * FROM shop.items ORDER BY 1") == before


@pytest.mark.parametrize("name", ["old", "bee"])
def test_a_file_of_before_the_version_was_last_confirmed_is_refused(bench: Bench, name: str) -> None:
    of = dataset("items", DATED, mode="scd2", valid_from="since")
    bench.load(of, [(1, "bee", "x", "2024-01-01")], uri="file:///1.csv")
    bench.load(of, [(1, "bee", "x", "2024-02-01")], uri="file:///2.csv")
    with pytest.raises(RefusedError, match="history must be loaded in order"):
        bench.load(of, [(1, name, "x", "2024-01-15")], uri="file:///late.csv")


def test_an_older_file_again_is_refused(bench: Bench) -> None:
    of = dataset("items", ITEMS, mode="scd2")
    bench.load(of, [(1, "day one", 1)], uri="file:///1.csv")
    bench.load(of, [(1, "day two", 1)], uri="file:///2.csv")
    with pytest.raises(RefusedError, match=r"already loaded .* and newer files since"):
        bench.load(of, [(1, "day one", 1)], uri="file:///1.csv", force=True)
    assert history(bench, of) == [(1, "day one", False, False), (1, "day two", True, True)]


def test_old_values_in_a_new_file_are_a_new_version(bench: Bench) -> None:
    of = dataset("items", ITEMS, mode="scd2")
    for name in ("a", "b", "a"):
        bench.load(of, [(1, name, 1)])
    assert [row[1] for row in history(bench, of)] == ["a", "b", "a"]


@pytest.mark.parametrize(("first", "then"), [("scd2", "upsert"), ("upsert", "scd2")])
def test_a_table_with_history_is_no_table_without(bench: Bench, first: str, then: str) -> None:
    bench.load(dataset("items", ITEMS, mode=first), [(1, "ant", 1)])
    with pytest.raises(DestinationError, match=f"but the contract's load mode is {then}"):
        bench.load(dataset("items", ITEMS, mode=then), [(1, "bee", 1)])


def test_the_database_itself_allows_one_current_version_per_key(bench: Bench) -> None:
    of = dataset("items", ITEMS, mode="scd2")
    bench.load(of, [(1, "ant", 1)])
    with pytest.raises(Exception, match="duplicate key value violates unique constraint"):
        bench.query("INSERT INTO shop.items SELECT 1, 'x', 1, NULL, 2, now(), NULL, true")
