"""Which rows of the target the file stands for, by load mode; the others must stay, and must not be contradicted."""

from __future__ import annotations

from psycopg2 import sql

from pipeline.load import rejects
from pipeline.load.duplicates import unique_columns
from pipeline.load.publishing import Publishing, equal, name, names

NONE = sql.SQL("false")
ALL = sql.SQL("true")

# Its loads, and the replays of their rejects. Each by an index: the ledger may hold a million loads.
EARLIER_LOADS = """
    SELECT array_agg(load_id::text) FROM (
        SELECT load_id FROM landfall.load WHERE dataset = {dataset} AND uri = {uri} AND status = 'loaded'
        UNION ALL
        SELECT replay.load_id FROM landfall.load origin JOIN landfall.load replay
          ON substring(replay.uri FROM '^replay of ([0-9a-f-]{{36}}) ') = origin.load_id::text
         AND replay.uri LIKE 'replay of %'
        WHERE origin.dataset = {dataset} AND origin.uri = {uri}
          AND replay.dataset = {dataset} AND replay.status = 'loaded'
    ) found WHERE load_id <> {load_id}
"""

CONFLICTS = """
    CREATE UNLOGGED TABLE {conflicts} AS
    SELECT s.ctid AS staged, min(s._line) AS line
    FROM {rows} s JOIN {target} t ON {match} WHERE {stays} GROUP BY s.ctid
"""


def replaced(work: Publishing) -> sql.Composable:
    """A condition on target rows `t`: those that the file replaces as a whole, so that what it lacks is deleted."""
    load = work.dataset.load
    if work.live is None or load.mode in ("upsert", "scd2"):
        return NONE
    if load.mode == "append":
        return _earlier(work)
    return _partitions(work, load.replace_by) if load.replace_by else ALL


def compares(work: Publishing) -> bool:
    """Whether rows of the table matter to the load; if not, others may go on writing while it inserts."""
    return bool(work.key) or work.dataset.load.mode != "append" or bool(_earlier_loads(work))


def reject_contradictions(work: Publishing, scope: sql.Composable) -> None:
    """Reject staged rows that a row of the target which stays leaves no room for.

    With `replaceBy`, a partition of which no row is left stays as well: so again, until nothing is found.
    """
    again = True
    while again:
        staged = work.counts["staged"]
        _reject_strangers(work, scope)
        _reject_taken_values(work, scope)
        again = work.counts["staged"] < staged and bool(work.dataset.load.replace_by) and _leave_partitions(work)


def _leave_partitions(work: Publishing) -> bool:
    """Whether the rejected rows were the last ones of a partition."""
    parts = {"partitions": work.scratch("partitions"), "columns": names(work.dataset.load.replace_by)}
    before = work.run("DELETE FROM {partitions}", **parts)
    return work.run("INSERT INTO {partitions} SELECT DISTINCT {columns} FROM {rows}", **parts) < before


def _reject_strangers(work: Publishing, scope: sql.Composable) -> None:
    """Reject staged rows whose key belongs to a row outside the scope: another object's, or another partition's."""
    if work.live is None or work.fresh or not work.key or work.dataset.load.mode in ("upsert", "scd2"):
        return
    if scope is ALL or set(work.key) - set(work.live.columns):
        return
    place = "partition" if work.dataset.load.replace_by else "source object"
    message = (
        f"a row with this key ({', '.join(work.key)}) is already in {work.dataset.schema}.{work.dataset.table}, "
        f"from another {place}"
    )
    stays = work.compose("({scope}) IS NOT TRUE", scope=scope)
    column = work.key[0] if len(work.key) == 1 else None
    _reject_conflicts(work, equal(work.key, "s", "t"), stays, "duplicate_key", column, message)


def _reject_taken_values(work: Publishing, scope: sql.Composable) -> None:
    """Reject, rule `unique`, staged rows whose value of a unique column another row of the target keeps.

    A rejected row no longer overwrites its own, whose value then stays: so again, until nothing is found.
    """
    if work.live is None or work.fresh or scope is ALL:
        return
    columns = [column for column in unique_columns(work) if column in work.live.columns]
    while sum(_reject_taken(work, column, scope) for column in columns):
        pass


def _reject_taken(work: Publishing, column: str, scope: sql.Composable) -> int:
    message = f"this value of {column} is already in {work.dataset.schema}.{work.dataset.table}; it must be unique"
    return _reject_conflicts(work, equal((column,), "s", "t"), _stays(work, scope), "unique", column, message)


def _stays(work: Publishing, scope: sql.Composable) -> sql.Composable:
    if work.dataset.load.mode not in ("upsert", "scd2"):
        return work.compose("({scope}) IS NOT TRUE", scope=scope)
    current = "t._is_current AND " if work.dataset.load.mode == "scd2" else ""
    same_key = equal(work.key, "o", "t")
    new_key = current + "NOT EXISTS (SELECT FROM {rows} o WHERE {same_key})"  # of two constants  # nosec B608
    return work.compose(new_key, same_key=same_key)


def _reject_conflicts(
    work: Publishing,
    match: sql.Composable,
    stays: sql.Composable,
    rule: str,
    column: str | None,
    message: str,
) -> int:
    conflicts = {"conflicts": work.scratch("conflicts")}
    work.run("DROP TABLE IF EXISTS {conflicts}", **conflicts)
    work.heavy(CONFLICTS, match=match, stays=stays, **conflicts)
    found = work.compose(
        "SELECT line, {message} AS message FROM {conflicts}", message=sql.Literal(message), **conflicts
    )
    rejects.add(work, found, rule, column)
    removed = work.run("DELETE FROM {rows} s USING {conflicts} c WHERE s.ctid = c.staged", **conflicts)
    work.counts["staged"] -= removed
    return removed


def _earlier(work: Publishing) -> sql.Composable:
    """The rows of this object's earlier versions."""
    if "_load_id" not in work.present.columns:
        return NONE
    loads = _earlier_loads(work)
    return work.compose("t._load_id = ANY ({loads}::uuid[])", loads=sql.Literal(loads)) if loads else NONE


def _earlier_loads(work: Publishing) -> list[str] | None:
    parts = {"dataset": sql.Literal(work.dataset.id), "uri": sql.Literal(work.request.uri)}
    loads: list[str] | None = work.one(EARLIER_LOADS, **parts)[0]
    return loads


def _partitions(work: Publishing, columns: tuple[str, ...]) -> sql.Composable:
    """The partitions that the file has rows of. NULL is a partition too, which `IN` would not find."""
    parts = {"partitions": work.scratch("partitions"), "columns": names(columns)}
    work.run("CREATE UNLOGGED TABLE {partitions} AS SELECT DISTINCT {columns} FROM {rows}", **parts)
    nulls = sql.SQL(" OR ").join(sql.SQL("{} IS NULL").format(name(column)) for column in columns)
    if not work.one("SELECT EXISTS (SELECT FROM {partitions} WHERE {nulls})", nulls=nulls, **parts)[0]:
        return work.compose("({mine}) IN (SELECT {columns} FROM {partitions})", mine=names(columns, "t"), **parts)
    match = sql.SQL(" AND ").join(
        sql.SQL("p.{} IS NOT DISTINCT FROM {}").format(name(column), name(column, "t")) for column in columns
    )
    return work.compose("EXISTS (SELECT FROM {partitions} p WHERE {match})", match=match, **parts)
