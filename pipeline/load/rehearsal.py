"""A publish that is taken back: what it would have done to the table, with samples of the cells it would change."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from psycopg2 import sql

from pipeline.errors import DestinationError, LandfallError, RefusedError
from pipeline.load import locks
from pipeline.load.balance import receipt_rows
from pipeline.load.connect import Connection
from pipeline.load.merge import contents
from pipeline.load.publish import fill, prepare, translated
from pipeline.load.publishing import Publishing, name
from pipeline.load.request import PublishRequest, RuleResult

SAMPLES = 5  # changed cells shown of each column

BY_RULE = "SELECT rule, count(*) FROM {rejects} GROUP BY rule ORDER BY rule"
COMPARED = "SELECT to_regclass({changes}) IS NOT NULL"
CELLS = """
    SELECT name, key, line, old, new, changed FROM (
        SELECT x.name, c.key, s._line AS line, x.old, x.new, count(*) OVER (PARTITION BY x.name) AS changed,
               row_number() OVER (PARTITION BY x.name ORDER BY s._line) AS place
        FROM {changes} c JOIN {rows} s ON s.ctid = c.staged
        CROSS JOIN LATERAL (VALUES {cells}) AS x (name, old, new, differs)
        WHERE c.present IS NOT NULL AND x.differs) AS cells
    WHERE place <= {samples} ORDER BY name, place
"""


@dataclass(frozen=True)
class Cell:
    """A cell that would change. `key`: of the row, None without one; `line`: in the source; values of a restricted
    column are None, and `hidden` says so."""

    column: str
    key: Mapping[str, str | None] | None
    line: int
    old: str | None
    new: str | None
    hidden: bool = False


@dataclass(frozen=True)
class Planned:
    """What a load would do. `rows`: the receipt's counts; `changed`: cells by column. `error`: why it would be refused,
    else None."""

    rows: Mapping[str, int]
    rejects_by_rule: Mapping[str, int]
    ddl: tuple[str, ...]
    changed: Mapping[str, int]
    samples: tuple[Cell, ...]
    rules: tuple[RuleResult, ...]
    error: LandfallError | None = None

    @property
    def changes(self) -> bool:
        """Whether the table would be another."""
        return bool(self.ddl) or any(self.rows[count] for count in ("inserted", "updated", "deleted"))


def rehearse(conn: Connection, request: PublishRequest) -> Planned:
    """Publish within a transaction that is rolled back. The table's other writers wait meanwhile.

    The samples need before-images, so the dataset of the request must ask for them.
    """
    work = Publishing(conn.cursor(), request)
    try:
        with translated(request):
            locks.settle(work)
            prepare(work)
            return _filled(work)
    finally:
        if not conn.closed:
            conn.rollback()


def _filled(work: Publishing) -> Planned:
    error: LandfallError | None = None
    try:
        fill(work)
    except (RefusedError, DestinationError) as refusal:
        error = refusal
        for count in ("inserted", "updated", "unchanged", "deleted"):
            work.counts.pop(count, None)
        work.ddl.clear()
    by_rule = dict(work.all(BY_RULE))
    work.counts["rejected"] = sum(by_rule.values())
    changed, samples = ({}, ()) if error else _cells(work)
    return Planned(receipt_rows(work), by_rule, tuple(work.ddl), changed, samples, work.rule_results, error)


def _cells(work: Publishing) -> tuple[dict[str, int], tuple[Cell, ...]]:
    table = work.scratch("changes")
    columns = contents(work)
    there = work.one(COMPARED, changes=sql.Literal(".".join(table.strings)))[0]
    if not there or not columns:
        return {}, ()
    restricted = {column.name for column in work.dataset.columns if column.restricted}
    cells = sql.SQL(", ").join(_cell(work, column, column in restricted) for column in columns)
    found = work.all(CELLS, changes=table, cells=cells, samples=sql.Literal(SAMPLES))
    samples = tuple(Cell(column, key, line, old, new, column in restricted) for column, key, line, old, new, _ in found)
    return {row[0]: row[5] for row in found}, samples


def _cell(work: Publishing, column: str, hidden: bool) -> sql.Composed:
    """`(name, old, new, differs)`; both sides as the text of the table's type."""
    old = sql.SQL("(c.image->>{})").format(sql.Literal(column))
    new = sql.SQL("{}::{}::text").format(name(column, "s"), sql.SQL(work.present.columns[column].sql))
    shown = [sql.SQL("NULL::text")] * 2 if hidden else [old, new]
    return sql.SQL("({}, {}, {}, {} IS DISTINCT FROM {})").format(sql.Literal(column), *shown, old, new)
