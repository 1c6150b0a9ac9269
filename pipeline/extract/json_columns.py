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
from pipeline.errors import SourceError
from pipeline.extract.extraction import LINE, SourceColumn
from pipeline.extract.json_documents import Row
from pipeline.extract.json_text import NULL, Cell
from pipeline.extract.json_types import typed
from pipeline.extract.path_columns import append_values, path_values
from pipeline.extract.spark_ddl import parse_ddl


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
        self._is_fixed = False
        self._name = name
        self._keys: dict[str, list[str]] = {}
        self._known: set[str] = set()

    @property
    def columns(self) -> tuple[SourceColumn, ...]:
        """The contract's source columns, whether their keys have come or not, then the other keys seen so far."""
        path = {column.name: column for column in self._path_values()}
        named = {name: SourceColumn(name, keys[0]) for name, keys in self._keys.items()}
        wanted = [named.get(name) or path.get(name) or SourceColumn(name, name) for name in self._wanted]
        return (*wanted, *(column for name, column in named.items() if name not in self._wanted))

    def schema(self) -> pa.Schema:
        """Of the parts: the contract's source columns, new keys if it adopts them, `_line`, values of the path."""
        self._path = path = self._path_values()
        self._is_fixed = True
        names = [c.name for c in self.columns if c not in path and (c.name in self._wanted or self._adopts)]
        fields = [pa.field(name, self._type(name)) for name in names]
        path_fields = [pa.field(column.name, self._type(column.name)) for column in path]
        return pa.schema([*fields, pa.field(LINE, pa.int64()), *path_fields])

    def learn(self, rows: Sequence[Row]) -> None:
        """Take note of keys not seen before."""
        new = set[str]().union(*rows) - self._known
        if not new:
            return
        self._known |= new
        for key in dict.fromkeys(key for row in rows for key in row if key in new):
            self._keys.setdefault(_column_name(key), []).append(key)

    def build(self, rows: Sequence[Row], schema: pa.Schema) -> tuple[pa.Table, dict[int, Refusal]]:
        """The rows as a table (without `_line`), and those among them that must be refused, by place."""
        self.learn(rows)
        refusals: dict[int, Refusal] = {}
        path = self._path_values()
        names = [name for name in schema.names if name != LINE and name not in {column.name for column in path}]
        cells = self._cells(names, rows, refusals)
        arrays = [_array(name, cells[name], schema.field(name).type, refusals) for name in names]
        table = pa.table(dict(zip(names, arrays, strict=True))) if names else _no_columns(len(rows))
        values = {column: self._path_value(column, text) for column, text in path.items()}
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

    def _path_values(self) -> dict[SourceColumn, str | None]:
        """Values of the path, but for columns that the documents were seen to have themselves before the first part."""
        return (
            self._path
            if self._is_fixed
            else {column: value for column, value in self._path.items() if column.name not in self._keys}
        )

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
