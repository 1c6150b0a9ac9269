"""`make demo`: the samples, loaded into an embedded PostgreSQL, as a person would type it.

Every command shown is run as it stands, in a process of its own. Options come from the environment, so that the
commands stay short.
"""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
import time
from pathlib import Path

from psycopg2 import sql

from pipeline.load import embedded
from pipeline.load.connect import connect

ROOT = Path(__file__).parent.parent
DATA = Path(os.environ.get("LANDFALL_DATA_DIR", ROOT / "landfall-data"))
LANDFALL = Path(sys.executable).parent / "landfall"
BOLD, PLAIN = ("\033[1m", "\033[0m") if sys.stdout.isatty() else ("", "")


def main() -> None:
    """Show the whole story; the database is left for queries."""
    started = time.monotonic()
    url, psql = fresh_database()
    environment = {
        **os.environ,
        "LANDFALL_DATABASE_URL": url,
        "LANDFALL_CONTRACTS": "samples/contracts",
    }
    say("A vendor's order file, with some bad rows: the good rows load, the bad ones are kept with their reasons.")
    first = landfall(environment, "load", "samples/acme/orders/orders_2026-11-20.csv")
    say("The rejects, as the sender wrote them:")
    landfall(environment, "rejects", load_id(first))
    say("The same file again: the ledger knows its content.")
    landfall(environment, "load", "samples/acme/orders/orders_2026-11-20.csv")
    say("The vendor's corrected file: only rows that really changed are written.")
    landfall(environment, "load", "samples/acme/orders/orders_2026-11-21.csv")
    say("Other formats, several at once: CSV with missing values, nested NDJSON in gzip, Parquet.")
    landfall(environment, "load", "samples/flights", "samples/web", "samples/trips")
    say("What was loaded when:")
    landfall(environment, "loads")
    say("And the rows are there:")
    for query in QUERIES:
        show_rows(psql, query)
    say(f"Done in {time.monotonic() - started:.1f} s. The database is yours to query:")
    print(f"  {psql}")
    print("  (stop it: make demo-stop)")


QUERIES = (
    "SELECT order_no, order_date, amount, status, qty, _line FROM sales.orders ORDER BY order_no LIMIT 4",
    "SELECT carrier, count(*) AS flights, round(avg(dep_delay), 1) AS mean_delay FROM aviation.flights "
    "GROUP BY carrier ORDER BY flights DESC LIMIT 4",
    "SELECT line, rule, column_name, message FROM landfall.reject ORDER BY load_id, line LIMIT 6",
)


def fresh_database() -> tuple[str, str]:
    """Start the embedded server with an empty database `landfall`; its URL, and the psql command for it."""
    maintenance = embedded.start(DATA, "postgres")
    session = connect(maintenance, "demo")
    session.autocommit = True
    with session.cursor() as cursor:
        name = sql.Identifier(embedded.DATABASE)
        cursor.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(name))
        cursor.execute(sql.SQL("CREATE DATABASE {}").format(name))
    session.close()
    destination = embedded.start(DATA)
    return destination.url.render_as_string(hide_password=False), embedded.psql_command(destination)


def landfall(environment: dict[str, str], *arguments: str) -> str:
    """Show and run one landfall command. A load with rejects that exceed nothing exits with 0."""
    print(f"{BOLD}$ landfall {shlex.join(arguments)}{PLAIN}", flush=True)
    quiet = ["--quiet"] if arguments[0] == "load" and not sys.stderr.isatty() else []
    command = [str(LANDFALL), *arguments, *quiet]
    done = subprocess.run(command, env=environment, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=False)  # noqa: S603
    print(done.stdout, flush=True)
    if done.returncode:
        sys.exit(done.returncode)
    return done.stdout


def load_id(output: str) -> str:
    """The load id that a printed receipt names."""
    return output.split("  load ")[-1].split(",")[0]


def show_rows(psql: str, query: str) -> None:
    """Show and run one query."""
    print(f"{BOLD}> {query}{PLAIN}", flush=True)
    command = [*shlex.split(psql), "--pset", "pager=off", "--command", query]
    subprocess.run(command, check=True, cwd=ROOT)  # noqa: S603


def say(text: str) -> None:
    """One remark between the commands."""
    print(f"{BOLD}# {text}{PLAIN}", flush=True)


if __name__ == "__main__":
    main()
