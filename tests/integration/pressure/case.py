"""One dataset under pressure: a first file is loaded, the next one meets what the test has prepared."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pipeline.contract.names import snake_case
from pipeline.load.connect import Connection
from pipeline.receipt import Receipt
from tests import figures
from tests.integration.loader import Loader

Contract = Callable[..., Path]
Query = Callable[..., list[tuple[Any, ...]]]

KEYED = ["{name: id, logicalType: integer, primaryKey: true}", "{name: name, logicalType: string}"]
KEYLESS = ["{name: id, logicalType: integer}", KEYED[1]]
GOOD, NEXT = "id,name\n1,a\n2,b\n3,c\n", "id,name\n4,d\n5,e\nsix,f\n7,g\n"
BEFORE, AFTER = [1, 2, 3], [1, 2, 3, 4, 5, 7]

# A trigger on the target that does something, and its end.
RAISES = """
    CREATE FUNCTION {schema}.guard() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN %s; RETURN NEW; END $$;
    CREATE TRIGGER guard BEFORE INSERT ON {target} FOR EACH ROW EXECUTE FUNCTION {schema}.guard()
"""
CALM = "DROP TRIGGER guard ON {target}; DROP FUNCTION {schema}.guard()"


class Case:
    """One dataset under one pressure: a first file is loaded, the next one meets the pressure."""

    def __init__(self, name: str, mode: str, sail: Loader, contract: Contract, directory: Path, rows: Query) -> None:
        self.mode, self.sail, self._rows = mode, sail, rows
        self._name = name.strip("_").replace("_", " ").removeprefix("what the target refuses ")
        self.schema = snake_case(f"{name}_{mode}")
        properties = KEYED if mode == "upsert" else KEYLESS
        load = f"{{mode: {mode}, rejects: {{max: 90, unit: percent}}}}"
        self.contract = contract(self.schema, properties, load=load)
        self.next = directory / "next.csv"
        self.next.write_text(NEXT)
        first = directory / "first.csv"
        first.write_text(GOOD)
        assert sail.one(first, self.contract).error is None

    def sql(self, statement: str) -> str:
        return statement.format(target=f"{self.schema}.target", schema=self.schema)

    def load(self, **options: Any) -> Receipt:
        return self.sail.one(self.next, self.contract, **options)

    def ids(self) -> list[int]:
        return [row[0] for row in self._rows(self.sql("SELECT id FROM {target} WHERE id > 0 ORDER BY id"))]

    def failed(self, receipt: Receipt, code: int, said: str) -> None:
        """One message, the exit code, nothing of the file in the table, and the ledger knows."""
        assert receipt.error is not None
        assert receipt.exit_code == code, receipt.error
        message = receipt.error["message"]
        assert "\n" not in message
        assert re.search(said, message), message
        assert self.ids() == BEFORE
        if receipt.load_id:
            ledger = "SELECT status <> 'running' AND finished_at IS NOT NULL FROM landfall.load WHERE load_id = %s"
            assert self._rows(ledger, receipt.load_id) == [(True,)]

    def recovered(self, receipt: Receipt | None = None) -> None:
        """The same file loads, its one bad row is kept once, and nothing is left in staging."""
        receipt = receipt or self.load()
        assert receipt.error is None, receipt.error
        assert self.ids() == AFTER
        counts = {name: count for name, count in receipt.rows.items() if count}
        assert counts == {"read": 4, "inserted": 3, "rejected": 1}
        kept = "SELECT line FROM landfall.reject WHERE load_id = %s"
        assert self._rows(kept, receipt.load_id) == [(4,)]
        assert (
            self._rows(
                "SELECT relname FROM pg_class WHERE relnamespace = 'landfall_staging'::regnamespace AND relkind = 'r'"
            )
            == []
        )
        running = "SELECT count(*) FROM landfall.load WHERE dataset = %s AND status = 'running'"
        assert self._rows(running, self.schema) == [(0,)]
        found = {"read": counts["read"], "inserted": counts["inserted"], "rejected": counts["rejected"], "lost": 0}
        figures.record("Pressure", f"{self._name} ({self.mode})", **found)


def execute(session: Connection, statement: str) -> None:
    with session.cursor() as cursor:
        cursor.execute(statement)


class Waiting:
    """A load in a thread of its own."""

    def __init__(self, case: Case, **options: Any) -> None:
        self._receipts: list[Receipt] = []
        self._thread = threading.Thread(target=lambda: self._receipts.append(case.load(**options)))
        self._thread.start()

    def receipt(self) -> Receipt:
        self._thread.join(60)
        (found,) = self._receipts
        return found


def until_waiting(rows: Query, target: str) -> None:
    """Return when a session of Landfall's waits for a lock on the table."""
    waits = (
        "SELECT count(*) FROM pg_locks JOIN pg_stat_activity USING (pid)"
        " WHERE NOT granted AND relation = %s::regclass AND application_name LIKE 'landfall:%%'"
    )
    deadline = time.monotonic() + 30
    while rows(waits, target) == [(0,)]:
        assert time.monotonic() < deadline, "the load never came to wait for the table"
        time.sleep(0.02)
