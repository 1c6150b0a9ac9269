"""DuckDB reads the CSV, the ADBC driver writes it by binary COPY: FILE URL SCHEMA."""

from __future__ import annotations

import sys

import adbc_driver_postgresql.dbapi
import duckdb
from columns import named


def main(path: str, url: str, schema: str) -> None:
    """Load it into the table, which exists."""
    columns = named({"numeric(12,2)": "decimal(12,2)", "char(1)": "varchar", "text": "varchar"})
    with duckdb.connect() as reader, adbc_driver_postgresql.dbapi.connect(url) as session, session.cursor() as cursor:
        rows = reader.read_csv(path, header=True, dtype=columns)
        cursor.adbc_ingest("lineitem", rows.to_arrow_reader(), mode="append", db_schema_name=schema)
        session.commit()


if __name__ == "__main__":
    main(*sys.argv[1:4])
