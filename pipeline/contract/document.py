"""A contract's YAML text as plain values, each of which knows its line and column.

Strict where YAML is lax: a duplicate key, a tag, a merge key or a second document is a mistake. Bounded in size, depth
and in the number of values that aliases expand to, so that a hostile file costs nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import yaml

from pipeline.contract.problem import Finding, Location, Problem, one_line
from pipeline.contract.scalars import Scalar, UnsetVariable, has_reference, resolve_plain, substitute

MAXIMUM_CHARACTERS = 1_000_000
MAXIMUM_DEPTH = 40
MAXIMUM_VALUES = 100_000

Value = Scalar | list["Value"] | dict[str, "Value"]


class _TooMuch(Exception):  # noqa: N818 - names the situation
    """The document is deeper or larger than a contract can be."""

    def __init__(self, message: str, at: tuple[int, int]) -> None:
        super().__init__(message)
        self.at = at


@dataclass(frozen=True)
class Spot:
    """Where a key and its value start (line and column from 0), and the value's text as written (scalars only)."""

    key: tuple[int, int]
    value: tuple[int, int]
    text: str | None = None


@dataclass
class Document:
    """A parsed contract. `data` is None if the text is no YAML; `problems` are the mistakes of form found so far."""

    path: str
    text: str
    data: Value = None
    spots: dict[Location, Spot] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    def written(self, location: Location) -> str | None:
        """The scalar at a location as the file writes it, references unresolved; None for a list or mapping."""
        spot = self.spots.get(location)
        return spot.text if spot else None

    def place(self, finding: Finding) -> Problem:
        """The finding as a problem with file, line and column: those of the nearest value that exists."""
        location = finding.location
        while location and location not in self.spots:
            location = location[:-1]
        spot = self.spots.get(location, Spot((0, 0), (0, 0)))
        line, column = spot.key if finding.at_key and location == finding.location else self._inside(spot, finding)
        suggestion = one_line(finding.suggestion) if finding.suggestion else None
        return Problem(self.path, line + 1, column + 1, one_line(finding.message), suggestion)

    def _inside(self, spot: Spot, finding: Finding) -> tuple[int, int]:
        """The place `offset` characters into a value, where the file has it on one line without escapes."""
        line, column = spot.value
        lines = self.text.split("\n")
        if not finding.offset or not spot.text or line >= len(lines):
            return line, column
        start = lines[line].find(spot.text, column, column + len(spot.text) + 1)
        return (line, start + finding.offset) if start >= 0 else (line, column)


def parse(text: str, path: str, environment: Mapping[str, str]) -> Document:
    """Parse a contract's text; `environment` resolves `${NAME:-default}`. Mistakes go to `problems`; none raises."""
    document = Document(path, text)
    if len(text) > MAXIMUM_CHARACTERS:
        _add(document, 0, 0, f"the file has {len(text):,} characters, a contract has at most {MAXIMUM_CHARACTERS:,}")
        return document
    try:
        _build(document, text.removeprefix("\ufeff"), environment)
    except _TooMuch as error:
        _add(document, *error.at, str(error))
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        said = " ".join(filter(None, (error.context, error.problem)))
        _add(document, mark.line if mark else 0, mark.column if mark else 0, f"not valid YAML: {said}")
    except yaml.reader.ReaderError as error:
        _add(document, *_place_of(text, error.position), "not valid YAML: a character that YAML does not allow")
    return document


def _build(document: Document, text: str, environment: Mapping[str, str]) -> None:
    loader = _Loader(text, document)
    nodes: list[yaml.Node] = []
    while loader.check_node():
        nodes += filter(None, [loader.get_node()])
    if len(nodes) > 1:
        _add(document, *_start(nodes[1]), "a second document in the file", "one contract per file: remove the ---")
    if nodes:
        document.data = _Builder(document, environment).value(nodes[0], (), None)


class _Loader(yaml.SafeLoader):
    """Composes nodes without YAML 1.1's resolvers: every scalar stays text until `resolve_plain` reads it.

    Composing recurses, so the depth is watched on the stream of events that feeds it; only there are tags visible.
    """

    def __init__(self, text: str, document: Document) -> None:
        super().__init__(text)
        self._document = document
        self._depth = 0

    def get_event(self) -> yaml.Event:
        event: yaml.Event = super().get_event()  # type: ignore[no-untyped-call]
        if getattr(event, "tag", None):
            hint = 'remove the tag; put text in "quotes"'
            _add(self._document, *_start(event), "a tag (!...) is not allowed in a contract", hint)
        if isinstance(event, yaml.CollectionStartEvent):
            self._depth += 1
            if self._depth > MAXIMUM_DEPTH:
                raise _TooMuch(f"nested deeper than {MAXIMUM_DEPTH} levels", _start(event))
        elif isinstance(event, yaml.CollectionEndEvent):
            self._depth -= 1
        return event


_Loader.yaml_implicit_resolvers = {}


class _Builder:
    """Turns YAML nodes into plain values and notes where each of them was."""

    def __init__(self, document: Document, environment: Mapping[str, str]) -> None:
        self.document = document
        self.environment = environment
        self.values = 0

    def value(self, node: yaml.Node, location: Location, key: yaml.Node | None) -> Value:
        """The plain value of a node; its place is noted under `location`."""
        self.values += 1
        if self.values > MAXIMUM_VALUES or len(location) > MAXIMUM_DEPTH:
            raise _TooMuch(f"aliases expand to more than {MAXIMUM_VALUES:,} values or to themselves", _start(node))
        text = node.value if isinstance(node, yaml.ScalarNode) else None
        self.document.spots[location] = Spot(_start(key or node), _start(node), text)
        if isinstance(node, yaml.MappingNode):
            return {name: self.value(child, (*location, name), at) for name, at, child in self._entries(node)}
        if isinstance(node, yaml.SequenceNode):
            return [self.value(child, (*location, index), None) for index, child in enumerate(node.value)]
        return self._scalar(node) if isinstance(node, yaml.ScalarNode) else None

    def _entries(self, node: yaml.MappingNode) -> Iterator[tuple[str, yaml.Node, yaml.Node]]:
        seen: dict[str, yaml.Node] = {}
        for key, child in node.value:
            if not isinstance(key, yaml.ScalarNode):
                self._complain(key, "a key that is a list or a mapping", "a key is one word of text")
            elif key.value == "<<" and key.style is None:
                self._complain(key, "merge keys (<<) are not part of YAML 1.2", "write the keys out")
            elif key.value in seen:
                first = _start(seen[key.value])[0] + 1
                self._complain(key, f"the key {key.value} is there twice (first on line {first})", "remove one of them")
            else:
                seen[key.value] = key
                yield key.value, key, child

    def _scalar(self, node: yaml.ScalarNode) -> Scalar:
        text = self._substituted(node)
        return resolve_plain(text) if node.style is None else text

    def _substituted(self, node: yaml.ScalarNode) -> str:
        text: str = node.value
        if not has_reference(text):
            return text
        try:
            return substitute(text, self.environment)
        except UnsetVariable as error:
            hint = f"set it, or write ${{{error.name}:-default}}"
            if error.name in ("object", "property"):
                hint = f"in a query write {{{error.name}}} without the dollar sign"
            self._complain(node, f"the environment variable {error.name} is not set", hint)
            return text

    def _complain(self, node: yaml.Node, message: str, suggestion: str) -> None:
        _add(self.document, *_start(node), message, suggestion)


def _start(node: yaml.Node | yaml.Event) -> tuple[int, int]:
    mark = node.start_mark
    return (mark.line, mark.column) if mark else (0, 0)


def _add(document: Document, line: int, column: int, message: str, suggestion: str | None = None) -> None:
    document.problems.append(Problem(document.path, line + 1, column + 1, message, suggestion))


def _place_of(text: str, index: int) -> tuple[int, int]:
    before = text[:index]
    return before.count("\n"), index - (before.rfind("\n") + 1)
