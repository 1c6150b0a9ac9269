"""Runs the soak and records its figures: `python -m tests.soak [FILES [SEED]]`."""

from __future__ import annotations

import random
import sys
import tempfile
import time
from collections import Counter
from contextlib import closing
from pathlib import Path
from typing import Any

from psycopg2 import sql

from pipeline.load.connect import Connection, Destination, connect
from tests.conftest import embedded_server, fresh_database
from tests.faults.worker import Order, Outcome, Worker
from tests.figures import record
from tests.memory import resident_kb
from tests.proxy import proxied
from tests.soak.data import CHECKSUM, KINDS, Kind, rows, save, with_bad, written
from tests.soak.memory import grows, thirds
from tests.soak.model import Table
from tests.soak.troubles import Troubles

# What is done to a good file so that it cannot be loaded.
SPOILT = ("cut short", "too many bad rows", "another kind of file")
TRIES = 20  # of one file: each fault costs one


class Soak:
    """One run into one database. `memory`: of the loading process after each file, in MB."""

    def __init__(self, database: Destination, through: Destination, directory: Path, seed: int) -> None:
        self.chance = random.Random(seed)
        self.directory = directory
        self.work = directory / "work"
        self.through = through
        self.worker = Worker()
        self.tables = {kind.name: Table(kind) for kind in KINDS}
        self.contracts = directory / "contracts"
        self.contracts.mkdir()
        for kind in KINDS:
            (self.contracts / f"{kind.name}.odcs.yaml").write_text(kind.contract)
        self.conn: Connection = connect(database, "soak", wait=30)
        self.loaded: list[Path] = []
        self.memory: list[float] = []
        self.outcomes: Counter[str] = Counter()
        self.wrong: list[str] = []

    def run(self, files: int) -> None:
        """Load so many files, each until it is in, or refused for good. First the largest of each kind: then no later
        one needs more memory."""
        for number in range(files):
            kind = KINDS[number] if number < len(KINDS) else self.chance.choice(KINDS)
            if number < len(KINDS):
                self.loaded.append(self._good(kind, number, kind.most))
            elif self.chance.random() < 0.1:
                self._again(self.chance.choice(self.loaded))
            elif self.chance.random() < 0.1:
                self._spoilt(kind, number)
            else:
                self.loaded.append(self._good(kind, number))
            self.memory.append(resident_kb(self.worker.pid) / 1024)
            if number % 25 == 24:
                print(f"{number + 1} files, {self.memory[-1]:.0f} MB, {dict(self.outcomes)}", flush=True)

    def _good(self, kind: Kind, number: int, size: int | None = None) -> Path:
        good = rows(kind, self.chance, size)
        mixed = with_bad(good, self.chance)
        path = save(self.directory, kind, number, written(kind, mixed))
        outcome = self._load(path)
        if outcome.statuses not in {("loaded",), ("already_loaded",)} or outcome.code != 0:
            self.wrong.append(f"{path.name}: {outcome.statuses} {outcome.code} {outcome.errors}")
        self.tables[kind.name].loaded(mixed, len(good))
        return path

    def _spoilt(self, kind: Kind, number: int) -> None:
        how = self.chance.choice(SPOILT)
        good = rows(kind, self.chance)
        if how == "too many bad rows":
            good = [(key, name, -1 - amount, day) for key, name, amount, day in good]
        content = written(kind, good)
        if how == "another kind of file":
            content = b"\0\xff"
        elif how == "cut short":
            content = (
                content[: len(content) // 2] if kind.suffix.endswith((".gz", ".zip", "parquet", "xlsx")) else b"\0"
            )
        outcome = self._load(save(self.directory, kind, number, content))
        self.outcomes[how] += 1
        if outcome.code not in (65, 66) or "loaded" in outcome.statuses:
            self.wrong.append(f"{kind.name}, {how}: {outcome.statuses} {outcome.code} {outcome.errors}")

    def _again(self, path: Path) -> None:
        outcome = self._load(path)
        if outcome.statuses != ("already_loaded",):
            self.wrong.append(f"{path.name} again: {outcome.statuses} {outcome.code} {outcome.errors}")

    def _load(self, path: Path) -> Outcome:
        """Until it is no transient failure any more, as the redrive would."""
        url = self.through.url.render_as_string(hide_password=False)
        order = Order((str(path),), self.contracts / f"{path.parent.name}.odcs.yaml", url, work=self.work)
        for _ in range(TRIES):
            outcome = self.worker.load(order)
            self.outcomes[", ".join(outcome.statuses) or "no receipt"] += 1
            if outcome.code != 75:
                break
        return outcome

    def sweep(self) -> None:
        """One more load of a loaded file, in peace: what a failed one has left behind goes at the next start."""
        self._again(self.loaded[-1])

    def account(self) -> None:
        """Compare every table, the rejects and the ledger with the model, and record what was found."""
        for name, table in self.tables.items():
            count, total = self._one(sql.SQL(CHECKSUM).format(sql.Identifier(name, "target")))
            read, rejected, files = self._one(
                "SELECT coalesce(sum(rows_read), 0), coalesce(sum(rows_rejected), 0), count(*) FROM landfall.load"
                " WHERE dataset = %s AND status = 'loaded'", name,
            )  # fmt: skip
            kept = self._one(
                "SELECT count(*) FROM landfall.reject JOIN landfall.load USING (load_id)"
                " WHERE dataset = %s AND load.status = 'loaded'", name,
            )[0]  # fmt: skip
            found = (count, int(total), int(read), int(rejected), kept, files)
            expected = (table.count, table.sum, table.read, table.rejected, table.rejected, table.files)
            if found != expected:
                self.wrong.append(f"{name}: {found}, expected {expected}")
            record(
                "Soak", f"{name}: {table.kind.suffix[1:]}, {table.kind.mode}", files=table.files, rows_read=table.read,
                rejected=table.rejected, rows_in_table=count, expected=table.count,
                checksum="equal" if int(total) == table.sum else "DIFFERENT",
            )  # fmt: skip

    def leftovers(self) -> dict[str, int]:
        """What a run may not leave behind."""
        deadline = time.monotonic() + 30
        sessions = 1
        while sessions and time.monotonic() < deadline:
            sessions = self._one(
                "SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'landfall:%%' AND pid <> %s",
                self.conn.info.backend_pid,
            )[0]
        tables = self._one("SELECT count(*) FROM pg_tables WHERE schemaname = 'landfall_staging'")[0]
        running = self._one("SELECT count(*) FROM landfall.load WHERE status = 'running'")[0]
        files = len(list(self.work.rglob("*")))
        return {"sessions_left": sessions, "temp_files_left": files, "staging_left": tables, "loads_running": running}

    def _one(self, statement: str | sql.Composable, *values: object) -> tuple[Any, ...]:
        with self.conn, self.conn.cursor() as cursor:
            cursor.execute(statement, values or None)
            return cursor.fetchone() or ()


def main(files: int = 600, seed: int = 20_261_121) -> int:
    """Run, account, print, record. Returns 1 if anything is wrong."""
    started = time.monotonic()
    with (
        tempfile.TemporaryDirectory() as directory,
        embedded_server() as (_, server),
        fresh_database(server) as database,
        proxied(database) as (proxy, through),
    ):
        soak = Soak(database, through, Path(directory), seed)
        with closing(soak.worker), Troubles(database, proxy, seed) as troubles:
            soak.run(files)
            troubles.stop()
            soak.sweep()
            soak.account()
            left = soak.leftovers()
        soak.conn.close()
    middle, last = thirds(soak.memory)
    record(
        "Soak, resources", f"{files} files in one process", seconds=round(time.monotonic() - started),
        troubles=sum(troubles.made.values()), transient_failures=soak.outcomes["failed"],
        middle_memory_mb=round(middle), last_memory_mb=round(last), most_memory_mb=round(max(soak.memory)), **left,
    )  # fmt: skip
    if grows(soak.memory):
        soak.wrong.append(f"memory grew from {middle:.0f} to {last:.0f} MB")
    soak.wrong += [f"{count} {name}" for name, count in left.items() if count]
    print(dict(troubles.made), dict(soak.outcomes), left, f"{middle:.0f} -> {last:.0f} MB")
    print("\n".join(soak.wrong) or "every row is accounted for")
    return 1 if soak.wrong else 0


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:])))
