"""Promise: a bad row costs one row. Values of typed files that Arrow has, and Python or PostgreSQL has not."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.integration.command_line import run
from tests.integration.loader import Loader

Contract = Callable[..., Path]
Query = Callable[..., list[tuple[Any, ...]]]

LOAD = "{mode: append, rejects: {max: 90, unit: percent}}"


def days(*numbers: int) -> pa.Array:
    return pa.array(numbers, pa.int32()).view(pa.date32())


MAP = pa.map_(pa.string(), pa.int64())
DOCUMENT = "logicalType: object, physicalType: JSONB"
LATE = "29349-01-26"
CASES = {
    "a map with a key twice": (DOCUMENT, pa.array([[("a", 1)], [("k", 1), ("k", 2)]], MAP), "type"),
    "a late date in a struct": (DOCUMENT, pa.StructArray.from_arrays([days(0, 10**7)], ["d"]), "type"),
    "a late date over a maximum": (
        'logicalType: date, logicalTypeOptions: {maximum: "2030-01-01"}', days(0, 10**7), "range",
    ),
    "a date after the last": ("logicalType: date", days(0, 2**31 - 1), "type"),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_promise_4_an_odd_value_costs_one_row(
    case: str, load: Loader, contract: Contract, rows: Query, tmp_path: Path
) -> None:
    column, values, rule = CASES[case]
    name = f"odd_{list(CASES).index(case)}_{load.engine}"
    file = tmp_path / "odd.parquet"
    pq.write_table(pa.table({"id": [1, 2], "v": values}), file)
    properties = ["{name: id, logicalType: integer}", f"{{name: v, {column}}}"]
    receipt = load.one(file, contract(name, properties, load=LOAD, source="    format: parquet"))
    assert receipt.error is None
    assert (receipt.rows["inserted"], receipt.rows["rejected"]) == (1, 1)
    assert rows("SELECT line, column_name, rule FROM landfall.reject WHERE load_id = %s", receipt.load_id) == [
        (2, "v", rule)
    ]


def test_a_late_date_beside_a_bad_value_is_kept_as_it_is(
    load: Loader, contract: Contract, rows: Query, tmp_path: Path
) -> None:
    file = tmp_path / "late.parquet"
    pq.write_table(pa.table({"id": ["1", "x"], "v": days(10**7, 10**7)}), file)
    properties = ["{name: id, logicalType: integer}", "{name: v, logicalType: date}"]
    name = f"late_{load.engine}"
    receipt = load.one(file, contract(name, properties, load=LOAD, source="    format: parquet"))
    assert receipt.error is None
    assert rows(f"SELECT id, v::text FROM {name}.target") == [(1, LATE)]
    kept = rows("SELECT raw_text FROM landfall.reject WHERE load_id = %s", receipt.load_id)
    assert kept == [(f'{{"id":"x","v":"{LATE}"}}',)]


def test_a_reject_with_a_map_comes_back(sail: Loader, contract: Contract, rows: Query, tmp_path: Path) -> None:
    file = tmp_path / "map.parquet"
    pq.write_table(pa.table({"id": ["1", "x"], "v": pa.array([[("a", 1)], [("b", 2), ("c", 3)]], MAP)}), file)
    properties = ["{name: id, logicalType: integer}", f"{{name: v, {DOCUMENT}}}"]
    strict = contract("map_back", properties, load=LOAD, source="    format: parquet")
    receipt = sail.one(file, strict)
    assert receipt.rows["rejected"] == 1
    file.unlink()
    url = ("--database-url", sail.destination.url.render_as_string(hide_password=False))
    sent = list(csv.reader(io.StringIO(run("rejects", receipt.load_id, "--csv", *url).out)))
    back = tmp_path / "back.csv"
    with back.open("w", newline="") as out:
        csv.writer(out).writerows([record.replace('"x"', '"2"'), reason] for record, reason in sent)
    done = run("replay", receipt.load_id, "--contracts", strict, "--file", back, *url)
    assert done.code == 0, done.err
    assert rows("SELECT id, v FROM map_back.target ORDER BY id") == [(1, {"a": 1}), (2, {"b": 2, "c": 3})]


@pytest.mark.parametrize(
    ("number", "data_type", "column", "good", "bad"),
    [
        (1, "BINARY", "logicalType: string, physicalType: BYTEA", '"YQ=="', '"é"'),
        (2, "MAP<DATE,STRING>", DOCUMENT, '{"2024-01-02":"x"}', '{"soon":"x"}'),
        (3, "MAP<BINARY,STRING>", DOCUMENT, '{"YQ==":"x"}', '{"é":"x"}'),
        (4, "MAP<DECIMAL(5,2),INT>", DOCUMENT, '{"1.50":1}', '{"1.505":1}'),
    ],
)
def test_promise_4_an_odd_value_of_a_read_schema_costs_one_row(
    number: int, data_type: str, column: str, good: str, bad: str, load: Loader, contract: Contract, tmp_path: Path
) -> None:
    file = tmp_path / "odd.json"
    file.write_text("".join(f'{{"id":{row},"v":{value}}}\n' for row, value in enumerate([good, bad, "null"])))
    properties = ["{name: id, logicalType: integer}", f"{{name: v, {column}}}"]
    schema = f'    customProperties:\n      - {{property: readSchema, value: "id BIGINT, v {data_type}"}}'
    described = contract(
        f"odd_json_{number}_{load.engine}", properties, load=LOAD, source=f"    format: json\n{schema}"
    )
    receipt = load.one(file, described)
    assert receipt.error is None
    assert (receipt.rows["inserted"], receipt.rows["rejected"]) == (2, 1)
