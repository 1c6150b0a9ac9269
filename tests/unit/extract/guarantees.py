"""Figures of the strict reader against the polluted corpus, for the test and for docs/guarantees.md."""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from tests.figures import record
from tests.unit.extract.pollution import HEADER, Polluted, hard_record_pollutions, polluted_files
from tests.unit.extract.reading import dataset, read_bytes


@dataclass
class Figures:
    """Counts over all files. `foreign`: loaded records that are in no clean file. `lost`: good records not loaded,
    beyond one for each damaged record. `unaccounted`: files whose loaded and rejected do not add up to their records.
    """

    files: int = 0
    records: int = 0
    loaded: int = 0
    rejected: int = 0
    damaged: int = 0
    undamaged: int = 0
    foreign: list[str] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    unaccounted: list[str] = field(default_factory=list)

    @property
    def precision(self) -> float:
        """Share of the loaded records that are records of the clean file."""
        return 1 - len(self.foreign) / self.loaded

    @property
    def recall(self) -> float:
        """Share of the undamaged records that were loaded."""
        return 1 - len(self.lost) / self.undamaged


def measure(corpus: Iterable[Polluted]) -> Figures:
    """Read a corpus."""
    figures = Figures()
    with tempfile.TemporaryDirectory() as directory:
        for polluted in corpus:
            _add(figures, polluted, Path(directory))
    return figures


def keep(case: str, found: Figures) -> None:
    """Record the figures of one corpus for docs/guarantees.md."""
    record(
        "Polluted files",
        case,
        files=found.files,
        records=found.records,
        loaded=found.loaded,
        rejected=found.rejected,
        damaged=found.damaged,
        foreign=len(found.foreign),
        lost=len(found.lost),
        unaccounted=len(found.unaccounted),
        precision=round(found.precision, 6),
        recall=round(found.recall, 6),
    )


def _add(figures: Figures, polluted: Polluted, directory: Path) -> None:
    options = {name: getattr(polluted.read, name) for name in polluted.read.__dataclass_fields__}
    outcome = read_bytes(directory, polluted.content, dataset(HEADER, **options))
    loaded, clean = Counter(outcome.rows), Counter(polluted.rows)
    figures.files += 1
    figures.records += polluted.records
    figures.loaded += len(outcome.rows)
    figures.rejected += len(outcome.rejects)
    figures.damaged += polluted.hurt
    figures.undamaged += polluted.records - polluted.hurt
    figures.foreign += [polluted.name] * (loaded - clean).total()
    lost = (clean - loaded).total() - min(polluted.hurt, len(polluted.rows))
    figures.lost += [polluted.name] * max(lost, 0)
    if len(outcome.rows) + len(outcome.rejects) != polluted.records:
        figures.unaccounted.append(polluted.name)


if __name__ == "__main__":
    for found in (measure(polluted_files()), measure(hard_record_pollutions())):
        print(f"files {found.files:,}  records {found.records:,}  loaded {found.loaded:,}  rejected {found.rejected:,}")
        print(f"damaged {found.damaged:,}  precision {found.precision:.6f}  recall {found.recall:.6f}")
        print(f"foreign {found.foreign}  lost {found.lost}  unaccounted {len(found.unaccounted)}")
