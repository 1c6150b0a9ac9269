"""The table made from a contract, and what becomes of it when the contract grows."""

from __future__ import annotations

from typing import Any

import pytest

from pipeline.contract.dataset import Column, Dataset, Evolution
from pipeline.errors import RefusedError
from pipeline.load import ddl
from pipeline.load.publish import PublishFailedError

from .conftest import ITEMS, Bench, column, counts, dataset

WIDEN = Evolution(type_change="widen")
SHAPE = """
    SELECT attname::text, format_type(atttypid, atttypmod), attnotnull FROM pg_attribute
    WHERE attrelid = 'shop.items'::regclass AND attnum > 0 AND NOT attisdropped ORDER BY attnum
"""
ROWS = [(1, "ant", 1)]


def typed(kind: str, **plan: Any) -> Dataset:
    """A dataset with one value column."""
    return dataset("items", (column("id", "bigint", key_position=1), column("value", kind)), mode="upsert", **plan)


def test_a_table_is_made_from_the_contract(bench: Bench) -> None:
    columns = (ITEMS[0], column("name", required=True, description="What it is called"), ITEMS[2])
    of = dataset("items", columns, description="All the items")
    published = bench.load(of, ROWS)
    assert bench.query(SHAPE) == [
        ("id", "bigint", True), ("name", "text", True), ("price", "numeric(10,2)", False), ("_load_id", "uuid", False),
        ("_line", "bigint", False),
    ]  # fmt: skip
    assert bench.query(
        "SELECT obj_description('shop.items'::regclass), col_description('shop.items'::regclass, 2)"
    ) == [("All the items", "What it is called")]
    with bench.conn.cursor() as cursor:
        promised = ddl.statements(of, cursor)
    assert sorted(published.ddl) == sorted(promised)


def test_a_made_table_is_the_ledgers_ddl(bench: Bench) -> None:
    bench.query("CREATE SCHEMA shop")
    assert not any("SCHEMA" in statement for statement in bench.load(dataset("items", ITEMS), ROWS).ddl)
    assert bench.load(dataset("items", ITEMS), [(2, "bee", 2)]).ddl == ()


def test_a_role_without_rights_to_make_schemas_can_load_into_one(bench: Bench) -> None:
    bench.query(
        "DROP ROLE IF EXISTS loader; CREATE ROLE loader; CREATE SCHEMA shop; GRANT ALL ON SCHEMA shop TO loader"
    )
    bench.query(
        "GRANT USAGE, CREATE ON SCHEMA landfall, landfall_staging TO loader;"
        "GRANT ALL ON ALL TABLES IN SCHEMA landfall TO loader"
    )
    with bench.conn, bench.conn.cursor() as cursor:
        cursor.execute("SET ROLE loader")
    assert counts(bench.load(dataset("items", ITEMS), ROWS)) == {"inserted": 1}


def test_added_columns_of_the_file_arrive_as_text(bench: Bench) -> None:
    bench.load(dataset("items", ITEMS, mode="upsert"), [*ROWS, (2, "bee", 2)])
    wider = dataset("items", (*ITEMS, column("colour")), mode="upsert")
    published = bench.load(wider, [(1, "ant", 1, "red"), (3, "cow", 3, None)], added=("colour",))
    assert published.ddl == ('ALTER TABLE "shop"."items" ADD COLUMN "colour" text',)
    assert counts(published) == {"inserted": 1, "updated": 1}
    assert bench.table(wider, "id, colour") == [(1, "red"), (2, None), (3, None)]


def test_a_file_without_the_added_column_leaves_its_values(bench: Bench) -> None:
    wider = dataset("items", (*ITEMS, column("colour")), mode="upsert")
    bench.load(wider, [(1, "ant", 1, "red")], added=("colour",))
    bench.load(dataset("items", ITEMS, mode="upsert"), [(1, "ant", 2), (2, "bee", 2)])
    assert bench.table(wider, "id, price, colour") == [(1, 2, "red"), (2, 2, None)]


@pytest.mark.parametrize("filled", [True, False])
def test_a_new_column_of_the_contract_is_required_only_in_an_empty_table(bench: Bench, filled: bool) -> None:
    bench.load(dataset("items", ITEMS), ROWS if filled else [])
    bench.load(dataset("items", (*ITEMS, column("size", "int", required=True))), [(2, "bee", 2, 5)])
    assert ("size", "integer", not filled) in bench.query(SHAPE)


def test_a_table_of_the_users_own_gets_provenance(bench: Bench) -> None:
    bench.query("CREATE SCHEMA shop; CREATE TABLE shop.items (id bigint PRIMARY KEY, name text, price numeric(10,2))")
    published = bench.load(dataset("items", ITEMS), ROWS)
    assert [statement.split("ADD")[1] for statement in published.ddl] == [
        ' COLUMN "_load_id" uuid', ' COLUMN "_line" bigint',
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("old", "new", "value"),
    [
        ("smallint", "integer", 70_000), ("smallint", "bigint", 1 << 40), ("integer", "bigint", 1 << 40),
        ("integer", "numeric(12,2)", "1.50"), ("numeric(10,2)", "numeric(14,4)", "12345.6789"),
        ("numeric(10,2)", "numeric", "0.123456789"), ("varchar(3)", "varchar(9)", "abcdef"), ("varchar(3)", "text", "abcdef"),
        ("char(3)", "varchar(5)", "abcd"), ("char(3)", "char(5)", "abcde"), ("real", "double precision", 0.1),
    ],
)  # fmt: skip
def test_a_type_is_widened_when_the_contract_says_so(bench: Bench, old: str, new: str, value: object) -> None:
    bench.load(typed(old), [(1, 1), (2, None)])
    with pytest.raises(RefusedError, match=r"set load\.evolution\.typeChange to widen in the contract, or run: ALTER"):
        bench.load(typed(new), [(3, value)])
    published = bench.load(typed(new, evolution=WIDEN), [(3, value)])
    assert len(published.ddl) == 1 and "ALTER COLUMN" in published.ddl[0]
    assert counts(bench.load(typed(new), [(3, value)], force=True)) == {"unchanged": 1}


@pytest.mark.parametrize(
    ("table", "contract", "value"),
    [("bigint", "smallint", 5), ("text", "varchar(3)", "abc"), ("varchar(9)", "varchar(3)", "abc"),
     ("numeric(14,4)", "numeric(10,2)", "1.50"), ("numeric", "numeric(10,2)", "1.50"), ("double precision", "real", 0.1),
     ("numeric(12,2)", "integer", 5)],
)  # fmt: skip
def test_a_table_wider_than_the_contract_is_fine(bench: Bench, table: str, contract: str, value: object) -> None:
    bench.load(typed(table), [])
    assert bench.load(typed(contract), [(1, value)]).ddl == ()
    assert counts(bench.load(typed(contract), [(1, value), (2, value)])) == {"inserted": 1, "unchanged": 1}


@pytest.mark.parametrize(
    ("table", "contract"),
    [("text", "integer"), ("integer", "text"), ("numeric(10,2)", "numeric(10,4)"),
     ("timestamp", "timestamptz"), ("date", "timestamp"), ("double precision", "numeric(10,2)"),
     ("integer", "numeric(10,2)"), ("text", "text[]")],
)  # fmt: skip
def test_types_that_do_not_fit_are_refused(bench: Bench, table: str, contract: str) -> None:
    bench.load(typed(table), [])
    with pytest.raises(RefusedError, match="one cannot become the other without touching values"):
        bench.load(typed(contract, evolution=WIDEN), [(1, None)])


def test_a_view_on_a_column_to_be_widened_stays_and_is_named(bench: Bench) -> None:
    bench.load(typed("integer"), [(1, 1)])
    bench.query("CREATE VIEW shop.totals AS SELECT sum(value) FROM shop.items")
    with pytest.raises(PublishFailedError, match="used by a view or rule"):
        bench.load(typed("bigint", evolution=WIDEN), [(2, 2)])
    assert bench.query("SELECT * FROM shop.totals") == [(1,)]


def test_a_refused_load_leaves_the_table_as_it_was(bench: Bench) -> None:
    bench.load(dataset("items", ITEMS), ROWS)
    bench.query("ALTER TABLE shop.items ADD CONSTRAINT cheap CHECK (price < 10)")
    before = bench.query(SHAPE)
    wider: tuple[Column, ...] = (*ITEMS, column("size", "int"))
    with pytest.raises(PublishFailedError) as failure:
        bench.load(dataset("items", wider), [(2, "elk", 99, 1)])
    assert bench.query(SHAPE) == before
    assert failure.value.published.ddl == ()
