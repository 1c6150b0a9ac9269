"""The role that logs in by IAM: created once, with just the rights that loads need, owner of the ledger."""

from __future__ import annotations

import json
import subprocess
import sys
import uuid
from collections.abc import Iterator
from dataclasses import replace

import pytest
from psycopg2 import sql

from pipeline.load.bootstrap import bootstrap
from pipeline.load.connect import Connection, Destination, connect
from tests.conftest import maintain


@pytest.fixture
def role(server: Destination, database: Destination) -> Iterator[str]:
    name = f"loader_{uuid.uuid4().hex[:8]}"
    yield name
    session = connect(database, "test-clean")
    with session, session.cursor() as cursor:
        cursor.execute(sql.SQL("DROP OWNED BY {} CASCADE").format(sql.Identifier(name)))
    session.close()
    maintain(server, sql.SQL("DROP ROLE IF EXISTS {}").format(sql.Identifier(name)))


def test_the_role_owns_the_ledger_and_is_no_superuser(conn: Connection, role: str) -> None:
    first = bootstrap(conn, role)
    again = bootstrap(conn, role)
    assert first[0] == f"created role {role}"
    assert again[0] == f"role {role} is there"
    with conn, conn.cursor() as cursor:
        cursor.execute("SELECT tableowner FROM pg_tables WHERE schemaname = 'landfall' GROUP BY 1")
        assert cursor.fetchall() == [(role,)]
        cursor.execute("SELECT rolsuper, rolcreaterole, rolcanlogin FROM pg_roles WHERE rolname = %s", (role,))
        assert cursor.fetchall() == [(False, False, True)]
        cursor.execute("SELECT current_user = session_user")
        assert cursor.fetchall() == [(True,)]


def test_the_secret_logs_in_and_is_never_shown(database: Destination, server: Destination, role: str) -> None:
    admin, password = f"admin_{uuid.uuid4().hex[:8]}", "p@ss/w:rd#1"
    maintain(
        server,
        sql.SQL("CREATE ROLE {} LOGIN SUPERUSER PASSWORD {}").format(sql.Identifier(admin), sql.Literal(password)),
    )
    try:
        url = replace(database, url=database.url.set(username=None, password=None)).url.render_as_string(False)
        secret = json.dumps({"username": admin, "password": password})
        command = [sys.executable, "-m", "pipeline", "init", "--bootstrap-role", role, "--database-url", url]
        done = subprocess.run(command, env={"LANDFALL_ADMIN_SECRET": secret}, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        assert f"created role {role}" in done.stdout
        broken = subprocess.run(command, env={"LANDFALL_ADMIN_SECRET": password}, capture_output=True, text=True)
        assert broken.returncode == 2
        assert password not in done.stdout + done.stderr + broken.stdout + broken.stderr
    finally:
        maintain(server, sql.SQL("DROP ROLE {}").format(sql.Identifier(admin)))
