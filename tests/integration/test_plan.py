"""`landfall plan`: what a load would do, and that it was not done."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.integration.command_line import Done, run
from tests.integration.loader import Loader

Contract = Callable[..., Path]
Query = Callable[..., list[tuple[Any, ...]]]
Plan = Callable[..., Done]

ITEMS = [
    "{name: id, logicalType: integer, primaryKey: true}",
    "{name: name, logicalType: string}",
    "{name: mail, logicalType: string, classification: restricted}",
]
PATIENT = "{mode: MODE, rejects: {max: 90, unit: percent}, undo: {keepDays: 0}}"
STATE = """
    SELECT (SELECT count(*) FROM landfall.load), (SELECT count(*) FROM landfall.reject),
           (SELECT count(*) FROM landfall.before_image),
           (SELECT array_agg(relname) FROM pg_class WHERE relnamespace = 'landfall_staging'::regnamespace AND relkind = 'r')
"""


@pytest.fixture
def plan(sail: Loader) -> Plan:
    url = sail.destination.url.render_as_string(hide_password=False)
    return lambda *arguments: run("plan", *arguments, "--quiet", "--database-url", url)


def write(path: Path, *records: str) -> Path:
    path.write_text("id,name,mail\n" + "".join(f"{record}\n" for record in records))
    return path


@pytest.mark.parametrize(("mode", "deleted"), [("upsert", 0), ("replace", 1), ("scd2", 0)])
def test_says_what_would_change_and_changes_nothing(
    sail: Loader, contract: Contract, tmp_path: Path, plan: Plan, rows: Query, mode: str, deleted: int
) -> None:
    schema = f"plan_{mode}"
    items = contract(schema, ITEMS, load=PATIENT.replace("MODE", mode))
    sail.one(write(tmp_path / "a.csv", "1,ant,a@x", "2,bee,b@x", "3,cow,c@x"), items)
    select = f"SELECT t::text, ctid::text FROM {schema}.target t ORDER BY 1"
    before, state = rows(select), rows(STATE)
    second = write(tmp_path / "b.csv", "1,ape,secret@x", "2,bee,b@x", "x,fly,f@x", "4,dog,d@x")
    done = plan(second, "--contracts", items, "--json")
    assert done.code == 3, done.err
    found = json.loads(done.out)
    counts = [found["rows"][name] for name in ("inserted", "updated", "unchanged", "deleted", "rejected")]
    assert counts == [1, 1, 1, deleted, 1]
    assert found["rejects_by_rule"] == {"type": 1}
    assert found["changed_cells"] == {"mail": 1, "name": 1}
    samples = {cell["column"]: cell for cell in found["samples"]}
    assert (samples["name"]["old"], samples["name"]["new"], samples["name"]["line"]) == ("ant", "ape", 2)
    assert samples["name"]["key"]["id"] == "1"
    assert (samples["mail"]["old"], samples["mail"]["new"], samples["mail"]["hidden"]) == (None, None, True)
    text = plan(second, "--contracts", items).out
    assert "'ant' -> 'ape'" in text
    assert "secret" not in text + done.out
    assert (rows(select), rows(STATE)) == (before, state)
    receipt = sail.one(second, items)
    assert {name: receipt.rows[name] for name in found["rows"]} == found["rows"]


def test_a_table_to_come_is_planned_as_ddl(
    sail: Loader, contract: Contract, tmp_path: Path, plan: Plan, rows: Query
) -> None:
    items = contract("plan_new", ITEMS)
    done = plan(write(tmp_path / "a.csv", "1,ant,a@x"), "--contracts", items, "--markdown")
    assert done.code == 3, done.err
    assert 'CREATE TABLE "plan_new"."target"' in done.out
    assert "| to insert | 1 |" in done.out
    assert rows("SELECT to_regnamespace('plan_new')") == [(None,)]


def test_at_most_five_samples_a_column(sail: Loader, contract: Contract, tmp_path: Path, plan: Plan) -> None:
    items = contract("plan_many", ITEMS, load="{mode: upsert}")
    sail.one(write(tmp_path / "a.csv", *(f"{n},a|{n},m" for n in range(9))), items)
    done = plan(write(tmp_path / "b.csv", *(f"{n},b|{n},m" for n in range(9))), "--contracts", items, "--markdown")
    assert done.out.count("| name | 9 | id=") == 5
    assert r"'a\|0' -> 'b\|0'" in done.out


def test_exit_codes_without_change_and_of_a_refusal(
    sail: Loader, contract: Contract, tmp_path: Path, plan: Plan, rows: Query
) -> None:
    items = contract("plan_codes", ITEMS, load="{mode: upsert}")
    first = sail.one(write(tmp_path / "a.csv", "1,ant,a@x"), items)
    loaded = plan(tmp_path / "a.csv", "--contracts", items)
    assert loaded.code == 0
    assert f"nothing to do: already loaded, see load {first.load_id}" in loaded.out
    forced = plan(tmp_path / "a.csv", "--contracts", items, "--force", "--json")
    assert (forced.code, json.loads(forced.out)["changes"]) == (0, False)
    state = rows(STATE)
    refused = plan(write(tmp_path / "b.csv", "x,ant,a@x", "2,bee,b@x"), "--contracts", items)
    assert refused.code == 65
    assert "would be refused: " in refused.out
    assert rows(STATE) == state
