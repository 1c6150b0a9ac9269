"""Rows that must not both be published: one key, or one value of a unique column, on several lines of a file."""

from __future__ import annotations

import re

import psycopg2
from psycopg2 import sql

from pipeline.errors import ContractError
from pipeline.load import rejects
from pipeline.load.publishing import Publishing, name, names

# One term of ORDER BY: a column, quoted or not, and its direction.
TERM = re.compile(
    r"\s*(?:\"(?P<quoted>(?:[^\"]|\"\")+)\"|`(?P<ticked>[^`]+)`|(?P<plain>[^\s,\"`()]+))"
    r"(?:\s+(?P<direction>asc|desc))?(?:\s+nulls\s+(?P<nulls>first|last))?\s*",
    re.IGNORECASE,
)

# Every row that shares its key, numbered within the key's group; `differs` from the group's first in any column.
REPEATED = """
    CREATE UNLOGGED TABLE {repeated} AS
    SELECT staged, line, part, place,
           image *<> first_value(image) OVER (PARTITION BY part ORDER BY place) AS differs
    FROM (SELECT s.ctid AS staged, s._line AS line, dense_rank() OVER (ORDER BY {keys}) AS part,
                 row_number() OVER (PARTITION BY {keys} ORDER BY {order}) AS place, ROW({image})::record AS image
          FROM {rows} s JOIN (SELECT {key} FROM {rows} GROUP BY {key} HAVING count(*) > 1) k USING ({key})) AS shared
"""

# The first lines of each group are named, not all: a group may be the whole file.
GROUPS = """
    SELECT part, array_to_string((array_agg(line ORDER BY line))[1:5], ', ')
                 || CASE WHEN count(*) > 5 THEN format(' and %s more', count(*) - 5) ELSE '' END AS lines
    FROM {repeated} GROUP BY part HAVING bool_or(differs) OR {always}
"""

FOUND = "SELECT r.line, format({message}, g.lines) AS message FROM {repeated} r JOIN ({groups}) g USING (part)"

REMOVE = """
    DELETE FROM {rows} s USING {repeated} r
    WHERE s.ctid = r.staged AND (r.place > 1 AND {losers} OR r.part IN (SELECT part FROM ({groups}) g))
"""


def set_aside(work: Publishing) -> None:
    """Leave one row per key in staging; the others count as `duplicate`, or are rejected `duplicate_key`."""
    work.counts["duplicate"] = 0
    if work.key and _repeats(work, work.key, index=True):
        _set_aside(work)


def reject_repeated_values(work: Publishing) -> None:
    """Reject, rule `unique`, all rows that share a value of a unique column: which one is right cannot be told."""
    for column in unique_columns(work):
        if _repeats(work, (column,)):
            _repeated(work, (column,), work.compose("s._line"))
            groups = work.compose(GROUPS, repeated=work.scratch("repeated"), always=sql.SQL("true"))
            message = f"the value of {column} is on lines %s; it must be unique. Correct the file"
            _reject(work, groups, "unique", column, message, losers="false")


def unique_columns(work: Publishing) -> list[str]:
    """The columns declared unique, but for one that is the whole key and so has its own rule."""
    return [each.name for each in work.dataset.columns if each.unique and work.key != (each.name,)]


def order_terms(work: Publishing) -> sql.Composed:
    """`dedupe` as ORDER BY terms; rows that tie are ordered by line, the later first. Without it: the earlier first."""
    if work.dataset.load.dedupe is None:
        return work.compose("s._line, s.ctid")
    terms = [_term(work, text) for text in re.split(r",(?=(?:[^\"]*\"[^\"]*\")*[^\"]*$)", work.dataset.load.dedupe)]
    return sql.SQL(", ").join([*terms, work.compose("s._line DESC"), work.compose("s.ctid DESC")])


def _term(work: Publishing, text: str) -> sql.Composed:
    found = TERM.fullmatch(text)
    column = found and (found["plain"] or found["ticked"] or found["quoted"].replace('""', '"'))
    if not found or column not in (*work.columns, "_line"):
        raise ContractError(
            f"{work.dataset.path}: load.dedupe has the term {text.strip()!r}, which is not a column of the contract "
            "with asc or desc. Correct it; an expression can be a column of its own"
        )
    direction = f" {found['direction'] or 'asc'}" + (f" NULLS {found['nulls']}" if found["nulls"] else "")
    return work.compose("s.{column}", column=name(column)) + sql.SQL(direction)


def _repeats(work: Publishing, columns: tuple[str, ...], index: bool = False) -> bool:
    """Whether any value of the columns is on several rows. A unique index tells fastest when none is."""
    if index:
        try:
            with work.savepoint("unique_keys"):
                work.run("CREATE UNIQUE INDEX ON {rows} ({key})", key=names(columns))
        except psycopg2.errors.UniqueViolation:
            return True
        except psycopg2.errors.ProgramLimitExceeded:  # a key too long for an index
            pass
        else:
            return False
    known = sql.SQL(" AND ").join(sql.SQL("{} IS NOT NULL").format(name(column)) for column in columns)
    template = "SELECT EXISTS (SELECT FROM {rows} WHERE {known} GROUP BY {key} HAVING count(*) > 1)"
    return bool(work.one(template, key=names(columns), known=known)[0])


def _repeated(work: Publishing, columns: tuple[str, ...], order: sql.Composed) -> None:
    work.run("DROP TABLE IF EXISTS {repeated}", repeated=work.scratch("repeated"))
    parts = {"key": names(columns), "keys": names(columns, "s"), "image": names(work.columns, "s"), "order": order}
    work.run(REPEATED, repeated=work.scratch("repeated"), **parts)


def _set_aside(work: Publishing) -> None:
    _repeated(work, work.key, order_terms(work))
    deduping = work.dataset.load.dedupe is not None
    parts = {"repeated": work.scratch("repeated"), "always": sql.SQL("false")}
    groups = work.compose(GROUPS + ("LIMIT 0" if deduping else ""), **parts)
    column = work.key[0] if len(work.key) == 1 else None
    message = (
        f"the key ({', '.join(work.key)}) is on lines %s with different values, and nothing says which counts. "
        "Correct the file, or declare load.dedupe in the contract"
    )
    _reject(work, groups, "duplicate_key", column, message, losers="true")


def _reject(work: Publishing, groups: sql.Composed, rule: str, column: str | None, message: str, losers: str) -> None:
    """Reject the rows of `groups`; remove them, and with `losers` all but the first of each other group."""
    parts = {"repeated": work.scratch("repeated"), "groups": groups}
    found = work.compose(FOUND, message=sql.Literal(_format(message)), **parts)
    rejected = rejects.add(work, found, rule, column)
    removed = work.run(REMOVE, losers=sql.SQL(losers), **parts)
    work.counts["staged"] -= removed
    work.counts["duplicate"] += removed - rejected


def _format(message: str) -> str:
    """A template for format() with one `%s`, every other percent sign (of a column's name) doubled."""
    return "%s".join(part.replace("%", "%%") for part in message.rsplit("%s", 1))
