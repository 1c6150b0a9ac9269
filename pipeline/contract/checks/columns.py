"""Columns: names, types, keys, and options that fit the type."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pyarrow as pa
import pyarrow.compute as pc

from pipeline.contract.checks import bounds, enums
from pipeline.contract.checks.facts import Facts
from pipeline.contract.dataset import ColumnType
from pipeline.contract.model.properties import Column
from pipeline.contract.names import LONGEST_NAME, snake_case
from pipeline.contract.parts import TABLE
from pipeline.contract.parts import load as load_of
from pipeline.contract.physical import TypeMistake
from pipeline.contract.problem import Finding, Location
from pipeline.contract.types import column_type

_NAME = re.compile(r"[^\W\d]\w*\Z")
# https://www.postgresql.org/docs/current/ddl-system-columns.html
_SYSTEM_COLUMNS = ("tableoid", "xmin", "cmin", "xmax", "cmax", "ctid")
_TEXTUAL = ("string", "uuid")
_WITHOUT_EQUALITY = ("json",)


def check(facts: Facts) -> Iterator[Finding]:
    """The findings of the table's name and of every property."""
    table = facts.contract.table
    yield from _name(table.physical_name or table.name, (*TABLE, "physicalName" if table.physical_name else "name"))
    seen: dict[str, str] = {}
    for index, column in enumerate(table.properties):
        at = (*TABLE, "properties", index)
        yield from _unique_name(column, at, seen)
        yield from _column(column, at)
        yield from _partitioned(column, at, facts)
    yield from _key(facts)


def _column(column: Column, at: Location) -> Iterator[Finding]:
    logical: str = getattr(column, "logical_type", "")
    try:
        kind = column_type(logical, column.physical_type, column.options, getattr(column, "items", None))
    except TypeMistake as mistake:
        yield Finding((*at, *mistake.location), str(mistake), mistake.suggestion)
        return
    options = (*at, "logicalTypeOptions")
    yield from _text_options(column, kind, options)
    yield from bounds.check(column.options, kind, options)
    yield from enums.check(column, kind, (*at, "enum"))
    if kind.kind in _WITHOUT_EQUALITY and (column.primary_key or column.unique):
        key = "primaryKey" if column.primary_key else "unique"
        yield Finding(
            (*at, key), f"{column.column_name} is JSON: it cannot be compared", "keep a part of it in a column"
        )


def _unique_name(column: Column, at: Location, seen: dict[str, str]) -> Iterator[Finding]:
    name, key = column.column_name, "physicalName" if column.physical_name else "name"
    yield from _name(name, (*at, key))
    first = seen.get(name.casefold())
    if first is None:
        seen[name.casefold()] = name
        return
    why = f"the column {name} is there twice" if first == name else f"{name} and {first} differ only in case"
    yield Finding((*at, key), why, "the engines do not tell them apart: rename one")


def _name(name: str, at: Location) -> Iterator[Finding]:
    if name.startswith("_"):
        yield Finding(
            at, f"{name}: names that start with _ are Landfall's own", f"write {name.lstrip('_') or 'a name'}"
        )
    elif not _NAME.match(name):
        better = snake_case(name)
        hint = f"write {better}" if _NAME.match(better) else "add physicalName: a name that starts with a letter"
        yield Finding(at, f"{name!r} is not a name of letters, digits and _", hint)
    elif len(name.encode()) > LONGEST_NAME:
        size = len(name.encode())
        yield Finding(at, f"{name} has {size} bytes; PostgreSQL keeps {LONGEST_NAME}", "write a shorter name")
    elif at[-2:] != (0, "name") and name in _SYSTEM_COLUMNS:
        yield Finding(at, f"{name} is a system column of PostgreSQL", "choose another name, with physicalName")


def _text_options(column: Column, kind: ColumnType, at: Location) -> Iterator[Finding]:
    options = column.options
    for key in ("pattern", "minLength", "maxLength"):
        if key in options and kind.kind not in _TEXTUAL:
            yield Finding((*at, key), f"{key} needs a column of text, not {kind.sql.upper()}", "remove it", at_key=True)
    longest = options.get("maxLength", kind.length)
    if "minLength" in options and longest is not None and options["minLength"] > longest:
        yield Finding((*at, "minLength"), f"minLength {options['minLength']} is above the longest text, {longest}")
    if kind.length and options.get("maxLength", 0) > kind.length:
        yield Finding((*at, "maxLength"), f"maxLength {options['maxLength']} does not fit into {kind.sql.upper()}")
    if options.get("minItems", 0) > options.get("maxItems", options.get("minItems", 0)):
        yield Finding((*at, "minItems"), f"minItems {options['minItems']} is above maxItems {options['maxItems']}")
    if "pattern" in options and (reason := pattern_mistake(options["pattern"])):
        yield Finding(
            (*at, "pattern"), f"not a regular expression: {reason}", "RE2 syntax: no look-around, no backreferences"
        )


def pattern_mistake(pattern: str) -> str | None:
    """Why RE2 refuses a pattern, or None."""
    try:
        pc.match_substring_regex(pa.array([""]), pattern)
    except pa.ArrowInvalid as error:
        return str(error).partition("regular expression: ")[2] or str(error)
    return None


def _partitioned(column: Column, at: Location, facts: Facts) -> Iterator[Finding]:
    """Landfall makes no partitions; the key may only say again what replaceBy says."""
    load = load_of(facts.contract).value
    if column.partitioned and column.column_name not in (load.replace_by or []):
        hint = "remove it, or name the column in load.replaceBy"
        yield Finding((*at, "partitioned"), "Landfall does not partition the table", hint, at_key=True)


def _key(facts: Facts) -> Iterator[Finding]:
    places = [(*TABLE, "properties", index) for index in range(len(facts.contract.table.properties))]
    columns = list(zip(places, facts.contract.table.properties, strict=True))
    keyed = [(at, column) for at, column in columns if column.primary_key]
    positions: dict[int, str] = {}
    for at, column in columns:
        position = column.primary_key_position
        if position in (None, -1):
            if column.primary_key and len(keyed) > 1:
                yield Finding(
                    (*at, "primaryKey"), "a key of several columns needs primaryKeyPosition", "number them from 1"
                )
        elif not column.primary_key:
            yield Finding((*at, "primaryKeyPosition"), "primaryKeyPosition without primaryKey", "add primaryKey: true")
        elif position is not None and position < 1:
            yield Finding((*at, "primaryKeyPosition"), "positions are counted from 1")
        elif position in positions:
            other = positions[position]
            yield Finding(
                (*at, "primaryKeyPosition"), f"the position {position} is that of {other}", "number them from 1"
            )
        elif position is not None:
            positions[position] = column.column_name
