"""A table as the catalogue shows it: its columns and types, its unique keys, its triggers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from psycopg2 import sql

from pipeline.errors import DestinationError

# relkind of tables that rows can be loaded into, ordinary and partitioned; names of the others (manual, pg_class).
LOADABLE = ("r", "p")
KINDS = {"v": "a view", "m": "a materialized view", "f": "a foreign table", "S": "a sequence", "i": "an index"}

COLUMNS = """
    SELECT a.attname, t.typname, a.atttypmod, pg_catalog.format_type(a.atttypid, a.atttypmod), a.attnotnull
    FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_type t ON t.oid = a.atttypid
    WHERE a.attrelid = {oid} AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum
"""
UNIQUE_KEYS = """
    SELECT ARRAY(SELECT a.attname FROM pg_catalog.pg_attribute a
                 WHERE a.attrelid = i.indrelid AND a.attnum = ANY (i.indkey[0:i.indnkeyatts - 1]))::text[]
    FROM pg_catalog.pg_index i
    WHERE i.indrelid = {oid} AND i.indisunique AND i.indisvalid AND i.indpred IS NULL AND 0 <> ALL (i.indkey)
"""
TRIGGERS = """
    SELECT tgname FROM pg_catalog.pg_trigger WHERE tgrelid = {oid} AND NOT tgisinternal AND tgenabled <> 'D'
    UNION ALL
    SELECT rulename FROM pg_catalog.pg_rewrite WHERE ev_class = {oid} AND rulename <> '_RETURN' AND ev_enabled <> 'D'
    ORDER BY 1
"""


@dataclass(frozen=True)
class LiveColumn:
    """`type`: the type's name in the catalogue (`int4`); `modifier`: its atttypmod; `sql`: both as DDL writes them."""

    type: str
    modifier: int
    sql: str
    required: bool


@dataclass(frozen=True)
class LiveTable:
    """A table that exists. `unique_keys`: the column sets of its plain unique indexes, the primary key included."""

    columns: Mapping[str, LiveColumn]
    unique_keys: tuple[frozenset[str], ...]
    triggers: tuple[str, ...]


def read(cursor: Any, schema: str, table: str) -> LiveTable | None:
    """The table as it is, None if there is none. Raises DestinationError if the name is taken by something else."""
    oid = _oid(cursor, schema, table)
    if oid is None:
        return None
    part = {"oid": sql.Literal(oid)}
    cursor.execute(sql.SQL(COLUMNS).format(**part))
    columns = {row[0]: LiveColumn(*row[1:]) for row in cursor.fetchall()}
    cursor.execute(sql.SQL(UNIQUE_KEYS).format(**part))
    unique_keys = tuple(frozenset(row[0]) for row in cursor.fetchall())
    cursor.execute(sql.SQL(TRIGGERS).format(**part))
    return LiveTable(columns, unique_keys, tuple(row[0] for row in cursor.fetchall()))


def exists(cursor: Any, schema: str, table: str) -> bool:
    """Whether there is such a table. Raises DestinationError if the name is taken by something else."""
    return _oid(cursor, schema, table) is not None


def _oid(cursor: Any, schema: str, table: str) -> int | None:
    cursor.execute(
        sql.SQL(
            "SELECT c.oid, c.relkind FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n"
            " ON n.oid = c.relnamespace WHERE n.nspname = {} AND c.relname = {}"
        ).format(sql.Literal(schema), sql.Literal(table))
    )
    found = cursor.fetchone()
    if found is None:
        return None
    oid: int = found[0]
    if found[1] not in LOADABLE:
        kind = KINDS.get(found[1], "not a table")
        raise DestinationError(f"{schema}.{table} is {kind}; rows go into tables. Name another table in the contract")
    return oid
