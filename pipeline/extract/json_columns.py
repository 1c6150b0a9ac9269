"""From the keys of documents to the columns of raw rows."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from operator import itemgetter

import numpy as np
import pyarrow as pa

from pipeline.contract.dataset import Dataset
from pipeline.contract.names import snake_case
from pipeline.errors import RefusedError, SourceError
from pipeline.extract.extraction import LINE, SourceColumn
from pipeline.extract.json_documents import Row
from pipeline.extract.json_text import NULL, Cell
from pipeline.extract.json_types import typed
from pipeline.extract.path_columns import append_values, path_values
from pipeline.extract.spark_ddl import parse_ddl

MOST_UNKNOWN = 1_600
"""Keys beyond the contract's that are kept: as many columns as a table of PostgreSQL may have."""
_MORE = SourceColumn("and_more", "and more")
"""Stands for the keys beyond those, in the receipt and in messages."""


@dataclass(frozen=True)
class Refusal:
    """Why a row cannot be: a value of another type than readSchema says, or two keys for one column."""

    column: str
    rule: str
    message: str


class JsonColumns:
    """Which keys feed which column. Keys that differ only in their spelling (`userId`, `user_id`) mean one column."""

    def __init__(self, dataset: Dataset, name: str) -> None:
        self._wanted = dataset.source_columns
        self._adopts = dataset.load.evolution.new_columns == "add"
        declared = parse_ddl(dataset.read.read_schema) if dataset.read.read_schema else {}
        self._types = {snake_case(key): data_type for key, data_type in declared.items()}
        self._path = path_values(name, self._wanted, ())
        self._path_names = {column.name for column in self._path}
        self._name = name
        self._keys: dict[str, list[str]] = {}
        self._known: set[str] = set()
        self._unknown = 0

    @property
    def columns(self) -> tuple[SourceColumn, ...]:
        """The contract's source columns, whether their keys have come or not, then the other keys seen so far.

        Of other keys `MOST_UNKNOWN` are named, and a last one stands for the rest.
        """
        path = {column.name: column for column in self._path}
        named = {name: SourceColumn(name, keys[0]) for name, keys in self._keys.items()}
        wanted = [path.get(name) or named.get(name) or SourceColumn(name, name) for name in self._wanted]
        others = [column for name, column in named.items() if name not in self._wanted]
        return (*wanted, *others, *([_MORE] if self._unknown > MOST_UNKNOWN else []))

    def schema(self) -> pa.Schema:
        """Of the parts: the contract's source columns, new keys if it adopts them, `_line`, values of the path."""
        names = [c.name for c in self.columns if not c.path and (c.name in self._wanted or self._adopts)]
        fields = [pa.field(name, self._type(name)) for name in names]
        path_fields = [pa.field(column.name, self._type(column.name)) for column in self._path]
        return pa.schema([*fields, pa.field(LINE, pa.int64()), *path_fields])

    def learn(self, rows: Sequence[Row]) -> None:
        """Take note of keys not seen before. Raises RefusedError for more new columns than a table may have."""
        new = set[str]().union(*rows) - self._known
        if not new:
            return
        for key in dict.fromkeys(key for row in rows for key in row if key in new):
            name = _column_name(key)
            if name in self._wanted or self._has_room(key):
                self._known.add(key)
                self._keys.setdefault(name, []).append(key)

    def _has_room(self, key: str) -> bool:
        """Whether one more key that the contract does not know is kept: a sender may have ever new ones."""
        self._unknown = min(self._unknown, MOST_UNKNOWN) + 1
        if self._unknown > MOST_UNKNOWN and self._adopts:
            raise RefusedError(
                f"{self._name}: more than {MOST_UNKNOWN:,} keys that the contract does not know, such as {key[:80]!r},"
                " and so more columns than a table may have; set evolution.newColumns to ignore"
            )
        return self._unknown <= MOST_UNKNOWN

    def build(self, rows: Sequence[Row], schema: pa.Schema) -> tuple[pa.Table, dict[int, Refusal]]:
        """The rows as a table (without `_line`), and those among them that must be refused, by place."""
        self.learn(rows)
        refusals: dict[int, Refusal] = {}
        names = [name for name in schema.names if name != LINE and name not in self._path_names]
        cells = self._cells(names, rows, refusals)
        arrays = [_array(name, cells[name], schema.field(name).type, refusals) for name in names]
        table = pa.table(dict(zip(names, arrays, strict=True))) if names else _no_columns(len(rows))
        values = {column: self._path_value(column, text) for column, text in self._path.items()}
        return append_values(table, values, schema), refusals

    def _cells(self, names: list[str], rows: Sequence[Row], refusals: dict[int, Refusal]) -> dict[str, Sequence[Cell]]:
        """The values of each column; a missing key is null."""
        keys = {name: self._keys.get(name, [name]) for name in names}
        if len(names) > 1 and all(len(spellings) == 1 for spellings in keys.values()):
            try:
                every = zip(*map(itemgetter(*(keys[name][0] for name in names)), rows), strict=True)
                return dict(zip(names, every, strict=False)) if rows else dict.fromkeys(names, ())
            except KeyError:
                pass  # some document lacks a key
        return {name: _cells_of(name, keys[name], rows, refusals) for name in names}

    def _type(self, name: str) -> pa.DataType:
        return self._types.get(name, pa.string())

    def _path_value(self, column: SourceColumn, text: str | None) -> pa.Scalar:
        try:
            return pa.scalar(text, pa.string()).cast(self._type(column.name))
        except pa.ArrowInvalid as error:
            raise SourceError(
                f"{self._name}: {column.header}={text} in its path is not of the type that readSchema says"
            ) from error


def _cells_of(name: str, spellings: list[str], rows: Sequence[Row], refusals: dict[int, Refusal]) -> list[Cell]:
    if len(spellings) == 1:
        return [row.get(spellings[0], NULL) for row in rows]
    for place, row in enumerate(rows):
        if len(both := [key for key in spellings if key in row]) > 1:
            message = f"the keys {both[0]!r} and {both[1]!r} mean the same column"
            refusals.setdefault(place, Refusal(name, "structure", message))
    return [next((row[key] for key in spellings if key in row), NULL) for row in rows]


def _array(name: str, cells: Sequence[Cell], data_type: pa.DataType, refusals: dict[int, Refusal]) -> pa.Array:
    def refuse(row: int, message: str) -> None:
        refusals.setdefault(row, Refusal(name, "type", message))

    return typed(cells, np.arange(len(cells)), data_type, refuse)


def _column_name(key: str) -> str:
    name = snake_case(key) or f"col_{hashlib.sha256(key.encode()).hexdigest()[:8]}"
    return f"{name}_2" if name == LINE else name


def _no_columns(rows: int) -> pa.Table:
    return pa.table({"_": pa.nulls(rows)})
