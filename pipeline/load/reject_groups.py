"""The rejects of loads, grouped by dataset, rule and column, with a few examples of each that may be shown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any
from uuid import UUID

from psycopg2 import sql
from psycopg2.extras import RealDictCursor

from pipeline.load.connect import Connection
from pipeline.load.restricted import RESTRICTED

EXAMPLES = 3  # of each group
LONGEST = 400  # characters of a message or a record

# A load whose receipt does not say what is restricted shows nothing.
GROUPS = """
    WITH chosen AS (
        SELECT load_id, dataset, jsonb_typeof(receipt->'restricted') IS NOT DISTINCT FROM 'array' AS told
        FROM landfall.load WHERE load_id = ANY (%(loads)s::uuid[])),
    hidden AS ({restricted}),
    placed AS (
        SELECT r.load_id, r.line, r.ordinal, c.dataset, c.told, count(*) OVER same AS count,
               count(*) FILTER (WHERE r.status = 'open') OVER same AS open,
               row_number() OVER (same ORDER BY r.load_id DESC, r.line, r.ordinal) AS place
        FROM landfall.reject r JOIN chosen c USING (load_id)
        WINDOW same AS (PARTITION BY c.dataset, r.rule, r.column_name))
    SELECT p.dataset, r.rule, r.column_name AS column, p.count, p.open, p.load_id::text, p.line,
           CASE WHEN p.told AND NOT EXISTS (SELECT FROM hidden h WHERE (h.dataset, h.name) = (p.dataset, r.column_name))
                THEN left(r.message, %(longest)s) END AS message,
           CASE WHEN p.told AND NOT EXISTS (SELECT FROM hidden h WHERE h.dataset = p.dataset)
                THEN left(r.raw_text, %(longest)s) END AS raw_text
    FROM placed p JOIN landfall.reject r USING (load_id, line, ordinal)
    WHERE p.place <= %(examples)s
    ORDER BY p.count DESC, p.dataset, r.rule, r.column_name NULLS FIRST, p.place
"""


@dataclass(frozen=True)
class Example:
    """One reject. `message` is None where the column is restricted; `raw_text`, where any column of the dataset is."""

    load_id: UUID
    line: int
    message: str | None
    raw_text: str | None


@dataclass(frozen=True)
class RejectGroup:
    """The rejects of one dataset under one rule and column; `open`: those that no replay has loaded since."""

    dataset: str
    rule: str
    column: str | None
    count: int
    open: int
    examples: tuple[Example, ...]


def reject_groups(conn: Connection, load_ids: Sequence[str]) -> list[RejectGroup]:
    """The groups of these loads' rejects, the largest first."""
    with conn, conn.cursor(cursor_factory=RealDictCursor) as cursor:
        statement = sql.SQL(GROUPS).format(restricted=sql.SQL(RESTRICTED))
        cursor.execute(statement, {"loads": list(load_ids), "longest": LONGEST, "examples": EXAMPLES})
        found = cursor.fetchall()
    same = groupby(found, lambda row: (row["dataset"], row["rule"], row["column"], row["count"], row["open"]))
    return [RejectGroup(*key, tuple(_example(row) for row in rows)) for key, rows in same]


def _example(row: Any) -> Example:
    return Example(UUID(row["load_id"]), row["line"], row["message"], row["raw_text"])
