"""What each type accepts, and that everything else is named as bad, never changed."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from fractions import Fraction

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.cast import arrow_type, strict_cast
from pipeline.contract.dataset import ColumnType

SMALL = ColumnType("integer", "smallint", bits=16)
BIG = ColumnType("integer", "bigint")
TENTHS = ColumnType("decimal", "numeric(38,10)", precision=38, scale=10)
DIGITS = ColumnType("decimal", "numeric(38,0)", precision=38, scale=0)
MONEY = ColumnType("decimal", "numeric(12,2)", precision=12, scale=2)
REAL = ColumnType("double", "real", bits=32)
DOUBLE = ColumnType("double", "double precision")
BOOLEAN = ColumnType("boolean", "boolean")
DATE = ColumnType("date", "date")
GERMAN = ColumnType("date", "date", format="dd.MM.yyyy")
NAIVE = ColumnType("timestamp", "timestamp")
MOMENT = ColumnType("timestamptz", "timestamptz")
BERLIN = ColumnType("timestamptz", "timestamptz", zone="Europe/Berlin")
TIME = ColumnType("time", "time")
UUID = ColumnType("uuid", "uuid")
JSON = ColumnType("json", "jsonb")
BYTES = ColumnType("bytes", "bytea")
TEXTS = ColumnType("array", "text[]", item=ColumnType("string", "text"))
INTEGERS = ColumnType("array", "bigint[]", item=BIG)
BAD = object()


def utc(*parts: int) -> dt.datetime:
    return dt.datetime(*parts, tzinfo=dt.UTC)


CASES = [
    (SMALL, "7", 7), (SMALL, "+7", 7), (SMALL, "-7", -7), (SMALL, "007", 7), (SMALL, "32767", 32767),
    (SMALL, "32768", BAD), (SMALL, "0x1F", BAD), (SMALL, "0X1F", BAD), (SMALL, " 7", BAD), (SMALL, "7 ", BAD),
    (SMALL, "7.0", BAD), (SMALL, "1e3", BAD), (SMALL, "1_0", BAD), (SMALL, "٣", BAD), (SMALL, "", BAD), (SMALL, "-", BAD),
    (BIG, "9223372036854775807", 9223372036854775807), (BIG, "9223372036854775808", BAD),
    (MONEY, "1.5", Decimal("1.50")), (MONEY, "1e3", Decimal("1000.00")), (MONEY, ".5", Decimal("0.50")),
    (MONEY, "1.50", Decimal("1.50")), (MONEY, "1.005", BAD), (MONEY, "12345678901.00", BAD), (MONEY, "1,5", BAD),
    (MONEY, "NaN", BAD), (MONEY, "0x10", BAD), (MONEY, "", BAD), (MONEY, "12.3.4", BAD),
    (DOUBLE, "1.5", 1.5), (DOUBLE, "-Infinity", float("-inf")), (DOUBLE, "1e999", BAD), (DOUBLE, "1,5", BAD),
    (DOUBLE, "0x1p3", BAD), (REAL, "1.5", 1.5), (REAL, "1e39", BAD),
    (BOOLEAN, "TRUE", True), (BOOLEAN, "no", False), (BOOLEAN, "1", True), (BOOLEAN, "2", BAD), (BOOLEAN, "", BAD),
    (DATE, "2024-02-29", dt.date(2024, 2, 29)), (DATE, "2023-02-29", BAD), (DATE, "2024-2-9", BAD),
    (DATE, "20240229", BAD), (DATE, "2024-02-29T00:00:00", BAD), (DATE, "0000-01-01", BAD),
    (GERMAN, "31.12.2024", dt.date(2024, 12, 31)), (GERMAN, "31.02.2024", BAD), (GERMAN, "2024-12-31", BAD),
    (NAIVE, "2024-01-02 03:04:05.000006", dt.datetime(2024, 1, 2, 3, 4, 5, 6)),
    (NAIVE, "2024-01-02", dt.datetime(2024, 1, 2)), (NAIVE, "2024-01-02T03:04:05Z", BAD),
    (NAIVE, "2024-01-02T03:04:05.1234567", BAD), (NAIVE, "2024-01-02T24:00:00", BAD),
    (MOMENT, "2024-01-02T03:04:05Z", utc(2024, 1, 2, 3, 4, 5)), (MOMENT, "2024-01-02 03:04:05", utc(2024, 1, 2, 3, 4, 5)),
    (MOMENT, "2024-01-02T03:04:05+02:00", utc(2024, 1, 2, 1, 4, 5)), (MOMENT, "yesterday", BAD),
    (BERLIN, "2024-01-02 03:04:05", utc(2024, 1, 2, 2, 4, 5)), (BERLIN, "2024-03-31 02:30:00", BAD),
    (BERLIN, "2024-10-27 02:30:00", BAD),
    (TIME, "23:59:59.5", dt.time(23, 59, 59, 500000)), (TIME, "09:00", dt.time(9)), (TIME, "24:00", BAD), (TIME, "9:00", BAD),
    (UUID, "550E8400-E29B-41D4-A716-446655440000", "550e8400-e29b-41d4-a716-446655440000"), (UUID, "550e8400", BAD),
    (JSON, '{"a": [1, "é"]}', '{"a": [1, "é"]}'), (JSON, '"\\\\u0000"', '"\\\\u0000"'), (JSON, '"\\u0000"', BAD),
    (JSON, "[1e131071, 1e-16383]", "[1e131071, 1e-16383]"), (JSON, "[1e131072]", BAD), (JSON, "[1e-16384]", BAD),
    (JSON, "1e" + "9" * 30, BAD), (JSON, "0." + "0" * 16_383 + "1", BAD), (ColumnType("json", "json"), "1e131072", "1e131072"),
    (TEXTS, '["\\ud800"]', BAD), (JSON, '"\\ud800"', BAD), (JSON, "NaN", BAD), (JSON, "{", BAD), (JSON, "[" * 300 + "]" * 300, BAD),
    (MONEY, "0e-9999999", Decimal("0.00")), (MONEY, "1e5", Decimal("100000.00")), (MONEY, "1e-2", Decimal("0.01")),
    (MONEY, "1e-3", BAD), (MONEY, "1e10", BAD), (MONEY, "1e", BAD), (MONEY, "0x1e2", BAD), (MONEY, "\u0661e2", BAD),
    (MONEY, "0" * 60 + "1.5", Decimal("1.50")), (MONEY, "9" * 39, BAD), (MONEY, "x" * 60, BAD), (MONEY, "1e" + "9" * 30, BAD),
    (MONEY, "1.5" + "0" * 40, Decimal("1.50")), (MONEY, "1" + "0" * 60 + "e-60", Decimal("1.00")),
    (MONEY, "1" * 300_000 + "x", BAD), (TENTHS, "448517923526979455897184773696289239", BAD),
    (DIGITS, "1e-39", BAD), (DIGITS, "0." + "0" * 38 + "1", BAD), (DIGITS, "9" * 38, Decimal("9" * 38)),
    (BYTES, "\\xdeadBEEF", b"\xde\xad\xbe\xef"), (BYTES, "3q2+7w==", b"\xde\xad\xbe\xef"), (BYTES, "?", BAD),
    (INTEGERS, "[1, null, 2]", [1, None, 2]), (INTEGERS, "[]", []), (INTEGERS, '["x"]', BAD), (INTEGERS, "[[1]]", BAD),
]  # fmt: skip


@pytest.mark.parametrize(("column_type", "text", "expected"), CASES)
def test_text_is_exactly_of_its_type_or_bad(column_type: ColumnType, text: str, expected: object) -> None:
    values, bad = strict_cast(pa.array([text, None], pa.string()), column_type)
    marked = bad is not None and bad.to_pylist() == [True, False]
    assert values.type == arrow_type(column_type)
    if expected is BAD:
        assert marked, f"{text!r} was taken as {values[0]}"
        assert column_type.kind == "array" or values.to_pylist() == [None, None]
    else:
        assert bad is None
        assert values.to_pylist() == [expected, None]


@pytest.mark.parametrize("column_type", [SMALL, BIG, MONEY, DOUBLE, BOOLEAN, DATE, NAIVE, MOMENT, BERLIN, TIME, UUID])
def test_one_bad_value_among_many_costs_only_itself(column_type: ColumnType) -> None:
    good = {
        "integer": "12", "decimal": "1.25", "double": "1.5", "boolean": "yes", "date": "2024-01-02",
        "timestamp": "2024-01-02 03:04:05", "timestamptz": "2024-01-02T03:04:05Z", "time": "03:04:05",
        "uuid": "550e8400-e29b-41d4-a716-446655440000",
    }[column_type.kind]  # fmt: skip
    texts = [good] * 1000
    texts[617] = "not one"
    values, bad = strict_cast(pa.array(texts), column_type)
    assert bad is not None
    assert [row for row, mark in enumerate(bad.to_pylist()) if mark] == [617]
    assert values.null_count == 1


_MAP = pa.map_(pa.string(), pa.int64())
_DATED = pa.map_(pa.date32(), pa.binary())
_DAYS = pa.array([0, 2_145_042_905, 2_145_042_906], pa.int32()).view(pa.date32())  # the middle is PostgreSQL's last


def test_a_date_is_one_of_postgresql_s() -> None:
    values, bad = strict_cast(_DAYS, DATE)
    assert bad is not None
    assert bad.to_pylist() == [False, False, True]
    assert values.view(pa.int32()).to_pylist() == [0, 2_145_042_905, None]


@pytest.mark.parametrize(
    ("array", "column_type", "expected"),
    [
        (pa.array([1.0, 2.5]), BIG, [1, BAD]),
        (pa.array([70000], pa.int64()), SMALL, [BAD]),
        (pa.array([1.1, 1e20]), MONEY, [Decimal("1.10"), BAD]),
        (pa.array([Decimal("1.234")]), MONEY, [BAD]),
        (pa.array([12, 10**10, None]), MONEY, [Decimal("12.00"), BAD, None]),
        (pa.array([Decimal(10**29 + 7)], pa.decimal128(38, 0)), TENTHS, [BAD]),
        (pa.array([-(2**63), 0]).view(pa.timestamp("us")), NAIVE, [BAD, dt.datetime(1970, 1, 1)]),
        (pa.array([-(2**63) + 1]).view(pa.timestamp("us", "UTC")), MOMENT, [BAD]),
        (pa.array([-(2**31), 0], pa.int32()).view(pa.date32()), DATE, [BAD, dt.date(1970, 1, 1)]),
        (pa.array([utc(2024, 1, 2), utc(2024, 1, 2, 1)]), DATE, [dt.date(2024, 1, 2), BAD]),
        (pa.array([dt.date(2024, 1, 2)]), MOMENT, [utc(2024, 1, 2)]),
        (pa.array([1_700_000_000]), MOMENT, [BAD]),
        (pa.array([19_000]), DATE, [BAD]),
        (pa.array([dt.date(2024, 1, 2)]), BIG, [BAD]),
        (pa.array([[1, 2], None]), INTEGERS, [[1, 2], None]),
        (pa.array([{"a": 1}]), JSON, ['{"a": 1}']),
        (pa.array([[("k", 1)], [("k", 1), ("k", 2)], None], _MAP), JSON, ['{"k": 1}', BAD, None]),
        (pa.array([[[(dt.date(2024, 1, 2), b"a")]]], pa.list_(_DATED)), JSON, ['[{"2024-01-02": "\\\\x61"}]']),
        (pa.StructArray.from_arrays([_DAYS], ["d"]), JSON, ['{"d": "1970-01-01"}', BAD, BAD]),
        (pa.array([b'{"a":1}', b"\xff", b"{"]), JSON, ['{"a":1}', BAD, BAD]),
        (pa.array([{"b": b"\x01\xff"}]), JSON, ['{"b": "\\\\x01ff"}']),
        (
            pa.array([b"\xff" * 16, b"550e8400-e29b-41d4-a716-446655440000"]),
            UUID,
            [BAD, "550e8400-e29b-41d4-a716-446655440000"],
        ),
        (pa.array([b"12", b"\xff", None, b"x"], pa.large_binary()), BIG, [12, BAD, None, BAD]),
        (pa.array([[b"12"], [b"\xff"], None]), INTEGERS, [[12], BAD, None]),
        (pa.array([True, None]), DATE, [BAD, None]),
        (pa.array([dt.date(2024, 1, 2)]), TIME, [BAD]),
        (pa.array([1]), BYTES, [BAD]),
        (pa.array([-(2**63) + 1, 0, 2**62]).view(pa.timestamp("us", "UTC")), DATE, [BAD, dt.date(1970, 1, 1), BAD]),
        (pa.array([-(2**63) + 1, 0, 2**62]).view(pa.timestamp("s")), DATE, [BAD, dt.date(1970, 1, 1), BAD]),
        (_DAYS[:1], DATE, [dt.date(1970, 1, 1)]),
        (pa.array([b"ok", b"\xff"]), ColumnType("string", "text"), ["ok", BAD]),
        (pa.array([[1]]), ColumnType("string", "text"), [BAD]),
    ],
)
def test_other_types_convert_only_without_loss(
    array: pa.Array, column_type: ColumnType, expected: list[object]
) -> None:
    values, bad = strict_cast(array, column_type)
    marks = bad.to_pylist() if bad is not None else [False] * len(array)
    assert [BAD if mark else value for value, mark in zip(values.to_pylist(), marks, strict=True)] == expected


@pytest.mark.parametrize(
    ("pattern", "text", "expected"),
    [
        ("d-MMM-yy", "5-Jan-20", dt.datetime(2020, 1, 5)),
        ("d MMMM yyyy", "5 september 2020", dt.datetime(2020, 9, 5)),
        ("MM/dd/yyyy hh:mm a", "01/02/2020 12:05 AM", dt.datetime(2020, 1, 2, 0, 5)),
        ("MM/dd/yyyy hh:mm a", "01/02/2020 13:05 PM", None),
        ("yyyyMMddHHmmss", "20200102030405", dt.datetime(2020, 1, 2, 3, 4, 5)),
        ("yyyy-MM-dd'T'HH:mm:ss.SSS", "2020-01-02T03:04:05.678", dt.datetime(2020, 1, 2, 3, 4, 5, 678000)),
        ("yyyy-MM-dd HH:mm:ss.SSSSSSSSS", "2020-01-02 03:04:05.678000000", dt.datetime(2020, 1, 2, 3, 4, 5, 678000)),
        ("yyyy-MM-dd HH:mm:ss.SSSSSSSSS", "2020-01-02 03:04:05.678000001", None),
    ],
)
def test_the_contracts_own_format(pattern: str, text: str, expected: dt.datetime | None) -> None:
    values, bad = strict_cast(pa.array([text]), ColumnType("timestamp", "timestamp", format=pattern))
    assert values.to_pylist() == [expected]
    assert (bad is None) == (expected is not None)


@given(
    texts=st.lists(
        st.builds(
            "{}{}{}{}".format, st.sampled_from(["", "-", "+"]), st.from_regex("[0-9]{1,38}", fullmatch=True),
            st.just("") | st.from_regex(r"\.[0-9]{0,45}", fullmatch=True), st.just("") | st.from_regex("e-?[0-9]{1,2}", fullmatch=True),
        ),
        min_size=1,
    ),
    scale=st.integers(0, 38),
)  # fmt: skip
def test_a_decimal_is_exact_or_bad(texts: list[str], scale: int) -> None:
    values, bad = strict_cast(pa.array(texts), ColumnType("decimal", f"numeric(38,{scale})", precision=38, scale=scale))
    marks = bad.to_pylist() if bad is not None else [False] * len(texts)
    for text, value, mark in zip(texts, values.to_pylist(), marks, strict=True):
        number = Fraction(text)
        fits = abs(number) < 10 ** (38 - scale) and (number * 10**scale).denominator == 1
        assert mark != fits
        assert mark or Fraction(value) == number
