"""The types in which typed rows pass through an engine."""

from __future__ import annotations

from datetime import time

import pyarrow as pa
import pytest

from pipeline.contract.dataset import Column, ColumnType, Dataset, ReadOptions
from pipeline.partition import _for_engine, engine_schema, from_engine

TYPES = {
    "string": (ColumnType("string", "text"), "string"),
    "uuid": (ColumnType("uuid", "uuid"), "string"),
    "json": (ColumnType("json", "jsonb"), "string"),
    "small": (ColumnType("integer", "smallint", bits=16), "smallint"),
    "whole": (ColumnType("integer", "integer", bits=32), "int"),
    "big": (ColumnType("integer", "bigint"), "bigint"),
    "money": (ColumnType("decimal", "numeric(12,2)", precision=12, scale=2), "decimal(12,2)"),
    "count": (ColumnType("decimal", "numeric(5,0)", precision=5, scale=0), "decimal(5,0)"),
    "ratio": (ColumnType("double", "double precision"), "double"),
    "rough": (ColumnType("double", "real", bits=32), "float"),
    "yes": (ColumnType("boolean", "boolean"), "boolean"),
    "day": (ColumnType("date", "date"), "date"),
    "moment": (ColumnType("timestamp", "timestamp"), "timestamp_ntz"),
    "instant": (ColumnType("timestamptz", "timestamptz"), "timestamp"),
    "clock": (ColumnType("time", "time"), "string"),
    "blob": (ColumnType("bytes", "bytea"), "binary"),
    "days": (ColumnType("array", "date[]", item=ColumnType("date", "date")), "array<date>"),
    "prices": (
        ColumnType("array", "numeric(6,2)[]", item=ColumnType("decimal", "numeric(6,2)", precision=6, scale=2)),
        "array<decimal(6,2)>",
    ),
}  # fmt: skip


def dataset(**types: ColumnType) -> Dataset:
    columns = tuple(Column(name, column_type, name) for name, column_type in types.items())
    return Dataset(
        id="d", version="1", path="d.odcs.yaml", sha256="0" * 64, location="s3://b/*", read=ReadOptions("csv"),
        schema="s", table="t", columns=columns, source_columns=tuple(types),
    )  # fmt: skip


@pytest.mark.parametrize("name", TYPES)
def test_every_type_has_its_own(name: str) -> None:
    column_type, ddl = TYPES[name]
    assert (
        engine_schema(dataset(**{name: column_type})) == f"`{name}` {ddl}, _line bigint, _keep boolean, _reasons string"
    )


def test_names_are_quoted() -> None:
    assert engine_schema(dataset(**{"a `b`": ColumnType("string", "text")})).startswith("`a ``b``` string, ")


def test_times_of_day_travel_as_text_and_come_back() -> None:
    """Also where the contract's own format, in which they arrived, is another."""
    clock = ColumnType("time", "time", format="HH.mm")
    types = {"clock": clock, "clocks": ColumnType("array", "time[]", item=clock)}
    noon, late = time(12), time(23, 59, 59, 999_999)
    typed = pa.RecordBatch.from_pydict(
        {
            "clock": pa.array([noon, None, late], pa.time64("us")),
            "clocks": pa.array([[noon, None], None, []], pa.list_(pa.time64("us"))),
            "_line": [2, 3, 4],
            "_keep": [True, True, True],
            "_reasons": pa.nulls(3, pa.string()),
        }
    )
    sent = _for_engine(typed, dataset(**types))
    assert sent.column("clock").to_pylist() == ["12:00:00.000000", None, "23:59:59.999999"]
    assert sent.column("clocks").type == pa.list_(pa.string())
    (back,) = from_engine([sent], dataset(**types))
    assert back.equals(typed)
