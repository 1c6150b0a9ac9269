"""Quality rules: what they count, on what, between which bounds."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from pipeline.contract.checks.columns import pattern_mistake
from pipeline.contract.checks.expressions import row_condition
from pipeline.contract.checks.facts import Facts
from pipeline.contract.model.quality import Arguments, Bounded, LibraryRule, RowRule, Rule, SqlRule
from pipeline.contract.parts import TABLE
from pipeline.contract.problem import Finding, Location, did_you_mean

_ON_OBJECT, _ON_PROPERTY = (
    ("rowCount", "duplicateValues"),
    ("nullValues", "missingValues", "invalidValues", "duplicateValues"),
)
# Which arguments each metric has, on the object or on a property.
_ARGUMENTS = {"missingValues": ("missingValues",), "invalidValues": ("validValues", "pattern")}


@dataclass(frozen=True)
class Placed:
    """A rule, its place, and the column that it stands on (None: the object)."""

    location: Location
    rule: Rule
    column: str | None


def placed(facts: Facts) -> Iterator[Placed]:
    """Every rule of the contract, those of the object first."""
    table = facts.contract.table
    for index, rule in enumerate(table.quality or []):
        yield Placed((*TABLE, "quality", index), rule, None)
    for position, column in enumerate(table.properties):
        for index, rule in enumerate(column.quality or []):
            yield Placed((*TABLE, "properties", position, "quality", index), rule, column.column_name)


def check(facts: Facts) -> Iterator[Finding]:
    """The findings of all quality rules."""
    names: set[str] = set()
    for item in placed(facts):
        name = item.rule.name
        if name is not None and name in names:
            yield Finding((*item.location, "name"), f"another rule is called {name}", "the receipt tells rules by name")
        names.add(name or "")
        if isinstance(item.rule, RowRule):
            yield from row_condition(item.rule.implementation, (*item.location, "implementation"), facts)
        if isinstance(item.rule, Bounded):
            yield from _operators(item.rule, item.location, facts)
        if isinstance(item.rule, LibraryRule):
            yield from _metric(item, item.rule, facts)
        if isinstance(item.rule, SqlRule):
            yield from _query(item, item.rule)


def _operators(rule: Bounded, at: Location, facts: Facts) -> Iterator[Finding]:
    found = rule.operators
    if not found and not facts.malformed(at):
        yield Finding(
            at, "the rule has no bound", "add one of mustBe, mustBeLessThan, mustBeGreaterThan, mustBeBetween..."
        )
    for key in list(found)[1:]:
        yield Finding(
            (*at, key), f"a second bound beside {next(iter(found))}", "use mustBeBetween, or two rules", at_key=True
        )
    for key, bounds in found.items():
        if len(bounds) == 2 and bounds[0] > bounds[1]:
            yield Finding((*at, key), f"{key}: the first bound is above the second", "exchange them")
    unit = getattr(rule, "unit", "rows")
    for key, bounds in found.items():
        if unit == "percent" and any(not 0 <= bound <= 100 for bound in bounds):
            yield Finding((*at, key), f"{key}: a percentage is from 0 to 100")


def _metric(item: Placed, rule: LibraryRule, facts: Facts) -> Iterator[Finding]:
    at, metric = item.location, rule.metric
    if item.column is None and metric not in _ON_OBJECT:
        yield Finding((*at, "metric"), f"{metric} counts the values of a column", "write the rule on the property")
    if item.column is not None and metric not in _ON_PROPERTY:
        yield Finding((*at, "metric"), f"{metric} counts rows, not values of a column", "write the rule on the object")
    if metric == "rowCount" and rule.unit == "percent":
        yield Finding((*at, "unit"), "rowCount is a number of rows", "remove unit")
    yield from _arguments(item, rule, facts)


def _arguments(item: Placed, rule: LibraryRule, facts: Facts) -> Iterator[Finding]:
    at = (*item.location, "arguments")
    given = rule.arguments or Arguments()
    fitting = _ARGUMENTS.get(rule.metric, ())
    if rule.metric == "duplicateValues" and item.column is None:
        fitting = ("properties",)
        if not given.properties:
            hint = "add arguments: {properties: [column, ...]}"
            yield Finding(item.location, "duplicateValues needs the columns that must differ", hint)
    for key in given.model_dump(by_alias=True, exclude_none=True):
        if key not in fitting:
            yield Finding((*at, key), f"{rule.metric} has no argument {key} here", "remove it", at_key=True)
    for index, name in enumerate(given.properties or []):
        if not facts.is_column(name):
            yield Finding(
                (*at, "properties", index), f"{name} is no column of the table", did_you_mean(name, facts.columns)
            )
    if given.pattern is not None and (reason := pattern_mistake(given.pattern)):
        yield Finding((*at, "pattern"), f"not a regular expression: {reason}")


def _query(item: Placed, rule: SqlRule) -> Iterator[Finding]:
    """The query is one SELECT over `{object}`; `{property}` stands for the column, on a property."""
    at = (*item.location, "query")
    if "{object}" not in rule.query:
        yield Finding(at, "the query does not read {object}, the rows of the load", "write FROM {object}")
    if "{property}" in rule.query and item.column is None:
        yield Finding(
            at, "{property} is the column that a rule stands on; this one stands on the object", "name the column"
        )
    text = rule.query.replace("{object}", "landfall_object").replace("{property}", "landfall_property")
    import sqlglot  # late: see `spark_sql`
    from sqlglot import exp

    try:
        trees = sqlglot.parse(text, dialect="postgres")
    except (sqlglot.errors.SqlglotError, RecursionError) as error:
        details = getattr(error, "errors", None) or [{}]
        token = str(details[0].get("highlight") or "").replace("landfall_", "")
        near = f" near {token}" if token else ""
        yield Finding(at, f"the query is not valid SQL{near}")
        return
    if len(trees) != 1 or not isinstance(trees[0], exp.Query) or trees[0].find(exp.DML, exp.Into):
        yield Finding(at, "the query must be one SELECT", "it returns the one number that the bound is about")
