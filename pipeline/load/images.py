"""Before-images: the rows that a load changes, as they were, kept so that the load can be undone.

A value is kept as its type's own text, from which the type reads it back exactly; as JSON, a document's `null` or its
spaces would be lost.
"""

from __future__ import annotations

import time
from collections.abc import Collection
from uuid import UUID

from psycopg2 import sql

from pipeline.load.publishing import Publishing, name
from pipeline.load.table import LiveTable

HISTORY = ("_valid_from", "_valid_to", "_is_current")
PROVENANCE = ("_load_id", "_line")
DAY_MILLISECONDS = 86_400_000

# Beside what differs, in the one pass that finds it out.
KEPT = """,
    CASE WHEN t._landfall_present IS NOT NULL THEN {key} END AS key,
    CASE WHEN t._landfall_present IS NULL THEN NULL
         WHEN s._landfall_staged IS NULL THEN {whole} ELSE {ours} END AS image
"""
KEEP = """
    INSERT INTO landfall.before_image (load_id, target, key, action, image)
    SELECT {load_id}, {name}, c.key, CASE WHEN c.staged IS NULL THEN 'delete' ELSE 'update' END, c.image
    FROM {changes} c WHERE c.present IS NOT NULL
"""
# Load ids sort by time (UUID version 7), so those of before a moment are a range of the index.
EXPIRE = "DELETE FROM landfall.before_image WHERE target = {name} AND load_id < {oldest}::uuid"


def kept(work: Publishing) -> bool:
    """Whether the contract wants before-images."""
    return work.dataset.load.undo_days > 0


def carried(work: Publishing) -> sql.Composable:
    """`, "a", "b"`: the target's columns, beyond those that are compared, that the comparison must bring along."""
    if not kept(work):
        return sql.SQL("")
    return sql.Composed(sql.SQL(", {}").format(name(column)) for column in _whole(work) if column not in work.columns)


def columns(work: Publishing) -> sql.Composable:
    """The columns `key` and `image` of the table of changes; nothing without before-images."""
    if not kept(work):
        return sql.SQL("")
    return sql.SQL(KEPT).format(key=_key(work), whole=_object(_whole(work)), ours=_object(_ours(work)))


def keep(work: Publishing) -> None:
    """Keep the before-images of what the table of changes says."""
    if kept(work):
        work.run(KEEP, name=_name(work), changes=work.scratch("changes"))


def expire(work: Publishing) -> None:
    """Delete the target's before-images that are older than the contract keeps them."""
    milliseconds = time.time_ns() // 1_000_000 - work.dataset.load.undo_days * DAY_MILLISECONDS
    work.run(EXPIRE, name=_name(work), oldest=sql.Literal(str(UUID(int=max(0, milliseconds) << 80))))


def as_text(column: str, live: LiveTable) -> sql.Composed:
    """The value of a column in the before-image `b`, in the type that the table has now."""
    return sql.SQL("(b.image->>{})::{}").format(sql.Literal(column), sql.SQL(live.columns[column].sql))


def _whole(work: Publishing) -> tuple[str, ...]:
    """What an image may hold: all columns where rows may be deleted, else those that the load writes."""
    return tuple(work.present.columns) if work.dataset.load.mode in ("append", "replace") else _ours(work)


def _ours(work: Publishing) -> tuple[str, ...]:
    """The columns that a load writes: of an updated row the others may be somebody else's by the time it is undone."""
    history = HISTORY if work.dataset.load.mode == "scd2" else ()
    return (*work.columns, *PROVENANCE, *history)


def _key(work: Publishing) -> sql.Composable:
    """The key, for people: a restricted column's value is not shown."""
    if not work.key:
        return sql.SQL("NULL::jsonb")
    restricted = {column.name for column in work.dataset.columns if column.restricted}
    history = ("_valid_from",) if work.dataset.load.mode == "scd2" else ()
    return _object((*work.key, *history), restricted)


def _object(names: tuple[str, ...], hidden: Collection[str] = ()) -> sql.Composed:
    labels = sql.SQL(", ").join(sql.Literal(column) for column in names)
    null = sql.SQL("NULL::text")
    values = sql.SQL(", ").join(
        null if column in hidden else sql.SQL("{}::text").format(name(column, "t")) for column in names
    )
    return sql.SQL("jsonb_object(ARRAY[{}]::text[], ARRAY[{}])").format(labels, values)


def _name(work: Publishing) -> sql.Composable:
    return sql.Literal(f"{work.dataset.schema}.{work.dataset.table}")
