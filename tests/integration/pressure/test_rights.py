"""What a role may: rights, a read-only server, and how many sessions."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace

import pytest
from psycopg2 import sql

from pipeline.load.connect import Connection, Destination, connect
from tests.conftest import maintain
from tests.integration.loader import Loader
from tests.integration.pressure.case import Case, Waiting


@pytest.fixture
def clerk(server: Destination, database: Destination, conn: Connection) -> Iterator[Destination]:
    """A role that may do everything in the database but owns nothing of it."""
    name = sql.Identifier(f"landfall_clerk_{uuid.uuid4().hex[:8]}")
    maintain(server, sql.SQL("CREATE ROLE {} LOGIN PASSWORD 'clerk'").format(name))
    with conn, conn.cursor() as cursor:
        cursor.execute(
            sql.SQL("GRANT ALL ON DATABASE {} TO {}").format(sql.Identifier(str(database.url.database)), name)
        )
        for kind in ("SCHEMA landfall, landfall_staging", "ALL TABLES IN SCHEMA landfall, landfall_staging",
                     "ALL SEQUENCES IN SCHEMA landfall, landfall_staging"):  # fmt: skip
            cursor.execute(sql.SQL("GRANT ALL ON " + kind + " TO {}").format(name))
    yield replace(database, url=database.url.set(username=name.string, password="clerk"))
    maintain(database, sql.SQL("DROP OWNED BY {}").format(name))
    maintain(server, sql.SQL("DROP ROLE {}").format(name))


def as_clerk(case: Case, clerk: Destination) -> None:
    case.sail = Loader(case.sail._pool, case.sail.engine, clerk)


@pytest.mark.parametrize("lacking", ["USAGE", "INSERT"])
def test_missing_rights(case: Case, clerk: Destination, conn: Connection, lacking: str) -> None:
    as_clerk(case, clerk)
    name = sql.Identifier(str(clerk.url.username))
    schema, target = sql.Identifier(case.schema), sql.Identifier(case.schema, "target")
    if lacking == "INSERT":
        with conn, conn.cursor() as cursor:
            cursor.execute(sql.SQL("GRANT USAGE ON SCHEMA {} TO {}").format(schema, name))
            cursor.execute(sql.SQL("GRANT SELECT ON {} TO {}").format(target, name))
    case.failed(case.load(), 65, "missing rights.*GRANT")
    with conn, conn.cursor() as cursor:
        cursor.execute(sql.SQL("GRANT USAGE ON SCHEMA {} TO {}").format(schema, name))
        cursor.execute(sql.SQL("GRANT ALL ON {} TO {}").format(target, name))
    case.recovered()


def test_a_read_only_server(case: Case, server: Destination, database: Destination) -> None:
    name = sql.Identifier(str(database.url.database))
    maintain(server, sql.SQL("ALTER DATABASE {} SET default_transaction_read_only = on").format(name))
    try:
        receipt = case.load()
    finally:
        maintain(server, sql.SQL("ALTER DATABASE {} RESET default_transaction_read_only").format(name))
    case.failed(receipt, 65, "read-only.*writer")
    case.recovered()


def test_too_many_connections(case: Case, clerk: Destination, conn: Connection, server: Destination) -> None:
    as_clerk(case, clerk)
    name = sql.Identifier(str(clerk.url.username))
    with conn, conn.cursor() as cursor:
        cursor.execute(sql.SQL("GRANT USAGE ON SCHEMA {} TO {}").format(sql.Identifier(case.schema), name))
        cursor.execute(sql.SQL("GRANT ALL ON {} TO {}").format(sql.Identifier(case.schema, "target"), name))
    maintain(server, sql.SQL("ALTER ROLE {} CONNECTION LIMIT 1").format(name))
    with closing(connect(clerk, "test-holder", wait=10)) as holder:
        case.failed(case.load(database_wait=1), 75, "too many connections.*load again")
        waiting = Waiting(case, database_wait=30)
        time.sleep(1)
        holder.close()
        time.sleep(1)
        maintain(server, sql.SQL("ALTER ROLE {} CONNECTION LIMIT -1").format(name))
    case.recovered(waiting.receipt())
