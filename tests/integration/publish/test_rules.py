"""Dataset rules, measured over the rows about to be published."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from pipeline.contract.dataset import ColumnType, DatasetRule
from pipeline.errors import ContractError, RefusedError
from pipeline.load.publish import PublishRefusedError

from .conftest import Bench, column, dataset

AMOUNT = replace(column("amount"), type=ColumnType("decimal", "numeric(10,2)", precision=10, scale=2))
COLUMNS = (column("id", "int"), column("status"), AMOUNT, column("ok", "boolean"))
ROWS = [
    (1, "open", 10, True), (2, "open", None, False), (3, None, 30, None), (4, "N/A", 30, True), (4, "shut", -1, True),
]  # fmt: skip
REJECTS = [(9, "amount", "type"), (10, "amount", "range"), (11, "amount", "required")]


def rule(metric: str, operator: str = "mustBe", *bounds: float, **facts: Any) -> DatasetRule:
    """A rule named after its metric."""
    return DatasetRule(metric, metric, operator, bounds or (0,), **facts)


@pytest.mark.parametrize(
    ("measured", "value"),
    [
        (rule("rowCount"), 5),
        (rule("nullValues", columns=("amount",)), 1),
        (rule("nullValues", columns=("amount",), unit="percent"), 20),
        (rule("missingValues", columns=("status",), arguments={"missingValues": [None, "N/A"]}), 2),
        (rule("missingValues", columns=("status",)), 1),
        (rule("invalidValues", columns=("status",), arguments={"validValues": ["open", "shut"]}), 1),
        (rule("invalidValues", columns=("id",), arguments={"validValues": [1, 2, 3]}), 2),
        (rule("invalidValues", columns=("amount",), arguments={"validValues": [10, "30.0", 1e-3, "N/A"]}), 1),
        (rule("missingValues", columns=("amount",), arguments={"missingValues": [-1, "N/A"]}), 2),
        (rule("invalidValues", columns=("ok",), arguments={"validValues": [True]}), 1),
        (rule("invalidValues", columns=("status",), arguments={"pattern": "^[a-z]+$"}, unit="percent"), 20),
        (rule("invalidValues", columns=("amount",)), 2),
        (rule("invalidValues", columns=("amount",), unit="percent"), 25),
        (rule("duplicateValues", columns=("id",)), 1),
        (rule("duplicateValues", columns=("id",), unit="percent"), 20),
        (rule("duplicateValues", columns=("id", "status")), 0),
        (rule("duplicateValues", columns=("amount",)), 1),
        (rule("sql", query="SELECT COUNT(*) FROM {object} WHERE amount < 0"), 1),
        (rule("sql", columns=("amount",), query="SELECT sum({property}) FROM {object} o -- all;"), 69),
    ],
)
def test_what_a_rule_measures(bench: Bench, measured: DatasetRule, value: float) -> None:
    of = dataset("orders", COLUMNS, dataset_rules=(DatasetRule(**{**vars(measured), "severity": "info"}),))
    published = bench.load(of, ROWS, rejects=REJECTS)
    assert [result.value for result in published.rule_results] == [value]


@pytest.mark.parametrize(
    ("operator", "bounds", "passed"),
    [
        ("mustBe", (5,), True), ("mustBe", (4,), False),
        ("mustNotBe", (4,), True), ("mustNotBe", (5,), False),
        ("mustBeGreaterThan", (4,), True), ("mustBeGreaterThan", (5,), False),
        ("mustBeGreaterOrEqualTo", (5,), True), ("mustBeGreaterOrEqualTo", (5.5,), False),
        ("mustBeLessThan", (6,), True), ("mustBeLessThan", (5,), False),
        ("mustBeLessOrEqualTo", (5,), True), ("mustBeLessOrEqualTo", (4,), False),
        ("mustBeBetween", (5, 9), True), ("mustBeBetween", (1, 4), False),
        ("mustNotBeBetween", (6, 9), True), ("mustNotBeBetween", (1, 5), False),
    ],
)  # fmt: skip
def test_every_operator(bench: Bench, operator: str, bounds: tuple[float, ...], passed: bool) -> None:
    of = dataset("orders", COLUMNS, dataset_rules=(rule("rowCount", operator, *bounds, severity="warning"),))
    (result,) = bench.load(of, ROWS).rule_results
    assert result.passed is passed


def test_a_broken_rule_of_severity_error_publishes_nothing(bench: Bench) -> None:
    rules = (
        rule("rowCount", "mustBeGreaterThan", 300_000),
        rule("nullValues", "mustBeLessThan", 10, columns=("amount",), unit="percent"),
        rule("duplicateValues", columns=("id",), severity="warning"),
    )
    request = bench.stage(dataset("orders", COLUMNS, dataset_rules=rules), ROWS, rejects=REJECTS)
    expected = r"rowCount is 5 and must be greater than 300,000; nullValues is 20 and must be less than 10 percent\."
    with pytest.raises(RefusedError, match=expected) as refusal:
        bench.publish(request)
    assert isinstance(refusal.value, PublishRefusedError)
    assert [result.passed for result in refusal.value.published.rule_results] == [False, False, False]
    assert bench.query("SELECT to_regclass('shop.orders')") == [(None,)]
    row = bench.ledger(request.load_id)
    assert (row["status"], row["rows_rejected"]) == ("refused", 3)
    assert [result["name"] for result in row["receipt"]["rule_results"]] == [
        "rowCount",
        "nullValues",
        "duplicateValues",
    ]


@pytest.mark.parametrize("severity", ["warning", "info"])
def test_a_broken_rule_of_another_severity_is_told_in_the_receipt(bench: Bench, severity: str) -> None:
    of = dataset("orders", COLUMNS, dataset_rules=(rule("rowCount", severity=severity),))
    published = bench.load(of, ROWS)
    (result,) = published.rule_results
    assert (result.passed, result.severity, result.expected) == (False, severity, "must be 0")
    assert published.rows["inserted"] == 5


def test_no_rows_at_all_are_zero_percent(bench: Bench) -> None:
    rules = (rule("nullValues", columns=("amount",), unit="percent"), rule("rowCount"))
    assert [result.value for result in bench.load(dataset("orders", COLUMNS, dataset_rules=rules), []).rule_results] == [
        0, 0,
    ]  # fmt: skip


def test_a_query_that_answers_nothing_breaks_its_rule(bench: Bench) -> None:
    of = dataset("orders", COLUMNS, dataset_rules=(rule("sql", query="SELECT max(amount) FROM {object}"),))
    with pytest.raises(RefusedError, match="sql is NULL and must be 0"):
        bench.load(of, [])


@pytest.mark.parametrize(
    "column_type", [ColumnType("double", "real", bits=32), ColumnType("double", "double precision")]
)
def test_numbers_are_valid_as_numbers(bench: Bench, column_type: ColumnType) -> None:
    valid = rule("invalidValues", columns=("v",), arguments={"validValues": [1, 0.1, "NaN", "n/a"]}, severity="info")
    of = dataset("orders", (replace(column("v"), type=column_type),), dataset_rules=(valid,))
    assert bench.load(of, [(1.0,), (0.1,), (float("nan"),), (2.0,)]).rule_results[0].value == 1


@pytest.mark.parametrize("value", ["NaN", "Infinity"])
def test_a_query_that_answers_no_number_breaks_its_rule(bench: Bench, value: str) -> None:
    query = f"SELECT '{value}'::float8 FROM {{object}} LIMIT 1"
    of = dataset("orders", COLUMNS, dataset_rules=(rule("sql", query=query, severity="warning"),))
    (result,) = bench.load(of, ROWS).rule_results
    assert (result.value, result.passed) == (None, False)


@pytest.mark.parametrize(
    "query",
    ["SELECT nonsense FROM {object}", "SELECT 1; COMMIT", "DELETE FROM {object}", "SELECT 1, 2", "SELECT status FROM {object}",
     "SELECT id FROM {object}", "SELECT setval('landfall_staging.attempt', 1)"],
)  # fmt: skip
def test_a_query_that_cannot_run_is_the_contracts_mistake(bench: Bench, query: str) -> None:
    request = bench.stage(dataset("orders", COLUMNS, dataset_rules=(rule("sql", query=query),)), ROWS)
    with pytest.raises(ContractError, match=r"orders\.odcs\.yaml: rule sql cannot be run"):
        bench.publish(request)
    assert bench.query("SELECT to_regclass('shop.orders')") == [(None,)]
    assert bench.ledger(request.load_id)["status"] == "running"


@pytest.mark.parametrize(
    "query",
    ["SELECT 1)::float8; COMMIT; CREATE TABLE public.broken_out (); SELECT (SELECT 1",
     "SELECT 1)::float8; ROLLBACK TO SAVEPOINT reading; CREATE TABLE public.broken_out (); SELECT (SELECT 1",
     "SELECT 1)::float8; SET LOCAL transaction_read_only = off; CREATE TABLE public.broken_out (); SELECT (SELECT 1",
     "SELECT count(*) FROM set_config('transaction_read_only', 'off', true)",
     "SELECT 1)::float8; COPY (SELECT 1) TO PROGRAM 'cat >/dev/null'; SELECT (SELECT 1"],
)  # fmt: skip
def test_a_query_cannot_break_out_of_its_brackets_to_write(bench: Bench, query: str) -> None:
    request = bench.stage(dataset("orders", COLUMNS, dataset_rules=(rule("sql", query=query),)), ROWS)
    with pytest.raises(ContractError, match="rule sql cannot be run"):
        bench.publish(request)
    assert bench.query("SELECT to_regclass('public.broken_out'), to_regclass('shop.orders')") == [(None, None)]
