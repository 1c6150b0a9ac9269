"""`landfall preview` and `landfall ddl`: what a load would do, told without a database."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from click.testing import CliRunner, Result

from pipeline.cli import main
from pipeline.contract.lint import load as load_contract
from pipeline.load import ddl
from pipeline.load.connect import Connection
from pipeline.load.printed import printed
from pipeline.run import Run
from tests.integration.loader import Loader

ORDERS = ["{name: id, logicalType: integer}", "{name: qty, logicalType: integer, required: true}"]
SECRET = "{name: mail, logicalType: string, classification: restricted, logicalTypeOptions: {pattern: '^[a-z]+@'}}"


@pytest.fixture(autouse=True)
def _no_database(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Neither command may as much as ask where the database is. What PySpark sets for this process goes: no engine
    spark that a later test starts would come up with it."""

    def refuse(_: Run) -> None:
        raise AssertionError("the database was asked for")

    for name in ("LANDFALL_CONTRACTS", "LANDFALL_DATABASE_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(Run, "destination", property(refuse))
    monkeypatch.setattr(Run, "connection", property(refuse))
    with mock.patch.dict(os.environ):
        yield


def _run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


def _preview(source: Path, *options: str | Path) -> dict[str, Any]:
    done = _run("preview", source, "--json", *options)
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)  # type: ignore[no-any-return]


@pytest.fixture
def orders(tmp_path: Path) -> Path:
    path = tmp_path / "orders.csv"
    path.write_text("id,qty\n1,5\n2,x\n3\n4,\n5,7\n5,7\n")
    return path


def test_rows_rejects_and_profile(contract: Callable[..., Path], orders: Path) -> None:
    found = _preview(orders, "--contracts", contract("orders", ORDERS))
    assert (found["records"], found["complete"], found["accepted"], found["rejected"]) == (6, True, 3, 3)
    assert found["rejects_by_rule"] == {"structure": 1, "type": 1, "required": 1}
    assert found["rows"][0] == {"id": 1, "qty": 5, "_line": 2}
    assert [(r["line"], r["rule"], r["column"], r["raw"]) for r in found["rejects"]] == [
        (3, "type", "qty", "2,x"), (4, "structure", None, "3"), (5, "required", "qty", "4,"),
    ]  # fmt: skip
    quantity = found["columns"][1]
    assert (quantity["count"], quantity["missing"], quantity["distinct"]) == (3, 0, 2)
    assert (quantity["minimum"], quantity["maximum"], quantity["top"]) == (5, 7, [{"value": 7, "count": 2}])


def test_a_preview_tells_what_the_load_then_does(
    contract: Callable[..., Path], orders: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    path = contract("orders", ORDERS, "{mode: append, rejects: {max: 50, unit: percent}}")
    told = _preview(orders, "--contracts", path)
    monkeypatch.undo()
    sail: Loader = request.getfixturevalue("sail")
    rows = sail.one(orders, path).rows
    assert (rows["read"], rows["inserted"], rows["rejected"]) == (told["records"], told["accepted"], told["rejected"])


def test_expressions_where_and_row_rules(contract: Callable[..., Path], orders: Path) -> None:
    rule = "      - {type: custom, engine: spark, name: small, implementation: 'twice < 14', severity: error}\n"
    rule += "      - {type: custom, engine: spark, name: odd, implementation: 'id > 1', severity: warning}\n"
    columns = [
        "{name: id, logicalType: integer}",
        "{name: twice, logicalType: integer, transformLogic: 'cast(qty as int) * 2'}",
    ]
    path = contract("orders", columns, "{mode: append, where: 'id <> 2'}", quality=rule)
    found = _preview(orders, "--contracts", path)
    assert found["rows"] == [{"id": 1, "twice": 10, "_line": 2}, {"id": 4, "twice": None, "_line": 5}]
    assert (found["filtered"], found["warned"]) == (1, {"odd": 1})
    assert found["rejects_by_rule"] == {"structure": 1, "row_rule": 2}


def test_a_restricted_value_is_nowhere(contract: Callable[..., Path], tmp_path: Path) -> None:
    source = tmp_path / "people.csv"
    source.write_text("id,mail\n1,ana@example.com\n2,NOBODY\n3\n")
    path = contract("people", ["{name: id, logicalType: integer}", SECRET])
    as_json = _run("preview", source, "--contracts", path, "--json").output
    as_table = _run("preview", source, "--contracts", path).output
    for output in (as_json, as_table):
        assert "(restricted)" in output
        assert "pattern" in output
        assert "ana@" not in output
        assert "NOBODY" not in output
    assert {reject["raw"] for reject in json.loads(as_json)["rejects"]} == {None}


def test_without_a_contract_it_is_as_new_describes_it(orders: Path) -> None:
    found = _preview(orders)
    assert (found["contract"], found["target"]) == (None, "public.orders")
    assert {column["name"]: column["type"] for column in found["columns"]} == {"id": "bigint", "qty": "text"}


def test_rows_limits_what_is_shown_not_what_is_counted(contract: Callable[..., Path], orders: Path) -> None:
    found = _preview(orders, "--contracts", contract("orders", ORDERS), "--rows", "1")
    assert (len(found["rows"]), len(found["rejects"]), found["accepted"]) == (1, 1, 3)


def test_a_large_file_is_looked_at_in_part(
    contract: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipeline.preview.preview.__defaults__", (1000,))
    source = tmp_path / "orders.csv"
    source.write_text("id,qty\n" + "1,5\n" * 10_000)
    found = _preview(source, "--contracts", contract("orders", ORDERS))
    assert not found["complete"]
    assert 0 < found["accepted"] == found["records"] < 10_000


@pytest.mark.parametrize("content", ["id,qty\n", "id,qty\n3\n"])
def test_a_file_without_rows(contract: Callable[..., Path], tmp_path: Path, content: str) -> None:
    source = tmp_path / "orders.csv"
    source.write_text(content)
    found = _preview(source, "--contracts", contract("orders", ORDERS))
    assert (found["accepted"], found["rows"], found["complete"]) == (0, [], True)
    assert found["rejected"] == found["records"]


def test_values_that_json_has_no_form_for(contract: Callable[..., Path], tmp_path: Path) -> None:
    source = tmp_path / "odd.csv"
    source.write_text("a,b,c,d\nNaN,\\x00ff,2026-01-02T03:04:05Z,1.50\n")
    types = [
        "{name: a, logicalType: number, physicalType: DOUBLE PRECISION}",
        "{name: b, logicalType: string, physicalType: BYTEA}",
        "{name: c, logicalType: timestamp}",
        '{name: d, logicalType: number, physicalType: "NUMERIC(5,2)"}',
    ]
    path = contract("odd", types)
    (row,) = _preview(source, "--contracts", path)["rows"]
    assert row == {"a": "nan", "b": "\\x00ff", "c": "2026-01-02 03:04:05Z", "d": "1.50", "_line": 2}


def test_errors_are_those_of_a_load(contract: Callable[..., Path], orders: Path, tmp_path: Path) -> None:
    path = contract("orders", [*ORDERS, "{name: price, logicalType: integer}"])
    done = _run("preview", orders, "--contracts", path)
    assert (done.exit_code, "columns are missing: price" in done.output) == (65, True)
    assert _run("preview", tmp_path / "none.csv").exit_code == 66
    (tmp_path / "other.csv").write_text("a\n")
    assert _run("preview", tmp_path).exit_code == 2
    wrong = contract("orders", ["{name: id, logicalType: integer, transformLogic: 'qty * 2'}"])
    assert _run("preview", orders, "--contracts", wrong).exit_code == 64


def test_as_tables(contract: Callable[..., Path], orders: Path) -> None:
    output = _run("preview", orders, "--contracts", contract("orders", ORDERS)).output
    assert "6 records read, the whole file: 3 would load + 3 rejected" in output
    assert "rejects by rule: required 1, structure 1, type 1" in output
    assert "line 3: type: qty: 'x' is not a bigint" in output


def test_wide_rows_stand_upright(tmp_path: Path) -> None:
    source = tmp_path / "wide.csv"
    source.write_text(",".join(f"c{i}" for i in range(12)) + "\n" + ",".join(f"v{i}" for i in range(12)) + "\n")
    lines = [line.split() for line in _run("preview", source).output.splitlines()]
    assert ["column", "line", "2"] in lines
    assert ["c11", "v11"] in lines


@pytest.mark.parametrize("mode", ["append", "upsert", "scd2"])
def test_printed_ddl_is_what_a_load_runs(contract: Callable[..., Path], conn: Connection, mode: str) -> None:
    described = '{name: say, logicalType: string, description: "it\'s a \\\\ and a % für 東京"}'
    columns = ["{name: id, logicalType: integer, primaryKey: true}", described]
    path = contract(f"ddl_{mode}", columns, f"{{mode: {mode}}}")
    dataset = load_contract(path.read_text(), str(path), {})
    with conn, conn.cursor() as cursor:
        run = ddl.statements(dataset, cursor)
        assert [text.split() for text in run] == [_on_one_line(text).split() for text in printed(dataset)]
        for statement in _run("ddl", path).output.rstrip().removesuffix(";").split(";\n"):
            cursor.execute(statement)
        cursor.execute("SELECT col_description(%s::regclass, 2)", (f"ddl_{mode}.target",))
        assert cursor.fetchone() == ("it's a \\ and a % für 東京",)


def test_printed_names_are_quoted(contract: Callable[..., Path]) -> None:
    path = contract("quoted", ORDERS)
    dataset = load_contract(path.read_text(), str(path), {})
    first = next(iter(printed(replace(dataset, schema='a"; DROP'))))
    assert first == 'CREATE SCHEMA IF NOT EXISTS "a""; DROP"'


def test_ddl_of_several_contracts_and_of_a_wrong_one(contract: Callable[..., Path], tmp_path: Path) -> None:
    first, second = contract("one", ORDERS), contract("two", ORDERS)
    assert _run("ddl", first, second).output.count("CREATE TABLE") == 2
    assert _run("ddl", tmp_path).output.count("CREATE TABLE") == 2
    second.write_text(second.read_text().replace("append", "apend"))
    done = _run("ddl", second)
    assert (done.exit_code, "did you mean append?" in done.output) == (64, True)


def _on_one_line(statement: str) -> str:
    return statement.replace("(\n    ", "(").replace("\n)", ")")
