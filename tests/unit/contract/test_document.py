"""YAML as contracts read it: YAML 1.2 scalars, positions, bounds, references to the environment."""

from __future__ import annotations

from decimal import Decimal

import pytest

from pipeline.contract.document import MAXIMUM_CHARACTERS, Document, parse
from pipeline.contract.problem import Finding


def read(text: str, **environment: str) -> Document:
    return parse(text, "c.yaml", environment)


def value(text: str, **environment: str) -> object:
    document = read(f"a: {text}\n", **environment)
    assert document.problems == []
    assert isinstance(document.data, dict)
    return document.data["a"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("NO", "NO"),
        ("no", "no"),
        ("on", "on"),
        ("Yes", "Yes"),
        ("y", "y"),
        ("off", "off"),
        ("12:30", "12:30"),
        ("1:30:00", "1:30:00"),
        ("0o17", 15),
        ("017", 17),
        ("0x1F", 31),
        ("0b11", "0b11"),
        ("1_000", "1_000"),
        ("2024-01-31", "2024-01-31"),
        ("2024-01-31T12:00:00Z", "2024-01-31T12:00:00Z"),
        ("=", "="),
        ("<<", "<<"),
        ("true", True),
        ("TRUE", True),
        ("tRUE", "tRUE"),
        ("False", False),
        ("null", None),
        ("~", None),
        ("", None),
        ("Null", None),
        ("nULL", "nULL"),
        ("+12", 12),
        ("-0", 0),
        ("0.10", Decimal("0.10")),
        ("1e3", Decimal(1000)),
        (".5", Decimal("0.5")),
        ("5.", Decimal(5)),
        ("1e", "1e"),
        ("1.2.3", "1.2.3"),
        (".inf", Decimal("Infinity")),
        ("-.INF", Decimal("-Infinity")),
        ('"12"', "12"),
        ("'true'", "true"),
        ('""', ""),
        ('"\\t"', "\t"),
        ("12345678901234567890.123456789", Decimal("12345678901234567890.123456789")),
        ("9" * 500, Decimal("9" * 500)),
        ("1e99999", "1e99999"),
    ],
)
def test_scalars_follow_yaml_1_2(text: str, expected: object) -> None:
    found = value(text)
    assert found == expected
    assert type(found) is type(expected)


def test_nan_is_a_number() -> None:
    found = value(".nan")
    assert isinstance(found, Decimal)
    assert found.is_nan()


@pytest.mark.parametrize(
    ("text", "environment", "expected"),
    [
        ("${NAME}", {"NAME": "x"}, "x"),
        ("${NAME:-y}", {"NAME": "x"}, "x"),
        ("${NAME:-y}", {}, "y"),
        ("${NAME:-y}", {"NAME": ""}, "y"),
        ("${NAME:-}", {}, None),
        ('"${NAME:-}"', {}, ""),
        ("${NAME:-5}", {}, 5),
        ('"${NAME:-5}"', {}, "5"),
        ("s3://${B:-b}/${K}/x", {"K": "k"}, "s3://b/k/x"),
        ("$NAME", {"NAME": "x"}, "$NAME"),
        ("'^[0-9]{2}$'", {}, "^[0-9]{2}$"),
        ("${NAME}", {"NAME": "a: [b"}, "a: [b"),
        ("${NAME}", {"NAME": "${OTHER}", "OTHER": "z"}, "${OTHER}"),
    ],
)
def test_references_are_replaced_in_values(text: str, environment: dict[str, str], expected: object) -> None:
    assert value(text, **environment) == expected


def test_keys_are_not_replaced() -> None:
    assert read("${A}: 1\n", A="b").data == {"${A}": 1}


@pytest.mark.parametrize(
    ("text", "line", "column", "message"),
    [
        ("a: 1\nb:\n  a: 2\n  a: 3\n", 4, 3, "the key a is there twice (first on line 3)"),
        ("a: ${X}\n", 1, 4, "the environment variable X is not set"),
        ("q: SELECT 1 FROM ${object}\n", 1, 4, "write {object} without the dollar sign"),
        ("a: b: c\n", 1, 5, "mapping values are not allowed here"),
        ("a: [1, 2\n", 2, 1, "not valid YAML"),
        ("\ta: 1\n", 1, 1, "cannot start any token"),
        ("a: *nope\n", 1, 4, "undefined alias"),
        ("a: !!str 1\n", 1, 4, "a tag (!...) is not allowed"),
        ("a: !!python/object:os.system x\n", 1, 4, "a tag (!...) is not allowed"),
        ("a: !x {b: 1}\n", 1, 4, "a tag (!...) is not allowed"),
        ("<<: {a: 1}\nb: 2\n", 1, 1, "merge keys"),
        ("a: 1\n---\nb: 2\n", 3, 1, "a second document"),
        ("? [a]\n: 1\n", 1, 3, "a key that is a list or a mapping"),
        ("a: 1\nb: \x01\n", 2, 4, "a character that YAML does not allow"),
        ("a: " + "[" * 50, 1, 43, "nested deeper than 40 levels"),
        ("a: &a [*a]\n", 1, 4, "aliases expand"),
        ("a: &a {b: *a}\n", 1, 4, "aliases expand"),
        ("a: " + "x" * MAXIMUM_CHARACTERS, 1, 1, "characters, a contract has at most"),
    ],
)
def test_mistakes_of_form(text: str, line: int, column: int, message: str) -> None:
    problems = read(text).problems
    assert len(problems) == 1
    assert (problems[0].line, problems[0].column) == (line, column)
    assert message in str(problems[0])


def test_aliases_cannot_multiply() -> None:
    lines = ["a0: &a0 [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 9)]
    problems = read("\n".join(lines)).problems
    assert [problem.message for problem in problems] == ["aliases expand to more than 100,000 values or to themselves"]


def test_an_alias_is_the_value_of_its_anchor() -> None:
    document = read("a: &x [1, {b: 2}]\nc: *x\n")
    assert document.data == {"a": [1, {"b": 2}], "c": [1, {"b": 2}]}
    assert document.place(Finding(("c", 1, "b"), "m")).line == 1


@pytest.mark.parametrize("text", ["", "# only a comment\n", "---\n", "null\n"])
def test_an_empty_document_has_no_data(text: str) -> None:
    document = read(text)
    assert (document.data, document.problems) == (None, [])


def test_a_byte_order_mark_is_skipped() -> None:
    assert read("\ufeffa: 1\n").data == {"a": 1}


def test_every_value_knows_its_place() -> None:
    document = read("a:\n  - b: 1\n    c: [x,\n      yy]\n")
    for location, at_key, line, column in [
        (("a",), True, 1, 1),
        (("a",), False, 2, 3),
        (("a", 0, "b"), False, 2, 8),
        (("a", 0, "c"), True, 3, 5),
        (("a", 0, "c", 1), False, 4, 7),
        (("a", 0, "missing", "deeper"), False, 2, 5),
        ((), False, 1, 1),
    ]:
        problem = document.place(Finding(location, "m", at_key=at_key))
        assert (problem.line, problem.column) == (line, column), location


def test_an_offset_points_into_a_value_where_the_file_has_it_on_one_line() -> None:
    document = read('a: "x + y"\nb: x + y\nc: >\n  x +\n  y\n')
    assert document.place(Finding(("a",), "m", offset=4)).column == 9
    assert document.place(Finding(("b",), "m", offset=4)).column == 8
    assert document.place(Finding(("c",), "m", offset=4)).line == 3
