"""A contract without its mistakes of structure, so that the rest can still be checked in the same run."""

from __future__ import annotations

from dataclasses import dataclass, field

from pydantic import ValidationError

from pipeline.contract.checks.structure import where
from pipeline.contract.document import Value
from pipeline.contract.model import Contract
from pipeline.contract.problem import Location

_ROUNDS = 5
# A mistake in one of these must not hide the others.
_STAND_INS: dict[str, Value] = {"apiVersion": "v3.2.0", "kind": "DataContract", "id": "unknown", "version": "0"}


@dataclass
class Pruned:
    """`contract`: what is left, or None if too little is. `original` maps its locations back to those of the file."""

    contract: Contract | None
    dropped: frozenset[Location] = frozenset()
    indexes: dict[Location, list[int]] = field(default_factory=dict)

    def original(self, location: Location) -> Location:
        """A location in the pruned contract as a location in the file: dropped list items are counted again."""
        found: Location = ()
        for step in location:
            kept = self.indexes.get(found)
            found = (*found, kept[step] if kept is not None and isinstance(step, int) and step < len(kept) else step)
        return found


def prune(data: Value) -> Pruned:
    """Drop what pydantic refuses, a few times over, until the rest is a contract."""
    dropped: set[Location] = set()
    for _ in range(_ROUNDS):
        indexes: dict[Location, list[int]] = {}
        rest = _without(data, dropped, (), indexes)
        rest = {**_STAND_INS, **rest} if isinstance(rest, dict) else rest
        pruned = Pruned(None, frozenset(dropped), indexes)
        try:
            pruned.contract = Contract.model_validate(rest)
        except ValidationError as error:
            culprits = {_culprit(detail["type"], where(detail)) for detail in error.errors()}
            if () in culprits:
                return pruned
            dropped |= {pruned.original(culprit) for culprit in culprits}
        else:
            return pruned
    return Pruned(None, frozenset(dropped))


def _culprit(kind: str, location: Location) -> Location:
    """What to drop: the value itself, or the mapping that lacks a key."""
    return location[:-1] if kind == "missing" else location


def _without(data: Value, dropped: set[Location], at: Location, indexes: dict[Location, list[int]]) -> Value:
    if isinstance(data, dict):
        return {
            key: _without(value, dropped, (*at, key), indexes)
            for key, value in data.items()
            if (*at, key) not in dropped
        }
    if isinstance(data, list):
        kept = [index for index in range(len(data)) if (*at, index) not in dropped]
        indexes[at] = kept
        return [_without(data[index], dropped, (*at, index), indexes) for index in kept]
    return data
