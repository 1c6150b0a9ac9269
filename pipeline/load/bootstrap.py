"""Make a fresh database ready for a role that logs in by IAM: the role, its grants, the ledger in its ownership."""

from __future__ import annotations

import psycopg2
from psycopg2 import sql

from pipeline.load import ledger
from pipeline.load.connect import Connection, translate

# On RDS a role logs in by IAM when it is a member of this one (Aurora user guide, "Creating a database account").
_IAM_ROLE = "rds_iam"


def bootstrap(admin: Connection, role: str) -> list[str]:
    """Create `role` if absent, let it log in (by IAM where the server is RDS), and create the ledger as its own.

    `admin` is a session of a role that may create roles. Returns what was done, a line each. Running it again changes
    nothing. Raises DestinationError when a right is missing.
    """
    try:
        done = _role(admin, role)
        with admin, admin.cursor() as cursor:
            cursor.execute(sql.SQL("SET ROLE {}").format(sql.Identifier(role)))
        ledger.ensure(admin)
        with admin, admin.cursor() as cursor:
            cursor.execute("RESET ROLE")
    except psycopg2.Error as error:
        admin.rollback()
        raise translate(error) from error
    return [*done, f"the ledger (schema landfall) belongs to {role}"]


def _role(admin: Connection, role: str) -> list[str]:
    name = sql.Identifier(role)
    with admin, admin.cursor() as cursor:
        done = [f"role {role} is there"]
        if not _exists(cursor, role):
            cursor.execute(sql.SQL("CREATE ROLE {} LOGIN").format(name))
            done = [f"created role {role}"]
        if _exists(cursor, _IAM_ROLE):
            cursor.execute(sql.SQL("GRANT {} TO {}").format(sql.Identifier(_IAM_ROLE), name))
            done.append(f"{role} logs in by IAM")
        cursor.execute("SELECT current_database(), current_user")
        database, user = cursor.fetchone() or ("", "")
        cursor.execute(
            sql.SQL("GRANT CONNECT, CREATE, TEMPORARY ON DATABASE {} TO {}").format(sql.Identifier(database), name)
        )
        if user != role:
            cursor.execute(sql.SQL("GRANT {} TO {}").format(name, sql.Identifier(user)))
        done.append(f"{role} may create schemas in database {database}")
        return done


def _exists(cursor: psycopg2.extensions.cursor, role: str) -> bool:
    cursor.execute("SELECT FROM pg_catalog.pg_roles WHERE rolname = %s", (role,))
    return cursor.rowcount == 1
