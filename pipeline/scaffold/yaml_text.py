"""Values as YAML text that every YAML reader takes the same way, 1.1 and 1.2 alike; comments on one line."""

from __future__ import annotations

import json
import re
import textwrap
from collections.abc import Mapping

_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_./()-]*(?: [A-Za-z0-9_./()-]+)*\Z")
_WORDS = frozenset({"y", "n", "yes", "no", "on", "off", "true", "false", "null", "none", "nan", "inf"})
_WIDTH = 118


def scalar(value: object) -> str:
    """One value: numbers and booleans as they are, text in quotes unless it can only be text."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if not isinstance(value, str):
        return str(value)
    if _PLAIN.match(value) and value.lower() not in _WORDS:
        return value
    return json.dumps(value, ensure_ascii=not value.isprintable())


def flow(value: object) -> str:
    """A value on one line: mappings as `{key: value}`, lists as `[item]`."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key}: {flow(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(flow(item) for item in value) + "]"
    return scalar(value)


def comment(text: str, indent: int) -> list[str]:
    """The text as comment lines, wrapped, indented by so many blanks."""
    safe = "".join(letter if letter.isprintable() else repr(letter)[1:-1] for letter in text)
    return textwrap.wrap(
        safe, _WIDTH, initial_indent=" " * indent + "# ", subsequent_indent=" " * indent + "#   ",
        break_long_words=False, break_on_hyphens=False,
    )  # fmt: skip
