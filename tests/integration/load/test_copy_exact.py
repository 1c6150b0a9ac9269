"""What goes through COPY comes back exactly: every type's edges and every character."""

from __future__ import annotations

import datetime as dt
import struct
import unicodedata
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline.load.connect import Connection
from pipeline.load.copy import StagingWriter
from pipeline.load.staging import StagingTarget
from tests.integration.load.staged import MakeTarget, reject_rows, rows_of, valid_rows

UTC = dt.UTC
NO_REJECTS = reject_rows()

AWKWARD = [
    None, "", " ", '"', '""', "'", ",", "a,b", "\n", "\r", "\r\n", "a\r\nb", "\t", "\\", "\\N", "\\.", "\\.\n", "a\n\\.\nb",
    "\\x41", "NULL", "null", "{", "{}", '{"a",NULL}', "\x01", "\x1a", "\x7f", "\u0085", "\u2028", "\ufeff", "\ufffd",
    "\ufffe", "e\u0301", "\u05e9\u05dc\u05d5\u05dd", "\U0001f468\u200d\U0001f469\u200d\U0001f467", "\U0010ffff",
    "'; DROP TABLE x; --", "$$", "%s", "%(a)s", "{{x}}", "=1+1", "x" * 100_000,
]  # fmt: skip


def stage(target: StagingTarget, valid: pa.RecordBatch) -> None:
    writer = StagingWriter(target)
    writer.write(valid, NO_REJECTS, 0)
    assert writer.close().staged == valid.num_rows


@pytest.mark.parametrize(
    ("sql_type", "column", "shown"),
    [
        ("smallint", pa.array([-(2**15), 2**15 - 1, None], pa.int16()), ["-32768", "32767", None]),
        ("integer", pa.array([-(2**31), 2**31 - 1, None], pa.int32()), ["-2147483648", "2147483647", None]),
        ("bigint", pa.array([-(2**63), 2**63 - 1], pa.int64()), ["-9223372036854775808", "9223372036854775807"]),
        ("NUMERIC(12,2)", pa.array([Decimal("9999999999.99"), Decimal("-0.01"), Decimal(0), None], pa.decimal128(12, 2)),
         ["9999999999.99", "-0.01", "0.00", None]),
        ("NUMERIC(38,30)", pa.array([Decimal("0E-30"), Decimal("1E-30"), Decimal("-99999999.1")], pa.decimal128(38, 30)),
         ["0." + "0" * 30, "0." + "0" * 29 + "1", "-99999999.1" + "0" * 29]),
        ("NUMERIC(60,5)", pa.array([Decimal("9" * 55 + ".12345")], pa.decimal256(60, 5)), ["9" * 55 + ".12345"]),
        ("boolean", pa.array([True, False, None]), ["true", "false", None]),
        ("date", pa.array([dt.date(1, 1, 1), dt.date(9999, 12, 31), dt.date(1970, 1, 1), None]),
         ["0001-01-01", "9999-12-31", "1970-01-01", None]),
        ("date", pa.array([-719163, 2932897, 0, None, -735233, 11676398], pa.int32()).view(pa.date32()),
         ["0001-12-31 BC", "10000-01-01", "1970-01-01", None, "0044-01-01 BC", "33938-11-23"]),
        ("timestamp", pa.array([dt.datetime.min, dt.datetime.max, None], pa.timestamp("us")),
         ["0001-01-01 00:00:00", "9999-12-31 23:59:59.999999", None]),
        ("timestamp", pa.array([-62135596800_000001, 253402300800_000000, 1, None], pa.timestamp("us")),
         ["0001-12-31 23:59:59.999999 BC", "10000-01-01 00:00:00", "1970-01-01 00:00:00.000001", None]),
        ("timestamp", pa.array([1_500_000_000_123], pa.timestamp("ms")), ["2017-07-14 02:40:00.123"]),
        ("timestamptz", pa.array([dt.datetime(2024, 3, 31, 1, 30, tzinfo=UTC), None], pa.timestamp("us", "UTC")),
         ["2024-03-31 01:30:00+00", None]),
        ("timestamptz", pa.array([dt.datetime(2024, 3, 31, 1, 30, tzinfo=UTC)], pa.timestamp("s", "Europe/Berlin")),
         ["2024-03-31 01:30:00+00"]),
        ("timestamptz", pa.array([-62135596800_000001], pa.timestamp("us", "UTC")),
         ["0001-12-31 23:59:59.999999+00 BC"]),
        ("time", pa.array([dt.time.min, dt.time.max, None], pa.time64("us")), ["00:00:00", "23:59:59.999999", None]),
        ("bytea", pa.array([b"", b"\x00\xff\\x", None, bytes(range(256))]),
         ["\\x", "\\x00ff5c78", None, "\\x" + bytes(range(256)).hex()]),
        ("bytea", pa.array([b"skipped", b"\x01\x02", None, b"\x03"]).slice(1), ["\\x0102", None, "\\x03"]),
        ("uuid", pa.array(["0190163D-8694-739b-aea5-966c26f8ad91", None]),
         ["0190163d-8694-739b-aea5-966c26f8ad91", None]),
        ("jsonb", pa.array(['{"b": [1.10, "\\u00e9\\n"], "a": null}', '""', "null", None]),
         ['{"a": null, "b": [1.10, "é\\n"]}', '""', "null", None]),
        ("CHAR(3)", pa.array(["JFK", "é", None]), ["JFK", "é", None]),
        ("text", pa.array(["a", None, "a"]).dictionary_encode(), ["a", None, "a"]),
        ("text", pa.nulls(2), [None, None]),
        ("text", pa.array(["a", None], pa.large_string()), ["a", None]),
        ("text", pa.array(["a", None], pa.string_view()), ["a", None]),
        ("bigint[]", pa.array([[1, None, -3], [], None]), ["{1,NULL,-3}", "{}", None]),
        ("bigint[]", pa.array([[9], [1, 2], None, [3]]).slice(1), ["{1,2}", None, "{3}"]),
        ("text[]", pa.array([["a", "", None, 'q"\\', "NULL", "{,}", "\n"], []]),
         ['{a,"",NULL,"q\\"\\\\","NULL","{,}","\n"}', "{}"]),
        ("bytea[]", pa.array([[b"\x00\\", None]]), ['{"\\\\x005c",NULL}']),
        ("date[]", pa.array([[dt.date(2024, 2, 29), None]]), ["{2024-02-29,NULL}"]),
        ("timestamptz[]", pa.array([[dt.datetime(2024, 2, 29, tzinfo=UTC)]], pa.list_(pa.timestamp("us", "UTC"))),
         ['{"2024-02-29 00:00:00+00"}']),
        ("numeric(5,2)[]", pa.array([[Decimal("1.50")]], pa.list_(pa.decimal128(5, 2))), ["{1.50}"]),
        ("boolean[]", pa.array([[True, None, False]]), ["{t,NULL,f}"]),
    ],
)  # fmt: skip
def test_every_type_comes_back_exactly(
    make_target: MakeTarget, conn: Connection, sql_type: str, column: pa.Array, shown: list[str | None]
) -> None:
    target = make_target(("first", "text"), ("value", sql_type))
    stage(target, valid_rows(first=["x"] * len(column), value=column))
    assert [row[0] for row in rows_of(conn, target.rows, "value::text")] == shown


@pytest.mark.parametrize(
    ("sql_type", "arrow", "layout"), [("double precision", pa.float64(), "d"), ("real", pa.float32(), "f")]
)
def test_floats_come_back_bit_by_bit(
    make_target: MakeTarget, conn: Connection, sql_type: str, arrow: pa.DataType, layout: str
) -> None:
    limits = {"d": [1.7976931348623157e308, 5e-324, 2.2250738585072014e-308], "f": [3.4028234663852886e38, 1e-45]}
    values = [
        0.1,
        -0.0,
        0.0,
        1 / 3,
        1e15,
        1e16,
        123456789.125,
        float("inf"),
        float("-inf"),
        float("nan"),
        *limits[layout],
    ]
    column = pa.array(values, arrow)
    target = make_target(("value", sql_type))
    stage(target, valid_rows(value=column))
    sent = [struct.pack(layout, value) for value in column.to_pylist()]
    assert [struct.pack(layout, row[0]) for row in rows_of(conn, target.rows, "value")] == sent


def test_awkward_texts_come_back_exactly_wherever_they_stand(make_target: MakeTarget, conn: Connection) -> None:
    target = make_target(("first", "text"), ("last", "text"))
    stage(target, valid_rows(first=AWKWARD, last=list(reversed(AWKWARD))))
    assert rows_of(conn, target.rows, "first", "last") == list(zip(AWKWARD, reversed(AWKWARD), strict=True))


def test_a_single_null_column_is_a_row(make_target: MakeTarget, conn: Connection) -> None:
    target = make_target(("lonely", "text"))
    stage(target, valid_rows(lonely=pa.array([None, "", None], pa.string())))
    assert rows_of(conn, target.rows, "lonely") == [(None,), ("",), (None,)]


def test_every_character_of_every_plane_comes_back(make_target: MakeTarget, conn: Connection) -> None:
    """All 1,112,063 code points that PostgreSQL can hold: everything but NUL (and surrogates, which are no characters)."""
    points = [point for point in range(1, 0x110000) if not 0xD800 <= point <= 0xDFFF]
    texts = ["".join(map(chr, points[start : start + 1024])) for start in range(0, len(points), 1024)]
    target = make_target(("value", "text"))
    stage(target, valid_rows(value=texts))
    came = [row[0] for row in rows_of(conn, target.rows, "value")]
    assert sum(map(len, came)) == 1_112_063
    assert came == texts


def test_every_control_and_combining_character_stands_alone(make_target: MakeTarget, conn: Connection) -> None:
    texts = [chr(n) for n in range(1, 0x10000) if unicodedata.category(chr(n)) in ("Cc", "Cf", "Mn", "Me", "Zl", "Zp")]
    target = make_target(("value", "text"), ("items", "text[]"))
    stage(target, valid_rows(value=texts, items=[[text, f'"{text}\\'] for text in texts]))
    expected = [(text, [text, f'"{text}\\']) for text in texts]
    assert rows_of(conn, target.rows, "value", "items") == expected


TEXTS = st.none() | st.text(st.characters(exclude_characters="\0", codec="utf-8"))
ANYTHING = {
    "a": ("text", pa.string(), TEXTS),
    "b": ("text", pa.string(), TEXTS),
    "items": (
        "text[]",
        pa.list_(pa.string()),
        st.none() | st.lists(st.none() | st.text('a"\\,{} \n\rN\u00e9\U0001f600')),
    ),
    "raw": ("bytea", pa.binary(), st.none() | st.binary()),
    "amount": ("numeric(14,4)", pa.decimal128(14, 4), st.none() | st.decimals(-(10**9), 10**9, places=4)),
    "n": ("bigint", pa.int64(), st.none() | st.integers(-(2**63), 2**63 - 1)),
    "day": ("date", pa.date32(), st.none() | st.dates()),
    "moment": ("timestamp", pa.timestamp("us"), st.none() | st.datetimes()),
}


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=st.lists(st.tuples(*(values for _, _, values in ANYTHING.values())), min_size=1))
def test_any_rows_come_back_equal(make_target: MakeTarget, conn: Connection, rows: list[tuple[Any, ...]]) -> None:
    target = make_target(*((name, sql_type) for name, (sql_type, _, _) in ANYTHING.items()))
    kinds = [(name, arrow) for name, (_, arrow, _) in ANYTHING.items()]
    columns = {
        name: pa.array(cells, arrow) for (name, arrow), cells in zip(kinds, zip(*rows, strict=True), strict=True)
    }
    stage(target, valid_rows(**columns))
    came = rows_of(conn, target.rows, *ANYTHING)
    assert [tuple(bytes(cell) if isinstance(cell, memoryview) else cell for cell in row) for row in came] == rows


def test_a_type_that_no_column_can_hold_is_an_error(make_target: MakeTarget) -> None:
    target = make_target(("value", "text"))
    writer = StagingWriter(target)
    with pytest.raises(TypeError, match="struct"):
        writer.write(valid_rows(value=pa.array([{"a": 1}])), NO_REJECTS, 0)
    writer.abort()
