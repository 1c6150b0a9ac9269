"""Which columns' values nobody is shown, as the ledger knows it from the receipts."""

from __future__ import annotations

from psycopg2 import sql

from pipeline.load.connect import Connection

# What is restricted in any load of a dataset is so in all of them: a contract may have learned it later.
RESTRICTED = """
    SELECT DISTINCT l.dataset, name FROM landfall.load l
    CROSS JOIN LATERAL jsonb_array_elements_text(l.receipt->'restricted') AS name
    WHERE jsonb_typeof(l.receipt->'restricted') = 'array'
"""
OF = "SELECT name FROM ({}) AS r WHERE dataset = %s"
TOLD = """
    SELECT jsonb_typeof(receipt->'restricted') IS NOT DISTINCT FROM 'array' FROM landfall.load WHERE load_id = %s::uuid
"""


def restricted(conn: Connection, dataset: str, load_id: str) -> frozenset[str] | None:
    """The restricted columns of the dataset; None if the load's receipt does not say which there were."""
    with conn, conn.cursor() as cursor:
        cursor.execute(TOLD, (load_id,))
        told = cursor.fetchone()
        if not told or not told[0]:
            return None
        cursor.execute(sql.SQL(OF).format(sql.SQL(RESTRICTED)), (dataset,))
        return frozenset(row[0] for row in cursor.fetchall())
