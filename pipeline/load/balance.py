"""The receipt's arithmetic: every row read is accounted for, or nothing is published."""

from __future__ import annotations

from collections.abc import Mapping

from pipeline.errors import BalanceError
from pipeline.load.ledger import COUNTS
from pipeline.load.publishing import Publishing

# Every row read is exactly one of these; rows deleted from the target were in no file.
FATES = ("inserted", "updated", "unchanged", "duplicate", "filtered", "rejected")


def receipt_rows(work: Publishing) -> dict[str, int]:
    """The counts of the receipt; those that the load did not come to are 0."""
    facts = {"read": work.request.read, "filtered": work.request.filtered}
    return {name: facts[name] if name in facts else work.counts.get(name, 0) for name in COUNTS}


def balance(rows: Mapping[str, int]) -> None:
    """Raise BalanceError unless read is the sum of the fates, each but `filtered` counted by the database."""
    accounted = sum(rows[fate] for fate in FATES)
    if accounted != rows["read"]:
        sums = " + ".join(f"{rows[fate]} {fate}" for fate in FATES)
        raise BalanceError(
            f"{rows['read']} rows were read but {accounted} are accounted for ({sums}). Nothing was published; "
            "please report this as a bug"
        )
