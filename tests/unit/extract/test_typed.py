"""Parquet, ORC and Avro: values keep their types, rows are counted, broken files are errors."""

from __future__ import annotations

import datetime
import gzip
import io
import json
import uuid
from decimal import Decimal
from pathlib import Path
from typing import Any

import fastavro
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyarrow import orc

from pipeline.errors import SourceError
from pipeline.extract.engine_types import engine_type
from tests.unit.extract.reading import Outcome, dataset, read, read_bytes


def _parquet(directory: Path, table: pa.Table, columns: tuple[str, ...] = (), **more: Any) -> Outcome:
    path = directory / "f.parquet"
    pq.write_table(table, path, row_group_size=more.pop("row_group_size", None))
    described = dataset(columns or tuple(table.column_names), format="parquet")
    return read(path, described, **more)


def test_types_are_the_file_s_own(tmp_path: Path) -> None:
    table = pa.table(
        {
            "i": pa.array([1, None], pa.int32()),
            "d": pa.array([Decimal("1.50"), None]),
            "at": pa.array([datetime.datetime(2024, 1, 2, 3, 4, 5, 6), None], pa.timestamp("us")),
            "zone": pa.array([0, None], pa.timestamp("us", "UTC")),
            "tags": pa.array([["a", None], []], pa.list_(pa.string())),
            "s": pa.array([{"x": 1}, None], pa.struct([("x", pa.int64())])),
            "b": pa.array([b"\0\xff", b""], pa.binary()),
        }
    )
    outcome = _parquet(tmp_path, table)
    assert outcome.table.drop_columns(["_line"]).cast(table.schema).equals(table)
    assert outcome.lines == [1, 2]


def test_types_that_engines_do_not_read_become_exact_relatives(tmp_path: Path) -> None:
    table = pa.table(
        {
            "u8": pa.array([255], pa.uint8()),
            "u64": pa.array([2**64 - 1], pa.uint64()),
            "t": pa.array([datetime.time(1, 2, 3, 4)], pa.time64("us")),
            "ns": pa.array([1_000], pa.timestamp("ns")),
            "dict": pa.array(["x"]).dictionary_encode(),
            "large": pa.array(["y"], pa.large_string()),
            "fixed": pa.array([b"ab"], pa.binary(2)),
            "nested": pa.array([[{"u": 1}]], pa.large_list(pa.struct([("u", pa.uint16())]))),
            "none": pa.nulls(1),
        }
    )
    assert _parquet(tmp_path, table).table.to_pylist() == [
        {
            "u8": 255,
            "u64": Decimal(2**64 - 1),
            "t": "01:02:03.000004",
            "ns": datetime.datetime(1970, 1, 1, 0, 0, 0, 1),
            "dict": "x",
            "large": "y",
            "fixed": b"ab",
            "nested": [{"u": 1}],
            "none": None,
            "_line": 1,
        }
    ]


def test_a_uuid_is_text(tmp_path: Path) -> None:
    value = uuid.uuid4()
    table = pa.table({"u": pa.array([value.bytes, None], pa.uuid())})
    assert _parquet(tmp_path, table).rows == [(str(value),), (None,)]


@pytest.mark.parametrize("row_group_size", [1, 3])
def test_a_value_that_would_change_rejects_its_row(tmp_path: Path, row_group_size: int) -> None:
    table = pa.table({"id": [1, 2, 3], "at": pa.array([1_000, 1_001, 2_000], pa.timestamp("ns"))})
    outcome = _parquet(tmp_path, table, part_bytes=1, row_group_size=row_group_size)
    assert [row[0] for row in outcome.rows] == [1, 3]
    assert outcome.lines == [1, 3]
    assert [(r.line, r.rule, r.column) for r in outcome.rejects] == [(2, "type", "at")]
    assert outcome.rejects[0].raw == b'{"id":2,"at":"1970-01-01T00:00:00.000001001"}'


def _called_text(*values: bytes | None) -> pa.Array:
    """Bytes that a careless writer calls strings."""
    raw = pa.array(values, pa.binary())
    return pa.Array.from_buffers(pa.string(), len(raw), raw.buffers())


def test_identifiers_in_lists_are_text_too(tmp_path: Path) -> None:
    """Also where their bytes would pass for letters."""
    first, second = (uuid.UUID(bytes=text) for text in (b"abcdefghijklmnop", b"\xff" * 16))
    flat = pa.ExtensionArray.from_storage(pa.uuid(), pa.array([first.bytes, None, second.bytes], pa.binary(16)))
    offsets, keys = pa.array([0, None, 2, 2, 3], pa.int32()), pa.array(["a", "b", "c"])
    table = pa.table(
        {
            "list": pa.ListArray.from_arrays(offsets, flat),
            "struct": pa.StructArray.from_arrays(
                [flat.take(pa.array([0, 1, 2, 2]))], ["k"], mask=pa.array([False, False, False, True])
            ),
            "map": pa.MapArray.from_arrays(pa.array([0, None, 2, 2, 3], pa.int32()), keys, flat),
            "deep": pa.StructArray.from_arrays([pa.ListArray.from_arrays(offsets, flat)], ["l"]),
        }
    )
    first_text, second_text = str(first), str(second)
    expected = [
        ([first_text, None], {"k": first_text}, [("a", first_text), ("b", None)], {"l": [first_text, None]}),
        (None, {"k": None}, None, {"l": None}),
        ([], {"k": second_text}, [], {"l": []}),
        ([second_text], None, [("c", second_text)], {"l": [second_text]}),
    ]
    assert _parquet(tmp_path, table).rows == expected
    assert _parquet(tmp_path, table.slice(1)).rows == expected[1:]


@pytest.mark.parametrize("as_it_is", ["plain", "large", "list", "struct", "map"])
def test_text_that_is_no_utf8_rejects_its_row(tmp_path: Path, as_it_is: str) -> None:
    text = _called_text(b"good", b"b\xe9d", b"fine")
    offsets, keys = pa.array([0, 1, 2, 3], pa.int32()), pa.array(["k"] * 3)
    made = {
        "plain": lambda: text,
        "large": lambda: text.cast(pa.large_string()),
        "list": lambda: pa.ListArray.from_arrays(offsets, text),
        "struct": lambda: pa.StructArray.from_arrays([text], ["k"]),
        "map": lambda: pa.MapArray.from_arrays(offsets, keys, text),
    }[as_it_is]()
    outcome = _parquet(tmp_path, pa.table({"id": [1, 2, 3], "at": made}))
    assert outcome.lines == [1, 3]
    assert [(r.line, r.rule, r.column) for r in outcome.rejects] == [(2, "encoding", "at")]
    assert b"b\\\\xe9d" in outcome.rejects[0].raw


def test_a_dictionary_that_is_no_utf8_is_an_error_of_the_file(tmp_path: Path) -> None:
    text = pa.DictionaryArray.from_arrays(pa.array([0, 1]), _called_text(b"good", b"b\xe9d"))
    with pytest.raises(SourceError, match="UTF8"):
        _parquet(tmp_path, pa.table({"a": text}))


def test_text_that_is_no_utf8_in_a_column_that_nobody_wants_harms_nothing(tmp_path: Path) -> None:
    table = pa.table({"id": [1, 2], "at": [1, 2], "b": _called_text(b"\xff", None)})
    outcome = _parquet(tmp_path, table, columns=("id", "at"))
    assert outcome.lines == [1, 2]
    assert outcome.raw(1) == [b'{"id":1,"at":1,"b":"\\\\xff"}']


def test_rows_are_found_again_as_json(tmp_path: Path) -> None:
    table = pa.table({"Id": list(range(1000)), "Price": [Decimal("0.10")] * 1000, "b": [b"\xff"] * 1000})
    outcome = _parquet(tmp_path, table, columns=("id",), row_group_size=64)
    assert outcome.raw(1, 500, 1000) == [b'{"Id":%d,"Price":0.10,"b":"\\\\xff"}' % number for number in (0, 499, 999)]
    assert outcome.extraction.bytes_read == (tmp_path / "f.parquet").stat().st_size


def test_values_that_python_does_not_have_are_found_again_as_text(tmp_path: Path) -> None:
    days = pa.array([10**7], pa.int32()).view(pa.date32())
    table = pa.table(
        {
            "day": days,
            "at": pa.array([2**62], pa.timestamp("us")),
            "there": pa.array([2**62], pa.timestamp("us", "UTC")),
            "list": pa.ListArray.from_arrays([0, 1], days),
            "struct": pa.StructArray.from_arrays([days], ["d"]),
            "map": pa.MapArray.from_arrays(pa.array([0, 1], pa.int32()), days, days),
        }
    )
    (raw,) = _parquet(tmp_path, table).raw(1)
    day, moment = "29349-01-26", "148108-07-06T14:00:27.387904"
    assert json.loads(raw) == {
        "day": day, "at": moment, "there": moment, "list": [day], "struct": {"d": day}, "map": [[day, day]],
    }  # fmt: skip


def test_values_of_the_path_look_like_what_they_are(tmp_path: Path) -> None:
    name = "s3://b/year=2024/month=01/dt=2024-02-29/no=2024-02-30/region=__HIVE_DEFAULT_PARTITION__/f.parquet"
    columns = ("i", "year", "month", "dt", "no", "region")
    outcome = _parquet(tmp_path, pa.table({"i": [1]}), columns=columns, name=name)
    assert outcome.rows == [(1, 2024, 1, datetime.date(2024, 2, 29), "2024-02-30", None)]


def test_names_are_unique_and_only_wanted_columns_are_carried(tmp_path: Path) -> None:
    table = pa.Table.from_arrays([pa.array([1]), pa.array([2]), pa.array([3])], names=["Trip Id", "trip_id", "a.b"])
    outcome = _parquet(tmp_path, table, columns=("trip_id", "a_b"))
    assert [(c.name, c.duplicate) for c in outcome.extraction.columns] == [
        ("trip_id", False),
        ("trip_id_2", True),
        ("a_b", False),
    ]
    assert outcome.rows == [(1, 3)]


@pytest.fixture
def parquet_bytes() -> bytes:
    """A file of several row groups."""
    sink = io.BytesIO()
    pq.write_table(pa.table({"a": [str(i) * 7 for i in range(5_000)]}), sink, row_group_size=1_000)
    return sink.getvalue()


def test_truncated_anywhere_it_is_an_error(tmp_path: Path, parquet_bytes: bytes) -> None:
    for fiftieth in range(50):
        cut = parquet_bytes[: len(parquet_bytes) * fiftieth // 50]
        with pytest.raises(SourceError, match="not a readable Parquet file"):
            read_bytes(tmp_path, cut, dataset(("a",), format="parquet"))


def test_damaged_pages_are_an_error_and_never_other_values(tmp_path: Path, parquet_bytes: bytes) -> None:
    whole = read_bytes(tmp_path, parquet_bytes, dataset(("a",), format="parquet")).rows
    for place in range(100, len(parquet_bytes) - 2_000, len(parquet_bytes) // 60):
        damaged = bytearray(parquet_bytes)
        damaged[place : place + 8] = b"\xff" * 8
        try:
            rows = read_bytes(tmp_path, bytes(damaged), dataset(("a",), format="parquet")).rows
        except SourceError:
            continue
        # without page checksums a changed letter may go unseen, but a row is never lost
        assert len(rows) == len(whole)


def test_a_packed_file_is_unpacked_first(tmp_path: Path, parquet_bytes: bytes) -> None:
    outcome = read_bytes(tmp_path, gzip.compress(parquet_bytes), dataset(("a",), format="parquet"))
    assert len(outcome.rows) == 5_000


def test_csv_named_parquet_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="not a readable Parquet file"):
        read_bytes(tmp_path, b"a,b\n1,2\n", dataset(("a",), format="parquet"))


def test_orc(tmp_path: Path) -> None:
    path = tmp_path / "f.orc"
    orc.write_table(pa.table({"A": [1, 2], "t": ["x", None]}), str(path))
    outcome = read(path, dataset(("a", "t"), format="orc"))
    assert outcome.rows == [(1, "x"), (2, None)]
    assert outcome.raw(2) == [b'{"A":2,"t":null}']
    for fiftieth in range(50):
        cut = path.read_bytes()[: path.stat().st_size * fiftieth // 50]
        with pytest.raises(SourceError, match="not a readable ORC file"):
            read_bytes(tmp_path, cut, dataset(("a",), format="orc"))


AVRO = {
    "type": "record",
    "name": "r",
    "fields": [
        {"name": "Id", "type": "long"},
        {"name": "name", "type": ["null", "string"]},
        {"name": "day", "type": {"type": "int", "logicalType": "date"}},
        {"name": "at", "type": {"type": "long", "logicalType": "timestamp-micros"}},
        {"name": "price", "type": {"type": "bytes", "logicalType": "decimal", "precision": 10, "scale": 2}},
        {"name": "tags", "type": {"type": "array", "items": "string"}},
        {"name": "props", "type": {"type": "map", "values": ["null", "int"]}},
        {"name": "key", "type": {"type": "string", "logicalType": "uuid"}},
        {"name": "kind", "type": {"type": "enum", "name": "k", "symbols": ["a", "b"]}},
        {"name": "again", "type": ["null", "k"]},
    ],
}


def test_avro(tmp_path: Path) -> None:
    row = {
        "Id": 1,
        "name": None,
        "day": datetime.date(2024, 1, 2),
        "at": datetime.datetime(2024, 1, 2, 3, 4, 5, 6, tzinfo=datetime.UTC),
        "price": Decimal("1.50"),
        "tags": ["x"],
        "props": {"p": None, "q": 2},
        "key": uuid.UUID(int=5),
        "kind": "b",
        "again": "a",
    }
    sink = io.BytesIO()
    fastavro.writer(sink, AVRO, [row] * 50, sync_interval=64)
    names = tuple(field["name"].lower() for field in AVRO["fields"])  # type: ignore[index]
    outcome = read_bytes(tmp_path, sink.getvalue(), dataset(names, format="avro"), part_bytes=100)
    expected = tuple({**row, "props": [("p", None), ("q", 2)], "key": str(row["key"])}.values())
    assert outcome.rows == [expected] * 50
    assert outcome.lines == list(range(1, 51))
    for fiftieth in range(50):
        cut = sink.getvalue()[: len(sink.getvalue()) * fiftieth // 50]
        try:
            rows = read_bytes(tmp_path, cut, dataset(names, format="avro")).rows
        except SourceError:
            continue
        # Avro has no end mark: a file that ends between two blocks is a whole file
        assert rows == [expected] * len(rows)


def test_avro_days_and_moments_after_python_s_last(tmp_path: Path) -> None:
    def field(name: str, kind: str, logical: str) -> dict[str, Any]:
        return {"name": name, "type": {"type": kind, "logicalType": logical}}

    micros = [field(f"{local}micros", "long", f"{local}timestamp-micros") for local in ("", "local-")]
    millis = [field(f"{local}millis", "long", f"{local}timestamp-millis") for local in ("", "local-")]
    fields = [field("day", "int", "date"), *micros, *millis]
    schema = {"type": "record", "name": "row", "fields": fields}
    rows = [dict.fromkeys(("day", "micros", "local-micros", "millis", "local-millis"), number) for number in (0, 10**7)]
    rows.append({**rows[0], "micros": 2**62})
    rows.append({**rows[0], "millis": 2**62})  # micros, written as millis
    sink = io.BytesIO()
    fastavro.writer(sink, schema, rows)
    names = ("day", "micros", "local_micros", "millis", "local_millis")
    outcome = read_bytes(tmp_path, sink.getvalue(), dataset(names, format="avro"))
    assert outcome.lines == [1, 2, 3]
    assert [(r.line, r.rule, r.column) for r in outcome.rejects] == [(4, "type", "millis")]
    assert outcome.table.column("day").cast(pa.int32()).to_pylist() == [0, 10**7, 0]
    assert outcome.table.column("micros").cast(pa.int64()).to_pylist() == [0, 10**7, 2**62]
    assert outcome.table.column("local_millis").cast(pa.int64()).to_pylist() == [0, 10**10, 0]


@pytest.mark.parametrize("schema", [{"type": "array", "items": "int"}, "string"])
def test_avro_without_columns_is_an_error(tmp_path: Path, schema: Any) -> None:
    sink = io.BytesIO()
    fastavro.writer(sink, schema, [])
    with pytest.raises(SourceError, match="not a record"):
        read_bytes(tmp_path, sink.getvalue(), dataset(("a",), format="avro"))


def test_avro_fields_of_several_types_are_an_error(tmp_path: Path) -> None:
    schema = {"type": "record", "name": "r", "fields": [{"name": "a", "type": ["int", "string"]}]}
    sink = io.BytesIO()
    fastavro.writer(sink, schema, [])
    with pytest.raises(SourceError, match="union of several types"):
        read_bytes(tmp_path, sink.getvalue(), dataset(("a",), format="avro"))


# Found by tests/fuzz: lengths that are larger than any memory, or negative.
@pytest.mark.parametrize("content", [b"\x8e" * 11 + b"!" + b"\x8e" * 6 + b'\x00z"\n\ny"\x01\xba\x01\x01', b"Obj\x01\x02" + b"\xff" * 8 + b"\x7f",
                                     b"Obj\x01\x02" + b"\xfe" * 8 + b"\x7f"])  # fmt: skip
def test_an_avro_length_beyond_the_file_is_an_error(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(SourceError, match="not a readable Avro file"):
        read_bytes(tmp_path, content, dataset(("a",), format="avro", encoding="UTF-8"))


def test_what_engines_would_read_otherwise_has_one_type_for_both() -> None:
    assert engine_type(pa.timestamp("ns", "Europe/Berlin")) == pa.timestamp("us", "UTC")
    assert engine_type(pa.timestamp("ms")) == pa.timestamp("us")
    assert engine_type(pa.duration("us")) == pa.int64()
