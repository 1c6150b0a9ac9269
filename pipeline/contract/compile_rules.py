"""Quality rules, compiled: row rules for the engine, dataset rules for the database."""

from __future__ import annotations

from collections.abc import Iterator

from pipeline.contract.dataset import DatasetRule, RowRule
from pipeline.contract.model import Contract
from pipeline.contract.model.quality import Bounded, LibraryRule, SqlRule
from pipeline.contract.model.quality import RowRule as RowRuleModel
from pipeline.contract.model.quality import Rule as RuleModel

_LONGEST_NAME = 60


def row_rules(contract: Contract) -> tuple[RowRule, ...]:
    """The conditions over one row, those of the object first."""
    names: set[str] = set()
    found = []
    for rule, _ in _placed(contract):
        if isinstance(rule, RowRuleModel):
            said = rule.name or " ".join(rule.implementation.split())[:_LONGEST_NAME]
            found.append(RowRule(_distinct(said, names), rule.implementation, rule.severity))
    return tuple(found)


def dataset_rules(contract: Contract) -> tuple[DatasetRule, ...]:
    """The rules over all rows of a load, those of the object first."""
    names: set[str] = set()
    found = []
    for rule, column in _placed(contract):
        if isinstance(rule, LibraryRule | SqlRule):
            found.append(_dataset_rule(rule, column, names))
    return tuple(found)


def _dataset_rule(rule: LibraryRule | SqlRule, column: str | None, names: set[str]) -> DatasetRule:
    operator, bounds = next(iter(rule.operators.items()))
    metric = rule.metric if isinstance(rule, LibraryRule) else "sql"
    unit = rule.unit if isinstance(rule, LibraryRule) else "rows"
    arguments = _arguments(rule)
    listed = arguments.pop("properties", None)
    columns = tuple(listed) if isinstance(listed, list) else (column,) if column else ()
    return DatasetRule(
        name=_distinct(rule.name or _name(rule, metric, column, unit), names),
        metric=metric,
        operator=operator,
        bounds=bounds,
        unit=unit,
        severity=rule.severity,
        columns=columns,
        query=rule.query if isinstance(rule, SqlRule) else None,
        arguments=arguments,
    )


def _arguments(rule: LibraryRule | SqlRule) -> dict[str, object]:
    given = rule.arguments if isinstance(rule, LibraryRule) else None
    return given.model_dump(by_alias=True, exclude_none=True) if given else {}


def _name(rule: Bounded, metric: str, column: str | None, unit: str) -> str:
    """`order_date nullValues mustBeLessThan 40 percent`."""
    operator, bounds = next(iter(rule.operators.items()))
    numbers = " and ".join(f"{int(bound) if bound.is_integer() else bound}" for bound in bounds)
    words = [column or "", metric, operator, numbers]
    return " ".join(filter(None, [*words, unit if unit == "percent" else ""]))


def _distinct(name: str, names: set[str]) -> str:
    """The name, numbered if it is taken: the receipt tells rules by name."""
    number, found = 1, name
    while found in names:
        number += 1
        found = f"{name} ({number})"
    names.add(found)
    return found


def _placed(contract: Contract) -> Iterator[tuple[RuleModel, str | None]]:
    for rule in contract.table.quality or []:
        yield rule, None
    for column in contract.table.properties:
        for rule in column.quality or []:
            yield rule, column.column_name
