"""How many rejects a load may have and still publish."""

from __future__ import annotations

from pipeline.errors import RefusedError
from pipeline.load.publishing import Publishing


def check(work: Publishing) -> None:
    """Raise RefusedError if the rejects so far are over the contract's budget."""
    budget, rejected, read = work.dataset.load.budget, work.counts["rejected"], work.request.read
    share = 100 * rejected / read if read else 0
    over = share > budget.maximum if budget.unit == "percent" else rejected > budget.maximum
    if over:
        allowed = f"{budget.maximum:g} {'percent' if budget.unit == 'percent' else 'rows'}"
        raise RefusedError(
            f"{rejected:,} of {read:,} rows were rejected ({share:.2f} percent), more than the contract "
            f"allows ({allowed}). "
            f"Nothing was published; the rejects are kept: landfall rejects {work.request.load_id}"
        )
