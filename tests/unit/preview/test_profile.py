"""Profiles of typed columns, of every kind; nothing of a restricted one."""

from __future__ import annotations

import datetime
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest

from pipeline.cast import arrow_type
from pipeline.contract.dataset import Column, ColumnType
from pipeline.preview.profile import ColumnProfile, profile

DAY = datetime.date(2026, 1, 2)


def _profile(column_type: ColumnType, values: list[Any], *, restricted: bool = False) -> ColumnProfile:
    array = pa.chunked_array([pa.array(values, arrow_type(column_type))])
    return profile(Column("c", column_type, "c", restricted=restricted), array)


@pytest.mark.parametrize(
    ("kind", "values", "low", "high"),
    [
        ("integer", [3, 1, 3, None], 1, 3),
        ("double", [2.5, -1.0, 2.5, None], -1.0, 2.5),
        ("string", ["b", "a", "b", None], "a", "b"),
        ("date", [DAY, datetime.date(2025, 1, 1), DAY, None], datetime.date(2025, 1, 1), DAY),
        ("time", [datetime.time(5), datetime.time(4), datetime.time(5), None], datetime.time(4), datetime.time(5)),
        ("boolean", [True, False, True, None], None, None),
        ("uuid", ["b", "a", "b", None], None, None),
        ("json", ["[1]", "{}", "[1]", None], None, None),
        ("bytes", [b"b", b"a", b"b", None], None, None),
    ],
)
def test_every_kind(kind: Any, values: list[Any], low: object, high: object) -> None:
    found = _profile(ColumnType(kind, kind), values)
    assert (found.count, found.missing, found.distinct) == (3, 1, 2)
    assert (found.minimum, found.maximum) == (low, high)
    assert found.top == ((values[0], 2),)


def test_decimals_and_arrays() -> None:
    money = _profile(ColumnType("decimal", "numeric(5,2)", precision=5, scale=2), [Decimal("1.50"), Decimal("0.25")])
    assert (money.minimum, money.maximum, money.top) == (Decimal("0.25"), Decimal("1.50"), ())
    tags = _profile(ColumnType("array", "text[]", item=ColumnType("string", "text")), [["a"], [], None])
    assert (tags.count, tags.missing, tags.distinct, tags.top) == (2, 1, None, ())


def test_a_restricted_column_shows_no_value() -> None:
    found = _profile(ColumnType("string", "text"), ["secret", "secret", None], restricted=True)
    assert found == ColumnProfile("c", "text", True, 2, 1, 1)


def test_a_column_without_values() -> None:
    assert _profile(ColumnType("integer", "bigint"), [None, None]) == ColumnProfile("c", "bigint", False, 0, 2, 0)


def test_the_most_frequent_come_first_and_five_at_most() -> None:
    values = [letter for count, letter in enumerate("abcdefgh", 1) for _ in range(count)]
    assert list(_profile(ColumnType("string", "text"), values).top) == [
        ("h", 8), ("g", 7), ("f", 6), ("e", 5), ("d", 4),
    ]  # fmt: skip
