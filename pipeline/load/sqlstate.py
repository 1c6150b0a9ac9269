"""What a PostgreSQL error means for a load: worth a retry or not, said without any value of a row."""

from __future__ import annotations

import re

import psycopg2

from pipeline.errors import ConnectionLostError, DestinationError, LandfallError, TransientError

# SQLSTATE (or its two-character class) of errors that another attempt may not meet, and what to tell (PostgreSQL
# manual, appendix A).
RETRY = {
    "08": "the connection to the database was lost",
    "25P03": "the database ended an idle transaction",
    "40": "another transaction was in the way (deadlock or serialization)",
    "53100": "the database's disk is full: free space or enlarge it",
    "53200": "the database is out of memory",
    "53300": "the database has too many connections: raise max_connections or load fewer files at once",
    "53": "the database is short of resources",
    "55P03": "a lock was not free in time: another load or session holds it",
    "55006": "an object that the load needs is in use",
    "57014": "the statement was cancelled or ran into statement_timeout",
    "57": "the database is starting, stopping or was told to end the session",
    "58": "the database server had a system error",
}

# Of these, a session that is gone: its server went away, or ended it.
LOST = ("08", "57P")

CONSTRAINTS = {
    "23502": "not-null",
    "23503": "foreign key",
    "23505": "unique",
    "23514": "check",
    "23P01": "exclusion",
}

# Classes whose messages name objects and rights, never values.
HARMLESS = ("0A", "25", "28", "3D", "3F", "42", "54")

COPY_PLACE = re.compile(r"COPY \S+, line \d+, column ([^:]+)")
FUNCTION = re.compile(r"function ([\w.\"$]+\([^)]*\))")


def translate(error: psycopg2.Error, reveal: bool = False) -> LandfallError:
    """The error of our tree for one of the driver's.

    `reveal`: also quote the server's own message where it may hold row values (only for a dataset without restricted
    columns).
    """
    state = error.pgcode
    if state is None:
        return _without_state(error)
    said = RETRY.get(state) or RETRY.get(state[:2])
    if said and state != "25006":
        kind = ConnectionLostError if state.startswith(LOST) else TransientError
        return kind(f"{said} (SQLSTATE {state}). Nothing was published; load again")
    return DestinationError(_refusal(error, state, reveal))


def _without_state(error: psycopg2.Error) -> LandfallError:
    """libpq's own errors carry no SQLSTATE: a lost connection, or a call that makes no sense (a bug)."""
    if isinstance(error, psycopg2.OperationalError | psycopg2.InterfaceError) or "connection" in str(error):
        return ConnectionLostError(
            "the connection to the database was lost. Nothing was published by this session; load again"
        )
    return LandfallError(f"unexpected use of the database driver: {type(error).__name__}")


def _refusal(error: psycopg2.Error, state: str, reveal: bool) -> str:
    diagnosis = error.diag
    table = ".".join(part for part in (diagnosis.schema_name, diagnosis.table_name) if part)
    said = f": {diagnosis.message_primary}" if reveal or state.startswith(HARMLESS) else ""
    if state[:2] == "23":
        name = diagnosis.constraint_name or diagnosis.column_name or "unnamed"
        kind = CONSTRAINTS.get(state, "integrity")
        return (
            f"rows break the {kind} constraint {name} of {table}{said}. Correct the file, or the constraint; load again"
        )
    if state == "42501":
        return f"missing rights{said}. GRANT them to the loading role, then load again"
    if state == "25006":
        return f"the database is read-only{said}. Point the database URL to the writer"
    return f"the database refused{_place(error)} (SQLSTATE {state}){said}. {_advice(state)}"


def _place(error: psycopg2.Error) -> str:
    """The column of a COPY or the function that raised, from the error's context, whose values are left out."""
    context = error.diag.context or ""
    if found := COPY_PLACE.search(context):
        return f" a value of column {found.group(1)}"
    if found := FUNCTION.search(context):
        return f" in function {found.group(1)}"
    return ""


def _advice(state: str) -> str:
    if state[:2] == "P0":
        return "A trigger or function of the target raised this; its message is in the server's log"
    if state in ("22P05", "22021"):
        return "The database's encoding cannot hold a character of the file: it should be UTF8"
    if state[:2] == "42":
        return "Was the table changed while the load ran? Compare it with the contract, then load again"
    return "Compare the target table with the contract; details are in the server's log"
