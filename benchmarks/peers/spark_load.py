"""Spark's CSV reader and JDBC writer, the usual way of PySpark: FILE URL SCHEMA [OPTION=VALUE ...] of the connection.

The driver is the file LANDFALL_JDBC_JAR, by default Debian's package libpostgresql-jdbc-java.
"""

from __future__ import annotations

import os
import sys

from columns import named
from pyspark.sql import SparkSession

JAR = os.environ.get("LANDFALL_JDBC_JAR", "/usr/share/java/postgresql.jar")


def main(path: str, url: str, schema: str, *options: str) -> None:
    """Load it into the table, which exists."""
    names = {"integer": "int", "numeric(12,2)": "decimal(12,2)", "char(1)": "string", "text": "string"}
    columns = ", ".join(f"{column} {kind}" for column, kind in named(names).items())
    spark = SparkSession.builder.master("local[*]").config("spark.jars", JAR).getOrCreate()
    properties = {"user": "postgres", "driver": "org.postgresql.Driver", **dict(o.split("=", 1) for o in options)}
    address = "jdbc:postgresql://" + url.partition("@")[2]
    rows = spark.read.csv(path, schema=columns, header=True)
    rows.write.jdbc(address, f"{schema}.lineitem", mode="append", properties=properties)
    spark.stop()


if __name__ == "__main__":
    main(*sys.argv[1:])
