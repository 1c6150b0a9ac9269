"""Promise: exactly once, all or nothing. Spark's workers are processes of their own, and somebody may kill them."""

from __future__ import annotations

import os
import shutil
import signal
import stat
import subprocess
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from pipeline.load.connect import Connection, Destination
from tests.integration.loader import Loader
from tests.integration.traced import Table

Query = Callable[..., list[tuple[Any, ...]]]

ROWS = 600_000
NAME = "x" * 120  # two parts, so two workers
TEXT = "id,name\n" + "".join(f"{n},{NAME}\n" for n in range(ROWS)) + "x,bad\n"
SECONDS = 90


@pytest.fixture
def table(
    contract: Callable[..., Path],
    request: pytest.FixtureRequest,
    tmp_path: Path,
    conn: Connection,
    pools: Callable[[str], ProcessPoolExecutor],
    database: Destination,
) -> Table:
    """There already, and to be loaded with engine spark; workers of engine sail are threads of the load."""
    if shutil.which("java") is None:
        pytest.skip("engine spark needs Java, and there is none on this machine")
    loader = Loader(pools("spark"), "spark", database)
    made = Table.of(request.node.nodeid, contract, tmp_path, conn, loader)
    made.make()
    return made


class Started:
    """A load in a process of its own, with a directory of its own for temporary files."""

    def __init__(self, table: Table, rows: Query, *options: str) -> None:
        self._rows = rows
        self.scratch = table.directory / "tmp"
        self.scratch.mkdir()
        environment = {**os.environ, "TMPDIR": str(self.scratch)}
        self.process = subprocess.Popen(
            [*table.command(TEXT, "--quiet"), *options], env=environment, stderr=subprocess.PIPE, text=True
        )

    def kill_workers_copying_into(self, relation: str) -> None:
        """Once rows arrive there."""
        self._kill_copying_into(relation, _workers)

    def kill_engine_copying_into(self, relation: str) -> None:
        """Spark's JVM, once rows arrive there."""
        self._kill_copying_into(relation, _machine)

    def _kill_copying_into(self, relation: str, of: Callable[[int], Iterator[int]]) -> None:
        """Meanwhile the load stands still, so that none of the processes ends before it is killed."""
        copying = "SELECT FROM pg_stat_progress_copy WHERE relid::regclass::text ~ %s AND tuples_processed > 0"
        self._until(lambda: bool(self._rows(copying, relation)))
        self.process.send_signal(signal.SIGSTOP)
        found = list(of(self.process.pid))
        assert found
        for pid in found:
            with suppress(ProcessLookupError):  # it ended just now
                os.kill(pid, signal.SIGKILL)
        self.process.send_signal(signal.SIGCONT)

    def sockets(self) -> list[Path]:
        """The sockets that there are in the directory for temporary files."""
        return [path for path in self.scratch.rglob("*") if stat.S_ISSOCK(path.stat().st_mode)]

    def end(self) -> int:
        """Its exit code; by then nothing of it is left."""
        _, told = self.process.communicate(timeout=SECONDS)
        assert "Traceback" not in told and "SparkException" not in told
        assert list(self.scratch.glob("landfall-*")) == []  # neither parts nor sockets
        return self.process.returncode

    def _until(self, true: Callable[[], bool]) -> None:
        deadline = time.monotonic() + SECONDS
        while not true():
            assert time.monotonic() < deadline and self.process.poll() is None
            time.sleep(0.01)


@pytest.mark.parametrize("master", [(), ("--master", "local[1,3]")], ids=["local", "tasks are tried again"])
def test_promise_2_of_a_killed_worker_no_row_is_lost_nor_doubled(table: Table, rows: Query, master: tuple[str]) -> None:
    load = Started(table, rows, *master)
    load.kill_workers_copying_into(table.name)
    assert load.end() == 0
    # By way of staging all of them, or none: a worker may be killed before its first row.
    assert table.rows("count(*), count(DISTINCT id), count(DISTINCT how)") == [(ROWS, ROWS, 1)]
    entries = "SELECT status, (SELECT count(*) FROM landfall.reject r WHERE r.load_id = l.load_id) FROM landfall.load l"
    assert rows(f"{entries} WHERE target = %s", table.name) == [("loaded", 1)]


def test_promise_3_when_workers_are_killed_on_either_way_nothing_is_loaded(table: Table, rows: Query) -> None:
    load = Started(table, rows)
    load.kill_workers_copying_into(table.name)
    load.kill_workers_copying_into("landfall_staging.rows")
    assert load.end() == 75
    assert table.rows() == []
    assert rows("SELECT status, error_kind FROM landfall.load WHERE target = %s", table.name) == [
        ("failed", "transient")
    ]


def test_promise_3_when_the_engine_is_killed_nothing_is_loaded(table: Table, rows: Query) -> None:
    """Nor what comes after it in the same command."""
    after = table.directory / "after.csv"
    after.write_text("id,name\n1,a\n")
    load = Started(table, rows, str(after))
    load.kill_engine_copying_into(table.name)
    assert load.end() == 75
    assert table.rows() == []
    assert (
        rows("SELECT status, error_kind FROM landfall.load WHERE target = %s", table.name)
        == [("failed", "transient")] * 2
    )


def test_the_socket_of_a_load_that_is_interrupted_is_gone(table: Table, rows: Query) -> None:
    load = Started(table, rows)
    load._until(lambda: bool(load.sockets()))
    assert {stat.S_IMODE(path.parent.stat().st_mode) for path in load.sockets()} == {0o700}
    load.process.terminate()
    assert load.end() == 75
    assert table.rows() == []


def _workers(load: int) -> Iterator[int]:
    """Processes that Spark's daemon has forked, below the process `load`."""
    parents = {int(path.name): _parent(path) for path in Path("/proc").iterdir() if path.name.isdigit()}
    for pid, parent in parents.items():
        above = parents.get(parents.get(parent, 0), 0)
        if load in (above, parents.get(above)) and _is_daemon(pid) and _is_daemon(parent):
            yield pid


def _machine(load: int) -> Iterator[int]:
    """The JVM below the process `load`."""
    for path in Path("/proc").iterdir():
        if path.name.isdigit() and _parent(path) == load and _is(int(path.name), b"org.apache.spark.deploy"):
            yield int(path.name)


def _parent(process: Path) -> int:
    try:
        return int((process / "stat").read_text().rpartition(") ")[2].split()[1])
    except OSError:
        return 0


def _is_daemon(pid: int) -> bool:
    return _is(pid, b"pyspark.daemon")


def _is(pid: int, program: bytes) -> bool:
    with suppress(OSError):
        return program in Path(f"/proc/{pid}/cmdline").read_bytes()
    return False
