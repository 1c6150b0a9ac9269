"""Column rules: each breaks for the right rows, with a message that a person can act on."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest

from pipeline.contract.dataset import Column, ColumnType, Rules
from pipeline.reasons import Reasons
from pipeline.validate import check_column

TEXT = ColumnType("string", "text")
INTEGER = ColumnType("integer", "bigint")
MONEY = ColumnType("decimal", "numeric(12,2)", precision=12, scale=2)
DATE = ColumnType("date", "date")
TEXTS = ColumnType("array", "text[]", item=TEXT)


def reasons_of(column: Column, values: pa.Array, refused: pa.Array | None = None) -> dict[int, list[dict[str, Any]]]:
    found = Reasons()
    check_column(column, values, refused, found)
    return dict(found.by_row)


CASES = [
    (TEXT, Rules(enum=("a", "b")), pa.array(["a", "c", None]), {1: "enum"}),
    (INTEGER, Rules(enum=("1", "2")), pa.array([2, 3]), {1: "enum"}),
    (MONEY, Rules(enum=("1.5",)), pa.array([Decimal("1.50"), Decimal("1.51")]), {1: "enum"}),
    (TEXT, Rules(pattern="^ORD-[0-9]{5}$"), pa.array(["ORD-12345", "ORD-1O345", "ORD-12345\n"]), {1: "pattern", 2: "pattern"}),
    (TEXT, Rules(pattern="RD"), pa.array(["ORD", "O"]), {1: "pattern"}),
    (INTEGER, Rules(minimum="1", maximum="2400"), pa.array([0, 1, 2400, 2401, None]), {0: "range", 3: "range"}),
    (INTEGER, Rules(minimum="0.5"), pa.array([0, 1]), {0: "range"}),
    (MONEY, Rules(minimum="0"), pa.array([Decimal("-0.01"), Decimal("0.00")]), {0: "range"}),
    (MONEY, Rules(exclusive_minimum="0", exclusive_maximum="1.00"), pa.array([Decimal("0.00"), Decimal("0.50"), Decimal("1.00")]), {0: "range", 2: "range"}),
    (MONEY, Rules(multiple_of="0.05"), pa.array([Decimal("0.15"), Decimal("0.16")]), {1: "range"}),
    (ColumnType("double", "double precision"), Rules(multiple_of="0.5"), pa.array([1e308, float("inf"), float("nan"), 0.25]), {1: "range", 2: "range", 3: "range"}),
    (ColumnType("decimal", "numeric(38,2)", precision=38, scale=2), Rules(multiple_of="0.01"), pa.array([Decimal("9" * 36 + ".99")]), {}),
    (ColumnType("decimal", "numeric(38,0)", precision=38, scale=0), Rules(minimum="0.5"), pa.array([Decimal("9" * 38), Decimal(0)], pa.decimal128(38, 0)), {1: "range"}),
    (DATE, Rules(maximum="2030-01-01"), pa.array([10**7, 0], pa.int32()).cast(pa.date32()), {0: "range"}),
    (DATE, Rules(minimum="2024-01-01"), pa.array(["2023-12-31", "2024-01-01"]).cast(pa.date32()), {0: "range"}),
    (ColumnType("date", "date", format="dd/MM/yyyy"), Rules(minimum="2024-01-01"), pa.array(["2023-12-31", "2024-01-01"]).cast(pa.date32()), {0: "range"}),
    (TEXT, Rules(min_length=2, max_length=3), pa.array(["a", "äöü", "abcd"]), {0: "length", 2: "length"}),
    (ColumnType("string", "varchar(2)", length=2), Rules(), pa.array(["ab", "abc", "é😀"]), {1: "length"}),
    (TEXT, Rules(), pa.array(["ok", "a\0b"]), {1: "not_storable"}),
    (TEXTS, Rules(), pa.array([["ok"], ["a\0b", "c"], None, [None, "d", "\0"]]), {1: "not_storable", 3: "not_storable"}),
    (ColumnType("array", "varchar(2)[]", item=ColumnType("string", "varchar(2)", length=2)), Rules(), pa.array([["ab"], ["a", "abc"], [None], []])[1:], {0: "length"}),
    (TEXTS, Rules(min_items=1, max_items=2), pa.array([[], ["a"], ["a", "b", "c"], None]), {0: "length", 2: "length"}),
]  # fmt: skip


@pytest.mark.parametrize(("column_type", "rules", "values", "broken"), CASES)
def test_a_rule_breaks_for_the_right_rows(
    column_type: ColumnType, rules: Rules, values: pa.Array, broken: dict[int, str]
) -> None:
    found = reasons_of(Column("c", column_type, "c", rules=rules), values)
    assert {row: reasons[0]["rule"] for row, reasons in found.items()} == broken
    assert all(reasons[0]["column"] == "c" for reasons in found.values())


def test_required_means_missing_not_refused() -> None:
    column = Column("c", INTEGER, "c", required=True)
    found = reasons_of(column, pa.array([None, None, 1], pa.int64()), refused=pa.array([True, False, False]))
    assert {row: reasons[0]["rule"] for row, reasons in found.items()} == {1: "required"}


def test_all_reasons_of_a_row_are_kept() -> None:
    rules = Rules(pattern="^x", min_length=3)
    found = reasons_of(Column("c", TEXT, "c", rules=rules), pa.array(["a"]))
    assert [reason["rule"] for reason in found[0]] == ["length", "pattern"]


def test_a_message_never_quotes_a_restricted_value() -> None:
    secret = "ana@example.com"
    column = Column("email", TEXT, "email", restricted=True, rules=Rules(pattern="^x", max_length=3, enum=("x",)))
    messages = [reason["message"] for reasons in reasons_of(column, pa.array([secret])).values() for reason in reasons]
    assert len(messages) == 3
    assert not any(secret in message for message in messages)


def test_a_message_shortens_a_long_value() -> None:
    found = reasons_of(Column("c", TEXT, "c", rules=Rules(pattern="^x")), pa.array(["y" * 1000]))
    assert len(found[0][0]["message"]) < 120
