"""logicalType, physicalType and options to a column's type: the whole table, and what cannot be."""

from __future__ import annotations

from typing import Any

import pytest

from pipeline.contract.dataset import ColumnType
from pipeline.contract.model.options import Nested
from pipeline.contract.physical import PHYSICAL, TypeMistake
from pipeline.contract.types import column_type


def items(**keys: Any) -> Nested:
    return Nested.model_validate(keys)


@pytest.mark.parametrize(
    ("logical", "physical", "options", "expected"),
    [
        ("string", None, {}, ColumnType("string", "text")),
        ("string", "TEXT", {}, ColumnType("string", "text")),
        ("string", "VARCHAR", {}, ColumnType("string", "varchar")),
        ("string", "VARCHAR(20)", {}, ColumnType("string", "varchar(20)", length=20)),
        ("string", " character  varying ( 20 ) ", {}, ColumnType("string", "varchar(20)", length=20)),
        ("string", "CHAR(3)", {}, ColumnType("string", "char(3)", length=3, fixed=True)),
        ("string", "UUID", {}, ColumnType("uuid", "uuid")),
        ("string", None, {"format": "uuid"}, ColumnType("uuid", "uuid", format=None)),
        ("string", "UUID", {"format": "uuid"}, ColumnType("uuid", "uuid")),
        ("string", "TEXT", {"format": "uuid"}, ColumnType("uuid", "text")),
        ("string", "VARCHAR(36)", {"format": "uuid"}, ColumnType("uuid", "varchar(36)", length=36)),
        ("string", "jsonb", {}, ColumnType("json", "jsonb")),
        ("string", "JSON", {}, ColumnType("json", "json")),
        ("string", "BYTEA", {}, ColumnType("bytes", "bytea")),
        ("integer", None, {}, ColumnType("integer", "bigint")),
        ("integer", "BIGINT", {}, ColumnType("integer", "bigint")),
        ("integer", "int8", {}, ColumnType("integer", "bigint")),
        ("integer", "INTEGER", {}, ColumnType("integer", "integer", bits=32)),
        ("integer", "int", {}, ColumnType("integer", "integer", bits=32)),
        ("integer", "SMALLINT", {}, ColumnType("integer", "smallint", bits=16)),
        ("integer", "NUMERIC(20)", {}, ColumnType("decimal", "numeric(20,0)", precision=20, scale=0)),
        ("number", "NUMERIC(12,2)", {}, ColumnType("decimal", "numeric(12,2)", precision=12, scale=2)),
        ("number", "decimal( 38 , 38 )", {}, ColumnType("decimal", "numeric(38,38)", precision=38, scale=38)),
        ("number", "NUMERIC(5)", {}, ColumnType("decimal", "numeric(5,0)", precision=5, scale=0)),
        ("number", "DOUBLE PRECISION", {}, ColumnType("double", "double precision")),
        ("number", "double   precision", {}, ColumnType("double", "double precision")),
        ("number", "FLOAT8", {}, ColumnType("double", "double precision")),
        ("number", "REAL", {}, ColumnType("double", "real", bits=32)),
        ("boolean", None, {}, ColumnType("boolean", "boolean")),
        ("boolean", "BOOL", {}, ColumnType("boolean", "boolean")),
        ("date", None, {}, ColumnType("date", "date")),
        ("date", "DATE", {"format": "dd/MM/yyyy"}, ColumnType("date", "date", format="dd/MM/yyyy")),
        ("timestamp", None, {}, ColumnType("timestamptz", "timestamptz")),
        ("timestamp", None, {"timezone": True}, ColumnType("timestamptz", "timestamptz")),
        ("timestamp", None, {"timezone": False}, ColumnType("timestamp", "timestamp")),
        ("timestamp", "TIMESTAMP", {}, ColumnType("timestamp", "timestamp")),
        ("timestamp", "timestamp without time zone", {}, ColumnType("timestamp", "timestamp")),
        ("timestamp", "TIMESTAMP WITH TIME ZONE", {}, ColumnType("timestamptz", "timestamptz")),
        (
            "timestamp",
            None,
            {"defaultTimezone": "Europe/Berlin", "format": "dd.MM.yyyy HH:mm"},
            ColumnType("timestamptz", "timestamptz", format="dd.MM.yyyy HH:mm", zone="Europe/Berlin"),
        ),
        ("time", None, {}, ColumnType("time", "time")),
        ("time", None, {"format": "hh:mm a"}, ColumnType("time", "time", format="hh:mm a")),
        ("object", None, {}, ColumnType("json", "jsonb")),
        ("object", "JSON", {}, ColumnType("json", "json")),
        ("map", "jsonb", {}, ColumnType("json", "jsonb")),
    ],
)
def test_types(logical: str, physical: str | None, options: dict[str, Any], expected: ColumnType) -> None:
    assert column_type(logical, physical, options) == expected


@pytest.mark.parametrize(
    ("physical", "item", "expected"),
    [
        (None, {"logicalType": "string"}, ColumnType("array", "text[]", item=ColumnType("string", "text"))),
        ("TEXT[]", {"logicalType": "string"}, ColumnType("array", "text[]", item=ColumnType("string", "text"))),
        (
            "int4[]",
            {"logicalType": "integer", "physicalType": "INTEGER"},
            ColumnType("array", "integer[]", item=ColumnType("integer", "integer", bits=32)),
        ),
        (
            None,
            {"logicalType": "date", "logicalTypeOptions": {"format": "yyyyMMdd"}},
            ColumnType("array", "date[]", item=ColumnType("date", "date", format="yyyyMMdd")),
        ),
        (
            None,
            {"logicalType": "string", "logicalTypeOptions": {"format": "uuid"}},
            ColumnType("array", "uuid[]", item=ColumnType("uuid", "uuid")),
        ),
        (
            None,
            {"logicalType": "number", "physicalType": "NUMERIC(9,2)"},
            ColumnType("array", "numeric(9,2)[]", item=ColumnType("decimal", "numeric(9,2)", precision=9, scale=2)),
        ),
        (None, {"logicalType": "object"}, ColumnType("json", "jsonb")),
        ("JSON", {"logicalType": "object"}, ColumnType("json", "json")),
        ("JSONB", {"logicalType": "string"}, ColumnType("json", "jsonb")),
        (None, {"logicalType": "array", "items": {"logicalType": "string"}}, ColumnType("json", "jsonb")),
    ],
)
def test_arrays(physical: str | None, item: dict[str, Any], expected: ColumnType) -> None:
    assert column_type("array", physical, {}, items(**item)) == expected


@pytest.mark.parametrize(
    ("logical", "physical", "options", "location", "message", "suggestion"),
    [
        ("number", None, {}, ("logicalType",), "needs a physicalType", "NUMERIC(12,2), DOUBLE PRECISION or REAL"),
        ("number", "NUMERIC", {}, ("physicalType",), "NUMERIC needs its size", "NUMERIC(12,2)"),
        ("number", "NUMERIC(39,2)", {}, ("physicalType",), "from 1 to 38", None),
        ("number", "NUMERIC(0)", {}, ("physicalType",), "from 1 to 38", None),
        ("number", "NUMERIC(2,3)", {}, ("physicalType",), "more digits after the point", None),
        ("number", "DOUBLE", {}, ("physicalType",), "does not fit logicalType number", "DOUBLE PRECISION"),
        ("number", "MONEY", {}, ("physicalType",), "does not fit", "NUMERIC(12,2)"),
        ("number", "INTEGER", {}, ("physicalType",), "does not fit", "INTEGER goes with logicalType integer"),
        ("number", "REAL(3)", {}, ("physicalType",), "REAL takes no number", "write REAL"),
        ("integer", "NUMERIC(10,2)", {}, ("physicalType",), "no digits after the point", "logicalType: number"),
        ("integer", "TINYINT", {}, ("physicalType",), "does not fit", "SMALLINT"),
        ("integer", "BIGNIT", {}, ("physicalType",), "does not fit", "did you mean BIGINT?"),
        ("integer", "VARCHAR(3)", {}, ("physicalType",), "does not fit", "VARCHAR goes with logicalType string"),
        ("integer", "BIGINT(20)", {}, ("physicalType",), "BIGINT takes no number", "write BIGINT"),
        ("string", "CHAR", {}, ("physicalType",), "CHAR needs its size", "CHAR(n), or TEXT"),
        ("string", "VARCHAR(0)", {}, ("physicalType",), "from 1 to 10,485,760", None),
        ("string", "VARCHAR(3,4)", {}, ("physicalType",), "VARCHAR takes 1 number", None),
        ("string", "STRING", {}, ("physicalType",), "does not fit", "TEXT"),
        ("string", "NVARCHAR(20)", {}, ("physicalType",), "does not fit", "VARCHAR"),
        ("string", "", {}, ("physicalType",), "does not fit", "known here: TEXT"),
        ("string", "TEXT; DROP TABLE x", {}, ("physicalType",), "does not fit", None),
        ("string", "VARCHAR(35)", {"format": "uuid"}, ("physicalType",), "a UUID has 36 characters", "UUID or TEXT"),
        ("string", "JSONB", {"format": "uuid"}, ("physicalType",), "a UUID has 36 characters", "UUID or TEXT"),
        ("date", "TIMESTAMP", {}, ("physicalType",), "does not fit", "TIMESTAMP goes with logicalType timestamp"),
        ("timestamp", "DATE", {}, ("physicalType",), "does not fit", "DATE goes with logicalType date"),
        ("timestamp", "DATETIME", {}, ("physicalType",), "does not fit", "TIMESTAMP"),
        ("timestamp", "TIMESTAMP(3)", {}, ("physicalType",), "takes no number", "write TIMESTAMP"),
        ("timestamp", "TIMESTAMP(3) WITH TIME ZONE", {}, ("physicalType",), "does not fit", "without a precision"),
        (
            "timestamp",
            "TIMESTAMP",
            {"timezone": True},
            ("logicalTypeOptions", "timezone"),
            "contradict",
            "timezone: false",
        ),
        (
            "timestamp",
            "TIMESTAMPTZ",
            {"timezone": False},
            ("logicalTypeOptions", "timezone"),
            "contradict",
            "timezone: true",
        ),
        (
            "timestamp",
            None,
            {"timezone": False, "defaultTimezone": "UTC"},
            ("logicalTypeOptions", "defaultTimezone"),
            "has no defaultTimezone",
            "remove it",
        ),
        (
            "timestamp",
            None,
            {"defaultTimezone": "Europe/Berlinn"},
            ("logicalTypeOptions", "defaultTimezone"),
            "no time zone",
            "did you mean Europe/Berlin?",
        ),
        (
            "timestamp",
            None,
            {"defaultTimezone": "+02:00"},
            ("logicalTypeOptions", "defaultTimezone"),
            "no time zone",
            "IANA",
        ),
        ("time", "TIMETZ", {}, ("physicalType",), "does not fit", "TIME"),
        ("boolean", "BIT", {}, ("physicalType",), "does not fit", "BOOLEAN"),
        ("object", "TEXT", {}, ("physicalType",), "does not fit", "TEXT goes with logicalType string"),
        ("map", "HSTORE", {}, ("physicalType",), "does not fit", "JSONB"),
        ("date", None, {"format": "%Y-%m-%d"}, ("logicalTypeOptions", "format"), "strftime", "yyyy-MM-dd"),
        ("date", None, {"format": "YYYY-MM-dd"}, ("logicalTypeOptions", "format"), "letter Y", "year of a week"),
        ("date", None, {"format": "yyyy-MM-DD"}, ("logicalTypeOptions", "format"), "letter D", "day of the year"),
        ("date", None, {"format": "yyyy-mm-dd"}, ("logicalTypeOptions", "format"), "letter m", "MM for months"),
        ("date", None, {"format": "yyyy-MM-dd HH:mm"}, ("logicalTypeOptions", "format"), "letter H", "a date has"),
        ("date", None, {"format": "dd.MM."}, ("logicalTypeOptions", "format"), "has no year", "y"),
        ("date", None, {"format": "yyyy'x"}, ("logicalTypeOptions", "format"), "quote without its end", None),
        ("time", None, {"format": "mm:ss"}, ("logicalTypeOptions", "format"), "has no hour", "H"),
        ("time", None, {"format": "yyyy HH"}, ("logicalTypeOptions", "format"), "letter y", "a time has"),
        ("timestamp", None, {"format": "yyyy-MM-dd HH:mm z"}, ("logicalTypeOptions", "format"), "letter z", "X"),
        ("boolean", None, {"format": "Y/N"}, ("logicalTypeOptions", "format"), "a boolean has no format", "remove it"),
    ],
)
def test_types_that_cannot_be(
    logical: str,
    physical: str | None,
    options: dict[str, Any],
    location: tuple[str, ...],
    message: str,
    suggestion: str | None,
) -> None:
    with pytest.raises(TypeMistake) as caught:
        column_type(logical, physical, options)
    assert caught.value.location == location
    assert message in str(caught.value)
    if suggestion:
        assert suggestion in (caught.value.suggestion or "")


@pytest.mark.parametrize(
    ("physical", "item", "location", "message"),
    [
        (None, None, ("items",), "needs the type of its items"),
        (None, {}, ("items",), "needs the type of its items"),
        ("INTEGER[]", {"logicalType": "string"}, ("physicalType",), "not an array of its items"),
        ("TEXT", {"logicalType": "string"}, ("physicalType",), "not an array of its items"),
        ("TEXT[]", {"logicalType": "object"}, ("physicalType",), "kept as JSONB"),
        (None, {"logicalType": "number"}, ("items", "logicalType"), "needs a physicalType"),
        (None, {"logicalType": "string", "physicalType": "JSONB"}, ("items", "physicalType"), "scalars only"),
        (
            None,
            {"logicalType": "string", "logicalTypeOptions": {"format": "email"}},
            ("items", "logicalTypeOptions", "format"),
            "not checked",
        ),
        (
            None,
            {"logicalType": "date", "logicalTypeOptions": {"format": "%d"}},
            ("items", "logicalTypeOptions", "format"),
            "strftime",
        ),
    ],
)
def test_arrays_that_cannot_be(
    physical: str | None, item: dict[str, Any] | None, location: tuple[str, ...], message: str
) -> None:
    with pytest.raises(TypeMistake) as caught:
        column_type("array", physical, {}, None if item is None else items(**item))
    assert caught.value.location == location
    assert message in str(caught.value)


def test_every_name_of_every_type_is_understood() -> None:
    for logical, types in PHYSICAL.items():
        for physical in types:
            size = "(5)" if physical.parameters[0] else ""
            found = {column_type(logical, name.upper() + size, {}) for name in physical.names}
            assert len(found) == 1, physical.names
