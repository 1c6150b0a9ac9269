"""Dataset rules: what must hold for a load as a whole, measured in PostgreSQL over the rows about to be published."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager

import psycopg2
from psycopg2 import sql

from pipeline.contract.dataset import DatasetRule
from pipeline.errors import ContractError, RefusedError
from pipeline.load.publishing import Publishing, name, names
from pipeline.load.request import RuleResult

Test = Callable[[float, Sequence[float]], bool]

# A cursor is one query. Sent as it is, a text that closes the bracket could go on with a COMMIT and other statements.
ANSWER = """
    DO $$
    DECLARE
        asked refcursor;
        answer double precision;
    BEGIN
        OPEN asked FOR EXECUTE 'SELECT (' || current_setting('landfall.query') || E'\\n)::double precision';
        FETCH asked INTO answer;
        PERFORM set_config('landfall.answer', coalesce(answer::text, ''), true);
    END $$
"""

OPERATORS: dict[str, tuple[str, Test]] = {
    "mustBe": ("must be {}", lambda value, bounds: value == bounds[0]),
    "mustNotBe": ("must not be {}", lambda value, bounds: value != bounds[0]),
    "mustBeGreaterThan": ("must be greater than {}", lambda value, bounds: value > bounds[0]),
    "mustBeGreaterOrEqualTo": ("must be at least {}", lambda value, bounds: value >= bounds[0]),
    "mustBeLessThan": ("must be less than {}", lambda value, bounds: value < bounds[0]),
    "mustBeLessOrEqualTo": ("must be at most {}", lambda value, bounds: value <= bounds[0]),
    "mustBeBetween": ("must be between {} and {}", lambda value, bounds: bounds[0] <= value <= bounds[1]),
    "mustNotBeBetween": ("must not be between {} and {}", lambda value, bounds: not bounds[0] <= value <= bounds[1]),
}

_AS_NUMBERS: Mapping[str, str] = {"integer": "numeric", "decimal": "numeric", "double": "double precision"}
_NUMBER = re.compile(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?|NaN|-?Infinity")

# Reject rules that say a value was no valid one; `required` has a metric of its own, nullValues.
INVALID = ("type", "enum", "pattern", "range", "length", "encoding", "not_storable")

REJECTED = "SELECT count(*) FROM {rejects} WHERE column_name = {column} AND rule = ANY ({invalid})"

# Of equal values all but one are duplicates; a NULL equals nothing.
DUPLICATES = """
    SELECT coalesce(sum(times - 1), 0) FROM
        (SELECT count(*) AS times FROM {rows} WHERE {known} GROUP BY {columns} HAVING count(*) > 1) AS repeated
"""


def check(work: Publishing) -> None:
    """Measure every rule, keep the results for the receipt. Raises RefusedError if one of severity error is broken.

    Raises ContractError for a query that PostgreSQL cannot run.
    """
    rules = work.dataset.dataset_rules
    if not rules:
        return
    total, counts = _count(work, rules)
    work.rule_results = tuple(_result(work, rule, count, total) for rule, count in zip(rules, counts, strict=True))
    broken = [each for each in work.rule_results if not each.passed and each.severity == "error"]
    if broken:
        said = "; ".join(f"{each.name} is {_number(each.value)} and {each.expected}" for each in broken)
        raise RefusedError(f"dataset rule broken: {said}. Nothing was published; correct the file, or the contract")


def _count(work: Publishing, rules: Sequence[DatasetRule]) -> tuple[int, list[int | None]]:
    """The rows staged, and what each rule counts if one pass over them can tell, else None. One pass for all rules."""
    tests = [_test(work, rule) for rule in rules]
    filters = [
        sql.SQL("count(*) FILTER (WHERE {})").format(test) if test else sql.SQL("NULL::bigint") for test in tests
    ]
    with _explained(work, "missingValues or invalidValues"):
        total, *counts = work.one("SELECT count(*), {filters} FROM {rows}", filters=sql.SQL(", ").join(filters))
    return total, counts


def _test(work: Publishing, rule: DatasetRule) -> sql.Composable | None:
    """The condition of the rows that a rule counts."""
    if rule.metric == "rowCount":
        return sql.SQL("true")
    if rule.metric == "nullValues":
        return sql.SQL("num_nulls({}) > 0").format(names(rule.columns))
    if rule.metric == "missingValues":
        return sql.SQL(" OR ").join(
            sql.SQL("{0} IS NULL OR {1}").format(
                name(column), _one_of(work, column, rule.arguments.get("missingValues"))
            )
            for column in rule.columns
        )
    if rule.metric == "invalidValues" and rule.arguments:
        return sql.SQL(" OR ").join(part for column in rule.columns for part in _invalid(work, rule, column))
    return None


def _invalid(work: Publishing, rule: DatasetRule, column: str) -> list[sql.Composable]:
    """Conditions that a value (NULL never) is not one of the valid ones, or does not match the pattern."""
    found: list[sql.Composable] = []
    if rule.arguments.get("validValues") is not None:
        found.append(sql.SQL("NOT {}").format(_one_of(work, column, rule.arguments["validValues"])))
    if rule.arguments.get("pattern") is not None:
        found.append(sql.SQL("{}::text !~ {}").format(name(column), sql.Literal(rule.arguments["pattern"])))
    return found


def _result(work: Publishing, rule: DatasetRule, count: int | None, total: int) -> RuleResult:
    value: float | None = count
    if count is None:
        value, total = _measure(work, rule, total)
    if rule.unit == "percent" and value is not None and rule.metric not in ("rowCount", "sql"):
        value = 100 * value / total if total else 0.0
    words, test = OPERATORS[rule.operator]
    unit = " percent" if rule.unit == "percent" else ""
    expected = words.format(*(_number(bound) for bound in rule.bounds)) + unit
    passed = value is not None and test(value, rule.bounds)
    return RuleResult(rule.name, rule.metric, rule.severity, passed, value, expected)


def _measure(work: Publishing, rule: DatasetRule, total: int) -> tuple[float | None, int]:
    """What a rule needs a query of its own for: its number, and the rows that a percentage is of."""
    if rule.metric == "sql":
        return _ask(work, rule), total
    if rule.metric == "duplicateValues":
        known = sql.SQL("num_nulls({}) = 0").format(names(rule.columns))
        return float(work.one(DUPLICATES, known=known, columns=names(rule.columns))[0]), total
    invalid = sql.Literal(list(INVALID))
    rejected = work.one(REJECTED, column=sql.Literal(rule.columns[0]), invalid=invalid)[0]
    return float(rejected), total + work.counts["rejected"]


def _ask(work: Publishing, rule: DatasetRule) -> float | None:
    """Run a contract's own query, which must give one number and may not write."""
    text = (rule.query or "").strip().rstrip(";").replace("{object}", work.rows.as_string(work.cursor))
    if rule.columns:
        text = text.replace("{property}", name(rule.columns[0]).as_string(work.cursor))
    work.run("SAVEPOINT reading")
    work.run("SELECT set_config('landfall.query', {text}, true)", text=sql.Literal(text))
    work.run("SET LOCAL transaction_read_only = on")
    with _explained(work, f"rule {rule.name}"):
        work.cursor.execute(ANSWER)
        value: str = work.one("SELECT current_setting('landfall.answer')")[0]
    work.run("ROLLBACK TO SAVEPOINT reading")
    number = float(value) if value else math.nan
    return number if math.isfinite(number) else None


def _one_of(work: Publishing, column: str, values: object) -> sql.Composable:
    """The condition that a column has one of these values: numbers are compared as such, all else as text."""
    column_type = next(each.type for each in work.dataset.columns if each.name == column)
    texts, wanted = _texts(values), _AS_NUMBERS.get(column_type.kind)
    if wanted:
        texts = [text for text in texts if _NUMBER.fullmatch(text)]
        wanted = column_type.sql if column_type.bits == 32 and column_type.kind == "double" else wanted
    listed = sql.SQL("{} = ANY ({}::text[]::{}[])" if wanted else "{}::text = ANY ({}::text[])")
    return listed.format(name(column), sql.Literal(texts), *([sql.SQL(wanted)] if wanted else []))


def _texts(values: object) -> list[str]:
    """Values as PostgreSQL writes them as text; NULL is asked for elsewhere."""
    listed = values if isinstance(values, list | tuple) else []
    return [str(value).lower() if isinstance(value, bool) else str(value) for value in listed if value is not None]


def _number(value: float | None) -> str:
    return "NULL" if value is None else f"{value:,.0f}" if value == int(value) else f"{value:,.4g}"


@contextmanager
def _explained(work: Publishing, what: str) -> Iterator[None]:
    """A query that cannot run is the contract's mistake, unless the database went away."""
    try:
        yield
    except psycopg2.Error as error:
        if error.pgcode is None or error.pgcode[:2] not in ("22", "25", "42", "21", "0A"):
            raise
        restricted = any(column.restricted for column in work.dataset.columns)
        said = "" if restricted else f": {error.diag.message_primary}"
        raise ContractError(f"{work.dataset.path}: {what} cannot be run{said}. Correct it in the contract") from error
