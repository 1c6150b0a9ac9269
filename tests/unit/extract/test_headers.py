"""Headers become column names: unique, stable, at most 63 bytes."""

from __future__ import annotations

import re
import sys
import unicodedata

from hypothesis import example, given
from hypothesis import strategies as st

from pipeline.contract.names import snake_case
from pipeline.extract.headers import name_columns


def _names(*headers: str) -> list[str]:
    return [column.name for column in name_columns(headers)]


def test_spellings() -> None:
    headers = [
        "Order No",
        "orderNo2",
        "HTTPStatus",
        "price (€)",
        "_id",
        "Ünïcode",
        "日本",
        "already_snake_1",
        "A.B/C-D",
        "İl",
        "Müşteriİsmi",
    ]
    assert _names(*headers) == [
        "order_no",
        "order_no2",
        "http_status",
        "price",
        "_id",
        "ünïcode",
        "日本",
        "already_snake_1",
        "a_b_c_d",
        "il",
        "müşteri_ismi",
    ]


def test_a_name_of_any_character_is_legal_and_stays_as_it_is() -> None:
    for letter in (chr(code) for code in range(sys.maxunicode + 1)):
        if unicodedata.category(letter) not in ("Cn", "Co", "Cs"):
            name = snake_case(f"A{letter}B")
            assert re.fullmatch(r"\w+", name), ascii(letter)
            assert snake_case(name) == name, ascii(letter)


def test_blank_and_equal_headers_get_stable_names() -> None:
    assert _names("a", "", "A", " ", "a_2", "a", "%") == ["a", "col_2", "a_3", "col_4", "a_2", "a_4", "col_7"]
    assert [column.duplicate for column in name_columns(["a", "A", "b"])] == [False, True, False]


def test_the_name_of_the_line_column_is_not_given_away() -> None:
    assert _names("_line", "_line_2") == ["_line_3", "_line_2"]


def test_long_names_are_cut_and_never_meet() -> None:
    long = "x" * 100
    first, second, third = _names(long + "1", long + "2", long + "1")
    assert len({first, second, third}) == 3
    assert {len(first), len(second), len(third)} == {63}
    assert len(snake_case("é" * 80).encode()) <= 63


@given(st.lists(st.text(max_size=80), max_size=12))
def test_names_are_unique_short_and_depend_on_nothing_else(headers: list[str]) -> None:
    names = _names(*headers)
    assert len(set(names)) == len(names)
    assert all(0 < len(name.encode("utf-8", "surrogatepass")) <= 63 for name in names)
    assert names == _names(*headers)


@given(st.text(max_size=80))
@example("é" * 26 + "a " + "é" * 9)  # cut after a _
def test_a_name_is_its_own_name(header: str) -> None:
    name = snake_case(header)
    assert snake_case(name) == name
