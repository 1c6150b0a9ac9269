"""`make bench`: landfall beside `psql \\copy`, each case with its own baseline on the same server, in turn, medians.

    python benchmarks/bench.py --data DIR [--runs 3] [--only WORD] [--scale 1] [--output FILE.json]

Every ratio is of medians of runs that alternate, so that a machine whose speed drifts does not favour one side.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import data
from measure import Cost, measured, middle
from server import Server

LANDFALL = Path(sys.executable).parent / "landfall"
COPY = "\\copy bench_base.{table} from '{path}' with (format csv, header)"
BASE = "bench_base"


@dataclass(frozen=True)
class Case:
    """`before` prepares each counted run; `command` is landfall's; `baseline` the psql statements of its rival."""

    name: str
    command: list[str]
    baseline: list[str]
    before: Callable[[], None]
    baseline_before: Callable[[], None]


@dataclass(frozen=True)
class Result:
    """Medians of one case."""

    name: str
    landfall: Cost
    baseline: Cost

    @property
    def ratio(self) -> float:
        """Wall seconds of landfall by those of the baseline."""
        return self.landfall.wall / self.baseline.wall


class Bench:
    """The cases on one server and one set of data."""

    def __init__(self, server: Server, directory: Path, scale: float) -> None:
        self.server = server
        self.directory = directory
        self.csv = data.lineitem(directory, scale)
        self.environment = {**os.environ, "LANDFALL_DATABASE_URL": server.url}

    def cases(self) -> list[Case]:
        """In the order of the table of results."""
        small, tiny = data.first_rows(self.csv, 200_000), data.first_rows(self.csv, 1_000)
        return [
            self._append("SF1 CSV append", self.csv),
            self._append("SF1 CSV append, engine spark", self.csv, "--engine", "spark"),
            self._append("SF1 gzip CSV append", data.as_gzip(self.csv), rival=self.csv),
            self._append("SF1 Parquet append", data.as_parquet(self.csv), form="parquet", rival=self.csv),
            self._append("SF1 NDJSON append", data.as_ndjson(self.csv), form="json", rival=self.csv),
            self._replace(),
            self._upsert(),
            self._append("200,000 rows append", small),
            self._append("1,000 rows, whole process", tiny),
            self._many(),
            self._again(tiny),
        ]

    def run(self, case: Case, runs: int) -> Result:
        """`runs` pairs, landfall and baseline in turn."""
        ours, theirs = [], []
        for _ in range(runs):
            case.before()
            self.server.settle()
            ours.append(measured(case.command, self.environment, self.server.pid))
            case.baseline_before()
            self.server.settle()
            theirs.append(measured(self._psql(case.baseline), self.environment, self.server.pid))
        return Result(case.name, middle(ours), middle(theirs))

    def _psql(self, statements: list[str]) -> list[str]:
        return [*self.server.psql, "-Xq", "-v", "ON_ERROR_STOP=1", *(word for s in statements for word in ("-c", s))]

    def _load(self, path: Path, mode: str, form: str, *options: str) -> list[str]:
        contract = data.contract(self.directory, mode, form)
        return [str(LANDFALL), "load", str(path), "--contracts", str(contract), "--force", "--quiet", *options]

    def _fresh(self, mode: str) -> Callable[[], None]:
        return lambda: self.server.run(f"DROP SCHEMA IF EXISTS bench_{mode} CASCADE") and None

    def _table(self, name: str, key: str = "") -> list[str]:
        return [
            f"CREATE SCHEMA IF NOT EXISTS {BASE}",
            f"DROP TABLE IF EXISTS {BASE}.{name}",
            f"CREATE TABLE {BASE}.{name} {data.DDL}",
            *([f"ALTER TABLE {BASE}.{name} ADD PRIMARY KEY ({key})"] if key else []),
        ]

    def _append(self, name: str, path: Path, *options: str, form: str = "csv", rival: Path | None = None) -> Case:
        return Case(
            name,
            self._load(path, "append", form, *options),
            [COPY.format(table="lineitem", path=rival or path)],
            self._fresh("append"),
            lambda: self.server.run(*self._table("lineitem")) and None,
        )

    def _replace(self) -> Case:
        return Case(
            "SF1 CSV replace",
            self._load(self.csv, "replace", "csv"),
            [COPY.format(table="lineitem", path=self.csv)],
            self._fresh("replace"),
            lambda: self.server.run(*self._table("lineitem")) and None,
        )

    def _upsert(self) -> Case:
        """The table is loaded, then 1 % of it arrives changed. The rival: \\copy to temp, INSERT ... ON CONFLICT."""
        path, key = data.changed(self.csv), "l_orderkey, l_linenumber"
        columns = [line.strip().split()[0].lstrip("(") for line in data.DDL.replace("\n", " ").split(", ")]
        updates = ", ".join(f"{column} = excluded.{column}" for column in columns if column not in key.split(", "))
        load = self._load(self.csv, "upsert", "csv")

        def loaded() -> None:
            self._fresh("upsert")()
            measured(load, self.environment, self.server.pid)

        return Case(
            "SF1 CSV upsert, 1 % changed",
            self._load(path, "upsert", "csv"),
            [
                f"CREATE TEMP TABLE arrived {data.DDL}",
                f"\\copy arrived from '{path}' with (format csv, header)",
                f"INSERT INTO {BASE}.keyed SELECT * FROM arrived ON CONFLICT ({key}) DO UPDATE SET {updates}",
            ],
            loaded,
            lambda: self.server.run(*self._table("keyed", key), COPY.format(table="keyed", path=self.csv)) and None,
        )

    def _many(self) -> Case:
        """1,000 files of 1,000 rows in one process; the rival: one psql that copies them one after the other."""
        directory = data.many_files(self.csv)
        copies = [COPY.format(table="lineitem", path=path) for path in sorted(directory.iterdir())]
        return Case(
            "1,000 files of 1,000 rows",
            self._load(directory, "append", "csv"),
            copies,
            self._fresh("append"),
            lambda: self.server.run(*self._table("lineitem")) and None,
        )

    def _again(self, path: Path) -> Case:
        contract = data.contract(self.directory, "append")
        command = [str(LANDFALL), "load", str(path), "--contracts", str(contract), "--quiet"]
        return Case(
            "already loaded, decided",
            command,
            ["SELECT 1"],
            lambda: measured(command, self.environment, self.server.pid) and None,
            lambda: None,
        )


def table(results: list[Result]) -> str:
    """The results as Markdown."""
    lines = [
        "| case | landfall, s | psql, s | ratio | client CPU, s | server CPU, s (psql's) | peak memory, MB |",
        "|---|---|---|---|---|---|---|",
    ]
    for result in results:
        ours, theirs = result.landfall, result.baseline
        lines.append(
            f"| {result.name} | {ours.wall:.2f} | {theirs.wall:.2f} | {result.ratio:.2f} | {ours.client_cpu:.1f} | "
            f"{ours.server_cpu:.1f} ({theirs.server_cpu:.1f}) | {ours.memory / 1e6:.0f} |"
        )
    return "\n".join(lines)


def main() -> None:
    """Run the cases and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="where data and the server live; 20 GB for scale 1")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--only", default="", help="cases whose name holds this")
    parser.add_argument("--scale", type=float, default=1)
    parser.add_argument("--output", type=Path, help="results as JSON")
    options = parser.parse_args()
    options.data.mkdir(parents=True, exist_ok=True)
    bench = Bench(Server(options.data / "server"), options.data, options.scale)
    results = []
    for case in bench.cases():
        if options.only in case.name:
            results.append(bench.run(case, options.runs))
            print(table(results[-1:]).splitlines()[-1], flush=True)
    print(table(results))
    if options.output:
        options.output.write_text(json.dumps([asdict(result) for result in results], indent=1))


if __name__ == "__main__":
    main()
