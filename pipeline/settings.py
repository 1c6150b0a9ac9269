"""What a run is told: options and environment, frozen into one value. Nothing else reads the environment."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

from pipeline.errors import UsageError

Engine = Literal["sail", "spark"]

# https://spark.apache.org/docs/latest/submitting-applications.html#master-urls; local-cluster[...] is none of these.
_LOCAL = re.compile(r"local(\[.*\])?")

# libpq's own variables (https://www.postgresql.org/docs/current/libpq-envars.html): libpq reads them by itself.
_PG_VARIABLES = ("PGHOST", "PGHOSTADDR", "PGPORT", "PGDATABASE", "PGUSER", "PGSERVICE")


@dataclass(frozen=True)
class Settings:
    """Options of one run. `database_url` None: libpq's PG* variables if `pg_variables`, else the embedded server.

    `streams`: partitions worked on at a time, each with its own database connection. `data_dir`: the embedded server's
    data. `database_wait`: seconds for which a database that does not answer is asked again; a paused Aurora takes its
    time to wake. `lake`: `s3://bucket/prefix` for receipts and rejects. `environment`: what contracts may refer to as
    `${NAME}`.
    """

    contracts: str | None = None
    database_url: URL | None = field(default=None, repr=False)
    pg_variables: bool = False
    database_wait: float = 180.0
    iam_auth: bool = False
    region: str | None = None
    ca_bundle: str | None = None
    engine: Engine = "sail"
    master: str | None = None
    work_dir: Path | None = None
    data_dir: Path = Path("landfall-data")
    streams: int = 2
    force: bool = False
    debug: bool = False
    lake: str | None = None
    notify: tuple[str, ...] = ()
    notify_successes: bool = False
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)

    @property
    def on_this_machine(self) -> bool:
        """Whether the engine's workers run where the load does: always with Sail, with Spark unless on a cluster."""
        return self.engine == "sail" or self.master is None or _LOCAL.fullmatch(self.master) is not None


def database_url(text: str | None) -> URL | None:
    """The URL of `--database-url`. Raises `UsageError`, without repeating the text, if it is not a PostgreSQL URL."""
    if not text:
        return None
    try:
        url = make_url(text)
    except (ArgumentError, ValueError):
        raise UsageError(
            "the database URL cannot be read; expected postgresql://user:password@host:5432/name"
        ) from None
    if not url.drivername.startswith("postgres"):
        raise UsageError(f"the database URL must begin with postgresql://, not {url.drivername}://")
    return url.set(drivername="postgresql")


def default_streams() -> int:
    """One partition a processor, at most 8: more connections rarely help one PostgreSQL server."""
    return max(1, min(8, os.cpu_count() or 1))


def uses_pg_variables() -> bool:
    """Whether libpq is told by its own environment variables where the database is."""
    return any(name in os.environ for name in _PG_VARIABLES)


def environment() -> dict[str, str]:
    """The process's environment, for contracts."""
    return dict(os.environ)
