"""A dataset's DDL as text for people and for migrations, without a database."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType

from psycopg2 import extensions, sql

from pipeline.contract.dataset import Dataset
from pipeline.load import ddl

# Where CREATE TABLE breaks its lines: around the list of columns and between them.
_ON_LINES = {", ": ",\n    ", " (": " (\n    ", ")": "\n)"}


def printed(dataset: Dataset) -> Iterator[str]:
    """The statements that a first load would run on an empty database, one column a line, without semicolons."""
    yield _text(ddl.create_schema(dataset))
    yield _text(ddl.create_table(dataset), _ON_LINES)
    for statement in (*ddl.keys(dataset), *ddl.comments(dataset)):
        yield _text(statement)


def _text(part: sql.Composable, breaks: Mapping[str, str] = MappingProxyType({})) -> str:
    """What `as_string` yields, which wants a connection only to learn the encoding."""
    if isinstance(part, sql.Composed):
        return "".join(_text(item, breaks) for item in part.seq)
    if isinstance(part, sql.Identifier):
        return ".".join('"' + name.replace('"', '""') + '"' for name in part.strings)
    if isinstance(part, sql.Literal):
        quoted = extensions.adapt(part.wrapped)
        quoted.encoding = "utf-8"
        text: str = quoted.getquoted().decode()
        return text
    if isinstance(part, sql.SQL):
        return breaks.get(part.string, part.string)
    raise TypeError(f"no text for {type(part).__name__}")
