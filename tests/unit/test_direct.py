"""Values that a worker reads from a part itself, since no SQL of the contract looks at them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from pipeline.contract.dataset import Column, ColumnType, Dataset, LoadPlan, ReadOptions
from pipeline.direct import values_in, without_sql

TEXT = ColumnType("string", "text")


def dataset(*columns: Column, missing: tuple[str, ...] = ("", "NA"), **plan: Any) -> Dataset:
    return Dataset(
        id="d", version="1", path="d.odcs.yaml", sha256="0" * 64, location="s3://b/*", schema="s", table="t",
        read=ReadOptions("csv", missing_values=missing), columns=columns, load=LoadPlan(**plan),
        source_columns=tuple(column.source for column in columns),
    )  # fmt: skip


A, B = Column("a", TEXT, "a"), Column("b", TEXT, "b")


def read(tmp_path: Path, table: pa.Table, of: Dataset) -> pa.Table:
    path = tmp_path / "part.arrow"
    with pa.ipc.new_file(path, table.schema) as writer:
        writer.write_table(table, max_chunksize=2)
    given = iter([pa.record_batch({"id": [0]})])
    batches = list(values_in(path, of)(given))
    assert next(given, None) is None  # an engine wants all that it gave to be taken
    return pa.Table.from_batches(batches)


@pytest.mark.parametrize(
    ("column", "plan"),
    [
        (A, {"where": "a = 'x'"}),
        (A, {"explode": "explode_outer(a) as item"}),
        (replace(A, expression="upper(a)"), {}),
    ],
)
def test_any_sql_is_for_the_engine(column: Column, plan: dict[str, str]) -> None:
    assert not without_sql(dataset(column, B, **plan))
    assert without_sql(dataset(A, B))


def test_the_columns_are_those_of_the_contract_and_a_missing_one_is_null(tmp_path: Path) -> None:
    table = pa.table({"b": ["x", "y", "z"], "more": [1, 2, 3], "_line": [2, 3, 7]})
    found = read(tmp_path, table, dataset(A, B))
    assert found.column_names == ["v0", "v1", "_line", "_keep"]
    assert found.to_pydict() == {"v0": [None] * 3, "v1": ["x", "y", "z"], "_line": [2, 3, 7], "_keep": [True] * 3}
    assert found.schema.field("v0").type == pa.string()


def test_missing_values_are_null_in_text_and_in_nothing_else(tmp_path: Path) -> None:
    table = pa.table({"a": ["NA", "", "NAN", None], "b": pa.array([b"NA", b"", b"x", None]), "_line": [1, 2, 3, 4]})
    found = read(tmp_path, table, dataset(A, B))
    assert found["v0"].to_pylist() == [None, None, "NAN", None]
    assert found["v1"].to_pylist() == [b"NA", b"", b"x", None]
    assert read(tmp_path, table, dataset(A, B, missing=()))["v0"].to_pylist() == ["NA", "", "NAN", None]
