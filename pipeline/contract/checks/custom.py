"""Custom properties: Landfall's own at their place, spelled right, once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from pipeline.contract.checks.facts import Facts
from pipeline.contract.model.contract import SourceServer
from pipeline.contract.model.custom import OURS, PlainProperty
from pipeline.contract.parts import TABLE
from pipeline.contract.problem import Finding, Location, nearest


def check(facts: Facts) -> Iterator[Finding]:
    """The findings of all customProperties."""
    contract = facts.contract
    yield from _list(contract.custom_properties, ("customProperties",), "")
    for index, server in enumerate(contract.servers):
        place = "the source server" if isinstance(server, SourceServer) else ""
        properties = getattr(server, "custom_properties", None)
        yield from _list(properties, ("servers", index, "customProperties"), place)
    yield from _list(contract.table.custom_properties, (*TABLE, "customProperties"), "the schema object")
    for index, column in enumerate(contract.table.properties):
        yield from _list(column.custom_properties, (*TABLE, "properties", index, "customProperties"), "")


def _list(items: Iterable[PlainProperty] | None, at: Location, place: str) -> Iterator[Finding]:
    """`place`: the words for where this list is, as in OURS."""
    seen: set[str] = set()
    for index, item in enumerate(items or []):
        name, where = item.property, (*at, index, "property")
        if name in seen and name in OURS:
            yield Finding(where, f"{name} is there twice", "merge them")
        seen.add(name)
        if name in OURS and OURS[name] != place:
            yield Finding(where, f"{name} has no effect here", f"it belongs to the customProperties of {OURS[name]}")
        meant = nearest(name, [word for word, home in OURS.items() if home == place])
        if name not in OURS and meant and item.vendor is None:
            hint = f"did you mean {meant}? (Another tool's property says its vendor)"
            yield Finding(where, f"unknown custom property {name}", hint)
