"""The staging tables of one load: where the engine's workers COPY to, dropped after publish."""

from __future__ import annotations

import re
import weakref
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from psycopg2 import sql

from pipeline.errors import ContractError
from pipeline.load import table
from pipeline.load.connect import Connection, Destination
from pipeline.load.frames import Address
from pipeline.load.table import LiveColumn

SCHEMA = "landfall_staging"
REJECT_COLUMNS = ("line", "column_name", "rule", "message", "reasons")

# A type is spliced into DDL as the contract writes it, so it must look like nothing but a type.
TYPE = re.compile(
    r"[a-z_][a-z0-9_]*( varying| precision)?( ?\([0-9, ]+\))?( with(out)? time zone)?( ?\[[0-9]*\])*", re.IGNORECASE
)


@dataclass(frozen=True)
class StagingTarget:
    """Where the workers of one load write. `columns`: (name, PostgreSQL type) of the contract's columns, in order.

    `relay`: where workers of other processes hand in the rows of a load that goes straight into its target.
    """

    destination: Destination
    load_id: UUID
    columns: tuple[tuple[str, str], ...]
    relay: Address | None = None

    @property
    def rows(self) -> sql.Identifier:
        """landfall_staging.rows_<load>: the contract's columns, `_line` bigint, `_attempt` int."""
        return sql.Identifier(SCHEMA, f"rows_{self.load_id.hex}")

    @property
    def rejects(self) -> sql.Identifier:
        """landfall_staging.rejects_<load>: REJECT_COLUMNS and `_attempt` int."""
        return sql.Identifier(SCHEMA, f"rejects_{self.load_id.hex}")


def create(conn: Connection, target: StagingTarget) -> None:
    """Create both tables, unlogged and without constraints, and commit. Raises ContractError on a type that is none."""
    with conn, conn.cursor() as cursor:
        cursor.execute(
            sql.SQL(
                "CREATE UNLOGGED TABLE {} ({}, _line bigint, _attempt integer) WITH (autovacuum_enabled = false)"
            ).format(target.rows, _columns(target.columns))
        )
        create_rejects(cursor, target.rejects)


def create_rejects(cursor: Any, rejects: sql.Identifier) -> None:
    """Create the table of rejects unless it is there, within the caller's transaction. Whoever else creates it waits
    for that transaction's end: `IF NOT EXISTS` alone fails where two do so at once."""
    name = sql.Literal(" ".join(rejects.strings))
    cursor.execute(sql.SQL("SELECT pg_advisory_xact_lock(hashtextextended('landfall ' || {}, 0))").format(name))
    cursor.execute(
        sql.SQL(
            "CREATE UNLOGGED TABLE IF NOT EXISTS {} (line bigint, column_name text, rule text, message text,"
            " reasons jsonb, _attempt integer) WITH (autovacuum_enabled = false)"
        ).format(rejects)
    )


_written: weakref.WeakKeyDictionary[Connection, dict[tuple[tuple[str, str], ...], Mapping[str, LiveColumn]]]
_written = weakref.WeakKeyDictionary()


def written(conn: Connection, columns: tuple[tuple[str, str], ...]) -> Mapping[str, LiveColumn]:
    """Columns of these names and types as the catalogue writes them. Raises ContractError on a type that is none.

    Each session learns it once, from a table that is taken back within the caller's transaction.
    """
    known = _written.setdefault(conn, {})
    if columns not in known:
        name = f"types_{conn.info.backend_pid}"
        with conn.cursor() as cursor:
            cursor.execute("SAVEPOINT types")
            cursor.execute(sql.SQL("CREATE TABLE {} ({})").format(sql.Identifier(SCHEMA, name), _columns(columns)))
            found = table.read(cursor, SCHEMA, name)
            cursor.execute("ROLLBACK TO SAVEPOINT types")
        known[columns] = found.columns if found else {}
    return known[columns]


def _columns(columns: tuple[tuple[str, str], ...]) -> sql.Composed:
    listed = [sql.SQL("{} {}").format(sql.Identifier(name), sql.SQL(_type(text))) for name, text in columns]
    return sql.SQL(", ").join(listed)


def drop(conn: Connection, load_id: UUID) -> None:
    """Drop the load's staging tables, if they are there, within the caller's transaction."""
    tables = [sql.Identifier(SCHEMA, f"{kind}_{load_id.hex}") for kind in ("rows", "rejects")]
    with conn.cursor() as cursor:
        cursor.execute(sql.SQL("DROP TABLE IF EXISTS {}").format(sql.SQL(", ").join(tables)))


def discard(conn: Connection, load_id: UUID) -> None:
    """Drop the load's staging tables, and commit."""
    with conn:
        drop(conn, load_id)


def _type(text: str) -> str:
    if not TYPE.fullmatch(text):
        raise ContractError(
            f"{text!r} is not a PostgreSQL type that a column can have. Correct physicalType in the contract"
        )
    return text
