"""Promise: columns are compared by name, under the contract's policy, and a likely rename is named."""

from __future__ import annotations

from dataclasses import dataclass, replace

import pytest

from pipeline.contract.dataset import Column, ColumnType, Dataset, Evolution, LoadPlan, ReadOptions
from pipeline.errors import RefusedError
from pipeline.header import check_header

TEXT = ColumnType("string", "text")


@dataclass(frozen=True)
class Sent:
    name: str
    header: str


def dataset(**evolution: str) -> Dataset:
    names = ("order_no", "amount")
    return Dataset(
        id="orders", version="1.0.0", path="orders.odcs.yaml", sha256="0" * 64, location="s3://b/*.csv",
        read=ReadOptions("csv"), schema="sales", table="orders",
        columns=tuple(Column(name, TEXT, name) for name in names), source_columns=names,
        load=LoadPlan(evolution=Evolution(**evolution)),  # type: ignore[arg-type]
    )  # fmt: skip


def sent(*names: str) -> list[Sent]:
    return [Sent(name.lower().replace(" ", "_"), name) for name in names]


def test_reordered_columns_are_fine() -> None:
    assert check_header(dataset(), sent("amount", "order_no"), "f.csv").ignored == ()


def test_a_new_column_is_ignored_and_named() -> None:
    assert check_header(dataset(), sent("order_no", "amount", "colour"), "f.csv").ignored == ("colour",)


def test_a_new_column_is_added_as_text() -> None:
    header = check_header(dataset(new_columns="add"), sent("order_no", "amount", "colour"), "f.csv")
    assert header.added == ("colour",)
    assert [(column.name, column.type.sql) for column in header.dataset.columns][2:] == [("colour", "text")]


def test_a_new_column_is_refused_where_the_contract_says_so() -> None:
    with pytest.raises(RefusedError, match="does not know: colour"):
        check_header(dataset(new_columns="fail"), sent("order_no", "amount", "colour"), "f.csv")


def test_a_missing_column_is_refused_and_a_likely_rename_named() -> None:
    with pytest.raises(RefusedError, match=r"missing: amount \(amount may have become amount_eur\)"):
        check_header(dataset(), sent("order_no", "amount_eur"), "f.csv")


def test_a_missing_column_is_filled_where_the_contract_says_so() -> None:
    assert check_header(dataset(missing_columns="fill"), sent("order_no"), "f.csv").filled == ("amount",)


@pytest.mark.parametrize("spelling", ["amount", "Amount", "AMOUNT"])
def test_a_doubled_column_that_is_used_is_refused_however_it_is_spelled(spelling: str) -> None:
    with pytest.raises(RefusedError, match=f"'amount' stands more than once.*'amount', '{spelling}'"):
        check_header(dataset(), [*sent("order_no", "amount"), Sent("amount_2", spelling)], "f.csv")


def test_blank_headers_are_names_of_their_places() -> None:
    blank = replace(dataset(), source_columns=("order_no", "col_2"))
    columns = [*sent("order_no"), Sent("col_2", ""), Sent("col_3", ""), Sent("col_4", "%")]
    assert check_header(blank, columns, "f.csv").ignored == ("col_3", "col_4")
    with pytest.raises(RefusedError, match="'col_2' stands more than once"):
        check_header(blank, [*columns, Sent("col_2_2", "Col 2")], "f.csv")


def test_a_doubled_column_that_is_not_used_does_not_matter() -> None:
    names = [*sent("order_no", "amount", "note"), Sent("note_2", "note")]
    assert check_header(dataset(), names, "f.csv").ignored == ("note", "note_2")
