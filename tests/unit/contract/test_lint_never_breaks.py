"""Whatever the text, `check` answers with problems, and what it calls valid compiles."""

from __future__ import annotations

from typing import Any

import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline.contract.lint import check, load
from tests.unit.contract.contracts import DATA, VALID

TEXTS = [VALID, *(path.read_text(encoding="utf-8") for path in sorted(DATA.glob("*.yaml")))]
TREES = [yaml.safe_load(text) for text in TEXTS]
ODD: list[Any] = [
    None,
    "",
    "x",
    -1,
    0,
    1.5,
    True,
    [],
    {},
    [None],
    [[]],
    {"a": None},
    "${X}",
    "${X:-1}",
    "a" * 100,
    "\x00",
    "é\n",
]
FEW = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def agree(text: str) -> None:
    problems = check(text, "c.yaml", {})
    for problem in problems:
        assert problem.line >= 1
        assert problem.column >= 1
        assert "\n" not in str(problem)
    if not problems:
        assert load(text, "c.yaml", {}).columns


@FEW
@given(st.sampled_from(TEXTS), st.data())
def test_any_passage_replaced(text: str, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, min(len(text), start + 40)))
    agree(text[:start] + data.draw(st.text(max_size=20)) + text[end:])


@FEW
@given(st.sampled_from(range(len(TREES))), st.data())
def test_any_value_replaced(which: int, data: st.DataObject) -> None:
    """A value of another kind at any place, or none at all."""
    tree = yaml.safe_load(TEXTS[which])
    node: Any = tree
    while True:
        keys = list(node) if isinstance(node, dict) else list(range(len(node)))
        key = data.draw(st.sampled_from(keys))
        if isinstance(node[key], dict | list) and node[key] and data.draw(st.booleans()):
            node = node[key]
            continue
        node[key] = data.draw(st.sampled_from(ODD))
        break
    agree(yaml.safe_dump(tree, allow_unicode=True))


@FEW
@given(st.text(max_size=200))
def test_any_text(text: str) -> None:
    agree(text)
