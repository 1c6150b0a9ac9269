"""Spark SQL: it parses, and the columns that it reads are there."""

from __future__ import annotations

from collections.abc import Iterator

from pipeline.contract import parts
from pipeline.contract.checks.facts import Facts
from pipeline.contract.metadata import METADATA
from pipeline.contract.names import snake_case
from pipeline.contract.problem import Finding, Location, SqlMistake, did_you_mean

_FLAT = ("csv", "xlsx")


def check(facts: Facts) -> Iterator[Finding]:
    """The findings of transformLogic, `where` and `explode`, and of source columns that are not there."""
    for index, column in enumerate(facts.contract.table.properties):
        at = (*parts.TABLE, "properties", index)
        if column.transform_logic is None:
            if column.name not in facts.exploded:
                yield from _known((snake_case(column.name),), (*at, "name"), 0, facts, facts.exploded)
        else:
            yield from _expression(column.transform_logic, (*at, "transformLogic"), facts, facts.exploded)
    load = parts.load(facts.contract)
    if load.value.where is not None:
        yield from _expression(load.value.where, (*load.location, "where"), facts, ())
    if load.value.explode is not None:
        yield from _explode(load.value.explode, (*load.location, "explode"), facts)


def row_condition(text: str, at: Location, facts: Facts) -> Iterator[Finding]:
    """The findings of a row rule's condition: it reads the typed columns."""
    from pipeline.contract.spark_sql import references

    try:
        found = references(text)
    except SqlMistake as mistake:
        yield _finding(at, mistake)
        return
    for name in found:
        if not facts.is_column(name[0]):
            hint = did_you_mean(name[0], facts.columns)
            yield Finding(at, f"{name[0]} is no column of the table", hint, offset=text.find(name[0]))


def _expression(text: str, at: Location, facts: Facts, exploded: tuple[str, ...]) -> Iterator[Finding]:
    from pipeline.contract.spark_sql import references

    try:
        found = references(text)
    except SqlMistake as mistake:
        yield _finding(at, mistake)
        return
    for name in found:
        yield from _known(name, at, max(text.find(name[0]), 0), facts, exploded)


def _explode(text: str, at: Location, facts: Facts) -> Iterator[Finding]:
    from pipeline.contract.spark_sql import explode

    try:
        found = explode(text)
    except SqlMistake as mistake:
        yield _finding(at, mistake)
        return
    for name in found.references:
        yield from _known(name, at, max(text.find(name[0]), 0), facts, ())
    for made in found.names:
        if made != snake_case(made):
            yield Finding(at, f"{made} is not snake_case", f"write {snake_case(made)}", offset=text.rfind(made))


def _known(
    name: tuple[str, ...], at: Location, offset: int, facts: Facts, exploded: tuple[str, ...]
) -> Iterator[Finding]:
    """Whether a source column is there, as far as the contract can tell."""
    source = parts.source(facts.contract)
    head, form = name[0], source.value.format if source else "csv"
    if head in exploded:
        return
    if head == "_metadata":
        if len(name) != 2 or name[1] not in METADATA:
            hint = did_you_mean(name[1] if len(name) > 1 else "", METADATA)
            yield Finding(at, f"{'.'.join(name)} is not known of a file", hint, offset=offset)
    elif head != snake_case(head):
        hint = f"source columns are named in snake_case: write {snake_case(head)}"
        yield Finding(at, f"{head} is no source column", hint, offset=offset)
    elif len(name) > 1 and form in _FLAT:
        why = f"{'.'.join(name)}: the columns of a {form} file have no fields, they are text"
        yield Finding(at, why, "for JSON in a column use get_json_object or from_json", offset=offset)
    elif len(name) > 1 and form == "json" and parts.read_schema(facts.contract) is None:
        hint = "describe the nested fields in the source server's custom property readSchema"
        yield Finding(
            at, f"{'.'.join(name)}: without readSchema the columns of a json file are text", hint, offset=offset
        )
    elif facts.declared is not None and head not in facts.declared:
        yield Finding(at, f"{head} is not in readSchema", did_you_mean(head, facts.declared), offset=offset)


def _finding(at: Location, mistake: SqlMistake) -> Finding:
    return Finding(at, f"{at[-1]}: {mistake}", mistake.suggestion, offset=mistake.offset)
