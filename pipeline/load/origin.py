"""Where a row of a target comes from: the load and line that set it, and what before-images tell of earlier ones."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import psycopg2
from psycopg2 import sql
from psycopg2.extras import RealDictCursor

from pipeline.errors import UsageError
from pipeline.load import table
from pipeline.load.connect import Connection, translate
from pipeline.load.images import as_text
from pipeline.load.table import LiveTable

MOST = 50  # versions or rows shown

PRIMARY_KEY = """
    SELECT a.attname FROM pg_catalog.pg_index i
    CROSS JOIN LATERAL unnest(i.indkey::smallint[]) WITH ORDINALITY AS k (attnum, place)
    JOIN pg_catalog.pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.attnum
    WHERE i.indisprimary AND i.indrelid = format('%%I.%%I', %s::text, %s::text)::regclass ORDER BY k.place
"""
# What is there, then what was: a before-image tells the load that set the row (`setter`) and the one that ended it.
FOUND = """
    WITH found AS (
        SELECT t._load_id AS setter, t._line AS line, NULL::uuid AS ended_by, NULL::text AS action,
               {valid_from} AS valid_from, {valid_to} AS valid_to
        FROM {target} t WHERE {match}
        UNION ALL
        SELECT (b.image->>'_load_id')::uuid, (b.image->>'_line')::bigint, b.load_id, b.action, {old_from}, {old_to}
        FROM landfall.before_image b WHERE b.target = {name} AND {old_match})
    SELECT f.setter::text AS load_id, f.line, f.ended_by::text, f.action, f.valid_from, f.valid_to, l.uri, l.version,
           l.finished_at AS loaded_at, l.dataset, l.contract_version, e.uri AS ended_by_uri, e.finished_at AS ended_at
    FROM found f LEFT JOIN landfall.load l ON l.load_id = f.setter LEFT JOIN landfall.load e ON e.load_id = f.ended_by
    ORDER BY f.ended_by DESC NULLS FIRST, f.valid_from DESC NULLS LAST, f.setter DESC, f.line LIMIT {most}
"""


@dataclass(frozen=True)
class Origin:
    """What set a row. `ended_by`: the load that then changed or deleted it (`action`), None for what is there now.

    `uri`, `loaded_at`, `dataset`, `contract_version` are None if no load set the row. `valid_from`, `valid_to`: of a
    history (scd2) only.
    """

    load_id: UUID | None
    line: int | None
    uri: str | None
    version: str | None
    loaded_at: datetime | None
    dataset: str | None
    contract_version: str | None
    valid_from: datetime | None
    valid_to: datetime | None
    ended_by: UUID | None
    ended_by_uri: str | None
    ended_at: datetime | None
    action: str | None


def origins(conn: Connection, name: str, wanted: tuple[str, ...]) -> list[Origin]:
    """The origins of the rows of `name` (schema.table) that `wanted` describes: what is there first, then what was.

    `wanted`: the key's values in order, or `column=value,...`. Raises UsageError when it is not a table that Landfall
    loads or the description does not fit it.
    """
    schema, _, local = name.rpartition(".")
    try:
        with conn, conn.cursor(cursor_factory=RealDictCursor) as cursor:
            return _origins(cursor, schema or "public", local, wanted)
    except psycopg2.DataError as error:
        raise UsageError(f"{name}: a value does not fit its column: {error.diag.message_primary}") from error
    except psycopg2.errors.UndefinedFunction as error:
        raise UsageError(f"{name}: a column of this type cannot be compared; name another column") from error
    except psycopg2.Error as error:
        raise translate(error) from error


def _origins(cursor: Any, schema: str, local: str, wanted: tuple[str, ...]) -> list[Origin]:
    with cursor.connection.cursor() as plain:
        live = table.read(plain, schema, local)
        if live is None or not {"_load_id", "_line"} <= set(live.columns):
            raise UsageError(f"{schema}.{local} is not a table that Landfall loads; `landfall loads` lists the loads")
        plain.execute(PRIMARY_KEY, (schema, local))
        key = tuple(row[0] for row in plain.fetchall() if row[0] != "_valid_from")
    values = described(wanted, live, key, f"{schema}.{local}")
    cursor.execute(_query(schema, local, live, values))
    found = [Origin(**row) for row in cursor.fetchall()]
    there = {(each.load_id, each.line) for each in found if each.ended_by is None}
    # A history's closed version is still there: its before-image tells nothing more.
    return [
        each for each in found if each.ended_by is None or (each.load_id, each.line) not in there or not _history(live)
    ]


def described(wanted: tuple[str, ...], live: LiveTable, key: tuple[str, ...], name: str) -> dict[str, str]:
    """The wanted values by column. Raises UsageError when they are not one for each column of the key."""
    if all(text.partition("=")[0] in live.columns for text in wanted) and all("=" in text for text in wanted):
        return {column: value for text in wanted for column, value in _pairs(text, live)}
    if not key:
        raise UsageError(f"{name} has no primary key: describe the row as column=value,...")
    if len(wanted) != len(key):
        raise UsageError(
            f"the key of {name} is ({', '.join(key)}): give {len(key)} values in this order, or column=value,..."
        )
    return dict(zip(key, wanted, strict=True))


def _pairs(text: str, live: LiveTable) -> list[tuple[str, str]]:
    """`a=1,b=x,y` as (a, "1"), (b, "x,y"): a comma ends a value only where another column's name follows."""
    pairs: list[tuple[str, str]] = []
    for piece in text.split(","):
        column, equals, value = piece.partition("=")
        if equals and column in live.columns:
            pairs.append((column, value))
        else:
            pairs[-1] = (pairs[-1][0], f"{pairs[-1][1]},{piece}")
    return pairs


def _query(schema: str, local: str, live: LiveTable, values: Mapping[str, str]) -> sql.Composed:
    now = [sql.SQL("t.{} = {}").format(sql.Identifier(column), sql.Literal(value)) for column, value in values.items()]
    before = [sql.SQL("{} = {}").format(as_text(column, live), sql.Literal(value)) for column, value in values.items()]
    moments = {"valid_from": "_valid_from", "valid_to": "_valid_to"} if _history(live) else {}
    nothing = sql.SQL("NULL::timestamptz")
    return sql.SQL(FOUND).format(
        valid_from=sql.Identifier("t", moments["valid_from"]) if moments else nothing,
        valid_to=sql.Identifier("t", moments["valid_to"]) if moments else nothing,
        old_from=as_text(moments["valid_from"], live) if moments else nothing,
        old_to=as_text(moments["valid_to"], live) if moments else nothing,
        target=sql.Identifier(schema, local),
        name=sql.Literal(f"{schema}.{local}"),
        match=sql.SQL(" AND ").join(now),
        old_match=sql.SQL(" AND ").join(before),
        most=sql.Literal(MOST),
    )


def _history(live: LiveTable) -> bool:
    return {"_valid_from", "_valid_to", "_is_current"} <= set(live.columns)
