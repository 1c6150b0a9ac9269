"""The load: keys and columns that a mode needs, options that fit the mode."""

from __future__ import annotations

import re
from collections.abc import Iterator

from pipeline.contract import parts
from pipeline.contract.checks.facts import Facts
from pipeline.contract.model.custom import Load
from pipeline.contract.model.properties import DateColumn, TimestampColumn
from pipeline.contract.parts import At
from pipeline.contract.problem import Finding, did_you_mean

_TERM = re.compile(r"\s*(\w+)((?:\s+(?:asc|desc))?(?:\s+nulls\s+(?:first|last))?)\s*\Z", re.IGNORECASE)
_NEEDS_KEY = ("upsert", "scd2")
_PROVENANCE = ("_line",)


def check(facts: Facts) -> Iterator[Finding]:
    """The findings of the custom property `load`."""
    load = parts.load(facts.contract)
    yield from _key(load, facts)
    yield from _column_lists(load, facts)
    yield from _valid_from(load, facts)
    yield from _dedupe(load, facts)
    yield from _budget(load)


def dedupe_terms(text: str) -> list[tuple[str, str]]:
    """ORDER BY terms as (column, direction in lower case). Raises ValueError, naming the term that is none."""
    terms = []
    for part in text.split(","):
        term = _TERM.match(part)
        if term is None:
            raise ValueError(part.strip() or "an empty term")
        terms.append((term.group(1), " ".join(term.group(2).lower().split())))
    return terms


def _key(load: At[Load], facts: Facts) -> Iterator[Finding]:
    if facts.keyed:
        return
    hint = "add primaryKey: true to the properties that identify a row"
    if load.value.mode in _NEEDS_KEY:
        yield Finding((*load.location, "mode"), f"mode {load.value.mode} needs a primary key", hint)
    elif load.value.dedupe is not None:
        yield Finding((*load.location, "dedupe"), "dedupe needs a primary key", hint)


def _column_lists(load: At[Load], facts: Facts) -> Iterator[Finding]:
    fitting = {"replaceBy": ("replace", load.value.replace_by), "trackColumns": ("scd2", load.value.track_columns)}
    keys = {column.column_name for column in facts.contract.table.properties if column.primary_key}
    for key, (mode, names) in fitting.items():
        at = (*load.location, key)
        if names and load.value.mode != mode:
            yield Finding(
                at, f"{key} has no effect in mode {load.value.mode}", f"it goes with mode {mode}", at_key=True
            )
        for index, name in enumerate(names or []):
            if not facts.is_column(name):
                yield Finding((*at, index), f"{name} is no column of the table", did_you_mean(name, facts.columns))
            elif name in (names or [])[:index]:
                yield Finding((*at, index), f"{name} is there twice", "remove one of them")
            elif key == "trackColumns" and name in keys:
                yield Finding((*at, index), f"{name} is part of the key, which never changes", "remove it")


def _valid_from(load: At[Load], facts: Facts) -> Iterator[Finding]:
    at, name = (*load.location, "validFrom"), load.value.valid_from
    if name is None:
        return
    if load.value.mode != "scd2":
        yield Finding(at, f"validFrom has no effect in mode {load.value.mode}", "it goes with mode scd2", at_key=True)
    elif not facts.is_column(name):
        yield Finding(at, f"{name} is no column of the table", did_you_mean(name, facts.columns))
    named = [column for column in facts.contract.table.properties if column.column_name == name]
    for column in named if load.value.mode == "scd2" else []:
        if not isinstance(column, DateColumn | TimestampColumn):
            yield Finding(
                at, f"{name} is neither a date nor a timestamp", "name the column that says since when a row holds"
            )
        elif not column.required:
            yield Finding(at, f"{name} may be missing, and a version must begin", f"add required: true to {name}")
        if column.primary_key or name in (load.value.track_columns or []):
            yield Finding(
                at, f"{name} is part of the key, or tracked: it tells when, not what", "choose another column"
            )


def _dedupe(load: At[Load], facts: Facts) -> Iterator[Finding]:
    at, text = (*load.location, "dedupe"), load.value.dedupe
    if text is None:
        return
    try:
        terms = dedupe_terms(text)
    except ValueError as error:
        hint = "write columns with asc or desc: updated_at desc, version desc"
        yield Finding(at, f"{error} is no ORDER BY term", hint, offset=max(text.find(str(error)), 0))
        return
    for name, _ in terms:
        if not facts.is_column(name) and name not in _PROVENANCE:
            yield Finding(
                at, f"{name} is no column of the table", did_you_mean(name, facts.columns), offset=text.find(name)
            )


def _budget(load: At[Load]) -> Iterator[Finding]:
    rejects = load.value.rejects
    if rejects is None:
        return
    at = (*load.location, "rejects", "max")
    if rejects.unit == "percent" and rejects.max > 100:
        yield Finding(at, f"{rejects.max:f} percent is more than all", "write at most 100, or unit: rows")
    if rejects.unit == "rows" and rejects.max != rejects.max.to_integral_value():
        yield Finding(at, f"{rejects.max:f} is no number of rows", "write a whole number, or unit: percent")
