"""When the contract or the table says no: nothing is published, the rejects and the reason are kept."""

from __future__ import annotations

import json

import pytest

from pipeline.contract.dataset import Budget
from pipeline.errors import BalanceError, DestinationError, RefusedError
from pipeline.load.copy import Confirmation
from pipeline.load.publish import PublishFailedError, PublishRefusedError
from pipeline.load.staging import StagingTarget

from .conftest import ITEMS, Bench, Raw, column, counts, dataset

ROWS = [(1, "ant", 1), (2, "bee", 2), (3, "cow", 3)]


@pytest.mark.parametrize(
    ("budget", "refused"),
    [(Budget(25, "percent"), False), (Budget(24.9, "percent"), True), (Budget(1, "rows"), False),
     (Budget(0, "rows"), True), (Budget(0, "percent"), True)],
)  # fmt: skip
def test_the_budget_is_rows_or_a_share_of_the_rows_read(bench: Bench, budget: Budget, refused: bool) -> None:
    request = bench.stage(dataset("items", ITEMS, budget=budget), ROWS, rejects=[(5, "price", "type")])
    if not refused:
        assert counts(bench.publish(request)) == {"inserted": 3, "rejected": 1}
        return
    with pytest.raises(RefusedError, match=r"1 of 4 rows were rejected \(25\.00 percent\)"):
        bench.publish(request)


def test_a_refused_load_keeps_its_rejects_and_publishes_nothing(bench: Bench) -> None:
    of = dataset("items", ITEMS, budget=Budget(2, "rows"), mode="upsert")
    bench.load(of, ROWS)
    before = bench.table(of, "id, xmin::text")
    rows = [(1, "changed", 1), (7, "x", 1), (7, "y", 1)]
    request = bench.stage(of, rows, rejects=[(5, "price", "type")], structural=[Raw(6, b'"torn')])
    with pytest.raises(PublishRefusedError) as refusal:
        bench.publish(request)
    assert bench.table(of, "id, xmin::text") == before
    assert refusal.value.published.rejects_by_rule == {"duplicate_key": 2, "structure": 1, "type": 1}
    found = [(each["line"], each["rule"], bytes(each["raw"])) for each in bench.rejects(request)]
    assert found == [
        (3, "duplicate_key", b"raw 3"), (4, "duplicate_key", b"raw 4"), (5, "type", b"raw 5"), (6, "structure", b'"torn'),
    ]  # fmt: skip
    row = bench.ledger(request.load_id)
    assert (row["status"], row["rows_read"], row["rows_rejected"], row["rows_inserted"]) == ("refused", 5, 4, 0)
    assert row["error_kind"] == "refused" and "more than the contract allows" in row["error_message"]
    assert bench.leftovers() == []


def test_rejects_found_against_the_table_count_for_the_budget(bench: Bench) -> None:
    of = dataset("items", ITEMS, budget=Budget(0, "rows"))
    bench.load(of, ROWS)
    request = bench.stage(of, [(3, "again", 3), (4, "dog", 4)])
    with pytest.raises(RefusedError):
        bench.publish(request)
    assert [each["rule"] for each in bench.rejects(request)] == ["duplicate_key"]
    assert len(bench.table(of)) == 3


def test_rejects_are_kept_as_sent(bench: Bench) -> None:
    request = bench.stage(dataset("items", ITEMS), ROWS, structural=[Raw(9, b"\xff\x00;\\\t\r\n'quote'")])
    bench.publish(request)
    (reject,) = bench.rejects(request)
    assert bytes(reject["raw"]) == b"\xff\x00;\\\t\r\n'quote'"
    assert reject["raw_text"] == "\\xff\\x00;\\\t\r\n'quote'"
    assert (reject["status"], reject["ordinal"], reject["column_name"]) == ("open", 1, None)
    assert reject["reasons"] == [{"column": None, "rule": "structure", "message": "2 fields instead of 3"}]


def test_rows_of_one_record_are_told_apart(bench: Bench) -> None:
    request = bench.stage(dataset("items", ITEMS), ROWS, rejects=[(5, "price", "type"), (5, "name", "length")])
    bench.publish(request)
    assert sorted((each["line"], each["ordinal"]) for each in bench.rejects(request)) == [(5, 1), (5, 2)]


def test_raw_records_are_asked_for_once_in_order(bench: Bench) -> None:
    asked: list[int] = []

    def raw_records(lines):  # type: ignore[no-untyped-def]
        for line in lines:
            asked.append(line)
            if line != 7:
                yield line, b"found"

    lines = [9, 7, 8, 9]
    request = bench.stage(
        dataset("items", ITEMS), ROWS, rejects=[(line, None, "row_rule") for line in lines], raw_records=raw_records
    )
    bench.publish(request)
    assert asked == [7, 8, 9]
    assert [each["raw"] is None for each in bench.rejects(request)] == [True, False, False, False]


def test_only_confirmed_attempts_are_published(bench: Bench) -> None:
    of = dataset("items", ITEMS)
    request = bench.stage(of, ROWS)
    target = StagingTarget(bench.destination, request.load_id, tuple((each.name, each.type.sql) for each in of.columns))
    bench.fill(target, ROWS, rejects=[(9, None, "type")], attempt=2)
    published = bench.publish(request)
    assert counts(published) == {"inserted": 3}


def test_a_confirmation_that_staging_denies_is_a_bug(bench: Bench) -> None:
    of = dataset("items", ITEMS)
    request = bench.stage(of, ROWS, confirmations=(Confirmation(1, 4, 0, 0),), read=4)
    with pytest.raises(BalanceError, match=r"reported \[4\] rows, but the staging table has \[3\]"):
        bench.publish(request)


def test_a_row_that_is_read_but_not_accounted_for_stops_the_load(bench: Bench) -> None:
    of = dataset("items", ITEMS)
    bench.load(of, [(9, "old", 9)])
    request = bench.stage(of, ROWS, read=4)
    with pytest.raises(BalanceError, match="4 rows were read but 3 are accounted for"):
        bench.publish(request)
    assert bench.table(of) == [(9, "old", 9)]
    assert bench.ledger(request.load_id)["status"] == "running"


def test_a_check_constraint_of_the_users_is_named_and_nothing_published(bench: Bench) -> None:
    of = dataset("items", ITEMS, mode="upsert")
    bench.load(of, ROWS)
    bench.query("ALTER TABLE shop.items ADD CONSTRAINT affordable CHECK (price < 10)")
    request = bench.stage(of, [(1, "ant", 5), (4, "elk", 99)], rejects=[(8, "price", "type")])
    with pytest.raises(PublishFailedError, match=r"check constraint affordable of shop\.items"):
        bench.publish(request)
    assert bench.table(of) == ROWS
    assert (bench.ledger(request.load_id)["status"], len(bench.rejects(request))) == ("failed", 1)


def test_a_foreign_key_and_a_not_null_of_the_users_are_named(bench: Bench) -> None:
    of = dataset("items", ITEMS, mode="replace")
    bench.load(of, ROWS)
    bench.query(
        "CREATE TABLE shop.sales (item bigint CONSTRAINT sold REFERENCES shop.items); INSERT INTO shop.sales VALUES (2)"
    )
    with pytest.raises(DestinationError, match=r"foreign key constraint sold of shop\.sales"):
        bench.load(of, ROWS[:1])
    bench.query("ALTER TABLE shop.items ADD COLUMN owner text NOT NULL DEFAULT 'me'")
    bench.query("ALTER TABLE shop.items ALTER COLUMN owner DROP DEFAULT")
    with pytest.raises(DestinationError, match=r"not-null constraint owner of shop\.items"):
        bench.load(of, [*ROWS, (4, "dog", 4)])
    assert bench.table(of) == ROWS


def test_a_deferred_constraint_is_met_before_the_load_counts(bench: Bench) -> None:
    of = dataset("items", ITEMS, mode="replace")
    bench.load(of, ROWS)
    bench.query(
        "CREATE TABLE shop.sales (item bigint CONSTRAINT sold REFERENCES shop.items DEFERRABLE INITIALLY DEFERRED);"
        "INSERT INTO shop.sales VALUES (2)"
    )
    with pytest.raises(PublishFailedError, match="foreign key constraint sold"):
        bench.load(of, ROWS[:1])
    assert bench.table(of) == ROWS


@pytest.mark.parametrize("event", ["INSERT", "UPDATE", "DELETE"])
def test_a_trigger_that_swallows_rows_is_named(bench: Bench, event: str) -> None:
    of = dataset("items", ITEMS, mode="replace")
    bench.load(of, ROWS)
    bench.query(
        "CREATE FUNCTION shop.swallow() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';"
        f"CREATE TRIGGER greedy BEFORE {event} ON shop.items FOR EACH ROW EXECUTE FUNCTION shop.swallow()"
    )
    with pytest.raises(DestinationError, match="trigger or rule greedy"):
        bench.load(of, [(1, "ant", 1), (2, "bat", 2), (4, "dog", 4)])
    assert bench.table(of) == ROWS


def test_a_trigger_that_raises_names_its_function(bench: Bench) -> None:
    of = dataset("items", ITEMS)
    bench.load(of, ROWS)
    bench.query(
        "CREATE FUNCTION shop.forbid() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN RAISE 'secret %', NEW.name; END$$;"
        "CREATE TRIGGER guard BEFORE INSERT ON shop.items FOR EACH ROW EXECUTE FUNCTION shop.forbid()"
    )
    with pytest.raises(DestinationError, match=r"guard") as failure:
        bench.load(of, [(4, "dog", 4)])
    assert "shop.forbid()" in str(failure.value)


def test_no_value_of_a_restricted_column_is_told(bench: Bench) -> None:
    of = dataset("items", (ITEMS[0], column("name", restricted=True), ITEMS[2]))
    bench.load(of, ROWS)
    bench.query("ALTER TABLE shop.items ADD CONSTRAINT short CHECK (length(name) < 5)")
    with pytest.raises(DestinationError) as failure:
        bench.load(of, [(4, "hunter2-secret", 4)])
    assert "short" in str(failure.value) and "hunter2" not in str(failure.value)


@pytest.mark.parametrize(
    ("made", "kind"),
    [("CREATE VIEW shop.items AS SELECT 1::bigint AS id", "a view"),
     ("CREATE MATERIALIZED VIEW shop.items AS SELECT 1 AS id", "a materialized view")],
)  # fmt: skip
def test_what_is_no_table_is_refused(bench: Bench, made: str, kind: str) -> None:
    bench.query(f"CREATE SCHEMA shop; {made}")
    with pytest.raises(DestinationError, match=rf"shop\.items is {kind}"):
        bench.load(dataset("items", ITEMS), ROWS)


def test_the_receipt_is_kept_with_the_load(bench: Bench) -> None:
    request = bench.stage(dataset("items", ITEMS), ROWS, receipt={"engine": "sail"})
    published = bench.publish(request)
    row = bench.ledger(request.load_id)
    assert row["status"] == "loaded"
    assert row["receipt"]["engine"] == "sail"
    assert row["receipt"]["rows"] == published.rows
    assert json.loads(json.dumps(row["rejects_by_rule"])) == {}
    assert "CREATE TABLE" in row["receipt"]["ddl"][1]
