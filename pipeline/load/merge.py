"""How staged rows reach the target: compared once, and only what differs is written.

A comparison by image (`*<>`) tells apart whatever is stored differently, NULLs included, and works for every type.
"""

from __future__ import annotations

from psycopg2 import sql

from pipeline.errors import BalanceError, DestinationError
from pipeline.load import images
from pipeline.load.publishing import Publishing, equal, name, names
from pipeline.load.scope import NONE

# The planner knows nothing of how often rows differ; said like this it expects few, which lets it work in parallel.
CHANGES = """
    CREATE UNLOGGED TABLE {changes} AS
    SELECT s._landfall_staged AS staged, t._landfall_present AS present, t._landfall_part AS part{images}
    FROM {staged} s {join} {present} t ON {match}
    WHERE CASE WHEN s._landfall_staged IS NULL OR t._landfall_present IS NULL
                    OR ROW({ours})::record *<> ROW({theirs})::record THEN 1 ELSE 0 END = 1
"""
KEYED = (
    "(SELECT ctid AS _landfall_staged, {columns} FROM {rows} s)",
    "(SELECT ctid AS _landfall_present, tableoid AS _landfall_part, {columns}{carried} FROM {target} t WHERE {scope})",
)

# Without a key equal rows are paired by hash, each one once; a false pair of differing rows is merely an update.
NUMBER = ("_landfall_hash", "_landfall_place")
NUMBERED = (
    """
    (SELECT ctid AS _landfall_staged, {columns}, hash_record_extended(ROW({our_hashed}), 0) AS _landfall_hash,
            row_number() OVER (PARTITION BY hash_record_extended(ROW({our_hashed}), 0)) AS _landfall_place
     FROM {rows} s)
    """,
    """
    (SELECT ctid AS _landfall_present, tableoid AS _landfall_part, {columns}{carried},
            hash_record_extended(ROW({hashed}), 0) AS _landfall_hash,
            row_number() OVER (PARTITION BY hash_record_extended(ROW({hashed}), 0)) AS _landfall_place
     FROM {target} t WHERE {scope})
    """,
)

COUNT = """
    SELECT count(*) FILTER (WHERE present IS NULL), count(*) FILTER (WHERE staged IS NOT NULL AND present IS NOT NULL),
           count(*) FILTER (WHERE staged IS NULL) FROM {changes}
"""
DELETE = """
    DELETE FROM {target} t USING {changes} c WHERE c.staged IS NULL AND t.ctid = c.present AND t.tableoid = c.part
"""
UPDATE = """
    UPDATE {target} t SET _load_id = {load_id}, _line = s._line{assignments}
    FROM {changes} c JOIN {rows} s ON s.ctid = c.staged WHERE t.ctid = c.present AND t.tableoid = c.part
"""
# Identity columns take what the file says, as they do in a COPY.
INSERT = """
    INSERT INTO {target} ({columns}, _load_id, _line) OVERRIDING SYSTEM VALUE
    SELECT {staged}, {load_id}, s._line FROM {changes} c JOIN {rows} s ON s.ctid = c.staged WHERE c.present IS NULL
"""
INSERT_ALL = """
    INSERT INTO {target} ({columns}, _load_id, _line) OVERRIDING SYSTEM VALUE
    SELECT {columns}, {load_id}, _line FROM {rows}
"""

# What the file says and this load did not have to write, counted in the table as it is now.
UNCHANGED_BY_KEY = """
    SELECT count(*) FROM {rows} s JOIN {target} t ON {match} WHERE t._load_id IS DISTINCT FROM {load_id}
"""
UNCHANGED_IN_SCOPE = "SELECT count(*) FROM {target} t WHERE ({scope}) AND t._load_id IS DISTINCT FROM {load_id}"

REPEATED_KEYS = """
    SELECT EXISTS (SELECT FROM {target} t JOIN {rows} USING ({key}) WHERE {among} GROUP BY {key} HAVING count(*) > 1)
"""


def merge(work: Publishing, scope: sql.Composable) -> None:
    """Insert, update and delete so that the file's rows are in the target, and `scope` holds nothing else."""
    if work.fresh or (scope is NONE and work.dataset.load.mode == "append"):
        insert_all(work)
        return
    compare(work, scope)
    apply(work)
    work.counts["unchanged"] = _unchanged(work, scope)


def insert_all(work: Publishing) -> None:
    """The straight way, for rows that nothing in the target can be compared with."""
    inserted = work.run(INSERT_ALL, columns=names(work.columns))
    expect(work, "inserted", inserted, work.counts["staged"])
    work.counts |= {"inserted": inserted, "updated": 0, "unchanged": 0, "deleted": 0}


def compare(work: Publishing, scope: sql.Composable) -> None:
    """Write down what differs: staged rows, rows present in the target, or pairs of both."""
    upsert = work.dataset.load.mode == "upsert"
    if work.key:
        require_one_row_per_key(work)
    sides, match = (KEYED, work.key) if work.key else (NUMBERED, NUMBER)
    parts = {
        "columns": names(work.columns),
        "our_hashed": hashable(work, "s"),
        "hashed": hashable(work, "t"),
        "carried": images.carried(work),
    }
    staged, present = (work.compose(side, scope=sql.SQL("true") if upsert else scope, **parts) for side in sides)
    work.heavy(
        CHANGES,
        changes=work.scratch("changes"),
        images=images.columns(work),
        staged=staged,
        present=present,
        join=sql.SQL("LEFT JOIN" if upsert else "FULL JOIN"),
        match=equal(match, "s", "t"),
        ours=ours(work, contents(work)),
        theirs=names(contents(work), "t"),
    )


def contents(work: Publishing) -> tuple[str, ...]:
    """The columns that may differ between rows that are the same row: all but the key."""
    return tuple(column for column in work.columns if column not in work.key)


def apply(work: Publishing) -> None:
    """Do what `compare` wrote down. Raises if the table did not do as told: a trigger, or a bug."""
    changes = {"changes": work.scratch("changes")}
    inserts, updates, deletes = work.one(COUNT, **changes)
    if updates or deletes:
        images.keep(work)
    deleted = work.run(DELETE, **changes) if deletes else 0
    expect(work, "deleted", deleted, deletes)
    updated = work.run(UPDATE, assignments=assignments(contents(work)), **changes) if updates else 0
    expect(work, "updated", updated, updates)
    columns = {"columns": names(work.columns), "staged": names(work.columns, "s")}
    inserted = work.run(INSERT, **columns, **changes) if inserts else 0
    expect(work, "inserted", inserted, inserts)
    work.counts |= {"inserted": inserted, "updated": updated, "deleted": deleted}


def ours(work: Publishing, columns: tuple[str, ...]) -> sql.Composed:
    """The staged columns, cast where the target's type is a wider one: images of different types do not compare."""
    found = []
    for column in columns:
        kind = work.present.columns[column].sql
        cast = sql.SQL("::" + kind) if kind != work.types[column].sql else sql.SQL("")
        found.append(name(column, "s") + cast)
    return sql.SQL(", ").join(found)


def hashable(work: Publishing, table: str) -> sql.Composed:
    """The columns of staging or target as values that can be hashed: text for `json`, whose type has no hash."""
    found = []
    for column in work.columns:
        kind = work.present.columns[column].sql
        cast = "::text" if kind in ("json", "json[]") else f"::{kind}" if table == "s" else ""
        found.append(name(column, table) + sql.SQL(cast))
    return sql.SQL(", ").join(found)


def assignments(columns: tuple[str, ...]) -> sql.Composed:
    """`, "a" = s."a", "b" = s."b"`, to follow other assignments."""
    return sql.Composed(sql.SQL(", {} = {}").format(name(column), name(column, "s")) for column in columns)


def _unchanged(work: Publishing, scope: sql.Composable) -> int:
    if work.dataset.load.mode == "upsert":
        count: int = work.heavy(UNCHANGED_BY_KEY, match=equal(work.key, "s", "t"))[0][0]
    else:
        count = work.one(UNCHANGED_IN_SCOPE, scope=scope)[0]
    return count


def require_one_row_per_key(work: Publishing, among: str = "true") -> None:
    """Of the target rows `among` there must be one per key at most.

    A table without a unique index on the key may hold a key twice; then there is no telling which row is meant.
    """
    if any(unique <= set(work.key) for unique in work.present.unique_keys):
        return
    if work.heavy(REPEATED_KEYS, key=names(work.key), among=sql.SQL(among))[0][0]:
        raise DestinationError(
            f"{work.dataset.schema}.{work.dataset.table} has several rows with one key ({', '.join(work.key)}), so "
            "there is no telling which to update. Remove the duplicates, or correct primaryKey in the contract"
        )


def expect(work: Publishing, done: str, count: int, planned: int) -> None:
    """Raise if a statement touched another number of rows than planned: DestinationError if a trigger may be why."""
    if count == planned:
        return
    said = f"{count} rows were {done} in {work.dataset.schema}.{work.dataset.table} instead of {planned}"
    triggers = work.live.triggers if work.live else ()
    if triggers:
        raise DestinationError(
            f"{said}: the table's trigger or rule {', '.join(triggers)} kept the others away. Nothing was published; "
            "change it so that it lets the load's rows through"
        )
    raise BalanceError(f"{said}. Nothing was published; please report this as a bug")
