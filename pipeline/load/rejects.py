"""Rejects on their way into the ledger: gathered in staging, joined with their bytes as sent, counted when kept."""

from __future__ import annotations

import json
from collections.abc import Generator, Iterable
from contextlib import closing
from io import StringIO
from itertools import islice

from psycopg2 import sql

from pipeline.load import staging
from pipeline.load.publishing import Publishing
from pipeline.load.request import RawReject

# `_attempt` of rejects that no engine worker wrote.
FOUND_WHILE_PUBLISHING = 0
STRUCTURAL = -1

BATCH = 5_000  # records per COPY: bounds memory to a few MB for lines of ordinary length

ESCAPES = str.maketrans({"\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"})

MOVE = """
    WITH kept AS (
        INSERT INTO landfall.reject
            (load_id, line, ordinal, raw, raw_text, column_name, rule, message, reasons)
        SELECT {load_id}, r.line, row_number() OVER (PARTITION BY r.line), raw.raw, raw.raw_text,
               r.column_name, r.rule, r.message, r.reasons
        FROM {rejects} r LEFT JOIN (SELECT DISTINCT ON (line) * FROM {raw} ORDER BY line) raw USING (line)
        RETURNING rule)
    SELECT rule, count(*) FROM kept GROUP BY rule ORDER BY rule
"""

ADD = """
    INSERT INTO {rejects} (line, column_name, rule, message, reasons, _attempt)
    SELECT line, {column}, {rule}, message,
           jsonb_build_array(jsonb_build_object('column', {column}::text, 'rule', {rule}::text, 'message', message)),
           {attempt}
    FROM ({found}) AS found
"""

WITHOUT_RAW = """
    SELECT line FROM {rejects} WHERE _attempt <> {structural} EXCEPT SELECT line FROM {raw} ORDER BY line
"""


def gather(work: Publishing) -> None:
    """Bring the records that extract could not read to the rejects that the engine's workers staged."""
    structural = work.request.structural_rejects()
    while batch := list(islice(structural, BATCH)):
        staging.create_rejects(work.cursor, work.rejects)
        _create_raw(work)
        _copy(work, "raw", ("line", "raw", "raw_text"), (_raw(work, each.line, each.raw) for each in batch))
        columns = ("line", "column_name", "rule", "message", "reasons", "_attempt")
        _copy(work, "rejects", columns, (_reason(each) for each in batch))
        work.counts["rejected"] += len(batch)


def add(work: Publishing, found: sql.Composable, rule: str, column: str | None) -> int:
    """Reject staged rows: `found` is a query for (line, message). Returns how many; taking them out is the caller's."""
    attempt = sql.Literal(FOUND_WHILE_PUBLISHING)
    count = work.run(ADD, found=found, rule=sql.Literal(rule), column=sql.Literal(column), attempt=attempt)
    work.counts["rejected"] += count
    return count


def find_raw(work: Publishing) -> None:
    """Look up, in the source object, the bytes of every reject that has none yet."""
    if not work.counts["rejected"]:
        return
    _create_raw(work)
    if not work.one("SELECT EXISTS (" + WITHOUT_RAW + ")", **_without_raw(work))[0]:
        return
    with closing(_lines(work)) as lines:
        records = work.request.raw_records(lines)
        while batch := list(islice(records, BATCH)):
            _copy(work, "raw", ("line", "raw", "raw_text"), (_raw(work, line, raw) for line, raw in batch))
    work.run("INSERT INTO {raw} (line) " + WITHOUT_RAW, **_without_raw(work))  # not found: not to be asked for again


def move(work: Publishing) -> dict[str, int]:
    """Keep the rejects in the ledger for good. Returns how many by rule, as the database counted them."""
    return dict(work.all(MOVE, raw=work.scratch("raw"))) if work.counts["rejected"] else {}


def _create_raw(work: Publishing) -> None:
    work.run(
        "CREATE UNLOGGED TABLE IF NOT EXISTS {raw} (line bigint, raw bytea, raw_text text)", raw=work.scratch("raw")
    )


def _lines(work: Publishing) -> Generator[int, None, None]:
    """The lines to look up, ascending, fetched as they are asked for: other statements run in between."""
    cursor = work.cursor.connection.cursor(name="landfall_lines")
    cursor.itersize = BATCH
    cursor.execute(work.compose(WITHOUT_RAW, **_without_raw(work)))
    with cursor:
        for (line,) in cursor:
            yield line


def _without_raw(work: Publishing) -> dict[str, sql.Composable]:
    return {"structural": sql.Literal(STRUCTURAL), "raw": work.scratch("raw")}


def _reason(reject: RawReject) -> tuple[str | None, ...]:
    reason = {"column": reject.column, "rule": reject.rule, "message": reject.message}
    reasons = json.dumps([reason], ensure_ascii=False)
    return str(reject.line), reject.column, reject.rule, reject.message, reasons, str(STRUCTURAL)


def _raw(work: Publishing, line: int, raw: bytes) -> tuple[str, str, str]:
    return str(line), "\\x" + raw.hex(), readable(raw, work.dataset.read.encoding)


def readable(raw: bytes, encoding: str) -> str:
    """The text of a record; bytes that are none in its encoding, and NUL, appear as `\\xNN`."""
    try:
        text = raw.decode(encoding, "backslashreplace")
    except LookupError:
        text = raw.decode("utf-8", "backslashreplace")
    return text.replace("\0", "\\x00").encode("utf-8", "backslashreplace").decode()


def _copy(work: Publishing, table: str, columns: tuple[str, ...], rows: Iterable[tuple[str | None, ...]]) -> None:
    """COPY a batch in PostgreSQL's text format."""
    text = StringIO()
    for row in rows:
        text.write("\t".join("\\N" if value is None else value.translate(ESCAPES) for value in row) + "\n")
    text.seek(0)
    statement = sql.SQL("COPY {} ({}) FROM STDIN").format(
        work.scratch(table), sql.SQL(", ").join(map(sql.Identifier, columns))
    )
    work.cursor.copy_expert(statement, text)
