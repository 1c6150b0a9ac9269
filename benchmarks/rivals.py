"""The peers: other programs that load the same file into the same columns, each from an environment of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import data
from cases import Case, Ground, Side
from measure import CommandError
from server import TCP

SCRIPTS = Path(__file__).parent / "peers"
SCHEMA = "bench_peers"
TYPES = (
    "SELECT string_agg(a.attname || ' ' || format_type(a.atttypid, a.atttypmod), ', ' ORDER BY a.attnum) "
    "FROM pg_attribute a WHERE a.attrelid = '{table}'::regclass AND a.attnum > 0 AND NOT a.attisdropped"
)
INSTALL_SECONDS = 600


@dataclass(frozen=True)
class Peer:
    """`script` and its last `words`; `requirements`: a file, or "" for the project's own environment."""

    name: str
    script: str
    requirements: str
    settings: str
    words: tuple[str, ...] = ()
    makes_table: bool = False


PEERS = [
    Peer("DuckDB + ADBC", "duckdb_load.py", "duckdb.txt", "read_csv with the types given, binary COPY"),
    Peer("sling", "sling_load.py", "sling.txt", "full-refresh, bulk COPY, types given", makes_table=True),
    Peer("ingestr", "ingestr_load.py", "ingestr.txt", "replace, types given", makes_table=True),
    Peer("dlt, Arrow and CSV", "dlt_load.py", "dlt.txt", "loader format csv, a worker a core", ("csv",), True),
    Peer(
        "dlt, Arrow and Parquet",
        "dlt_load.py",
        "dlt.txt",
        "loader format parquet (ADBC), a worker a core",
        ("parquet",),
        True,
    ),
    Peer(
        "Spark JDBC, rewritten batches",
        "spark_load.py",
        "",
        "reWriteBatchedInserts=true, types given",
        ("reWriteBatchedInserts=true",),
    ),
    Peer("Spark JDBC, default", "spark_load.py", "", "as it comes, types given"),
    Peer("dlt, default", "dlt_load.py", "dlt.txt", "filesystem source, INSERT statements", ("default",), True),
]


def peers(ground: Ground, scale: float) -> list[Case]:
    """The same append by every peer; landfall goes first. All of them connect by TCP on localhost, psql too."""
    path = data.lineitem(ground.directory, scale)
    name, tcp = f"SF{scale:g} CSV append: ", {"LANDFALL_DATABASE_URL": TCP}
    check = ground.holds("bench_append.lineitem", data.rows(path))
    copy = ground.copy(path)
    rival = Side(_by_tcp(copy.command), copy.before)
    ours = Side(ground.load(path, "append"), ground.clean, check, tcp)
    return [
        Case("peers", name + "landfall", ours, rival, 1, "checks every row, exactly once"),
        *(Case("peers", name + p.name, _side(ground, p, path), rival, 1, p.settings) for p in PEERS),
    ]


def _by_tcp(command: list[str]) -> list[str]:
    where = command.index("-h")
    return [*command[: where + 1], "127.0.0.1", *command[where + 2 :]]


def _side(ground: Ground, peer: Peer, path: Path) -> Side:
    """Its environment is made before the first run, where a failure counts as that of the peer."""
    python = ground.directory / "peers" / peer.requirements.removesuffix(".txt") / "bin" / "python"
    command = [str(python if peer.requirements else sys.executable), str(SCRIPTS / peer.script)]
    count = ground.holds(f"{SCHEMA}.lineitem", data.rows(path))

    def before() -> None:
        if peer.requirements:
            install(python, SCRIPTS / peer.requirements)
        ground.table(SCHEMA)
        if peer.makes_table:
            ground.server.run(f"DROP TABLE {SCHEMA}.lineitem")

    def after() -> str:
        count()
        return _other_types(ground)

    return Side([*command, str(path), TCP, SCHEMA, *peer.words], before, after)


def _other_types(ground: Ground) -> str:
    """Columns of the peer's table that differ from those that psql fills."""
    found = ground.server.run(TYPES.format(table=f"{SCHEMA}.lineitem")).split(", ")
    ground.table()
    wanted = set(ground.server.run(TYPES.format(table="bench_base.lineitem")).split(", "))
    return ", ".join(column for column in found if column not in wanted)


def install(python: Path, requirements: Path) -> None:
    """Make the environment of `python` once, again when the requirements changed. Raises CommandError."""
    home = python.parent.parent
    done = home / "installed.txt"
    if done.exists() and done.read_text() == requirements.read_text():
        return
    made = [sys.executable, "-m", "venv", "--clear", str(home)]
    pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r", str(requirements)]
    for command in (made, pip):
        try:
            ended = subprocess.run(
                command, check=False, capture_output=True, text=True, timeout=INSTALL_SECONDS, env=dict(os.environ)
            )
        except subprocess.TimeoutExpired:
            raise CommandError(f"cannot be installed within {INSTALL_SECONDS} s") from None
        if ended.returncode:
            raise CommandError(f"cannot be installed: {ended.stderr.strip()[-500:]}")
    done.write_text(requirements.read_text())


def versions() -> dict[str, str]:
    """What is pinned, as `package: version`."""
    lines = [line for file in sorted(SCRIPTS.glob("*.txt")) for line in file.read_text().splitlines()]
    pins = (line.partition("[")[0] if "[" in line else line.partition("==")[0] for line in lines)
    return {pin: line.partition("==")[2] for pin, line in zip(pins, lines, strict=True) if "==" in line}
