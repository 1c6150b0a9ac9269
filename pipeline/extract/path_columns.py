"""Columns that live in an object's path: `year=2024/month=01/x.csv`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from urllib.parse import unquote

import pyarrow as pa

from pipeline.contract.dataset import Dataset
from pipeline.contract.names import snake_case
from pipeline.extract.extraction import SourceColumn

_PATTERNS = (
    (re.compile(r"-?[0-9]{1,9}"), pa.int32()),
    (re.compile(r"-?[0-9]{10,18}"), pa.int64()),
    (re.compile(r"[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])"), pa.date32()),
)
_NULL = "__HIVE_DEFAULT_PARTITION__"


def path_values(name: str, wanted: Iterable[str], present: Iterable[str]) -> dict[SourceColumn, str | None]:
    """The `key=value` directories of a path or URI that the contract wants and the content itself does not have.

    Of several that mean one column the one nearest to the file is taken.
    """
    missing = set(wanted) - set(present)
    values: dict[str, tuple[SourceColumn, str | None]] = {}
    for directory in name.split("/")[:-1]:
        key, equals, value = directory.partition("=")
        column = SourceColumn(snake_case(unquote(key)), unquote(key), path=True)
        if equals and column.name in missing:
            values[column.name] = column, None if value == _NULL else unquote(value)
    return dict(values.values())


def append_values(table: pa.Table, values: Mapping[SourceColumn, object], schema: pa.Schema) -> pa.Table:
    """The table with a constant column for each value, typed as in `schema`."""
    for column, value in values.items():
        data_type = schema.field(column.name).type
        scalar = value if isinstance(value, pa.Scalar) else pa.scalar(value, data_type)
        table = table.append_column(pa.field(column.name, data_type), pa.repeat(scalar, table.num_rows))
    return table


def infer_values(values: Mapping[SourceColumn, str | None], dataset: Dataset) -> dict[SourceColumn, pa.Scalar]:
    """Path values with the type that they look like: int, date or text, as the engines' own readers do.

    A value that a text column of the contract takes over as it is stays text, zero padding and all.
    """
    text = {column.source for column in dataset.columns if column.type.kind == "string" and column.expression is None}
    return {
        column: pa.scalar(value, pa.string()) if column.name in text else _inferred(value)
        for column, value in values.items()
    }


def _inferred(value: str | None) -> pa.Scalar:
    text = pa.scalar(value, pa.string())
    for pattern, data_type in _PATTERNS:
        if value is not None and pattern.fullmatch(value):
            try:
                return text.cast(data_type)
            except pa.ArrowInvalid:
                return text
    return text
