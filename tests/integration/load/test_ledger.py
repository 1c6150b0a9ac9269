"""The ledger on a real server: who may load what, and what is left of loads that died."""

from __future__ import annotations

from pipeline.load import ledger
from pipeline.load.connect import Connection


def test_ensure_creates_the_ledger_and_may_be_called_again(conn: Connection) -> None:
    ledger.ensure(conn)
    ledger.ensure(conn)
    with conn.cursor() as cursor:
        cursor.execute("SELECT version FROM landfall.version")
        assert cursor.fetchall() == [(1,), (2,), (3,)]
