"""The role that logs in by IAM: created once, with just the rights that loads need, owner of the ledger."""

from __future__ import annotations

import json
import subprocess
import sys
import uuid
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from typing import Any

import pytest
from psycopg2 import sql

from pipeline.errors import DestinationError
from pipeline.load import bootstrap as room
from pipeline.load import ledger
from pipeline.load.bootstrap import bootstrap
from pipeline.load.connect import Connection, Destination, connect
from tests.conftest import embedded_server, fresh_database, maintain

MEMBERS = "SELECT member::regrole::text FROM pg_auth_members WHERE roleid = %s::regrole"


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


@pytest.fixture
def loader(server: Destination) -> Iterator[str]:
    """The name of a role that is gone afterwards, as are those that were made on the way to it."""
    name = f"loader_{uuid.uuid4().hex[:8]}"
    yield name
    session = connect(server, "test-clean")
    with session, session.cursor() as cursor:
        cursor.execute("SELECT rolname FROM pg_roles WHERE rolname ~ %s", (f"^{name}|^landfall_maker_",))
        left = [row[0] for row in cursor.fetchall()]
        for role in left:
            cursor.execute(sql.SQL("DROP ROLE {}").format(sql.Identifier(role)))
    session.close()
    assert left == [name]


@pytest.fixture
def master(server: Destination, loader: str) -> Iterator[Destination]:
    """A database whose owner may create roles and is no superuser, like the master user of RDS."""
    with owned_database(server, f"master_{loader}") as own:
        yield own


@contextmanager
def owned_database(server: Destination, user: str) -> Iterator[Destination]:
    name = sql.Identifier(user)
    maintain(server, sql.SQL("CREATE ROLE {} LOGIN CREATEROLE PASSWORD 'only-here'").format(name))
    with fresh_database(server) as own:
        maintain(server, sql.SQL("ALTER DATABASE {} OWNER TO {}").format(sql.Identifier(str(own.url.database)), name))
        yield replace(own, url=own.url.set(username=user, password="only-here"))
    maintain(server, sql.SQL("DROP ROLE {}").format(name))


def query(session: Connection, statement: str, *values: str) -> list[tuple[Any, ...]]:
    with session, session.cursor() as cursor:
        cursor.execute(statement, values)
        return cursor.fetchall()


def test_who_runs_it_is_no_member_of_the_role_but_reads_what_it_makes(master: Destination, loader: str) -> None:
    with closing(connect(master, "test")) as session:
        assert bootstrap(session, loader)[0] == f"created role {loader}"
        assert bootstrap(session, loader)[0] == f"role {loader} is there"
        assert query(session, MEMBERS, loader) == []
        assert query(session, "SELECT count(*) FROM landfall.load") == [(0,)]


@pytest.mark.parametrize("used", [True, False])
def test_an_earlier_membership_is_ended(
    server: Destination, master: Destination, loader: str, monkeypatch: pytest.MonkeyPatch, used: bool
) -> None:
    """Of a role that an earlier version made and loads used, or that somebody made by hand."""
    iam, user = f"{loader}_iam", str(master.url.username)
    monkeypatch.setattr(room, "_IAM_ROLE", iam)
    maintain(server, sql.SQL("CREATE ROLE {}").format(sql.Identifier(iam)))
    maintain(server, sql.SQL("GRANT {} TO {} WITH ADMIN OPTION").format(*map(sql.Identifier, (iam, user))))
    with closing(connect(master, "test")) as session:
        with session, session.cursor() as cursor:
            cursor.execute(f"CREATE ROLE {loader} LOGIN")
            cursor.execute(f"GRANT {loader} TO {user}" if used else "SELECT")
        if used:
            with session, session.cursor() as cursor:
                cursor.execute(f"GRANT {iam} TO {loader}; GRANT CREATE ON DATABASE {master.url.database} TO {loader}")
                cursor.execute(f"SET ROLE {loader}")
            ledger.ensure(session)
            with session, session.cursor() as cursor:
                cursor.execute("CREATE SCHEMA sales; CREATE TABLE sales.orders (id int); RESET ROLE")
        member = query(session, MEMBERS, loader)  # before PostgreSQL 16, who makes a role is no member of it
        done = bootstrap(session, loader)
        assert (f"{user} is no longer a member of {loader}" in done) == bool(member)
        assert done[-1].startswith(f"the ledger (schema landfall) belongs to {loader}" if member else "its first load")
        assert query(session, MEMBERS, loader) == []
        assert query(session, "SELECT pg_has_role(%s, %s, 'MEMBER')", loader, iam) == [(True,)]
        tables = "SELECT DISTINCT tableowner FROM pg_tables WHERE schemaname IN ('landfall', 'sales')"
        assert query(session, tables) == [(loader,)] * bool(member)
        assert not member or query(session, "SELECT count(*) FROM landfall.load") == [(0,)]
        assert not used or query(session, "SELECT count(*) FROM sales.orders") == [(0,)]
    with closing(connect(replace(master, url=server.url.set(database=master.url.database)), "test")) as session:
        query(session, f"DROP OWNED BY {user} CASCADE; DROP ROLE {iam}; SELECT 1")


def test_the_password_goes_on_working_where_members_of_rds_iam_need_a_token() -> None:
    """The server lets no member of rds_iam in, not even an indirect one: nobody here could check a token."""
    access = "local all postgres trust\nlocal all +rds_iam reject\nlocal all all scram-sha-256\n"
    with embedded_server() as (directory, server), owned_database(server, "master") as master:
        with closing(connect(master, "test")) as session:
            bootstrap(session, "loader")
        (directory / "pg_hba.conf").write_text(access)
        for statement in ("CREATE ROLE rds_iam", "GRANT rds_iam TO loader", "SELECT pg_reload_conf()"):
            maintain(server, sql.SQL(statement))
        with pytest.raises(DestinationError, match="rejects connection"):
            connect(replace(master, url=master.url.set(username="loader"), wait=0), "test")
        with closing(connect(replace(master, wait=0), "test")) as session:
            assert bootstrap(session, "loader")[1] == "loader logs in by IAM"
