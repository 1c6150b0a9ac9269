"""Expressions: what the engine gets, and what counts as a refused value."""

from __future__ import annotations

import pytest

from pipeline.errors import ContractError
from pipeline.expression import compile_expression, outermost_cast


@pytest.mark.parametrize(
    ("written", "engine"),
    [
        ("cast(a as int)", "try_cast(a as int)"),
        ("CAST(item.price AS decimal(10,2))", "try_cast(item.price AS decimal(10,2))"),
        ("try_cast(a as int)", "try_cast(a as int)"),
        ("try_to_date(a, 'dd/MM/yyyy')", "to_date(a, 'dd/MM/yyyy')"),
        ("to_timestamp(a)", "try_to_timestamp(a)"),
        ("_metadata.file_name", "_metadata_file_name"),
        ("concat(_metadata.file_name, 'x')", "concat(_metadata_file_name, 'x')"),
        ("'cast(a as int)'", "'cast(a as int)'"),
        ("`cast` || a", "`cast` || a"),
        (
            "element_at(split(a, '-'), 3)",
            "try_element_at(split(a, '-'), 3)",
        ),
        ("int(trim(a)) + date(b)", "try_cast(trim(a) as int) + try_cast(b as date)"),
        ("INT(date(a))", "try_cast(try_cast(a as date) as INT)"),
        ("cast(a as decimal(10))", "try_cast(a as decimal(10))"),
        ("date '2020-01-01'", "date '2020-01-01'"),
        ("to_number(a, '999')", "try_to_number(a, '999')"),
        (
            "make_date(y, cast(m as int), 1)",
            "to_date(concat(cast(y as string), '-', cast(try_cast(m as int) as string), '-', cast(1 as string)), 'yyyy-M-d')",
        ),
        (
            "coalesce(cast(a as int), cast(b as int))",
            "coalesce(try_cast(a as int), try_cast(b as int))",
        ),
    ],
)
def test_only_names_are_exchanged(written: str, engine: str) -> None:
    assert compile_expression(written, "here").sql == engine


@pytest.mark.parametrize(
    ("written", "fallible", "inputs"),
    [
        ("cast(a as int) + 1", True, ("`a`",)),
        ("make_date(y, m, d)", True, ("`y`", "`m`", "`d`")),
        ("cast(item.price as double)", True, ("`item`.`price`",)),
        ("int(a)", True, ("`a`",)),
        ("a / b", True, ("`a`", "`b`")),
        ("year(a)", True, ("`a`",)),
        ("dateadd(DAY, 1, a)", True, ("`a`",)),
        ("a", False, ("`a`",)),
        ("a.b.c", False, ("`a`.`b`.`c`",)),
        ("to_date(_metadata.file_name)", True, ()),
        ("int(nullif(a, ''))", False, ("`a`",)),
        ("split(a, '-')[1]", False, ("`a`",)),
        ("zip_with(a, a, (x, y) -> x + y)", False, ("`a`",)),
        ("coalesce(year(a), null)", False, ("`a`",)),
        ("try_cast(a as int)", False, ("`a`",)),
        ("coalesce(cast(a as int), 0)", False, ("`a`",)),
        ("case when a rlike '^1' then cast(a as int) end", False, ("`a`",)),
        ("lower(trim(a))", False, ("`a`",)),
        ("_metadata.file_name", False, ()),
    ],
)
def test_a_conversion_without_a_condition_can_refuse_a_value(
    written: str, fallible: bool, inputs: tuple[str, ...]
) -> None:
    expression = compile_expression(written, "here")
    assert (expression.fallible, expression.inputs) == (fallible, inputs)


@pytest.mark.parametrize(
    ("written", "message"),
    [
        ("a::int", "write cast"),
        ("cast(a", "not a Spark SQL expression"),
        ("_metadata.row_index", "not available"),
        ("make_date(a)", "a year, a month and a day"),
    ],
)
def test_what_cannot_be_honoured_is_an_error_with_its_place(written: str, message: str) -> None:
    with pytest.raises(ContractError, match=message) as caught:
        compile_expression(written, "orders.odcs.yaml: transformLogic of amount")
    assert str(caught.value).startswith("orders.odcs.yaml: transformLogic of amount: ")


@pytest.mark.parametrize(
    ("written", "found"),
    [
        ("cast(item.price as decimal(10,2))", ("item.price", "decimal(10,2)")),
        ("to_timestamp(ts)", ("ts", "timestamp")),
        ("INT(trim(a))", ("trim(a)", "int")),
        ("to_date(d)", ("d", "date")),
        ("to_date(d, 'dd/MM/yyyy')", None),
        ("cast(a as int) + 1", None),
        ("try_cast(a as int)", None),
        ("cast(cast(a as int) as string)", ("cast(a as int)", "string")),
        ("a", None),
    ],
)
def test_the_outermost_cast(written: str, found: tuple[str, str] | None) -> None:
    assert outermost_cast(written) == found
