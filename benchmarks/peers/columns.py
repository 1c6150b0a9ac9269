"""lineitem's columns and their PostgreSQL types, for every peer alike."""

from __future__ import annotations

MONEY = "numeric(12,2)"
COLUMNS = {
    "l_orderkey": "bigint",
    "l_partkey": "bigint",
    "l_suppkey": "bigint",
    "l_linenumber": "integer",
    "l_quantity": MONEY,
    "l_extendedprice": MONEY,
    "l_discount": MONEY,
    "l_tax": MONEY,
    "l_returnflag": "char(1)",
    "l_linestatus": "char(1)",
    "l_shipdate": "date",
    "l_commitdate": "date",
    "l_receiptdate": "date",
    "l_shipinstruct": "text",
    "l_shipmode": "text",
    "l_comment": "text",
}


def named(names: dict[str, str]) -> dict[str, str]:
    """The columns with another program's names for the types."""
    return {column: names.get(kind, kind) for column, kind in COLUMNS.items()}
