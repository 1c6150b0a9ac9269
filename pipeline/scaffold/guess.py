"""What is guessed of a column."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Guess:
    """A property's type, in the contract's words. `said`: the evidence. `notes`: what a person should look at.

    `transform`: Spark SQL for transformLogic, None to take the source column as it is. `items`: logicalType and
    physicalType of an array's items. `sides`: key and value of a map. `personal`: the values look like personal data
    and are not shown.
    """

    logical: str
    said: str
    physical: str | None = None
    options: Mapping[str, object] = field(default_factory=dict)
    items: Mapping[str, object] | None = None
    sides: Mapping[str, object] | None = None
    transform: str | None = None
    notes: tuple[str, ...] = ()
    personal: bool = False

    @property
    def is_text(self) -> bool:
        """Whether nothing more than text could be made of it."""
        return self.logical == "string" and not self.options
