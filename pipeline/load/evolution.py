"""What a contract that has grown asks of a table that exists: columns added, types widened, nothing ever dropped."""

from __future__ import annotations

from psycopg2 import sql

from pipeline.errors import DestinationError, RefusedError
from pipeline.load import ddl, locks
from pipeline.load.publishing import Publishing, name
from pipeline.load.table import LiveColumn
from pipeline.load.widening import widens


def plan(work: Publishing) -> list[sql.Composed]:
    """The ALTER TABLE statements that the target needs. Raises RefusedError for a type that may not be changed."""
    if work.live is None:
        return []
    _check_history(work)
    changes = []
    for column in work.columns:
        live = work.live.columns.get(column)
        if live is None:
            changes.append(_add(work, column, work.types[column]))
        elif live.sql != work.types[column].sql:
            changes += _change(work, column, live, work.types[column])
    missing = [each for each in ddl.PROVENANCE if each[0] not in work.live.columns]
    return changes + [_alter(work, "ADD COLUMN {}", ddl.column_ddl(column, kind)) for column, kind in missing]


def apply(work: Publishing, changes: list[sql.Composed]) -> None:
    """Create the target, or alter it, within the transaction."""
    work.created = work.live is None
    if not work.created and not changes:
        return
    if work.created:
        ddl.create(work)
    else:
        locks.hold_readers(work)
        for change in changes:
            ddl.execute(work, change)
    was_fresh = work.fresh
    work.refresh()
    work.fresh = was_fresh


def complete(work: Publishing) -> None:
    """After the first rows: the key of a new table, and statistics for whoever queries it first."""
    if work.created:
        ddl.add_keys(work)
    if work.fresh:
        work.run("ANALYZE {target}")
    work.run("SET CONSTRAINTS ALL IMMEDIATE")


def _add(work: Publishing, column: str, staged: LiveColumn) -> sql.Composed:
    """NOT NULL only where no row is there yet to break it."""
    required = {each.name for each in work.dataset.columns if each.required} | set(work.key)
    return _alter(work, "ADD COLUMN {}", ddl.column_ddl(column, staged.sql, column in required and work.fresh))


def _change(work: Publishing, column: str, live: LiveColumn, staged: LiveColumn) -> list[sql.Composed]:
    """Nothing if every value of the contract's type fits the table's; a wider type if allowed; else refuse."""
    if widens(staged, live):
        return []
    table = f"{work.dataset.schema}.{work.dataset.table}"
    said = f"column {column} of {table} is {live.sql}, but the contract says {staged.sql}"
    if not widens(live, staged):
        raise RefusedError(
            f"{said}, and one cannot become the other without touching values. Nothing was published; convert the "
            "column, or correct physicalType in the contract"
        )
    change = _alter(work, "ALTER COLUMN {} TYPE {}", name(column), sql.SQL(staged.sql))
    if work.dataset.load.evolution.type_change != "widen":
        raise RefusedError(
            f"{said}. Nothing was published; set load.evolution.typeChange to widen in the contract, or run: "
            f"{change.as_string(work.cursor)}"
        )
    return [change]


def _alter(work: Publishing, action: str, *parts: sql.Composable) -> sql.Composed:
    return sql.SQL("ALTER TABLE {} " + action).format(work.target, *parts)


def _check_history(work: Publishing) -> None:
    """A table with history is no table without, and the other way round."""
    wanted = work.dataset.load.mode == "scd2"
    history = {column for column, _ in ddl.HISTORY}
    found = history & set(work.present.columns) - set(work.columns)
    if found and not wanted:
        said = "keeps history (scd2)"
    elif wanted and found != history:
        said = f"has no column {', '.join(sorted(history - found))}, so it keeps no history"
    else:
        return
    raise DestinationError(
        f"{work.dataset.schema}.{work.dataset.table} {said}, but the contract's load mode is {work.dataset.load.mode}. "
        "Nothing was published; name another table in the contract"
    )
