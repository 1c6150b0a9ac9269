"""One key, or one value of a unique column, on several lines of a file, or in file and table."""

from __future__ import annotations

import pytest

from pipeline.errors import ContractError

from .conftest import ITEMS, KEYLESS, Bench, column, counts, dataset

ACCOUNTS = (column("id", "int", key_position=1), column("email", unique=True))


def test_equal_rows_with_one_key_count_as_duplicates(bench: Bench) -> None:
    of = dataset("items", ITEMS)
    published = bench.load(of, [(1, "ant", None), (2, "bee", 2), (1, "ant", None), (1, "ant", None)])
    assert counts(published) == {"inserted": 2, "duplicate": 2}
    assert bench.table(of, "id, _line") == [(1, 2), (2, 3)]


def test_differing_rows_with_one_key_are_all_rejected(bench: Bench) -> None:
    of = dataset("items", ITEMS)
    request = bench.stage(of, [(1, "ant", 1), (2, "bee", 2), (1, "axe", 1), (1, "ant", 1)])
    published = bench.publish(request)
    assert counts(published) == {"inserted": 1, "rejected": 3}
    found = bench.rejects(request)
    assert [(each["line"], each["rule"], each["column_name"]) for each in found] == [
        (2, "duplicate_key", "id"), (4, "duplicate_key", "id"), (5, "duplicate_key", "id"),
    ]  # fmt: skip
    assert "on lines 2, 4, 5 with different values" in found[0]["message"]
    assert found[0]["reasons"] == [{"column": "id", "rule": "duplicate_key", "message": found[0]["message"]}]
    assert bytes(found[2]["raw"]) == b"raw 5"


def test_many_lines_of_one_key_are_not_all_named(bench: Bench) -> None:
    of = dataset("items", ITEMS)
    request = bench.stage(of, [(1, str(number), 1) for number in range(9)])
    bench.publish(request)
    assert "on lines 2, 3, 4, 5, 6 and 4 more with" in bench.rejects(request)[0]["message"]


def test_equal_and_differing_groups_are_told_apart(bench: Bench) -> None:
    of = dataset("items", ITEMS)
    published = bench.load(of, [(1, "a", 1), (1, "a", 1), (2, "b", 1), (2, "c", 1), (3, "d", 1)])
    assert counts(published) == {"inserted": 2, "duplicate": 1, "rejected": 2}


@pytest.mark.parametrize(
    ("dedupe", "winner"),
    [("price desc", "dear"), ("price", "cheap"), ('"price" DESC NULLS LAST, name asc', "dear"), ("name desc", "none"),
     ("_line", "cheap"), ("price nulls first", "none")],
)  # fmt: skip
def test_dedupe_says_which_row_wins(bench: Bench, dedupe: str, winner: str) -> None:
    of = dataset("items", ITEMS, mode="upsert", dedupe=dedupe)
    rows = [(1, "cheap", 1), (1, "dear", 9), (1, "none", None), (2, "other", 1)]
    if dedupe == "price desc":
        rows[2] = (1, "none", 0)
    published = bench.load(of, rows)
    assert counts(published) == {"inserted": 2, "duplicate": 2}
    assert bench.table(of)[0][1] == winner


def test_of_rows_that_tie_the_later_line_wins(bench: Bench) -> None:
    of = dataset("items", ITEMS, mode="upsert", dedupe="price")
    bench.load(of, [(1, "first", 1), (1, "last", 1)])
    assert bench.table(of) == [(1, "last", 1)]


@pytest.mark.parametrize("dedupe", ["nonsense desc", "price; DROP TABLE x", "lower(name)", "price sideways"])
def test_a_dedupe_term_that_is_no_column_is_a_mistake(bench: Bench, dedupe: str) -> None:
    of = dataset("items", ITEMS, mode="upsert", dedupe=dedupe)
    with pytest.raises(ContractError, match=r"load\.dedupe has the term"):
        bench.load(of, [(1, "a", 1), (1, "b", 1)])


def test_a_key_of_several_columns(bench: Bench) -> None:
    columns = (column("a", key_position=2), column("b", key_position=1), column("c"))
    request = bench.stage(dataset("pairs", columns), [("x", "y", 1), ("x", "z", 1), ("x", "y", 2)])
    published = bench.publish(request)
    assert counts(published) == {"inserted": 1, "rejected": 2}
    (first, _) = bench.rejects(request)
    assert first["column_name"] is None
    assert "the key (b, a) is on lines 2, 4" in first["message"]


def test_keys_too_long_for_an_index_are_still_compared(bench: Bench) -> None:
    long = "".join(chr(0x4E00 + number % 7919 * 31 % 19997) for number in range(4000))
    bench.query("CREATE SCHEMA shop; CREATE TABLE shop.texts (t text, n int)")
    of = dataset("texts", (column("t", key_position=1), column("n", "int")), mode="upsert")
    published = bench.load(of, [(long, 1), (long + "x", 2), (long, 1)])
    assert counts(published) == {"inserted": 2, "duplicate": 1}


def test_without_a_key_equal_rows_are_all_kept(bench: Bench) -> None:
    assert counts(bench.load(dataset("logs", KEYLESS), [("a", 1), ("a", 1)])) == {"inserted": 2}


def test_a_unique_value_on_several_lines_is_rejected(bench: Bench) -> None:
    of = dataset("accounts", ACCOUNTS)
    request = bench.stage(of, [(1, "a@x"), (2, "b@x"), (3, "a@x"), (4, None), (5, None)])
    published = bench.publish(request)
    assert counts(published) == {"inserted": 3, "rejected": 2}
    assert published.rejects_by_rule == {"unique": 2}
    assert "the value of email is on lines 2, 4" in bench.rejects(request)[0]["message"]


@pytest.mark.parametrize("mode", ["append", "upsert", "scd2"])
def test_a_unique_value_that_another_row_holds_is_rejected(bench: Bench, mode: str) -> None:
    of = dataset("accounts", ACCOUNTS, mode=mode)
    bench.load(of, [(1, "a@x"), (2, "b@x")])
    published = bench.load(of, [(3, "a@x"), (4, "c@x")])
    assert counts(published) == {"inserted": 1, "rejected": 1}
    assert bench.table(of) == [(1, "a@x"), (2, "b@x"), (4, "c@x")]


def test_a_value_of_a_closed_version_is_free(bench: Bench) -> None:
    of = dataset("accounts", ACCOUNTS, mode="scd2")
    bench.load(of, [(1, "a@x")])
    bench.load(of, [(1, "b@x")])
    assert counts(bench.load(of, [(2, "a@x")])) == {"inserted": 1}


def test_unique_values_may_change_hands_in_one_file(bench: Bench) -> None:
    of = dataset("accounts", ACCOUNTS, mode="upsert")
    bench.load(of, [(1, "a@x"), (2, "b@x")])
    assert counts(bench.load(of, [(1, "b@x"), (2, "a@x")])) == {"updated": 2}


def test_a_rejected_change_does_not_free_its_value(bench: Bench) -> None:
    of = dataset("accounts", ACCOUNTS, mode="upsert")
    bench.load(of, [(1, "a@x"), (2, "b@x"), (3, "c@x")])
    published = bench.load(of, [(1, "c@x"), (2, "a@x"), (4, "b@x")])
    assert counts(published) == {"rejected": 3}
    assert bench.table(of) == [(1, "a@x"), (2, "b@x"), (3, "c@x")]


def test_in_replace_the_old_rows_hold_no_values(bench: Bench) -> None:
    of = dataset("accounts", ACCOUNTS, mode="replace")
    bench.load(of, [(1, "a@x")])
    assert counts(bench.load(of, [(2, "a@x")])) == {"inserted": 1, "deleted": 1}
