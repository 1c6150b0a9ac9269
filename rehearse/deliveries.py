"""The files of the rehearsal, for the samples' contracts."""

from __future__ import annotations

import gzip
import json
import uuid

from rehearse.site import ROOT

# Keys that arrive as others where somebody decodes them once too often or never.
AWKWARD = [
    "acme/orders/orders_with space.csv",
    "acme/orders/orders_a+b.csv",
    "acme/orders/orders_100%25 sure.csv",
    "acme/orders/orders_été_日本.csv",
    "acme/orders/orders_quote's&more;=@!.csv",
    "acme/orders/orders_" + "x" * 900 + ".csv",
]
HEADER = "order_no;order_date;customer_email;amount_eur;status;qty"


def sample(path: str) -> bytes:
    """One of the project's samples."""
    return (ROOT / "samples" / path).read_bytes()


def orders(first: int, count: int, wrong: int = 0) -> bytes:
    """Orders numbered from `first`; the last `wrong` of them have a status that does not exist."""
    statuses = ["Pending"] * (count - wrong) + ["Eaten"] * wrong
    rows = [f"ORD-{first + n};03/11/2026;a@example.com;64,10;{status};2" for n, status in enumerate(statuses)]
    return "\n".join([HEADER, *rows, ""]).encode("latin-1")


def events(count: int) -> bytes:
    """Web events, one item each: appended, so that a second load of them would be seen."""
    rows = [
        {"event_id": str(uuid.uuid5(uuid.NAMESPACE_URL, str(n))), "ts": "2026-11-20T00:51:32Z", "user": {"id": n},
         "items": [{"sku": "SKU-1", "price": "1.50"}], "props": {}}
        for n in range(count)
    ]  # fmt: skip
    return gzip.compress("\n".join(map(json.dumps, rows)).encode(), mtime=0)


def corrupt(content: bytes) -> bytes:
    """As an upload that broke off: the second half is missing."""
    return content[: len(content) // 2]
