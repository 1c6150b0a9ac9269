"""What publish is asked and what it answers: the types that the job hands over and gets back."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Protocol
from uuid import UUID

from pipeline.contract.dataset import Dataset
from pipeline.errors import DestinationError, RefusedError

if TYPE_CHECKING:
    from psycopg2.extensions import connection

RowCounts = dict[str, int]


class Confirmed(Protocol):
    """What one partition's writer reported when it committed: its attempt number and its counts of rows."""

    @property
    def attempt(self) -> int: ...
    @property
    def staged(self) -> int: ...
    @property
    def rejected(self) -> int: ...
    @property
    def filtered(self) -> int: ...


class RawReject(Protocol):
    """A record that extract could not read: its line, its bytes as sent, and the one reason."""

    @property
    def line(self) -> int: ...
    @property
    def raw(self) -> bytes: ...
    @property
    def column(self) -> str | None: ...
    @property
    def rule(self) -> str: ...
    @property
    def message(self) -> str: ...


def _no_records(lines: Iterator[int]) -> Iterator[tuple[int, bytes]]:
    return iter(())


@dataclass(frozen=True)
class Replay:
    """A load of another load's rejects. `uri`: what the ledger calls it; `records`: (line, ordinal, line now) each,
    where a reject was in the object and where it is in the file that is loaded now."""

    load_id: UUID
    uri: str
    records: tuple[tuple[int, int, int], ...]


@dataclass(frozen=True)
class PublishRequest:
    """One load, staged and ready to publish.

    `uri`: the source object. `read`: its records, structural rejects included, after `explode`. `added`: source columns
    beyond the contract that `newColumns: add` brings along; the staging table has them as text. `confirmations`: the
    partitions that count; staged rows of any other attempt are dropped. `structural_rejects`: yields the records that
    never became rows. `raw_records`: yields (line, bytes as sent) for ascending line numbers. `reconnect`: a new
    connection, for when COMMIT is not acknowledged. `receipt`: facts of the job to keep with the counts. `lock_wait`:
    seconds to wait for another load or writer of the same table. `replay`: which rejects this load reads again.
    """

    load_id: UUID
    dataset: Dataset
    uri: str
    reconnect: Callable[[], connection]
    read: int = 0
    confirmations: tuple[Confirmed, ...] = ()
    structural_rejects: Callable[[], Iterator[RawReject]] = lambda: iter(())
    raw_records: Callable[[Iterator[int]], Iterator[tuple[int, bytes]]] = _no_records
    added: tuple[str, ...] = ()
    receipt: Mapping[str, object] = field(default_factory=dict)
    lock_wait: float = 600.0
    replay: Replay | None = None

    @property
    def filtered(self) -> int:
        """Rows that `where` dropped before they reached the database."""
        return sum(confirmation.filtered for confirmation in self.confirmations)

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that a load writes: the contract's, then the added ones that the dataset does not list yet."""
        known = tuple(column.name for column in self.dataset.columns)
        return known + tuple(name for name in self.added if name not in known)


@dataclass(frozen=True)
class RuleResult:
    """One dataset rule, checked. `value`: the number measured, None when there was nothing to measure."""

    name: str
    metric: str
    severity: str
    passed: bool
    value: float | None
    expected: str


@dataclass(frozen=True)
class Published:
    """What a load did to its target. `rows` balances: read = inserted + updated + unchanged + duplicate + filtered +
    rejected."""

    status: str
    rows: RowCounts
    rejects_by_rule: dict[str, int] = field(default_factory=dict)
    rule_results: tuple[RuleResult, ...] = ()
    ddl: tuple[str, ...] = ()

    def facts(self) -> dict[str, object]:
        """The same as plain values, for the receipt."""
        return asdict(self)


class PublishRefusedError(RefusedError):
    """The contract said no while publishing. The rejects and the ledger row `refused` are already committed."""

    def __init__(self, message: str, published: Published) -> None:
        super().__init__(message)
        self.published = published


class PublishFailedError(DestinationError):
    """The target did not take the rows. The rejects and the ledger row `failed` are already committed."""

    def __init__(self, message: str, published: Published) -> None:
        super().__init__(message)
        self.published = published
