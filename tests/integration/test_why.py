"""`landfall why`: which file, line and load set a row."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from pipeline.load.connect import Connection
from tests.integration.command_line import Done, run
from tests.integration.loader import Loader

Contract = Callable[..., Path]

ITEMS = [
    "{name: shop, logicalType: string, primaryKey: true, primaryKeyPosition: 1}",
    "{name: id, logicalType: integer, primaryKey: true, primaryKeyPosition: 2}",
    "{name: name, logicalType: string}",
]


@pytest.fixture
def why(sail: Loader) -> Callable[..., Done]:
    url = sail.destination.url.render_as_string(hide_password=False)
    return lambda *arguments: run("why", *arguments, "--database-url", url)


def write(path: Path, *records: str) -> Path:
    path.write_text("shop,id,name\n" + "".join(f"{record}\n" for record in records))
    return path


def test_names_file_line_and_load_of_now_and_before(
    sail: Loader, contract: Contract, tmp_path: Path, why: Callable[..., Done]
) -> None:
    items = contract("why_upsert", ITEMS, load="{mode: upsert}")
    first = sail.one(write(tmp_path / "a.csv", "x,1,ant", '"y,z",2,bee'), items)
    second = sail.one(write(tmp_path / "b.csv", "x,3,cow", "x,1,ape"), items)
    done = why("why_upsert.target", "x", "1")
    assert done.code == 0, done.err
    _, now, before = done.out.splitlines()
    assert now.startswith(f"  now: line 3 of file://{tmp_path}/b.csv, load {second.load_id}, 2")
    assert now.endswith("UTC, contract why_upsert 1.0.0")
    assert before.startswith("  before (changed 2")
    assert f"by load {second.load_id}): line 2 of file://{tmp_path}/a.csv, load {first.load_id}" in before
    (only,) = json.loads(why("why_upsert.target", "shop=y,z,id=2", "--json").out)
    assert (only["load_id"], only["line"], only["ended_by"]) == (first.load_id, 3, None)
    named = json.loads(why("why_upsert.target", "name=ape", "--json").out)
    assert [each["load_id"] for each in named] == [second.load_id]


def test_tells_of_a_row_that_is_gone(
    sail: Loader, contract: Contract, tmp_path: Path, why: Callable[..., Done]
) -> None:
    items = contract("why_replace", ITEMS, load="{mode: replace}")
    sail.one(write(tmp_path / "a.csv", "x,1,ant", "x,2,bee"), items)
    second = sail.one(write(tmp_path / "b.csv", "x,1,ant"), items)
    done = why("why_replace.target", "x", "2")
    assert "no longer there: deleted 2" in done.out
    assert f"by load {second.load_id}" in done.out
    assert f"line 3 of file://{tmp_path}/a.csv" in done.out


def test_shows_each_version_of_a_history_once(
    sail: Loader, contract: Contract, tmp_path: Path, why: Callable[..., Done]
) -> None:
    items = contract("why_history", ITEMS, load="{mode: scd2}")
    first = sail.one(write(tmp_path / "a.csv", "x,1,ant"), items)
    second = sail.one(write(tmp_path / "b.csv", "x,1,ape"), items)
    _, now, before = why("why_history.target", "x", "1").out.splitlines()
    assert second.load_id in now
    assert "until" not in now
    assert first.load_id in before
    assert " until 2" in before


@pytest.mark.parametrize(
    ("table", "key", "said"),
    [
        ("why_errors.target", ["x", "9"], "has no row with x, 9"),
        ("why_errors.target", ["x"], "the key of why_errors.target is (shop, id): give 2 values"),
        ("why_errors.target", ["x", "nine"], 'invalid input syntax for type bigint: "nine"'),
        ("why_errors.mine", ["1"], "why_errors.mine is not a table that Landfall loads"),
        ("nowhere.at_all", ["1"], "nowhere.at_all is not a table that Landfall loads"),
    ],
)
def test_says_clearly_what_is_wrong(
    sail: Loader, contract: Contract, tmp_path: Path, conn: Connection, why: Callable[..., Done],
    table: str, key: list[str], said: str,
) -> None:  # fmt: skip
    sail.one(write(tmp_path / "a.csv", "x,1,ant"), contract("why_errors", ITEMS), force=True)
    with conn, conn.cursor() as cursor:
        cursor.execute("CREATE TABLE IF NOT EXISTS why_errors.mine (id int)")
    done = why(table, *key)
    assert done.code == 2
    assert said in done.err
