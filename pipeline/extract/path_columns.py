"""Columns that live in an object's path: `year=2024/month=01/x.csv`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from urllib.parse import unquote

import pyarrow as pa

from pipeline.contract.names import snake_case
from pipeline.extract.extraction import SourceColumn

_NULL = "__HIVE_DEFAULT_PARTITION__"


def path_values(name: str, wanted: Iterable[str], present: Iterable[str]) -> dict[SourceColumn, str | None]:
    """The `key=value` directories of a path or URI that the contract wants and the content itself does not have."""
    missing = set(wanted) - set(present)
    values: dict[SourceColumn, str | None] = {}
    for directory in name.split("/")[:-1]:
        key, equals, value = directory.partition("=")
        column = SourceColumn(snake_case(unquote(key)), unquote(key), path=True)
        if equals and column.name in missing:
            values[column] = None if value == _NULL else unquote(value)
    return values


def append_values(table: pa.Table, values: Mapping[SourceColumn, object], schema: pa.Schema) -> pa.Table:
    """The table with a constant column for each value, typed as in `schema`."""
    for column, value in values.items():
        data_type = schema.field(column.name).type
        constant = pa.repeat(pa.scalar(value, data_type), table.num_rows)
        table = table.append_column(pa.field(column.name, data_type), constant)
    return table
