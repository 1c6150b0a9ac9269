"""A destination that says no: the documented exit code, one message that says what to do, nothing lost, and once the
reason is gone the same file loads."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from pipeline.load.connect import Connection
from tests.integration.pressure.case import CALM, RAISES, Case, execute


@dataclass(frozen=True)
class Pressure:
    """What is done to the destination before a load, in SQL ({target}, {schema}), and how it is taken back."""

    name: str
    apply: str
    relieve: str
    code: int
    said: str


REFUSALS = [
    Pressure("check_constraint", "ALTER TABLE {target} ADD CONSTRAINT below_5 CHECK (id < 5)",
             "ALTER TABLE {target} DROP CONSTRAINT below_5", 65, "check constraint below_5 of"),
    Pressure("unique_index", "INSERT INTO {target} (id, name) VALUES (0, 'e'); CREATE UNIQUE INDEX one_name ON {target} (name)",
             "DROP INDEX {schema}.one_name; DELETE FROM {target} WHERE id = 0", 65, "unique constraint one_name of"),
    Pressure("foreign_key", "CREATE TABLE {schema}.names AS SELECT name FROM {target}; ALTER TABLE {schema}.names ADD PRIMARY KEY (name);"
             "ALTER TABLE {target} ADD CONSTRAINT known FOREIGN KEY (name) REFERENCES {schema}.names DEFERRABLE INITIALLY DEFERRED",
             "ALTER TABLE {target} DROP CONSTRAINT known", 65, "foreign key constraint known of"),
    Pressure("not_null_column", "ALTER TABLE {target} ADD COLUMN note text NOT NULL DEFAULT ''; ALTER TABLE {target} ALTER note DROP DEFAULT",
             "ALTER TABLE {target} DROP COLUMN note", 65, "not-null constraint note of"),
    Pressure("exclusion", "ALTER TABLE {target} ADD CONSTRAINT apart EXCLUDE USING btree ((id / 100) WITH =) WHERE (id > 3)",
             "ALTER TABLE {target} DROP CONSTRAINT apart", 65, "exclusion constraint apart of"),
    Pressure("trigger_raises", RAISES % "RAISE EXCEPTION 'closed on Sundays'", CALM, 65, "closed on Sundays.*guard"),
    Pressure("trigger_swallows", RAISES % "IF NEW.id = 5 THEN RETURN NULL; END IF", CALM, 65, "guard"),
    Pressure("statement_cancelled", RAISES % "PERFORM pg_cancel_backend(pg_backend_pid()); PERFORM pg_sleep(5)", CALM,
             75, "cancelled.*load again"),
    Pressure("backend_terminated", RAISES % "PERFORM pg_terminate_backend(pg_backend_pid()); PERFORM pg_sleep(5)", CALM,
             75, "load again"),
    Pressure("out_of_temporary_space", RAISES % "RAISE SQLSTATE '53100'", CALM, 75, "disk is full.*53100"),
    Pressure("column_retyped", "ALTER TABLE {target} ALTER name TYPE integer USING 0",
             "ALTER TABLE {target} ALTER name TYPE text USING chr(96 + id::int)", 65, "name"),
    Pressure("table_is_a_view", "ALTER TABLE {target} RENAME TO moved; CREATE VIEW {target} AS SELECT * FROM {schema}.moved",
             "DROP VIEW {target}; ALTER TABLE {schema}.moved RENAME TO target", 65, "view"),
]  # fmt: skip


@pytest.mark.parametrize("pressure", REFUSALS, ids=lambda pressure: pressure.name)
def test_what_the_target_refuses(case: Case, pressure: Pressure, conn: Connection) -> None:
    with conn:
        execute(conn, case.sql(pressure.apply))
    case.failed(case.load(), pressure.code, pressure.said)
    with conn:
        execute(conn, case.sql(pressure.relieve))
    case.recovered()
