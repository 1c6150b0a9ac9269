"""Spark's DDL for a schema, such as `id BIGINT, user STRUCT<name: STRING>`, as Arrow types."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pyarrow as pa

from pipeline.errors import ContractError

_TYPES = {
    **dict.fromkeys(("string", "varchar", "char"), pa.string()),
    **dict.fromkeys(("bigint", "long"), pa.int64()),
    **dict.fromkeys(("int", "integer"), pa.int32()),
    **dict.fromkeys(("smallint", "short"), pa.int16()),
    **dict.fromkeys(("tinyint", "byte"), pa.int8()),
    **dict.fromkeys(("float", "real"), pa.float32()),
    **dict.fromkeys(("timestamp", "timestamp_ltz"), pa.timestamp("us", "UTC")),
    "double": pa.float64(),
    "boolean": pa.bool_(),
    "date": pa.date32(),
    "timestamp_ntz": pa.timestamp("us"),
    "binary": pa.binary(),
}
_DECIMAL = ("decimal", "dec", "numeric")
_TOKEN = re.compile(r"\s*(?:`((?:[^`]|``)+)`|(\w+)|('(?:[^'\\]|\\.)*')|([<>(),:]))")


def parse_ddl(text: str) -> dict[str, pa.DataType]:
    """The types of the top-level fields by name. Raises ContractError for what is not Spark DDL."""
    parser = _Parser(text)
    fields = parser.fields("")
    return {field.name: field.type for field in fields}


class _Parser:
    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens = list(self._split(text))
        self._next = 0

    def fields(self, end: str) -> list[pa.Field]:
        """Fields up to the token `end` ("" is the end of the text), which is consumed."""
        fields = [self._field()]
        while self._peek() == ",":
            self._take()
            fields.append(self._field())
        self._expect(end)
        return fields

    def _field(self) -> pa.Field:
        name = self._take()
        if self._peek() == ":":
            self._take()
        data_type = self._type()
        if self._peek().lower() == "not":
            self._take()
            self._expect("null")
        if self._peek().lower() == "comment":
            self._take()
            self._take()
        return pa.field(name, data_type)

    def _type(self) -> pa.DataType:
        name = self._take().lower()
        if name in _DECIMAL:
            numbers = self._numbers() or [10]
            return pa.decimal128(numbers[0], numbers[1] if len(numbers) > 1 else 0)
        if name == "array":
            self._expect("<")
            return self._closed(pa.list_(self._type()))
        if name == "map":
            self._expect("<")
            key = self._type()
            if pa.types.is_nested(key):
                raise self._error("a MAP whose keys are objects, lists or maps")
            self._expect(",")
            return self._closed(pa.map_(key, self._type()))
        if name == "struct":
            self._expect("<")
            return pa.struct(self.fields(">"))
        if name not in _TYPES:
            raise self._error(f"the type {name!r}")
        self._numbers()
        return _TYPES[name]

    def _numbers(self) -> list[int]:
        if self._peek() != "(":
            return []
        self._take()
        numbers = [int(self._take())]
        while self._take() == ",":
            numbers.append(int(self._take()))
        return numbers

    def _closed(self, data_type: pa.DataType) -> pa.DataType:
        self._expect(">")
        return data_type

    def _expect(self, token: str) -> None:
        if (found := self._take()).lower() != token:
            raise self._error(repr(found) if found else "the end")

    def _peek(self) -> str:
        return self._tokens[self._next]

    def _take(self) -> str:
        token = self._tokens[self._next]
        self._next = min(self._next + 1, len(self._tokens) - 1)
        return token

    def _split(self, text: str) -> Iterator[str]:
        position, text = 0, text.rstrip()
        while position < len(text):
            match = _TOKEN.match(text, position)
            if match is None:
                raise self._error(repr(text[position]))
            yield (match[1] or "").replace("``", "`") or match[2] or match[3] or match[4]
            position = match.end()
        yield ""

    def _error(self, found: str) -> ContractError:
        return ContractError(
            f"readSchema: {found} is not understood in {self._text!r}; write Spark DDL, `a INT, b STRING`"
        )
