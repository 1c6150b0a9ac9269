"""The target table as DDL: made from a dataset, once. Nothing here ever drops anything."""

from __future__ import annotations

from typing import Any

from psycopg2 import sql

from pipeline.contract.dataset import Dataset
from pipeline.errors import ContractError
from pipeline.load import locks
from pipeline.load.publishing import Publishing, names
from pipeline.load.staging import TYPE

# What a load adds to the contract's columns: which load wrote the row, and the line of the source object it stood on.
PROVENANCE = (("_load_id", "uuid"), ("_line", "bigint"))
HISTORY = (
    ("_valid_from", "timestamp with time zone NOT NULL"),
    ("_valid_to", "timestamp with time zone"),
    ("_is_current", "boolean NOT NULL"),
)


def statements(dataset: Dataset, cursor: Any) -> tuple[str, ...]:
    """The DDL that a first load would run on an empty database, as text, one statement each."""
    composed = [create_schema(dataset), create_table(dataset), *keys(dataset), *comments(dataset)]
    return tuple(statement.as_string(cursor) for statement in composed)


def create(work: Publishing) -> None:
    """Make the schema, if it is missing, and the table, still without its key: an index is built faster at once."""
    if not schema_exists(work):
        locks.hold_schema(work)
        if not schema_exists(work):
            execute(work, create_schema(work.dataset))
    execute(work, create_table(work.dataset, work.columns[len(work.dataset.columns) :]))
    for comment in comments(work.dataset):
        execute(work, comment)


def add_keys(work: Publishing) -> None:
    """Give a new table its key, after its first rows."""
    for statement in keys(work.dataset):
        execute(work, statement)


def execute(work: Publishing, statement: sql.Composable) -> None:
    """Run one statement on the target and note it for the receipt."""
    work.cursor.execute(statement)
    work.ddl.append(statement.as_string(work.cursor))


def create_schema(dataset: Dataset) -> sql.Composed:
    """CREATE SCHEMA for the dataset's target."""
    return sql.SQL("CREATE SCHEMA IF NOT EXISTS {}").format(sql.Identifier(dataset.schema))


def create_table(dataset: Dataset, added: tuple[str, ...] = ()) -> sql.Composed:
    """CREATE TABLE: the contract's columns, `added` ones as text, provenance, and with scd2 the history columns."""
    key = dataset.key
    columns = [
        column_ddl(column.name, column.type.sql, column.required or column.name in key) for column in dataset.columns
    ]
    columns += [column_ddl(name, "text") for name in added]
    extra = PROVENANCE + (HISTORY if dataset.load.mode == "scd2" else ())
    columns += [sql.SQL("{} {}").format(sql.Identifier(name), sql.SQL(kind)) for name, kind in extra]
    return sql.SQL("CREATE TABLE {} ({})").format(
        sql.Identifier(dataset.schema, dataset.table), sql.SQL(", ").join(columns)
    )


def column_ddl(name: str, kind: str, required: bool = False) -> sql.Composed:
    """`"name" type [NOT NULL]`. Raises ContractError if the type looks like more than a type."""
    if not TYPE.fullmatch(kind):
        raise ContractError(f"{kind!r} is not a PostgreSQL type. Correct physicalType of {name} in the contract")
    return sql.SQL("{} {}{}").format(sql.Identifier(name), sql.SQL(kind), sql.SQL(" NOT NULL" if required else ""))


def keys(dataset: Dataset) -> list[sql.Composed]:
    """The primary key; with scd2 a key per version, and at most one current version per key."""
    if not dataset.key:
        return []
    target = sql.Identifier(dataset.schema, dataset.table)
    history = dataset.load.mode == "scd2"
    columns = dataset.key + (("_valid_from",) if history else ())
    found = [sql.SQL("ALTER TABLE {} ADD PRIMARY KEY ({})").format(target, names(columns))]
    if history:
        template = "CREATE UNIQUE INDEX ON {} ({}) WHERE _is_current"
        found.append(sql.SQL(template).format(target, names(dataset.key)))
    return found


def comments(dataset: Dataset) -> list[sql.Composed]:
    """COMMENT ON for each description in the contract."""
    target = (dataset.schema, dataset.table)
    found = []
    if dataset.description:
        statement = sql.SQL("COMMENT ON TABLE {} IS {}")
        found.append(statement.format(sql.Identifier(*target), sql.Literal(dataset.description)))
    for column in dataset.columns:
        if column.description:
            statement = sql.SQL("COMMENT ON COLUMN {} IS {}")
            found.append(statement.format(sql.Identifier(*target, column.name), sql.Literal(column.description)))
    return found


def schema_exists(work: Publishing) -> bool:
    """Whether the target's schema is there. Whoever may not create one may not say `IF NOT EXISTS` either."""
    template = "SELECT EXISTS (SELECT FROM pg_catalog.pg_namespace WHERE nspname = {schema})"
    return bool(work.one(template, schema=sql.Literal(work.dataset.schema))[0])
