"""History: a changed row closes the current version and opens a new one; nothing is ever deleted."""

from __future__ import annotations

from psycopg2 import sql

from pipeline.errors import RefusedError
from pipeline.load import images
from pipeline.load.merge import assignments, contents, expect, ours, require_one_row_per_key
from pipeline.load.publishing import Publishing, equal, name, names

# `version`: a tracked column differs; else only untracked ones do, which are overwritten in the current version.
CHANGES = """
    CREATE UNLOGGED TABLE {changes} AS
    SELECT s._landfall_staged AS staged, t._landfall_present AS present, t._landfall_part AS part,
           {tracks} AND ROW({our_tracked})::record *<> ROW({their_tracked})::record AS version{images}
    FROM (SELECT ctid AS _landfall_staged, {columns} FROM {rows} s) s
    LEFT JOIN (SELECT ctid AS _landfall_present, tableoid AS _landfall_part, {columns}{carried}
               FROM {target} t WHERE _is_current) t ON {match}
    WHERE CASE WHEN t._landfall_present IS NULL OR ROW({ours})::record *<> ROW({theirs})::record THEN 1 ELSE 0 END = 1
"""
COUNT = """
    SELECT count(*) FILTER (WHERE present IS NULL), count(*) FILTER (WHERE present IS NOT NULL AND version),
           count(*) FILTER (WHERE present IS NOT NULL AND NOT version) FROM {changes}
"""
DISORDER = """
    SELECT count(*), min(s._line)
    FROM {changes} c JOIN {rows} s ON s.ctid = c.staged JOIN {target} t ON t.ctid = c.present AND t.tableoid = c.part
    WHERE {since} < {known} OR (c.version AND {since} = {known})
"""
CLOSE = """
    UPDATE {target} t SET _valid_to = {since}, _is_current = false FROM {changes} c JOIN {rows} s ON s.ctid = c.staged
    WHERE t.ctid = c.present AND t.tableoid = c.part AND c.version
"""
OVERWRITE = """
    UPDATE {target} t SET _load_id = {load_id}, _line = s._line{assignments}
    FROM {changes} c JOIN {rows} s ON s.ctid = c.staged
    WHERE t.ctid = c.present AND t.tableoid = c.part AND NOT c.version
"""
OPEN = """
    INSERT INTO {target} ({columns}, _load_id, _line, _valid_from, _is_current) OVERRIDING SYSTEM VALUE
    SELECT {staged}, {load_id}, s._line, {since}, true FROM {opened}
"""
OPENED = "{changes} c JOIN {rows} s ON s.ctid = c.staged WHERE c.present IS NULL OR c.version"
UNCHANGED = """
    SELECT count(*) FROM {rows} s JOIN {target} t ON {match}
    WHERE t._is_current AND t._load_id IS DISTINCT FROM {load_id}
"""

# An object whose latest load had these very bytes, or this very version, with loads of other objects since then.
LOADED_BEFORE_OTHERS = """
    SELECT earlier.load_id::text FROM landfall.load this
    JOIN LATERAL (SELECT * FROM landfall.load WHERE dataset = this.dataset AND uri = this.uri AND status = 'loaded'
                  ORDER BY finished_at DESC, load_id DESC LIMIT 1) earlier ON earlier.sha256 = this.sha256
    WHERE this.load_id = {load_id}
      AND EXISTS (SELECT FROM landfall.load other WHERE other.dataset = this.dataset AND other.status = 'loaded'
                  AND other.finished_at > earlier.finished_at)
"""


def keep_history(work: Publishing) -> None:
    """Bring the file's rows into the history. Raises RefusedError if they are older than what is there."""
    since = _since(work)
    if work.fresh:
        inserted = _open(work, since, work.compose("{rows} s"))
        expect(work, "inserted", inserted, work.counts["staged"])
        work.counts |= {"inserted": inserted, "updated": 0, "unchanged": 0, "deleted": 0}
        return
    _compare(work)
    _refuse_disorder(work, since)
    _apply(work, since)
    work.counts["unchanged"] = work.heavy(UNCHANGED, match=equal(work.key, "s", "t"))[0][0]


def tracked(work: Publishing) -> tuple[str, ...]:
    """The columns whose change makes a new version: the contract's choice, else all but the key and the time."""
    load = work.dataset.load
    others = (*work.key, load.valid_from)
    return load.track_columns or tuple(column for column in work.columns if column not in others)


def _since(work: Publishing) -> sql.Composable:
    """Since when a staged row holds: its column's word, or the time at which this load has the table to itself."""
    column = work.dataset.load.valid_from
    if column:
        return work.compose("{column}::timestamptz", column=name(column, "s"))
    now = work.one("SELECT clock_timestamp()::text")[0]
    return work.compose("{now}::timestamptz", now=sql.Literal(now))


def _compare(work: Publishing) -> None:
    require_one_row_per_key(work, "t._is_current")
    columns = tracked(work)
    parts = {"ours": ours(work, contents(work)), "theirs": names(contents(work), "t"), "columns": names(work.columns)}
    work.heavy(
        CHANGES,
        changes=work.scratch("changes"),
        images=images.columns(work),
        carried=images.carried(work),
        tracks=sql.SQL("true" if columns else "false"),
        our_tracked=ours(work, columns),
        their_tracked=names(columns, "t"),
        match=equal(work.key, "s", "t"),
        **parts,
    )


def _refuse_disorder(work: Publishing, since: sql.Composable) -> None:
    table = f"{work.dataset.schema}.{work.dataset.table}"
    column = work.dataset.load.valid_from
    # A row that brought no new version has still told since when the current one was known to hold.
    known = sql.SQL("greatest(t._valid_from, t.{}::timestamptz)").format(name(column or "_valid_from"))
    late, line = work.one(DISORDER, since=since, known=known, changes=work.scratch("changes"))
    if late:
        raise RefusedError(
            f"{late:,} rows (the first on line {line}) would change {table} with values no newer than its current "
            "versions: history must be loaded in order. Nothing was published; load the files from the oldest on"
        )
    changed = sum(work.one(COUNT, changes=work.scratch("changes")))
    if changed and work.dataset.load.valid_from is None and (before := work.all(LOADED_BEFORE_OTHERS)):
        raise RefusedError(
            f"this file was already loaded ({before[0][0]}), and newer files since: loading it again would put its old "
            f"values on top of the history in {table}. Nothing was published; load the newest file instead"
        )


def _apply(work: Publishing, since: sql.Composable) -> None:
    changes = {"changes": work.scratch("changes")}
    new, versions, overwrites = work.one(COUNT, **changes)
    if versions or overwrites:
        images.keep(work)
    expect(work, "closed", work.run(CLOSE, since=since, **changes) if versions else 0, versions)
    overwritten = work.run(OVERWRITE, assignments=assignments(contents(work)), **changes) if overwrites else 0
    expect(work, "updated", overwritten, overwrites)
    opened = _open(work, since, work.compose(OPENED, **changes)) if new + versions else 0
    expect(work, "inserted", opened, new + versions)
    work.counts |= {"inserted": opened - versions, "updated": versions + overwritten, "deleted": 0}


def _open(work: Publishing, since: sql.Composable, opened: sql.Composable) -> int:
    columns = {"columns": names(work.columns), "staged": names(work.columns, "s")}
    return work.run(OPEN, since=since, opened=opened, **columns)
