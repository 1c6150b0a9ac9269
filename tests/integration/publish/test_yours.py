"""Your table stays yours: views, grants, indexes, foreign keys, triggers and comments survive every mode."""

from __future__ import annotations

from typing import Any

import pytest

from .conftest import ITEMS, Bench, counts, dataset

MODES = {
    "append": {"mode": "append"},
    "upsert": {"mode": "upsert"},
    "replace": {"mode": "replace"},
    "replaceBy": {"mode": "replace", "replace_by": ("name",)},
    "scd2": {"mode": "scd2"},
}
OBJECTS = """
    SELECT 'index ' || indexdef FROM pg_indexes WHERE schemaname = 'shop'
    UNION ALL SELECT 'view ' || definition FROM pg_views WHERE schemaname = 'shop'
    UNION ALL SELECT 'constraint ' || conname || pg_get_constraintdef(oid) FROM pg_constraint
              WHERE connamespace = 'shop'::regnamespace
    UNION ALL SELECT 'trigger ' || tgname FROM pg_trigger WHERE tgrelid = 'shop.items'::regclass
    UNION ALL SELECT 'grants ' || relacl::text FROM pg_class WHERE oid = 'shop.items'::regclass
    UNION ALL SELECT 'table ' || oid || obj_description(oid) FROM pg_class WHERE oid = 'shop.items'::regclass
    ORDER BY 1
"""


@pytest.mark.parametrize("plan", MODES.values(), ids=MODES.keys())
def test_everything_on_the_table_survives(bench: Bench, plan: dict[str, Any]) -> None:
    of = dataset("items", ITEMS, **plan)
    bench.load(of, [(1, "ant", 1), (2, "bee", 2), (3, "cow", 3)], uri="file:///a.csv")
    key = "(id, _valid_from)" if plan["mode"] == "scd2" else "(id)"
    child = "item bigint, since timestamptz, FOREIGN KEY (item, since)" if "scd2" in plan.values() else (
        "item bigint, FOREIGN KEY (item)"
    )  # fmt: skip
    since = ", _valid_from" if plan["mode"] == "scd2" else ""
    bench.query(
        f"""CREATE VIEW shop.cheap AS SELECT id, name FROM shop.items WHERE price < 3;
        CREATE INDEX by_price ON shop.items (price DESC) WHERE name IS NOT NULL;
        ALTER TABLE shop.items ADD CONSTRAINT positive CHECK (price > 0);
        CREATE TABLE shop.sales ({child} REFERENCES shop.items {key});
        INSERT INTO shop.sales SELECT id{since} FROM shop.items WHERE id = 1;
        CREATE TABLE shop.seen (id bigint);
        CREATE FUNCTION shop.see() RETURNS trigger LANGUAGE plpgsql AS
            'BEGIN INSERT INTO shop.seen VALUES (NEW.id); RETURN NEW; END';
        CREATE TRIGGER watch AFTER INSERT OR UPDATE ON shop.items FOR EACH ROW EXECUTE FUNCTION shop.see();
        GRANT SELECT ON shop.items TO PUBLIC;
        COMMENT ON TABLE shop.items IS 'mine'"""
    )
    before = bench.query(OBJECTS)
    published = bench.load(of, [(1, "ant", 1), (2, "bee", 9), (4, "dog", 4)], uri="file:///a.csv")
    assert bench.query(OBJECTS) == before
    assert counts(published)["updated"] == 1 and counts(published)["inserted"] == 1
    assert bench.query("SELECT DISTINCT id FROM shop.seen ORDER BY 1") == [(2,), (4,)]
    assert bench.query("SELECT item FROM shop.sales") == [(1,)]


def test_columns_of_your_own_are_left_alone(bench: Bench) -> None:
    of = dataset("items", ITEMS, mode="replace")
    bench.load(of, [(1, "ant", 1), (2, "bee", 2)])
    bench.query("ALTER TABLE shop.items ADD COLUMN note text DEFAULT 'new'; UPDATE shop.items SET note = 'mine'")
    bench.load(of, [(1, "ant", 9), (2, "bee", 2), (3, "cow", 3)])
    assert bench.table(of, "id, note") == [(1, "mine"), (2, "mine"), (3, "new")]


def test_unchanged_rows_are_not_locked_or_rewritten(bench: Bench) -> None:
    of = dataset("items", ITEMS, mode="upsert")
    bench.load(of, [(key, "x", key) for key in range(1000)])
    before = dict(bench.table(of, "id, xmin::text || xmax::text || ctid::text"))
    bench.load(of, [(key, "x", 7 if key == 500 else key) for key in range(1000)])
    after = dict(bench.table(of, "id, xmin::text || xmax::text || ctid::text"))
    assert [key for key in before if before[key] != after[key]] == [500]
