"""What a replay does to the rejects that it reads again: each is taken once, and left open if it is rejected again."""

from __future__ import annotations

from psycopg2 import sql

from pipeline.errors import RefusedError
from pipeline.load.publishing import Publishing

CLAIM = """
    UPDATE landfall.reject r SET status = 'replayed', replayed_by = {load_id}
    FROM unnest({lines}::bigint[], {ordinals}::int[]) AS o (line, ordinal)
    WHERE r.load_id = {replayed}::uuid AND r.line = o.line AND r.ordinal = o.ordinal AND r.status = 'open'
"""
# The load's rows are gone with what took its place; its rejects would stand beside the rows of that.
SUPERSEDED = """
    SELECT newer.load_id::text FROM landfall.load old JOIN landfall.load newer
      ON newer.dataset = old.dataset AND newer.uri = old.uri AND newer.status = 'loaded'
     AND (newer.finished_at, newer.load_id) > (old.finished_at, old.load_id)
    WHERE old.load_id = {replayed}::uuid ORDER BY newer.finished_at DESC LIMIT 1
"""
REOPEN = "UPDATE landfall.reject SET status = 'open', replayed_by = NULL WHERE replayed_by = {load_id}"
REJECTED_AGAIN = """
    UPDATE landfall.reject r SET status = 'open', replayed_by = NULL
    FROM unnest({lines}::bigint[], {ordinals}::int[], {now}::bigint[]) AS o (line, ordinal, now)
    WHERE r.load_id = {replayed}::uuid AND r.line = o.line AND r.ordinal = o.ordinal AND r.replayed_by = {load_id}
      AND EXISTS (SELECT FROM landfall.reject n WHERE n.load_id = {load_id} AND n.line = o.now)
"""


def claim(work: Publishing) -> None:
    """Take the rejects that this load replays. Raises RefusedError if another replay has taken one meanwhile, or if a
    later load of the same object has taken the place of theirs."""
    replay = work.request.replay
    if replay is None:
        return
    for (newer,) in work.all(SUPERSEDED, **_parts(work)):
        raise RefusedError(
            f"load {newer} of the same object came later than load {replay.load_id}, and took its place. "
            "Nothing was published; replay the rejects of the later one"
        )
    if work.run(CLAIM, **_parts(work)) != len(replay.records):
        raise RefusedError(
            f"rejects of load {replay.load_id} were replayed by another process meanwhile. Nothing was published; "
            "replay again what is still open"
        )


def settle(work: Publishing, published: bool) -> None:
    """Open again what was rejected again; everything, if nothing was published."""
    if work.request.replay:
        work.run(REJECTED_AGAIN, **_parts(work)) if published else work.run(REOPEN)


def _parts(work: Publishing) -> dict[str, sql.Composable]:
    replay = work.request.replay
    records = replay.records if replay else ()
    lines, ordinals, now = zip(*records, strict=True) if records else ((), (), ())
    return {
        "replayed": sql.Literal(str(replay.load_id) if replay else None),
        "lines": sql.Literal(list(lines)),
        "ordinals": sql.Literal(list(ordinals)),
        "now": sql.Literal(list(now)),
    }
