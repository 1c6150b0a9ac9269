"""Rejects of files whose rows are no text: again from the source object, or corrected, every value exact."""

from __future__ import annotations

import csv
import datetime
import io
import json
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import fastavro
import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyarrow import orc

from tests.integration.command_line import Done, run
from tests.integration.loader import Loader

Contract = Callable[..., Path]
Query = Callable[..., list[tuple[Any, ...]]]
Landfall = Callable[..., Done]

COLUMNS = [
    "{name: id, logicalType: integer, primaryKey: true}",
    "{name: kind, logicalType: string, enum: [{value: ant}ALSO]}",
    "{name: weight, logicalType: number, physicalType: 'NUMERIC(20,8)'}",
    "{name: seen_at, logicalType: timestamp, logicalTypeOptions: {timezone: false}}",
    "{name: doubled, logicalType: integer, transformLogic: id * 2}",
]
LOAD = "{mode: upsert, rejects: {max: 90, unit: percent}}"
SEEN = datetime.datetime(2026, 1, 2, 3, 4, 5)
ROWS = [
    {"Id": n, "kind": kind, "weight": Decimal("12345678901.12345678"), "seenAt": SEEN}
    for n, kind in enumerate(["ant", "bee", "ant", "cat", "bee"], 1)
]
ARROW = pa.schema(
    [("Id", pa.int64()), ("kind", pa.string()), ("weight", pa.decimal128(20, 8)), ("seenAt", pa.timestamp("us"))]
)
AVRO = {
    "type": "record", "name": "row", "fields": [
        {"name": "Id", "type": "long"}, {"name": "kind", "type": "string"},
        {"name": "weight", "type": {"type": "bytes", "logicalType": "decimal", "precision": 20, "scale": 8}},
        {"name": "seenAt", "type": {"type": "long", "logicalType": "local-timestamp-micros"}},
    ],
}  # fmt: skip
FORMATS = ["parquet", "xlsx", "avro", "orc"]


def write(path: Path, rows: list[dict[str, Any]]) -> None:
    """The rows in the format of the file's suffix."""
    match path.suffix:
        case ".parquet":
            pq.write_table(pa.Table.from_pylist(rows, ARROW), path, row_group_size=2)
        case ".orc":
            orc.write_table(pa.Table.from_pylist(rows, ARROW), str(path))
        case ".avro":
            with path.open("wb") as file:
                fastavro.writer(file, AVRO, rows, sync_interval=32)
        case ".xlsx":
            book = openpyxl.Workbook()
            book.active.append(list(rows[0]))
            for row in rows:
                book.active.append([row["Id"], row["kind"], str(row["weight"]), row["seenAt"]])
            book.save(path)


@pytest.fixture
def landfall(sail: Loader) -> Landfall:
    url = sail.destination.url.render_as_string(hide_password=False)
    return lambda *arguments, **more: run(*arguments, "--database-url", url, **more)


@pytest.fixture
def first(
    sail: Loader, contract: Contract, tmp_path: Path, request: pytest.FixtureRequest
) -> tuple[str, Path, Path, Path]:
    """A load with three rejects: its id, its file, the strict contract and the fixed one."""
    form = request.param
    name = f"typed_{form}_{request.node.originalname.removeprefix('test_')[:20]}"
    file = tmp_path / f"items.{form}"
    write(file, ROWS)
    source = f"    format: {form}"
    # The cells of a workbook come as text; of the others a number is a number, before a replay and in it.
    columns = [line.replace("id * 2", "cast(id as int) * 2") for line in COLUMNS] if form == "xlsx" else COLUMNS
    fixed = contract(f"{name}", [line.replace("ALSO", ", {value: bee}") for line in columns], load=LOAD, source=source)
    fixed = fixed.rename(tmp_path / "fixed.odcs.yaml")
    strict = contract(name, [line.replace("ALSO", "") for line in columns], load=LOAD, source=source)
    receipt = sail.one(file, strict)
    assert receipt.error is None
    assert receipt.rows["rejected"] == 3
    return str(receipt.load_id), file, strict, fixed


def table(rows: Query, strict: Path) -> list[tuple[Any, ...]]:
    return rows(f"SELECT id, kind, weight, seen_at, doubled FROM {strict.name.split('.')[0]}.target ORDER BY id")


def expected(*which: tuple[int, str]) -> list[tuple[Any, ...]]:
    return [(number, kind, Decimal("12345678901.12345678"), SEEN, number * 2) for number, kind in which]


@pytest.mark.parametrize("first", FORMATS, indirect=True)
def test_after_the_contract_was_fixed(first: tuple[str, Path, Path, Path], landfall: Landfall, rows: Query) -> None:
    load_id, _, strict, fixed = first
    done = landfall("replay", load_id, "--contracts", fixed, "--json", "--quiet")
    assert done.code == 0, done.err
    counts = done.receipts[0]["rows"]
    assert (counts["read"], counts["inserted"], counts["rejected"]) == (3, 2, 1)
    assert table(rows, strict) == expected((1, "ant"), (2, "bee"), (3, "ant"), (5, "bee"))
    statuses = rows("SELECT status FROM landfall.reject WHERE load_id = %s ORDER BY line", load_id)
    assert statuses == [("replayed",), ("open",), ("replayed",)]


@pytest.mark.parametrize("first", FORMATS, indirect=True)
def test_from_the_file_that_came_back(
    first: tuple[str, Path, Path, Path], landfall: Landfall, rows: Query, tmp_path: Path
) -> None:
    load_id, file, strict, _ = first
    file.unlink()  # the records say it all
    sent = list(csv.reader(io.StringIO(landfall("rejects", load_id, "--csv").out)))
    assert [json.loads(record)["kind"] for record, _ in sent[1:]] == ["bee", "cat", "bee"]
    back = tmp_path / "back.csv"
    with back.open("w", newline="") as out:
        csv.writer(out).writerows(
            [record.replace("bee", "ant").replace("cat", "ant"), reason] for record, reason in sent
        )
    done = landfall("replay", load_id, "--contracts", strict, "--file", back)
    assert done.code == 0, done.err
    assert table(rows, strict) == expected(*((number, "ant") for number in range(1, 6)))
    back.write_text('record,reason\n"{""Id"": ""x""}",\n"{}",\n"{}",\n')
    assert "nothing to do" in landfall("replay", load_id, "--contracts", strict, "--file", back).out


@pytest.mark.parametrize("first", ["parquet"], indirect=True)
def test_says_what_cannot_be(
    first: tuple[str, Path, Path, Path], landfall: Landfall, rows: Query, tmp_path: Path
) -> None:
    load_id, file, strict, fixed = first
    back = tmp_path / "back.csv"
    for records, said in (
        (
            '"{""Id"": ""x""}",\n"{}",\n"{}",\n',
            "back.csv: record 1: id is not written as the source object's type, int64",
        ),
        ('"{}",\n"[",\n"{}",\n', "back.csv: record 2 is not a JSON object any more"),
        ('"{}",\n', "has 1 records, but load"),
    ):
        back.write_text(f"record,reason\n{records}")
        done = landfall("replay", load_id, "--contracts", fixed, "--file", back)
        assert (done.code, said in done.err) == (2, True), done.err
    write(file, ROWS[1:])
    done = landfall("replay", load_id, "--contracts", fixed)
    assert done.code == 66
    assert "holds other bytes than load" in done.err
    assert "replay with --file" in done.err
    file.unlink()
    assert landfall("replay", load_id, "--contracts", fixed).code == 66
    assert table(rows, strict) == expected((1, "ant"), (3, "ant"))
