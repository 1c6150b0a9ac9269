"""How many of some values a column of the target has already."""

from __future__ import annotations

from collections.abc import Sequence

import psycopg2
from psycopg2 import sql

from pipeline.load import table
from pipeline.load.connect import Connection, translate

MOST_ROWS = 100_000  # of the target that are looked at: enough to know a column again, quick without an index

COUNT = """
    SELECT count(*) FROM unnest({values}::text[]) AS sent (value)
    WHERE value IN (SELECT {column}::text FROM (SELECT {column} FROM {target} LIMIT {most}) AS looked_at)
"""


def overlap(conn: Connection, schema: str, name: str, column: str, values: Sequence[str]) -> int:
    """How many of `values` (distinct texts) are in `column` of the target; 0 if there is no such table or column.

    Raises LandfallError when the table cannot be read.
    """
    try:
        with conn, conn.cursor() as cursor:
            found = table.read(cursor, schema, name)
            if found is None or column not in found.columns:
                return 0
            parts: dict[str, sql.Composable] = {
                "target": sql.Identifier(schema, name),
                "column": sql.Identifier(column),
                "values": sql.Literal(list(values)),
                "most": sql.Literal(MOST_ROWS),
            }
            cursor.execute(sql.SQL(COUNT).format(**parts))
            (count,) = cursor.fetchone() or (0,)
            return int(count)
    except psycopg2.Error as error:
        raise translate(error) from error
