"""What a test stages, and what it finds in the tables afterwards."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import psycopg2
import pyarrow as pa
from psycopg2 import sql

from pipeline.load.connect import Connection
from pipeline.load.staging import StagingTarget

MakeTarget = Callable[..., StagingTarget]


def rows_of(conn: Connection, table: sql.Identifier, *columns: str) -> list[tuple[Any, ...]]:
    """Those columns of the table, in the order of `_line` or `line`."""
    order = "line" if "line" in columns or "rule" in columns else "_line"
    listed = sql.SQL(", ").join(sql.SQL(column) for column in columns)  # the test's own expressions
    statement = sql.SQL("SELECT {} FROM {} ORDER BY {}").format(listed, table, sql.Identifier(order))
    try:
        with conn.cursor() as cursor:
            cursor.execute(statement)
            return cursor.fetchall()
    except psycopg2.Error:
        conn.rollback()
        raise


def valid_rows(**columns: pa.Array | Sequence[Any]) -> pa.RecordBatch:
    """Valid rows with `_line` counted from 1."""
    arrays = {name: value if isinstance(value, pa.Array) else pa.array(value) for name, value in columns.items()}
    count = len(next(iter(arrays.values())))
    return pa.RecordBatch.from_pydict({**arrays, "_line": pa.array(range(1, count + 1), pa.int64())})


def reject_rows(*lines: int, message: str = "not a number") -> pa.RecordBatch:
    """One reject of rule `type` per line."""
    return pa.RecordBatch.from_pydict(
        {
            "line": pa.array(lines, pa.int64()),
            "column_name": pa.array(["amount"] * len(lines), pa.string()),
            "rule": pa.array(["type"] * len(lines), pa.string()),
            "message": pa.array([message] * len(lines), pa.string()),
            "reasons": pa.array(['[{"rule": "type"}]'] * len(lines), pa.string()),
        }
    )
