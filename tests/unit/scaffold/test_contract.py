"""The contract as a whole: valid, the same to every YAML reader, and names that PostgreSQL and Landfall take."""

from __future__ import annotations

import csv
import datetime
import io
from pathlib import Path

import openpyxl
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from pipeline.cast import strict_cast
from pipeline.contract.document import parse
from pipeline.contract.match import match
from pipeline.errors import ContractError, SourceError
from pipeline.extract import PartArea, open_source
from pipeline.scaffold import Wanted, scaffold
from pipeline.scaffold.names import column_name, dataset_name, location
from tests.unit.scaffold.scaffolded import Scaffolded, scaffolded


@pytest.mark.parametrize(
    ("name", "dataset", "pattern"),
    [
        ("orders_2026-11-20.csv", "orders", "orders_*.csv"),
        ("orders_20261120T101500Z.csv.gz", "orders", "orders_*.csv.gz"),
        ("Daily Report 2026-11.CSV", "daily_report", "Daily Report *.CSV"),
        ("flights-200k.json", "flights_200k", "flights-200k.json"),
        ("2026-11-20.csv", "c_2026_11_20", "*.csv"),
        ("what?{x}.csv", "what_x", "what??x?.csv"),
        ("___.csv", "dataset", "___.csv"),
    ],
)
def test_names_of_deliveries(name: str, dataset: str, pattern: str) -> None:
    assert dataset_name(f"file:///in/{name}") == dataset
    assert location(f"file:///in/{name}", "t") == "s3://${LANDING_BUCKET:-landing}/t/" + pattern


def test_an_s3_sample_keeps_its_bucket_and_its_partitions() -> None:
    uri = "s3://vendor/in/year=2026/month=01/orders_2026-01-05.csv?versionId=abc"
    assert location(uri, "orders") == "s3://vendor/in/year=*/month=*/orders_*.csv"


def test_columns_of_the_path(tmp_path: Path) -> None:
    found = scaffolded(tmp_path, "a,b\n1,x\n", uri="file:///in/year=2026/month=01/day=2026-01-05/sample.csv")
    types = {name: item["logicalType"] for name, item in found.properties.items()}
    assert types == {"a": "integer", "b": "string", "year": "integer", "month": "string", "day": "date"}


def test_headers_that_are_no_names_of_columns(tmp_path: Path) -> None:
    found = scaffolded(tmp_path, "select,_id,1st,xmin,Order No,\n1,2,3,4,5,6\n2,3,4,5,6,7\n")
    names = [column.name for column in found.dataset.columns]
    assert names == ["select", "id", "c_1st", "xmin_value", "order_no", "col_6"]
    assert [column.source for column in found.dataset.columns] == ["select", "_id", "1st", "xmin", "order_no", "col_6"]
    assert found.properties["order_no"]["businessName"] == "Order No"


@pytest.mark.parametrize(
    ("path", "header", "names"),
    [
        ("", "_id,id,v", {"_id": "id_2", "id": "id", "v": "v"}),
        ("", "_type,type,type_2", {"_type": "type_3", "type": "type", "type_2": "type_2"}),
        ("", "xmin,xmin_value", {"xmin": "xmin_value_2", "xmin_value": "xmin_value"}),
        ("", "_metadata,a", {"a": "a"}),
        ("a=1/a=2", "b,c", {"b": "b", "c": "c", "a": "a"}),
        ("Order No=1/order_no=2", "b,c", {"b": "b", "c": "c", "order_no": "order_no"}),
        ("c0=1", "_c0,c", {"_c0": "c0_2", "c": "c", "c0": "c0"}),
        ("_id=1/id=2/%=3/_metadata=4", "b,c", {"b": "b", "c": "c", "_id": "id_2", "id": "id"}),
        ("b=1", "b,b,c", {"c": "c"}),
        ("dt=1", "dt,c", {"dt": "dt", "c": "c"}),
    ],
)
def test_names_that_fall_together_are_told_apart(tmp_path: Path, path: str, header: str, names: dict[str, str]) -> None:
    content = header + "\n" + "".join(",".join(f"{row}" for _ in header.split(",")) + "\n" for row in (1, 2, 3))
    found = scaffolded(tmp_path, content, uri=f"file:///in/{path}/sample.csv")
    assert {column.source: column.name for column in found.dataset.columns} == names
    where = f"s3://landing/{found.dataset.id}/{path}/sample.csv" if path else "file:///sample.csv"
    assert match([found.dataset], where) is found.dataset


@pytest.mark.parametrize("content", ["[]", "{}\n{}\n", '{"_metadata": 1}\n'])
def test_a_sample_without_a_column_is_refused(tmp_path: Path, content: str) -> None:
    with pytest.raises(SourceError, match="no column that a contract can describe"):
        scaffolded(tmp_path, content, "sample.json")


def test_a_doubled_header_is_left_out_and_named(tmp_path: Path) -> None:
    found = scaffolded(tmp_path, "id,v,V,,\n1,2,3,4,5\n2,3,4,5,6\n")
    assert list(found.properties) == ["id", "col_4", "col_5"]
    assert "left out: 'v' stands in the header more than once" in found.text
    assert "left out: 'V' stands in the header more than once" in found.text


def test_a_blank_header_whose_name_by_its_place_another_has_is_left_out(tmp_path: Path) -> None:
    found = scaffolded(tmp_path, "id,,Col 2\n1,2,3\n2,3,4\n")
    assert list(found.properties) == ["id"]


def test_a_beginning_of_a_large_file_is_said_to_be_one(tmp_path: Path) -> None:
    content = "a,b\n" + "1,x\n" * 10_000 + "y,x\n"
    part, whole = scaffolded(tmp_path, content, limit=4096), scaffolded(tmp_path, content)
    assert "all of its 10,001 records" in whole.text
    assert "its first 2,048 records, not" in part.text
    assert "in the part that was read" in scaffolded(tmp_path, _numbered(5000), limit=4096).text
    assert (whole.properties["a"], part.properties["a"]) == ({"logicalType": "string"}, {"logicalType": "integer"})


def _numbered(rows: int) -> str:
    return "a,b\n" + "".join(f"{row},x\n" for row in range(rows))


def test_records_that_are_no_rows_are_counted(tmp_path: Path) -> None:
    found = scaffolded(tmp_path, "a,b\n" + "1,2\n" * 30 + "Total\n")
    assert "records that are no rows, and will be rejects: 1; the first, line 32: 1 fields" in found.text


@pytest.mark.parametrize("content", ['{\n "a": [1]\n}\n', "[1, 2]", '"text"'])
def test_json_without_rows_is_refused_with_advice(tmp_path: Path, content: str) -> None:
    with pytest.raises(SourceError, match="one JSON object a line, or one array of objects"):
        scaffolded(tmp_path, content, "sample.json")


def test_an_id_that_is_no_contract_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "sample.csv"
    path.write_text("a,b\n1,2\n")
    with pytest.raises(ContractError, match=r"no valid contract came of it: .*pg_x"):
        scaffold(path, f"file://{path}", Wanted(schema="pg_x"), tmp_path)


def test_types_of_parquet_are_kept(tmp_path: Path) -> None:
    table = pa.table(
        {
            "small": pa.array([1], pa.int16()),
            "huge": pa.array([1], pa.uint64()),
            "zip": ["01234"],
            "at": pa.array([0], pa.timestamp("ms")),
            "moment": pa.array([0], pa.timestamp("us", "UTC")),
            "tags": [["a"]],
            "items": [[{"a": 1}]],
            "props": pa.array([[("k", 1)]], pa.map_(pa.string(), pa.int32())),
            "digits": ["42"],
        }
    )
    pq.write_table(table, tmp_path / "t.parquet")
    found = scaffolded(tmp_path, (tmp_path / "t.parquet").read_bytes(), "sample.parquet")
    assert [column.type.sql for column in found.dataset.columns] == [
        "smallint", "numeric(20,0)", "text", "timestamp", "timestamptz", "text[]", "jsonb", "jsonb", "text",
    ]  # fmt: skip


def test_the_sample_itself_matches_its_contract(tmp_path: Path) -> None:
    found = scaffolded(tmp_path, "a,b\n1,2\n", "odd [x] orders_2026-11-20.csv")
    assert match([found.dataset], f"file://{tmp_path}/odd [x] orders_2026-11-21.csv") is found.dataset


def test_column_names_are_idempotent() -> None:
    for name in ("a", "_a", "1a", "xmin", "ä b", "x" * 80):
        assert column_name(column_name(name)) == column_name(name)


CELLS = st.one_of(
    st.integers(-(10**20), 10**20).map(str),
    st.decimals(-1000, 1000, places=3).map(str),
    st.dates().map(str),
    st.datetimes().map(str),
    st.dates().map(lambda day: day.strftime("%d/%m/%Y")),
    st.sampled_from(["", "NA", "-", "true", "false", "007", "1,5", "null", "\\N", "1e5", "NaN", "12:30", "[1]", "{}"]),
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12),
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(1, 4).flatmap(lambda n: st.lists(st.lists(CELLS, min_size=n, max_size=n), min_size=1, max_size=12)))
@example([["a: b", "#", "${X}"], ["'", '"', "\u2028"]])
def test_whatever_a_file_holds_its_contract_is_valid_and_takes_every_row(tmp_path: Path, rows: list[list[str]]) -> None:
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    if not text.getvalue().strip('\r\n\t ,"\ufeff'):
        return
    try:
        found = scaffolded(tmp_path, text.getvalue())
    except SourceError:
        return  # such as a broken header: nothing that a contract could mend
    read = parse(found.text, "x", {}).data
    assert isinstance(read, dict)
    assert read["schema"] == found.plain["schema"]
    _every_value_is_accepted(tmp_path / "sample.csv", found, tmp_path / "work")


def _every_value_is_accepted(path: Path, found: Scaffolded, work: Path) -> None:
    """Columns without expression: their text, missing values aside, passes the casts of a load."""
    for part in open_source(path, path.name, found.dataset, PartArea(work)).parts():
        table = pq.read_table(part.path)
        for column in found.dataset.columns:
            if column.expression is None:
                values = table.column(column.source).combine_chunks()
                missing = pc.is_in(values, pa.array(found.dataset.read.missing_values, pa.string()))
                kept = pc.if_else(missing, pa.scalar(None, pa.string()), values)
                assert strict_cast(kept, column.type)[1] is None, column


@pytest.mark.parametrize(
    ("above", "options"),
    [
        ([], {}),
        ([["Report 2026"], []], {"skipLines": 2}),
        (None, {"header": False}),
    ],
)
def test_a_workbook_with_a_title_or_without_header(
    tmp_path: Path, above: list[list[str]] | None, options: dict[str, object]
) -> None:
    book = openpyxl.Workbook()
    for row in [*above, ["Order No", "Amount", "Day"]] if above is not None else []:
        book.active.append(row)
    for number in range(1, 30):
        book.active.append([number, number * 1.25, datetime.date(2026, 1, number)])
    book.save(tmp_path / "book")
    found = scaffolded(tmp_path, (tmp_path / "book").read_bytes(), "sample")
    assert found.source["format"] == "xlsx"
    custom = {item["property"]: item["value"] for item in found.source.get("customProperties", [])}
    assert custom.get("readOptions", {}) == options
    assert [column.type.kind for column in found.dataset.columns] == ["integer", "decimal", "date"]
