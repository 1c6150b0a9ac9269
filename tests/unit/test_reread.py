"""Records of typed formats that come back as JSON find their columns again."""

from __future__ import annotations

import base64
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from pipeline import reread


def test_keys_name_columns_as_the_header_did(tmp_path: Path) -> None:
    """A blank header by its place, of equal ones the first; keys within a value stay as they are."""
    names = ["id", "col_2", "order_no", "col_4", "order_no_2"]
    schema = pa.schema([*((name, pa.string()) for name in names), ("tags", pa.map_(pa.string(), pa.string()))])
    dialect = {"format": "xlsx", "schema": base64.b64encode(schema.serialize().to_pybytes()).decode()}
    record = '{"ID":"1","":"a","Order No":"b"," ":"c","order_no":"d","tags":[["",{"":"x"}]]}'
    reread.from_records(tmp_path / "rows", [record], dialect, tmp_path / "back.csv")
    (row,) = pq.read_table(tmp_path / "rows").to_pylist()
    assert row == {**dict(zip(names, "1abcd", strict=True)), "tags": [("", '{"": "x"}')]}
