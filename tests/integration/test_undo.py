"""`landfall undo`: the table is as it was before the load, or nothing happens and the message says why."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pipeline.load.connect import Connection
from tests.integration.command_line import Done, run
from tests.integration.loader import Loader

Contract = Callable[..., Path]
Query = Callable[..., list[tuple[Any, ...]]]
Undo = Callable[..., Done]

COLUMNS = [
    "{name: id, logicalType: integer, primaryKey: true}",
    "{name: name, logicalType: string}",
    "{name: score, logicalType: number, physicalType: DOUBLE PRECISION}",
    "{name: price, logicalType: number, physicalType: 'NUMERIC(10,4)'}",
    "{name: seen, logicalType: timestamp, logicalTypeOptions: {timezone: true}}",
    "{name: facts, logicalType: object, physicalType: JSONB}",
    "{name: plain, logicalType: object, physicalType: JSON}",
]
HEADER = "id,name,score,price,seen,facts,plain\n"
ANT = '1,ant,0.1,1.5000,2026-01-02T03:04:05.123456Z,null,"{""b"":1,  ""a"":2, ""a"":3}"\n'
BEE = '2,"b\\e""e\n",-0,2,2026-03-29T01:30:00+02:00,"[1, ""x""]",null\n'
COW = "3,cow,,,,,\n"
KEYLESS = [column.replace(", primaryKey: true", "") for column in COLUMNS]


@pytest.fixture
def undo(sail: Loader) -> Undo:
    url = sail.destination.url.render_as_string(hide_password=False)
    return lambda *arguments: run("undo", *arguments, "--database-url", url)


@pytest.fixture
def table(rows: Query) -> Callable[[str], list[tuple[Any, ...]]]:
    """All of a table as its types write it, so that nothing that differs looks equal."""
    return lambda schema: rows(f"SELECT t::text FROM {schema}.target t ORDER BY 1")


def write(path: Path, *records: str) -> Path:
    path.write_text(HEADER + "".join(records))
    return path


@pytest.mark.parametrize(
    ("name", "columns", "load", "same_object"),
    [
        ("append", COLUMNS, "{mode: append}", True),
        ("append_keyless", KEYLESS, "{mode: append}", True),
        ("upsert", COLUMNS, "{mode: upsert}", False),
        ("replaced", COLUMNS, "{mode: replace}", False),
        ("replaced_keyless", KEYLESS, "{mode: replace}", False),
        ("replaced_by", COLUMNS, "{mode: replace, replaceBy: [name]}", False),
        ("history", COLUMNS, "{mode: scd2}", False),
    ],
)
def test_the_table_is_as_it_was_and_the_file_loads_again(
    sail: Loader, contract: Contract, tmp_path: Path, undo: Undo, table: Any, rows: Query,
    name: str, columns: list[str], load: str, same_object: bool,
) -> None:  # fmt: skip
    schema = f"undo_{name}"
    items = contract(schema, columns, load=load)
    sail.one(write(tmp_path / "a.csv", ANT, BEE), items)
    before = table(schema)
    second = write(tmp_path / ("a.csv" if same_object else "b.csv"), ANT.replace("0.1", "NaN"), COW)
    loaded = sail.one(second, items)
    assert loaded.error is None
    after = table(schema)
    assert after != before
    done = undo(loaded.load_id, "--json")
    assert done.code == 0, done.err
    assert table(schema) == before
    counts = json.loads(done.out)
    opened = loaded.rows["updated"] if name == "history" else 0
    assert counts["removed"] == loaded.rows["inserted"] + opened
    assert counts["restored"] == loaded.rows["updated"]
    assert counts["brought_back"] == loaded.rows["deleted"]
    assert rows("SELECT status FROM landfall.load WHERE load_id = %s", loaded.load_id) == [("undone",)]
    assert "nothing to do" in undo(loaded.load_id).out
    again = sail.one(second, items)
    assert (again.status, again.rows) == ("loaded", loaded.rows)
    assert len(table(schema)) == len(after)


def test_a_schema_may_hold_dots(sail: Loader, contract: Contract, tmp_path: Path, undo: Undo, rows: Query) -> None:
    items = contract("undo_a.b", COLUMNS, load="{mode: upsert}")
    sail.one(write(tmp_path / "a.csv", ANT), items)
    second = sail.one(write(tmp_path / "b.csv", ANT.replace("ant", "ape"), BEE), items)
    done = undo(second.load_id)
    assert done.code == 0, done.err
    assert rows('SELECT name FROM "undo_a.b".target') == [("ant",)]


def test_a_plain_append_keeps_no_images_and_can_be_undone(
    sail: Loader, contract: Contract, tmp_path: Path, undo: Undo, table: Any, rows: Query
) -> None:
    items = contract("undo_plain", COLUMNS)
    sail.one(write(tmp_path / "a.csv", ANT), items)
    before = table("undo_plain")
    second = sail.one(write(tmp_path / "b.csv", BEE), items)
    third = sail.one(write(tmp_path / "c.csv", COW), items)
    assert rows("SELECT count(*) FROM landfall.before_image WHERE target = 'undo_plain.target'") == [(0,)]
    assert undo(second.load_id).code == 0
    assert undo(third.load_id).code == 0
    assert table("undo_plain") == before


def test_refuses_and_names_keys_and_loads_when_a_later_load_changed_rows(
    sail: Loader, contract: Contract, tmp_path: Path, undo: Undo, table: Any
) -> None:
    items = contract("undo_touched", COLUMNS, load="{mode: upsert}")
    first = sail.one(write(tmp_path / "a.csv", ANT, COW), items)
    second = sail.one(write(tmp_path / "b.csv", ANT.replace("ant", "ape"), BEE), items)
    before = table("undo_touched")
    done = undo(first.load_id)
    assert done.code == 65
    assert f"were changed since by load {second.load_id} (the first: id=1)" in done.err
    assert table("undo_touched") == before
    assert undo(second.load_id).code == 0
    assert undo(first.load_id).code == 0
    assert table("undo_touched") == []


def test_refuses_when_a_later_version_of_a_history_closed_its_rows(
    sail: Loader, contract: Contract, tmp_path: Path, undo: Undo
) -> None:
    items = contract("undo_closed", COLUMNS, load="{mode: scd2}")
    first = sail.one(write(tmp_path / "a.csv", ANT), items)
    second = sail.one(write(tmp_path / "b.csv", ANT.replace("ant", "ape")), items)
    done = undo(first.load_id)
    assert done.code == 65
    assert second.load_id in done.err


def test_refuses_when_a_later_load_relies_on_its_rows(
    sail: Loader, contract: Contract, tmp_path: Path, undo: Undo
) -> None:
    items = contract("undo_relied", COLUMNS, load="{mode: upsert}")
    first = sail.one(write(tmp_path / "a.csv", ANT), items)
    second = sail.one(write(tmp_path / "b.csv", ANT, COW), items)
    assert second.rows["unchanged"] == 1
    done = undo(first.load_id)
    assert done.code == 65
    assert f"load {second.load_id} of file://{tmp_path}/b.csv came later and relies on rows" in done.err


@pytest.mark.parametrize("mode", ["append", "upsert"])
def test_refuses_while_another_object_was_told_that_its_bytes_are_in(
    sail: Loader, contract: Contract, tmp_path: Path, undo: Undo, table: Any, mode: str
) -> None:
    schema = f"undo_told_{mode}"
    items = contract(schema, COLUMNS if mode == "upsert" else KEYLESS, load=f"{{mode: {mode}}}")
    first = sail.one(write(tmp_path / "a.csv", ANT), items)
    other = write(tmp_path / "b.csv", ANT)
    told = sail.one(other, items)
    assert (told.status, told.previous_load) == ("already_loaded", first.load_id)
    done = undo(first.load_id)
    assert done.code == 65
    assert f"file://{other} has the same bytes, and was answered already_loaded (load {told.load_id})" in done.err
    assert len(table(schema)) == 1
    own = sail.one(other, items, force=True)
    assert own.status == "loaded"
    if mode == "upsert":  # nothing was left to write, so the row is still the first load's
        assert undo(own.load_id).code == 0
    assert undo(first.load_id).code == 0
    assert len(table(schema)) == (mode == "append")


def test_refuses_when_no_images_were_kept_or_rows_were_changed_by_hand(
    sail: Loader, contract: Contract, tmp_path: Path, undo: Undo, conn: Connection
) -> None:
    items = contract("undo_off", COLUMNS, load="{mode: upsert, undo: {keepDays: 0}}")
    first = sail.one(write(tmp_path / "a.csv", ANT), items)
    second = sail.one(write(tmp_path / "b.csv", ANT.replace("ant", "ape")), items)
    done = undo(second.load_id)
    assert done.code == 65
    assert "changed 1 rows of undo_off.target, of which 0 were kept" in done.err
    with conn, conn.cursor() as cursor:
        cursor.execute("DELETE FROM undo_off.target")
    assert "of the 1 rows that load" in undo(first.load_id).err
    assert "is not a load id" in undo("x").err


def test_images_expire(sail: Loader, contract: Contract, tmp_path: Path, conn: Connection, rows: Query) -> None:
    items = contract("undo_old", COLUMNS, load="{mode: upsert, undo: {keepDays: 1}}")
    sail.one(write(tmp_path / "a.csv", ANT), items)
    sail.one(write(tmp_path / "b.csv", ANT.replace("ant", "ape")), items)
    kept = "SELECT count(*) FROM landfall.before_image WHERE target = 'undo_old.target'"
    assert rows(kept) == [(1,)]
    with conn, conn.cursor() as cursor:
        cursor.execute(
            "INSERT INTO landfall.before_image VALUES"
            " ('01900000-0000-7000-8000-000000000000', 'undo_old.target', NULL, 'update', '{}')"
        )
    sail.one(write(tmp_path / "c.csv", BEE), items)
    assert rows(kept) == [(1,)]


def test_yours_stays_yours(
    sail: Loader, contract: Contract, tmp_path: Path, undo: Undo, conn: Connection, rows: Query
) -> None:
    items = contract("undo_yours", COLUMNS, load="{mode: replace}")
    sail.one(write(tmp_path / "a.csv", ANT, BEE), items)
    with conn, conn.cursor() as cursor:
        cursor.execute(
            "ALTER TABLE undo_yours.target ADD note text, ADD n bigint GENERATED ALWAYS AS IDENTITY,"
            " ADD twice bigint GENERATED ALWAYS AS (id * 2) STORED;"
            "UPDATE undo_yours.target SET note = 'mine';"
            "CREATE VIEW undo_yours.names AS SELECT name FROM undo_yours.target;"
            "CREATE TABLE undo_yours.child (id bigint REFERENCES undo_yours.target);"
            "INSERT INTO undo_yours.child VALUES (1)"
        )
    select = "SELECT id, name, note, n, twice FROM undo_yours.target ORDER BY id"
    before = rows(select)
    loaded = sail.one(write(tmp_path / "b.csv", ANT.replace("ant", "ape"), COW), items)
    assert (loaded.rows["inserted"], loaded.rows["updated"], loaded.rows["deleted"]) == (1, 1, 1)
    with conn, conn.cursor() as cursor:
        cursor.execute("UPDATE undo_yours.target SET note = 'later' WHERE id = 1")
    done = undo(loaded.load_id)
    assert done.code == 0, done.err
    assert rows(select) == [(*before[0][:2], "later", *before[0][3:]), before[1]]
    assert rows("SELECT count(*) FROM undo_yours.names") == [(2,)]
    again = sail.one(tmp_path / "b.csv", items)
    with conn, conn.cursor() as cursor:
        cursor.execute("INSERT INTO undo_yours.child VALUES (3)")
    done = undo(again.load_id)
    assert done.code == 65
    assert "child" in done.err
    assert len(rows(select)) == 2
