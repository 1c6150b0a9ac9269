"""Promise: a bad row costs one row, even if an expression of the contract stops the engine there."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pipeline.uncomputable import MOST
from tests.integration.command_line import run
from tests.integration.loader import Loader

Contract = Callable[..., Path]
Query = Callable[..., list[tuple[Any, ...]]]

HALF = "rejects: {max: 50, unit: percent}"
ID = "{name: id, logicalType: integer}"
# What stops one engine is NULL to the other, but for url_decode, which stops both.
EXPRESSIONS = {
    "int(t)": "x",
    "t / 100": "x",
    "year(t)": "x",
    "date_add(date '2020-01-01', int(t))": "2147483647",
    "length(url_decode(t))": "%zz",
}


def _computed(expression: str) -> str:
    kind = "date" if expression.startswith("date_add") else "number, physicalType: DOUBLE PRECISION"
    return f'{{name: v, logicalType: {kind}, transformLogic: "{expression}"}}'


def _rejects(rows: Query, load_id: object) -> list[tuple[Any, ...]]:
    query = "SELECT line, column_name, rule, message FROM landfall.reject WHERE load_id = %s ORDER BY line"
    return rows(query, load_id)


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_promise_4_a_value_that_an_expression_cannot_take_costs_one_row(
    expression: str, load: Loader, contract: Contract, rows: Query, tmp_path: Path
) -> None:
    file = tmp_path / "a.csv"
    good = {"y": "2020-01-31"}.get(expression[0], "12")
    file.write_text(f"id,t\n1,{good}\n2,{EXPRESSIONS[expression]}\n3,{good}\n")
    name = f"stops_{list(EXPRESSIONS).index(expression)}_{load.engine}"
    receipt = load.one(file, contract(name, [ID, _computed(expression)], load=f"{{mode: append, {HALF}}}"))
    assert receipt.error is None
    assert (receipt.rows["inserted"], receipt.rows["rejected"]) == (2, 1)
    assert [reject[:3] for reject in _rejects(rows, receipt.load_id)] == [(3, "v", "type")]


def test_promise_4_a_row_that_where_or_a_row_rule_cannot_judge_costs_itself(
    load: Loader, contract: Contract, rows: Query, tmp_path: Path
) -> None:
    file = tmp_path / "a.csv"
    file.write_text("id,t,u\n1,a,a\n2,%zz,a\n3,a,%zz\n4,b,%zz\n5,b,a\n6,a,a\n")
    rule = "      - {name: decodes, type: custom, engine: spark, implementation: \"url_decode(u) = 'a'\"}"
    options = f"{{mode: append, where: \"url_decode(t) = 'a'\", {HALF}}}"
    path = contract(f"judged_{load.engine}", [ID, "{name: u, logicalType: string}"], load=options, quality=rule)
    receipt = load.one(file, path)
    assert receipt.error is None
    assert {name: receipt.rows[name] for name in ("inserted", "filtered", "rejected")} == {
        "inserted": 2, "filtered": 2, "rejected": 2,
    }  # fmt: skip
    assert _rejects(rows, receipt.load_id) == [
        (3, None, "row_rule", "where: url_decode(t) = 'a' cannot be computed for this row"),
        (4, None, "row_rule", "decodes: url_decode(u) = 'a' cannot be computed for this row"),
    ]


def test_a_record_that_cannot_be_exploded_is_one_reject(
    load: Loader, contract: Contract, rows: Query, tmp_path: Path
) -> None:
    file = tmp_path / "a.csv"
    file.write_text('id,t\n1,"a,b"\n2,%zz\n3,c\n')
    options = f"{{mode: append, explode: \"explode_outer(split(url_decode(t), ',')) AS item\", {HALF}}}"
    path = contract(f"exploded_{load.engine}", [ID, "{name: item, logicalType: string}"], load=options)
    receipt = load.one(file, path)
    assert receipt.error is None
    assert {name: receipt.rows[name] for name in ("read", "inserted", "rejected")} == {
        "read": 4, "inserted": 3, "rejected": 1,
    }  # fmt: skip
    assert [reject[:3] for reject in _rejects(rows, receipt.load_id)] == [(3, None, "row_rule")]


def test_a_file_name_that_is_no_date_rejects_its_rows(
    load: Loader, contract: Contract, rows: Query, tmp_path: Path
) -> None:
    file = tmp_path / "a.csv"
    file.write_text("id\n1\n")
    column = "{name: v, logicalType: date, transformLogic: \"to_date(left(_metadata.file_name, 8), 'yyyyMMdd')\"}"
    options = "{mode: append, rejects: {max: 100, unit: percent}}"
    receipt = load.one(file, contract(f"named_{load.engine}", [ID, column], load=options))
    assert receipt.error is None
    assert [reject[:3] for reject in _rejects(rows, receipt.load_id)] == [(2, "v", "type")]


def test_few_rows_are_found_among_many(sail: Loader, contract: Contract, rows: Query, tmp_path: Path) -> None:
    bad = (1, 70_000, 70_001, 150_000)
    file = tmp_path / "a.csv"
    lines = (f"{number},{'%zz' if number in bad else 'a'}\n" for number in range(1, 150_001))
    file.write_text("id,t\n" + "".join(lines))
    column = '{name: v, logicalType: string, transformLogic: "url_decode(t)"}'
    receipt = sail.one(file, contract("found", [ID, column], load="{mode: append}"))
    assert receipt.error is None
    assert (receipt.rows["inserted"], receipt.rows["rejected"]) == (149_996, 4)
    assert [reject[0] for reject in _rejects(rows, receipt.load_id)] == [number + 1 for number in bad]
    assert rows("SELECT count(*), count(DISTINCT id), min(id), max(id), min(v), max(v) FROM found.target") == [
        (149_996, 149_996, 2, 149_999, "a", "a")
    ]


def test_an_expression_that_stops_at_many_rows_is_refused_with_its_lines(
    sail: Loader, contract: Contract, rows: Query, tmp_path: Path
) -> None:
    file = tmp_path / "a.csv"
    file.write_text("id,t\n" + "1,%zz\n" * (MOST + 1))
    column = '{name: v, logicalType: string, transformLogic: "url_decode(t)"}'
    receipt = sail.one(file, contract("many_stop", [ID, column], load="{mode: append}"))
    assert receipt.exit_code == 65
    assert receipt.error is not None
    message = receipt.error["message"]
    assert "the engine stops at more than 100 rows (lines 2, 3, 4, 5, 6...): url_decode(t) yields no value" in message
    assert rows("SELECT to_regclass('many_stop.target')") == [(None,)]


def test_a_plan_and_a_preview_find_them_too(sail: Loader, contract: Contract, tmp_path: Path) -> None:
    file = tmp_path / "a.csv"
    file.write_text("id,t\n1,a\n2,%zz\n3,a\n")
    column = '{name: v, logicalType: string, transformLogic: "url_decode(t)"}'
    path = contract("looked_at", [ID, column], load=f"{{mode: append, {HALF}}}")
    shown = json.loads(run("preview", str(file), "--contracts", str(path), "--json").out)
    assert (shown["accepted"], shown["rejected"], shown["rejects"][0]["line"]) == (2, 1, 3)
    url = sail.destination.url.render_as_string(hide_password=False)
    planned = run("plan", str(file), "--contracts", str(path), "--database-url", url, "--json")
    assert json.loads(planned.out)["rows"]["rejected"] == 1


def test_an_expression_that_the_engine_does_not_know_is_the_contracts_fault(
    load: Loader, contract: Contract, tmp_path: Path
) -> None:
    file = tmp_path / "a.csv"
    file.write_text("id,t\n1,a\n")
    column = '{name: v, logicalType: string, transformLogic: "no_such_function(t)"}'
    receipt = load.one(file, contract(f"unknown_{load.engine}", [ID, column], load="{mode: append}"))
    assert receipt.exit_code == 64


def test_an_argument_that_has_to_be_a_literal_is_the_contracts_fault(
    sail: Loader, contract: Contract, tmp_path: Path
) -> None:
    file = tmp_path / "a.csv"
    file.write_text("id,t\n1,a\n")
    column = '{name: v, logicalType: string, transformLogic: "sha2(t, length(t))"}'
    receipt = sail.one(file, contract("no_literal", [ID, column], load="{mode: append}"))
    assert receipt.exit_code == 64
