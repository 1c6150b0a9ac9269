"""The profile of what a load left in its target: computed in the database, values only where they may be shown."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any

from psycopg2 import sql

from pipeline.load import table
from pipeline.load.connect import Connection
from pipeline.load.table import LiveColumn

MOST_ROWS = 100_000
BARS = 20
COLUMNS_AT_ONCE = 200
_NUMBERS = ("int2", "int4", "int8", "numeric", "float4", "float8")
_MOMENTS = ("date", "timestamp", "timestamptz")
_ORDERED = (*_NUMBERS, *_MOMENTS, "text", "varchar", "bpchar", "time")
_COMPARED = (*_ORDERED, "bool", "uuid")

ROWS = "SELECT {columns} FROM {target} WHERE _load_id = {load_id}::uuid LIMIT {most}"
COLUMN = """
    SELECT {place}, count({column}), count(*) - count({column}), {distinct}, {least}, {greatest}, {top}, {bars}
    FROM kept
"""
TOP = """
    (SELECT jsonb_agg(jsonb_build_array(left(value, 60), times) ORDER BY times DESC, value) FROM (
        SELECT {column}::text AS value, count(*) AS times FROM kept WHERE {column} IS NOT NULL
        GROUP BY 1 HAVING count(*) > 1 ORDER BY 2 DESC, 1 LIMIT 5) AS often)
"""
# Infinite and not-a-number values, and what is too large for a float, have no place on a scale.
BARS_OF = """
    (SELECT jsonb_object_agg(bar, times) FROM (
        SELECT least(floor((x - low) / (high - low) * {bars}), {bars} - 1)::int AS bar, count(*) AS times
        FROM (SELECT x, min(x) OVER () AS low, max(x) OVER () AS high FROM (SELECT {number} AS x FROM kept) AS every
              WHERE x IS NOT NULL) AS scaled
        WHERE high > low GROUP BY 1) AS counted)
"""
NUMBER = "CASE WHEN abs({column}) < 1e300 THEN {column}::float8 END"
MOMENT = "CASE WHEN isfinite({column}) THEN extract(epoch FROM {column})::float8 END"


@dataclass(frozen=True)
class ColumnProfile:
    """`count`: rows with a value, `missing`: without. `distinct`, `minimum`, `maximum` (text), `top` (values that come
    more than once with their counts) and `bars` (rows in each of BARS equal ranges from minimum to maximum) are None
    and empty where values may not be shown or have no order."""

    name: str
    type: str
    restricted: bool
    count: int
    missing: int
    distinct: int | None
    minimum: str | None
    maximum: str | None
    top: tuple[tuple[str, int], ...]
    bars: tuple[int, ...]


@dataclass(frozen=True)
class Profile:
    """The columns of the `rows` rows looked at; `complete` if these are all that the load set and that are still so."""

    rows: int
    complete: bool
    columns: tuple[ColumnProfile, ...]


def profile(conn: Connection, target: str, load_id: str, restricted: Collection[str] | None) -> Profile | None:
    """The profile of the rows of `target` (schema.table) that carry this load's id; None if there is no such table.

    Of `restricted` columns only counts are taken; None: it is not known which are, so all of them.
    """
    schema, _, local = target.rpartition(".")
    with conn, conn.cursor() as cursor:
        live = table.read(cursor, schema, local)
        if live is None or "_load_id" not in live.columns:
            return None
        columns = {name: column for name, column in live.columns.items() if not name.startswith("_")}
        hidden = set(columns) if restricted is None else set(restricted)
        every: list[ColumnProfile] = []
        for some in _batches(columns):
            cursor.execute(_query(sql.Identifier(schema, local), load_id, some, hidden))
            every += [
                _profile(*item, row, item[0] in hidden)
                for item, row in zip(some.items(), sorted(cursor.fetchall()), strict=True)
            ]
    rows = every[0].count + every[0].missing if every else 0
    return Profile(rows, rows < MOST_ROWS, tuple(every))


def _batches(columns: Mapping[str, LiveColumn]) -> Iterator[dict[str, LiveColumn]]:
    """A statement for too many columns would be nested too deeply for the server."""
    items = iter(columns.items())
    while some := dict(islice(items, COLUMNS_AT_ONCE)):
        yield some


def _profile(name: str, column: LiveColumn, row: tuple[Any, ...], restricted: bool) -> ColumnProfile:
    _, count, missing, distinct, least, greatest, top, bars = row
    heights = tuple(int((bars or {}).get(str(bar), 0)) for bar in range(BARS)) if bars else ()
    pairs = tuple((str(value), int(times)) for value, times in top or ())
    return ColumnProfile(name, column.sql, restricted, count, missing, distinct, least, greatest, pairs, heights)


def _query(
    target: sql.Composable, load_id: str, columns: Mapping[str, LiveColumn], hidden: Collection[str]
) -> sql.Composed:
    rows = sql.SQL(ROWS).format(
        columns=sql.SQL(", ").join(map(sql.Identifier, columns)),
        target=target,
        load_id=sql.Literal(load_id),
        most=sql.Literal(MOST_ROWS),
    )
    each = [
        _column(place, name, column.type, shown=name not in hidden)
        for place, (name, column) in enumerate(columns.items())
    ]
    # Materialised, so that the table is read once, whatever the number of columns.
    return sql.SQL("WITH kept AS MATERIALIZED ({}) {}").format(rows, sql.SQL(" UNION ALL ").join(each))


def _column(place: int, name: str, kind: str, *, shown: bool) -> sql.Composed:
    """What is asked of a column of this type; of an unknown type, or where no value is shown, only counts."""
    column, nothing = sql.Identifier(name), sql.SQL("NULL::jsonb")
    compared, ordered = kind in _COMPARED, shown and kind in _ORDERED
    number = NUMBER if kind in _NUMBERS else MOMENT if kind in _MOMENTS else ""
    scaled = sql.SQL(number).format(column=column)
    return sql.SQL(COLUMN).format(
        place=sql.Literal(place),
        column=column,
        distinct=sql.SQL("count(DISTINCT {}::text)").format(column) if compared else sql.SQL("NULL::bigint"),
        least=sql.SQL("left(min({})::text, 60)").format(column) if ordered else sql.SQL("NULL::text"),
        greatest=sql.SQL("left(max({})::text, 60)").format(column) if ordered else sql.SQL("NULL::text"),
        top=sql.SQL(TOP).format(column=column) if compared and shown else nothing,
        bars=sql.SQL(BARS_OF).format(number=scaled, bars=sql.Literal(BARS)) if number and shown else nothing,
    )
