"""The properties of a new contract: for each column of the sample its name, its type and the evidence."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import pyarrow as pa

from pipeline.contract.names import snake_case
from pipeline.errors import SourceError
from pipeline.extract import SourceColumn
from pipeline.scaffold.candidates import enum, keys
from pipeline.scaffold.distinct import Distinct, distinct, shown
from pipeline.scaffold.guess import Guess
from pipeline.scaffold.infer import infer
from pipeline.scaffold.missing import missing_values, present_tokens
from pipeline.scaffold.names import column_names, path_levels
from pipeline.scaffold.own_types import guess_of
from pipeline.scaffold.sample import Sample

_TEXT_FORMATS = ("csv", "json", "xlsx")
_OF_THE_FILE = "_metadata"


@dataclass(frozen=True)
class Property:
    """A column of the contract, and the lines of its comment."""

    facts: Mapping[str, object]
    comment: tuple[str, ...]


@dataclass(frozen=True)
class Described:
    """What is known of the sample's columns. `missing`: the texts that mean missing. `left_out`: columns, and why."""

    properties: tuple[Property, ...]
    missing: tuple[str, ...]
    keys: tuple[tuple[str, ...], ...]
    left_out: tuple[str, ...]


def describe(sample: Sample, uri: str) -> Described:
    """The properties for the columns of a sample, known as `uri`, and of its path. Raises SourceError without any."""
    left_out = dict(_left_out(sample.columns))
    kept = [column for column in sample.columns if column.header not in left_out]
    taken = {_OF_THE_FILE, *(column.name for column in sample.columns)}
    levels = {name: level for name, level in path_levels(uri).items() if name not in taken}
    if not kept and not levels:
        raise SourceError(f"{uri}: has no column that a contract can describe; a contract needs a sample with rows")
    targets = column_names([*(column.name for column in kept), *levels])
    columns = {c.name: _distinct(sample.table.column(c.name)) for c in kept}
    read = sample.layout.read
    own = read.format not in _TEXT_FORMATS
    usual = ("",) if read.format in ("csv", "xlsx") else ()
    texts = {name: column for name, column in columns.items() if column is not None and _is_text(column)}
    missing = usual if own else missing_values(texts, usual)
    cleaned = {name: column.without(missing) for name, column in texts.items()}
    guesses = {c.name: _guess(c.name, sample.table, cleaned, own=own) for c in kept}
    properties = [
        *(
            _property(c, targets[c.name], guesses[c.name], cleaned.get(c.name), sample.table.column(c.name))
            for c in kept
        ),
        *(_path_property(name, targets[name], *level) for name, level in levels.items()),
    ]
    countable = {name: cleaned.get(name, column) for name, column in columns.items() if column is not None}
    return Described(
        tuple(properties),
        missing,
        tuple(keys(sample.table, countable, guesses)),
        tuple(left_out.values()),
    )


def _left_out(columns: Sequence[SourceColumn]) -> Iterator[tuple[str, str]]:
    """The headers of columns that no contract can use, each with the reason."""
    names = [snake_case(column.header) or column.name for column in columns]  # as `check_header` compares them
    counts = Counter(names)
    for column, name in zip(columns, names, strict=True):
        header = column.header
        if counts[name] > 1:
            yield header, f"{header!r} stands in the header more than once, so which column is meant cannot be known"
        elif column.name == _OF_THE_FILE:
            yield header, f"{header!r}, since `{_OF_THE_FILE}` means the file in every expression"


def _path_property(name: str, target: str, key: str, value: str) -> Property:
    """A column whose value stands in the path (`year=2026`)."""
    guess = infer(distinct(pa.chunked_array([pa.array([value])])), name)
    facts = _facts(name, target, key, guess if guess.logical in ("integer", "date") else Guess("string", ""))
    return Property(facts, (f"from the path, such as {key}={value}",))


def _distinct(column: pa.ChunkedArray) -> Distinct | None:
    """None for nested values, which are not compared."""
    return None if pa.types.is_nested(column.type) else distinct(column)


def _is_text(column: Distinct) -> bool:
    return bool(pa.types.is_string(column.values.type))


def _guess(name: str, table: pa.Table, cleaned: Mapping[str, Distinct], *, own: bool) -> Guess:
    return guess_of(table.column(name).type) if own or name not in cleaned else infer(cleaned[name], name)


def _property(
    source: SourceColumn, target: str, guess: Guess, column: Distinct | None, values: pa.ChunkedArray
) -> Property:
    rows = len(values)
    missing = column.nulls if column is not None else values.null_count
    lines = [f"{rows - missing:,} values, {guess.said}, {_share(missing, rows)}", *guess.notes]
    if column is not None and guess.is_text and (doubtful := present_tokens(column)):
        words = ", ".join(f"{shown(value)} ({count:,})" for value, count in doubtful)
        lines.append(f"{words}: text here; if it means missing, add it to missingValues")
    if column is not None and (found := enum(column, guess)):
        lines.append(f"enum candidate: {found}")
    return Property(_facts(source.name, target, source.header, guess), tuple(lines))


def _facts(name: str, target: str, header: str, guess: Guess) -> dict[str, object]:
    facts: dict[str, object] = {"name": name}
    if target != name:
        facts["physicalName"] = target
    if snake_case(header) != header:
        facts["businessName"] = header
    facts["logicalType"] = guess.logical
    facts |= {key: value for key, value in _optional(guess) if value}
    if guess.transform is None and snake_case(name) != name:
        facts["transformLogic"] = f"`{name}`"
    return facts


def _optional(guess: Guess) -> Iterator[tuple[str, object]]:
    yield "physicalType", guess.physical
    yield "logicalTypeOptions", dict(guess.options)
    yield "items", guess.items
    yield "map", guess.sides
    yield "transformLogic", guess.transform
    yield "tags", ["pii"] if guess.personal else None


def _share(missing: int, rows: int) -> str:
    if not missing:
        return "none missing"
    percent = 100 * missing / rows
    return f"{missing:,} missing" if percent < 0.1 else f"{percent:.1f} % missing"
