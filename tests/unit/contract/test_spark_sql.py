"""What Spark SQL texts read, and those that are refused."""

from __future__ import annotations

import pytest

from pipeline.contract.spark_sql import Exploded, SqlMistake, ddl_names, explode, references


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a", [("a",)]),
        ("a + b * a", [("a",), ("b",)]),
        ("user.geo.country", [("user", "geo", "country")]),
        ("a.b.c.d.e.f", [("a", "b", "c", "d")]),
        ("coalesce(try_to_date(d, 'dd/MM/yyyy'), try_to_date(d, 'yyyy-MM-dd'))", [("d",)]),
        ("make_date(cast(year as int), cast(month as int), 1)", [("year",), ("month",)]),
        ("try_cast(replace(regexp_replace(x, '[^0-9,-]', ''), ',', '.') as decimal(12,2))", [("x",)]),
        ("case when a > 1 then b else c end", [("a",), ("b",), ("c",)]),
        ("transform(items, x -> x.price * rate)", [("items",), ("rate",)]),
        ("transform(items, x -> transform(x.ys, y -> y.q + x.r + z))", [("items",), ("z",)]),
        ("aggregate(items, 0, (acc, x) -> acc + x.v)", [("items",)]),
        ("exists(items, i -> i.sku = wanted)", [("items",), ("wanted",)]),
        ("items[0].sku", [("items",)]),
        ("props['k']", [("props",)]),
        ("`Order No`", [("Order No",)]),
        ("'text'", []),
        ("concat(a, 'b.c')", [("a",)]),
        ("named_struct('a', b)", [("b",)]),
        ("struct(a as x, b)", [("a",), ("b",)]),
        ("_metadata.file_name", [("_metadata", "file_name")]),
        ("desc", [("desc",)]),
        ("user", [("user",)]),
        ("date", [("date",)]),
        ("current_date()", []),
        ("array_max(a)", [("a",)]),
        ("a -- why", [("a",)]),
        ("a\n  and b", [("a",), ("b",)]),
        ("a rlike '^x::y$'", [("a",)]),
    ],
)
def test_references(text: str, expected: list[tuple[str, ...]]) -> None:
    assert list(references(text)) == expected


@pytest.mark.parametrize(
    ("text", "message", "offset"),
    [
        ("upper(a", "a closing parenthesis is missing", 0),
        ("cast(a as decimal(10,2)", "a closing parenthesis is missing", 0),
        ("upper(a))", "a closing parenthesis too many", 8),
        ("'open", "a quote without its end", 0),
        ("a = b and", "something is missing", 6),
        ("a +* b", "* is not one value", 0),
        ("case when a then 1", "not valid Spark SQL", 0),
        ("a b", "AS gives a name", 0),
        ("a as b", "AS gives a name", 0),
        ("a, b", "several expressions", 0),
        ("", "several expressions", 0),
        ("a; b", "several statements", 0),
        ("*", "* is not one value", 0),
        ("a from t", "this is a query", 0),
        ("(select max(x) from t)", "a subquery", 0),
        ("a in (select b from t)", "a subquery", 0),
        ("max(a)", "max looks at more than one row", 0),
        ("count(*)", "count looks at more than one row", 0),
        ("sum(x) over (partition by y)", "sum looks at more than one row", 0),
        ("row_number() over (order by a)", "row_number looks at more than one row", 0),
        ("explode(a)", "explode makes rows", 0),
        ("rand()", "rand() is random", 0),
        ("coalesce(a, uuid())", "uuid() is random", 0),
        ("monotonically_increasing_id()", "depends on how the work was divided", 0),
        ("input_file_name()", "_metadata.file_path", 0),
        ("java_method('java.lang.System', 'exit')", "runs Java code", 0),
        ("a::int", ":: is not Spark SQL", 1),
        ("(" * 500 + "a" + ")" * 500, "nested too deeply", 0),
    ],
)
def test_what_is_no_expression_over_one_row(text: str, message: str, offset: int) -> None:
    with pytest.raises(SqlMistake) as caught:
        references(text)
    assert message in str(caught.value)
    if offset:
        assert caught.value.offset == offset


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("posexplode_outer(items) AS (pos, item)", Exploded((("items",),), ("pos", "item"))),
        ("explode_outer(a.items) as item", Exploded((("a", "items"),), ("item",))),
        ("EXPLODE_OUTER(m) AS (k, v)", Exploded((("m",),), ("k", "v"))),
        ("posexplode_outer(m) as (p, k, v)", Exploded((("m",),), ("p", "k", "v"))),
        ("inline_outer(xs) as (a, b, c)", Exploded((("xs",),), ("a", "b", "c"))),
        ("explode_outer(split(tags, ',')) as tag", Exploded((("tags",),), ("tag",))),
        ("explode_outer(from_json(x, 'array<int>')) as i", Exploded((("x",),), ("i",))),
    ],
)
def test_explode(text: str, expected: Exploded) -> None:
    assert explode(text) == expected


@pytest.mark.parametrize(
    ("text", "message", "suggestion"),
    [
        (
            "explode(items) AS item",
            "explode is not an outer generator: a row with an empty list would vanish",
            "explode_outer",
        ),
        ("posexplode(items) AS (p, i)", "not an outer generator", "posexplode_outer"),
        ("inline(items) AS (a, b)", "not an outer generator", "inline_outer"),
        ("stack(2, a, b) AS x", "not an outer generator", "_outer"),
        ("items", "not an outer generator", "_outer"),
        ("explode_outer(items)", "need names", "AS item"),
        ("posexplode_outer(items)", "need names", "AS (pos, item)"),
        ("posexplode_outer(items) AS p", "makes other columns", "AS (pos, item)"),
        ("explode_outer(items) AS (a, b, c)", "makes other columns", "AS item"),
        ("explode_outer(collect_list(a)) AS x", "does not work on one row", None),
        ("explode_outer(items", "a closing parenthesis is missing", None),
    ],
)
def test_explode_that_cannot_be(text: str, message: str, suggestion: str | None) -> None:
    with pytest.raises(SqlMistake) as caught:
        explode(text)
    assert message in str(caught.value)
    assert (suggestion or "") in (caught.value.suggestion or "")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a STRING", ("a",)),
        ("a STRING, b STRUCT<x:BIGINT, y:ARRAY<STRING>>,\n  m MAP<STRING,STRING>, d DATE", ("a", "b", "m", "d")),
        ("a DECIMAL(10,2), `b c` INT", ("a", "b c")),
        ("a STRING NOT NULL COMMENT 'x'", ("a",)),
    ],
)
def test_ddl_names(text: str, expected: tuple[str, ...]) -> None:
    assert ddl_names(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a",
        "a STRNG",
        "a STRING b",
        "a STRUCT<x>",
        "a STRING,",
        "STRUCT<a:INT>",
        "a ARRAY<STRING",
        "a UUID",
        "a STRUCT<x: JSON>",
        "a INTERVAL DAY",
    ],
)
def test_ddl_that_cannot_be(text: str) -> None:
    with pytest.raises(SqlMistake):
        ddl_names(text)
