"""Whether what a load did still stands, so that taking it back harms nothing that came later."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from psycopg2 import sql

from pipeline.errors import RefusedError
from pipeline.load.images import as_text
from pipeline.load.table import LiveTable

NAMED = 5  # keys in a message

STANDING = "SELECT count(*) FROM {target} t WHERE t._load_id = {load_id}{current}"
# Rows of the load that a later one updated or deleted, as its before-images tell.
TOUCHED = """
    SELECT b.key, b.load_id::text FROM {images} b
    WHERE b.target = {name} AND b.load_id <> {load_id} AND b.image->>'_load_id' = {load_text} LIMIT {named}
"""
# Rows that the load deleted and a later one inserted again.
RETURNED = """
    SELECT b.key, t._load_id::text FROM {images} b JOIN {target} t ON {match}
    WHERE {of_load} AND b.action = 'delete' LIMIT {named}
"""
# Later loads that found rows in the table as their files have them: without these rows their word would be broken.
# The rows of a replay are the original object's (see scope.EARLIER_LOADS).
RELYING = """
    SELECT l.load_id::text, l.uri FROM landfall.load l
    WHERE l.target = {name} AND l.status = 'loaded' AND l.load_id <> {load_id}
      AND (l.finished_at, l.load_id) > ({finished}, {load_id})
      AND (CASE WHEN l.mode = 'append' THEN l.dataset = {dataset} AND l.uri = coalesce((
               SELECT origin.uri FROM landfall.load origin
               WHERE origin.load_id = substring({uri} FROM '^replay of ([0-9a-f-]{{36}}) ')::uuid), {uri})
           ELSE l.rows_unchanged > 0 END
           OR (l.mode = 'replace' AND {keyless}))
    ORDER BY l.finished_at DESC LIMIT 1
"""
# Other objects with the same bytes whose last word is that this load had them in already.
TOLD = """
    SELECT l.load_id::text, l.uri FROM landfall.load l
    WHERE l.dataset = {dataset} AND l.uri <> {uri} AND l.uri NOT LIKE 'replay of %'
      AND l.status = 'already_loaded' AND l.previous_load = {load_id}
      AND NOT EXISTS (SELECT FROM landfall.load newer WHERE newer.dataset = l.dataset AND newer.uri = l.uri
                        AND newer.status IN ('loaded', 'already_loaded', 'refused', 'undone')
                        AND (newer.finished_at, newer.load_id) > (l.finished_at, l.load_id))
    ORDER BY l.finished_at DESC LIMIT 1
"""


@dataclass
class Undoing:
    """What the steps of one undo share. `load`: the load's ledger row; `images`: how many before-images it has; `key`:
    the key's columns (with scd2 of a version); `kept`: the columns that the images of each action hold."""

    cursor: Any
    load_id: str
    schema: str
    table: str
    live: LiveTable
    load: Mapping[str, Any]
    images: int = 0
    key: tuple[str, ...] = ()
    kept: dict[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return f"{self.schema}.{self.table}"

    def run(self, template: str, **parts: sql.Composable) -> int:
        """Execute one statement; the number of rows it touched."""
        known = {
            "target": sql.Identifier(self.schema, self.table),
            "images": sql.Identifier("landfall", "before_image"),
            "load_id": sql.SQL("{}::uuid").format(sql.Literal(self.load_id)),
            "name": sql.Literal(self.name),
            "of_load": sql.SQL("b.target = {} AND b.load_id = {}::uuid").format(
                sql.Literal(self.name), sql.Literal(self.load_id)
            ),
        }
        self.cursor.execute(sql.SQL(template).format(**known, **parts))
        count: int = self.cursor.rowcount
        return count

    def all(self, template: str, **parts: sql.Composable) -> list[tuple[Any, ...]]:
        """Execute one query; its rows."""
        self.run(template, **parts)
        found: list[tuple[Any, ...]] = self.cursor.fetchall()
        return found

    def one(self, template: str, **parts: sql.Composable) -> tuple[Any, ...]:
        """Execute one query; its first row."""
        return self.all(template, **parts)[0]

    def match(self) -> sql.Composed:
        """The row `t` of the target that the before-image `b` is of."""
        pairs = (
            sql.SQL("{} = {}").format(sql.Identifier("t", column), as_text(column, self.live)) for column in self.key
        )
        return sql.SQL(" AND ").join(pairs)

    def writable(self, action: str) -> tuple[str, ...]:
        """The columns of these before-images that the table still has and that can be written."""
        generated = {
            row[0]
            for row in self.all(
                "SELECT attname FROM pg_catalog.pg_attribute WHERE attgenerated <> '' AND attrelid ="
                " format('%I.%I', {schema}, {table})::regclass",
                schema=sql.Literal(self.schema),
                table=sql.Literal(self.table),
            )
        }
        return tuple(column for column in self.kept[action] if column in self.live.columns and column not in generated)


def require_untouched(work: Undoing) -> None:
    """Raise RefusedError, naming keys and loads, when a later load changed what this one wrote, or relies on it;
    naming the object, when another one with the same bytes does."""
    history = {"_valid_to", "_is_current"} <= set(work.live.columns) and work.load["mode"] == "scd2"
    current = sql.SQL(" AND t._is_current" if history else "")
    standing = work.one(STANDING, current=current)[0]
    written = work.load["rows_inserted"] + work.load["rows_updated"]
    named = {"named": sql.Literal(NAMED)}
    touched = work.all(TOUCHED, load_text=sql.Literal(work.load_id), **named) if standing != written else []
    if work.key and not touched:
        touched = work.all(RETURNED, match=work.match(), **named)
    if touched:
        raise RefusedError(_touched(work, touched))
    if standing != written:
        raise RefusedError(
            f"of the {written:,} rows that load {work.load_id} wrote, {standing:,} are still in {work.name} as it left "
            "them; the others were changed by hand, or by loads of which no before-images are left. Nothing was undone"
        )
    _require_unrelied(work)


def _require_unrelied(work: Undoing) -> None:
    parts = {
        "finished": sql.Literal(work.load["finished_at"]),
        "dataset": sql.Literal(work.load["dataset"]),
        "uri": sql.Literal(work.load["uri"]),
        "keyless": sql.Literal(bool(work.images) and not work.key),
    }
    for load_id, uri in work.all(RELYING, **parts):
        raise RefusedError(
            f"load {load_id} of {uri} came later and relies on rows of {work.name} that were there already, perhaps by "
            f"load {work.load_id}. Nothing was undone; undo the later load first, then this one"
        )
    for load_id, uri in work.all(TOLD, dataset=parts["dataset"], uri=parts["uri"]):
        raise RefusedError(
            f"{uri} has the same bytes, and was answered already_loaded (load {load_id}) because of load "
            f"{work.load_id}. Nothing was undone; load that object by itself with --force, then undo this load"
        )


def _touched(work: Undoing, found: list[tuple[Any, ...]]) -> str:
    keys = ", ".join(_key(key) for key, _ in found if key)
    loads = ", ".join(sorted({str(load) for _, load in found}))
    return (
        f"rows of load {work.load_id} in {work.name} were changed since by load {loads}"
        f"{f' (the first: {keys})' if keys else ''}. Nothing was undone; undo the later load first, then this one"
    )


def _key(key: Mapping[str, str | None]) -> str:
    return ",".join(f"{name}={'(restricted)' if value is None else value}" for name, value in key.items())
