"""One load's effect taken back, exactly and in one transaction: or nothing, when later loads built on it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import psycopg2
from psycopg2 import sql

from pipeline.errors import RefusedError, TransientError
from pipeline.load import table
from pipeline.load.connect import Connection, translate
from pipeline.load.images import as_text
from pipeline.load.standing import Undoing, require_untouched

# The wait for a running load of the same table; asking for the lock in the server is fine for a command of a person.
LOCK = """
    SELECT set_config('lock_timeout', '60s', true), set_config('row_security', 'off', true),
           pg_advisory_xact_lock(hashtextextended('landfall target ' || {name}, 0))
"""
IMAGES = "SELECT count(*), count(*) FILTER (WHERE action = 'update') FROM {images} b WHERE {of_load}"
SAMPLE = "SELECT key, image FROM {images} b WHERE {of_load} AND b.action = {action} LIMIT 1"
REMOVE = """
    DELETE FROM {target} t WHERE t._load_id = {load_id}
    AND NOT EXISTS (SELECT FROM {images} b WHERE {of_load} AND b.action = 'update' AND {match})
"""
RESTORE = "UPDATE {target} t SET {assignments} FROM {images} b WHERE {of_load} AND b.action = 'update' AND {match}"
BRING_BACK = """
    INSERT INTO {target} ({columns}) OVERRIDING SYSTEM VALUE SELECT {values} FROM {images} b
    WHERE {of_load} AND b.action = ANY ({actions})
"""
LEFT = "SELECT EXISTS (SELECT FROM {target} t WHERE t._load_id = {load_id})"
CLOSE = """
    UPDATE landfall.load SET status = 'undone', receipt = coalesce(receipt, '{{}}') || jsonb_build_object('undone',
           {rows}::jsonb || jsonb_build_object('at', clock_timestamp())) WHERE load_id = {load_id}
"""
REOPEN = "UPDATE landfall.reject SET status = 'open', replayed_by = NULL WHERE replayed_by = {load_id}"


@dataclass(frozen=True)
class Undone:
    """What an undo did: rows `removed` that the load had inserted (of a history: opened), `restored` that it had
    updated, and `brought_back` that it had deleted. `already`: the load was undone before, and nothing was done."""

    load_id: str
    target: str
    uri: str
    removed: int = 0
    restored: int = 0
    brought_back: int = 0
    already: bool = False


def undo(conn: Connection, load: Mapping[str, Any]) -> Undone:
    """Take back the effect of a load (a row of landfall.load), and commit.

    Raises RefusedError when later loads touched its rows or no before-images were kept, TransientError when the table
    is in use.
    """
    try:
        with conn, conn.cursor() as cursor:
            return _undo(cursor, str(load["load_id"]), str(load["target"]))
    except psycopg2.errors.LockNotAvailable as error:
        raise TransientError(f"{load['target']} is in use by a load or another writer; undo again later") from error
    except psycopg2.Error as error:
        raise translate(error) from error


def _undo(cursor: Any, load_id: str, target: str) -> Undone:
    cursor.execute(sql.SQL(LOCK).format(name=sql.Literal(target)))
    work = _opened(cursor, load_id, target)
    if work is None:
        return Undone(load_id, target, "", already=True)
    updates = _require_images(work)
    require_untouched(work)
    keyed = work.key if updates else ()
    removed = work.run(REMOVE, match=work.match() if keyed else sql.SQL("false"))
    restored = _restore(work) if keyed else 0
    brought_back = _bring_back(work, ["delete"] if keyed else ["delete", "update"])
    replaced = 0 if keyed else updates
    if restored + brought_back != work.images or work.one(LEFT)[0]:
        raise RefusedError(
            f"{restored + brought_back:,} of {work.images:,} rows of {work.name} came back: changed by hand, or "
            "a trigger of the table kept some away. Nothing was undone"
        )
    work.run("SET CONSTRAINTS ALL IMMEDIATE")
    done = Undone(load_id, target, work.load["uri"], removed - replaced, restored + replaced, brought_back - replaced)
    work.run(CLOSE, rows=sql.Literal(json.dumps({name: getattr(done, name) for name in _ROWS})))
    work.run(REOPEN)
    work.run("DELETE FROM {images} b WHERE {of_load}")
    return done


_ROWS = ("removed", "restored", "brought_back")


def _opened(cursor: Any, load_id: str, target: str) -> Undoing | None:
    """The load, its table locked against other writers; None if it is undone. Raises RefusedError if never loaded."""
    cursor.execute(
        "SELECT status, mode, uri, dataset, rows_inserted, rows_updated, rows_deleted, finished_at"
        " FROM landfall.load WHERE load_id = %s FOR UPDATE",
        (load_id,),
    )
    load = dict(zip([column.name for column in cursor.description], cursor.fetchone(), strict=True))
    if load["status"] == "undone":
        return None
    if load["status"] != "loaded":
        raise RefusedError(f"load {load_id} is {load['status']}: it changed no row, so there is nothing to undo")
    schema, _, local = target.rpartition(".")  # a schema may hold dots, a table may not
    cursor.execute(sql.SQL("LOCK TABLE {} IN SHARE ROW EXCLUSIVE MODE").format(sql.Identifier(schema, local)))
    live = table.read(cursor, schema, local)
    if live is None:
        raise RefusedError(f"the table {target} is gone, and with it what load {load_id} did")
    return Undoing(cursor, load_id, schema, local, live, load)


def _require_images(work: Undoing) -> int:
    """How many rows the load updated. Raises RefusedError unless each row it changed was kept as it was."""
    work.images, updates = work.one(IMAGES)
    changed = work.load["rows_updated"] + work.load["rows_deleted"]
    if work.images != changed:
        raise RefusedError(
            f"load {work.load_id} changed {changed:,} rows of {work.name}, of which {work.images:,} were kept as "
            "they were: the contract's load.undo.keepDays is over, or was 0. Nothing was undone; load the right file"
            " instead"
        )
    for action in ("update", "delete"):
        for key, image in work.all(SAMPLE, action=sql.Literal(action)):
            work.key, work.kept[action] = tuple(key or ()), tuple(image)
    return int(updates)


def _restore(work: Undoing) -> int:
    columns = [column for column in work.writable("update") if column not in work.key]
    assignments = sql.SQL(", ").join(
        sql.SQL("{} = {}").format(sql.Identifier(column), as_text(column, work.live)) for column in columns
    )
    return work.run(RESTORE, assignments=assignments, match=work.match())


def _bring_back(work: Undoing, actions: list[str]) -> int:
    kept = next((action for action in ("delete", "update") if action in actions and action in work.kept), None)
    if kept is None:
        return 0
    columns = work.writable(kept)
    names = sql.SQL(", ").join(map(sql.Identifier, columns))
    values = sql.SQL(", ").join(as_text(column, work.live) for column in columns)
    return work.run(BRING_BACK, columns=names, values=values, actions=sql.Literal(actions))
