"""Make a fresh database ready for a role that logs in by IAM: the role, its grants, the ledger in its ownership.

On RDS a role logs in by IAM when it is a member of `rds_iam`, also by way of another role (RDS user guide, "Creating a
database account using IAM authentication"), and then no longer by password. So whoever runs this with a password must
not be a member of the role when it is over.
"""

from __future__ import annotations

import uuid

import psycopg2
from psycopg2 import sql
from psycopg2.extensions import cursor as Cursor  # noqa: N812

from pipeline.load import ledger
from pipeline.load.connect import Connection, translate

_IAM_ROLE = "rds_iam"
_MEMBER = """
    SELECT FROM pg_catalog.pg_auth_members
    WHERE member = (SELECT oid FROM pg_catalog.pg_roles WHERE rolname = %s)
      AND roleid = (SELECT oid FROM pg_catalog.pg_roles WHERE rolname = %s)
"""
_LEDGER_OWNER = "SELECT pg_get_userbyid(nspowner) FROM pg_catalog.pg_namespace WHERE nspname = 'landfall'"
_SCHEMAS = """
    SELECT nspname FROM pg_catalog.pg_namespace
    WHERE nspowner = (SELECT oid FROM pg_catalog.pg_roles WHERE rolname = current_user)
"""


def bootstrap(admin: Connection, role: str) -> list[str]:
    """Create `role` if absent with the ledger as its own, and let it log in (by IAM where the server is RDS).

    `admin` is a session of a role that may create roles; it may read what `role` creates, but is no member of it.
    Returns what was done, a line each. Running it again changes nothing. Raises DestinationError when a right is
    missing.
    """
    try:
        with admin, admin.cursor() as cursor:
            return _prepare(cursor, role)
    except psycopg2.Error as error:
        raise translate(error) from error


def _prepare(cursor: Cursor, role: str) -> list[str]:
    cursor.execute("SELECT current_database(), current_user")
    database, user = cursor.fetchone() or ("", "")
    iam = _exists(cursor, _IAM_ROLE)
    if not _exists(cursor, role):
        _create(cursor, role, user, database)
        done = [f"created role {role}"]
    else:
        done = [f"role {role} is there"]
        _grant(cursor, role, database)
        if user != role and _is_member(cursor, user, role):
            done += _part(cursor, role, user, database, iam)
    if iam:
        if not _is_member(cursor, role, _IAM_ROLE):
            _run(cursor, "GRANT {} TO {}", _IAM_ROLE, role)
        done.append(f"{role} logs in by IAM")
    done.append(f"{role} may create schemas in database {database}")
    cursor.execute(_LEDGER_OWNER)
    owner = cursor.fetchone()
    done.append(f"the ledger (schema landfall) belongs to {owner[0]}" if owner else "its first load makes the ledger")
    return done


def _create(cursor: Cursor, role: str, user: str, database: str, heir_of: str | None = None) -> None:
    """Create the role and the ledger as its own, through a role that is dropped at once: since PostgreSQL 16 who
    creates a role is a member of it, and cannot leave. `heir_of`: a role that it takes the place of."""
    maker = f"landfall_maker_{uuid.uuid4().hex[:8]}"
    _run(cursor, "CREATE ROLE {} CREATEROLE", maker)
    _run(cursor, "GRANT {} TO {}", maker, user)
    _run(cursor, "SET LOCAL ROLE {}", maker)
    _run(cursor, "CREATE ROLE {} LOGIN", role)
    _run(cursor, "GRANT {} TO {}", role, maker)
    _run(cursor, "RESET ROLE")
    _grant(cursor, role, database)
    if heir_of:
        _run(cursor, "GRANT {} TO {}", heir_of, role)
        _run(cursor, "REASSIGN OWNED BY {} TO {}", heir_of, role)
        _run(cursor, "DROP OWNED BY {}", heir_of)
        _run(cursor, "DROP ROLE {}", heir_of)
    _as_the_role(cursor, role, user)
    _run(cursor, "DROP ROLE {}", maker)


def _as_the_role(cursor: Cursor, role: str, user: str) -> None:
    """Create the ledger, and let `user` read it and whatever else the role creates."""
    _run(cursor, "SET LOCAL ROLE {}", role)
    ledger.install(cursor)
    cursor.execute("SELECT FROM pg_catalog.pg_roles WHERE rolname = %s AND rolsuper", (user,))
    if not cursor.rowcount:
        _run(cursor, "ALTER DEFAULT PRIVILEGES GRANT USAGE ON SCHEMAS TO {}", user)
        _run(cursor, "ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO {}", user)
        cursor.execute(_SCHEMAS)
        for (schema,) in cursor.fetchall():
            _run(cursor, "GRANT USAGE ON SCHEMA {} TO {}", schema, user)
            _run(cursor, "GRANT SELECT ON ALL TABLES IN SCHEMA {} TO {}", schema, user)
    _run(cursor, "RESET ROLE")


def _part(cursor: Cursor, role: str, user: str, database: str, iam: bool) -> list[str]:
    """End the membership of `user` in the role, which earlier versions left behind. What the server gave by itself
    cannot be revoked: then, where it does harm, a new role takes the old one's place."""
    _run(cursor, "GRANT {} TO {}", role, user)  # who only administers a role may not act as it
    _as_the_role(cursor, role, user)
    _run(cursor, "REVOKE {} FROM {}", role, user)
    if iam and _is_member(cursor, user, role):
        old = f"{role[:50]}_{uuid.uuid4().hex[:8]}"
        _run(cursor, "GRANT {} TO {}", role, user)
        _run(cursor, "ALTER ROLE {} RENAME TO {}", role, old)
        _create(cursor, role, user, database, heir_of=old)
    return [f"{user} is no longer a member of {role}"] if not _is_member(cursor, user, role) else []


def _grant(cursor: Cursor, role: str, database: str) -> None:
    _run(cursor, "GRANT CONNECT, CREATE, TEMPORARY ON DATABASE {} TO {}", database, role)


def _is_member(cursor: Cursor, role: str, of: str) -> bool:
    cursor.execute(_MEMBER, (role, of))
    return cursor.rowcount > 0


def _exists(cursor: Cursor, role: str) -> bool:
    cursor.execute("SELECT FROM pg_catalog.pg_roles WHERE rolname = %s", (role,))
    return cursor.rowcount == 1


def _run(cursor: Cursor, statement: str, *names: str) -> None:
    cursor.execute(sql.SQL(statement).format(*map(sql.Identifier, names)))
